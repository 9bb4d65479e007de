import fs from 'node:fs'
import { monotonicNow } from '../runtime/real-time.js'

// A lock is stale when it has not changed for `staleMs` of the observer's monotonic time under watch. Neither
// its mtime nor any wall clock counts: a lock from the future turns stale like any other, and setting a clock
// makes none stale. Hence no opener can tell at the first look.

/**
 * A mark that changes with every sign of life, and with every other lock of that name; undefined if there is
 * no lock. It includes the kernel's ctime, so a sign of life that sets the same mtime again changes it too.
 */
export function markOf(path: string): string | undefined {
  const found = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return found && `${found.dev}:${found.ino}:${found.mtimeNs}:${found.ctimeNs}`
}

/** What this process has seen of a lock that another holds. */
export class Watch {
  #mark: string
  #lookedAt = monotonicNow()
  #unchangedMs = 0
  #changes = 0

  constructor(mark: string) {
    this.#mark = mark
  }

  /** How many changes were seen. */
  get changes(): number {
    return this.#changes
  }

  /**
   * Looks again: true if the lock has not changed for `staleMs`. Between two looks at most a quarter of that
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

/** By path. Watches outlive a refused opening, so repeated short attempts add up. */
const watches = new Map<string, Watch>()

/** The watch of the lock at `path`: the one under way, or a new one that starts with `mark`. */
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
