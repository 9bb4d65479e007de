import fs from 'node:fs'
import { monotonicNow } from '../runtime/real-time.js'

// Stale is what has not changed for `staleMs` of the observer's own monotonic time while the observer looked.
// What a lock's time of change says, and what any wall clock says, decides nothing: a lock from the future
// grows stale like every other one, and a clock that is set makes none stale. Hence no opener can tell at the
// first look.

/**
 * What changes with every sign of life of a lock, and with every other lock of that name; undefined where
 * there is none. The time of change is the kernel's, so a sign of life that sets the same time again changes
 * the mark, too.
 */
export function markOf(path: string): string | undefined {
  const found = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return found && `${found.dev}:${found.ino}:${found.mtimeNs}:${found.ctimeNs}`
}

/** What this process has seen of a lock that another one holds. */
export class Watch {
  #mark: string
  #lookedAt = monotonicNow()
  #unchangedMs = 0
  #changes = 0

  constructor(mark: string) {
    this.#mark = mark
  }

  /** How often it was seen to have changed. */
  get changes(): number {
    return this.#changes
  }

  /**
   * Looks again: whether the lock has not changed for `staleMs`. Between two looks at most a quarter of that
   * counts: this process may have been stopped meanwhile, and the lock's owner with it.
   */
  isStale(mark: string, staleMs: number): boolean {
    const now = monotonicNow()
    if (mark === this.#mark) {
      this.#unchangedMs += Math.min(now - this.#lookedAt, staleMs / 4)
    } else {
      this.#mark = mark
      this.#unchangedMs = 0
      this.#changes++
    }
    this.#lookedAt = now
    return this.#unchangedMs >= staleMs
  }
}

/**
 * By path. They outlive an opening that is refused, so that one which tries again and again learns as well.
 */
const watches = new Map<string, Watch>()

/** The watch of a lock that was seen with `mark`: a new one, or the one that is under way. */
export function watchOf(path: string, mark: string): Watch {
  const known = watches.get(path)
  if (known !== undefined) return known
  const watch = new Watch(mark)
  watches.set(path, watch)
  return watch
}

export function endWatch(path: string): void {
  watches.delete(path)
}
