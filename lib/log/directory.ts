import { join } from 'node:path'
import { type Ballast, isDiskFull } from './ballast.js'
import { asWaqError, type WaqError } from './errors.js'
import type { Fence } from './fence.js'
import type { FileSystem } from './file-system.js'
import { SyncMeter } from './sync-meter.js'

/** What every part of an opened directory shares: where it is, whose it is, and what to do when something fails. */
export interface DirectoryParts {
  readonly root: string
  readonly fileSystem: FileSystem
  readonly now: () => number
  readonly epoch: number
  readonly fence: Fence
  readonly ballast: Ballast
}

export class Directory implements DirectoryParts {
  readonly root: string
  readonly fileSystem: FileSystem
  readonly now: () => number
  readonly epoch: number
  readonly fence: Fence
  readonly ballast: Ballast
  readonly syncMeter = new SyncMeter()
  readonly #errorListeners: ((error: WaqError) => void)[] = []
  #ordinal = 0

  constructor(parts: DirectoryParts) {
    this.root = parts.root
    this.fileSystem = parts.fileSystem
    this.now = parts.now
    this.epoch = parts.epoch
    this.fence = parts.fence
    this.ballast = parts.ballast
  }

  path(...names: string[]): string {
    return join(this.root, ...names)
  }

  /** One counter for all files of an epoch: no name is ever given twice (invariant 1). */
  nextOrdinal(): number {
    this.#ordinal += 1
    return this.#ordinal
  }

  /** Runs a step that must not fail for want of space: on a full disk the ballast makes room, and it is tried again. */
  async withRoom<T>(step: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await step()
      } catch (error) {
        // Where even that fails, the step's own failure is the one to tell.
        if (!isDiskFull(error) || !(await this.ballast.shrink().catch(() => false))) throw error
      }
    }
  }

  /** A failure that no caller waits for, or that a caller may not pass on: it becomes an `error` event. */
  reportError(error: unknown, what = 'background work failed'): void {
    const typed = asWaqError(error, what)
    for (const listener of this.#errorListeners) listener(typed)
  }

  onError(listener: (error: WaqError) => void): void {
    this.#errorListeners.push(listener)
  }
}
