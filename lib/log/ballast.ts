import { asWaqError, systemCode, WaqError } from './errors.js'
import type { FileSystem } from './file-system.js'
import { writeFully } from './write.js'

/** What the longest step that must not fail needs: a copied tail, outcomes of what is under way, a manifest or two. */
export const BALLAST_BYTES = 4 * 1024 * 1024
const STEP_BYTES = 1024 * 1024
/** How long an owner waits before it tries to fill the ballast up again. */
const RESTORE_PACE_MS = 250

export function isDiskFull(error: unknown): boolean {
  const code = systemCode(error)
  if (code === 'WAQ_DISK_FULL' || code === 'ENOSPC' || code === 'EDQUOT') return true
  return error instanceof Error && error.cause !== undefined && isDiskFull(error.cause)
}

/**
 * Invariant 14: space in reserve. On a full disk the ballast is shrunk so that outcomes can be recorded, space
 * reclaimed and the directory opened; while it is short nothing new is taken in. On a file system that copies on
 * write it reserves little.
 */
export class Ballast {
  readonly #fileSystem: FileSystem
  readonly #path: string
  readonly #now: () => number
  #bytes = 0
  #nextTryAt = 0
  #restoring: Promise<boolean> | undefined

  constructor(fileSystem: FileSystem, path: string, now: () => number) {
    this.#fileSystem = fileSystem
    this.#path = path
    this.#now = now
  }

  get short(): boolean {
    return this.#bytes < BALLAST_BYTES
  }

  get bytes(): number {
    return this.#bytes
  }

  /** At opening: finds out what is there, and fills it up where the disk allows. */
  async load(): Promise<void> {
    const stat = await this.#fileSystem.stat(this.#path)
    this.#bytes = stat?.kind === 'file' ? Math.min(stat.size, BALLAST_BYTES) : 0
    await this.restore()
  }

  /** Gives one step back to the disk. False: nothing is left to give. */
  async shrink(): Promise<boolean> {
    const stat = await this.#fileSystem.stat(this.#path)
    if (stat === undefined || stat.kind !== 'file' || stat.size === 0) return false
    const file = await this.#fileSystem.open(this.#path, 'read-write')
    try {
      const left = Math.max(0, stat.size - STEP_BYTES)
      await file.truncate(left)
      this.#bytes = Math.min(this.#bytes, left)
      // Some file systems free the blocks only when the truncation is committed.
      await file.sync()
    } finally {
      await file.close()
    }
    this.#nextTryAt = this.#now() + RESTORE_PACE_MS
    return true
  }

  /** Fills the ballast up where it is short; paced, so that it may be called before every append. True: it is whole. */
  restore(): Promise<boolean> {
    if (!this.short) return Promise.resolve(true)
    if (this.#restoring === undefined) {
      const now = this.#now()
      // A wall clock set back must not keep the queue full for as long: no wait is longer than the pace.
      if (now < this.#nextTryAt && this.#nextTryAt - now <= RESTORE_PACE_MS) return Promise.resolve(false)
      this.#nextTryAt = now + RESTORE_PACE_MS
      this.#restoring = this.#fill().finally(() => {
        this.#restoring = undefined
      })
    }
    return this.#restoring
  }

  async #fill(): Promise<boolean> {
    try {
      const stat = await this.#fileSystem.stat(this.#path)
      const file =
        stat === undefined
          ? await this.#fileSystem.create(this.#path)
          : await this.#fileSystem.open(this.#path, 'read-write')
      try {
        const size = await file.size()
        await writeFully(
          file,
          Buffer.alloc(BALLAST_BYTES - Math.min(size, BALLAST_BYTES)),
          Math.min(size, BALLAST_BYTES),
        )
        await file.sync()
      } catch (error) {
        // Half a ballast would take the last blocks from those who need them.
        await file.truncate(this.#bytes).catch(() => {})
        throw error
      } finally {
        await file.close()
      }
    } catch (error) {
      if (isDiskFull(error)) return false
      throw asWaqError(error, `restoring ${this.#path} failed`)
    }
    this.#bytes = BALLAST_BYTES
    return true
  }
}

export function diskFullError(directory: string, cause?: unknown): WaqError {
  return new WaqError(
    'WAQ_DISK_FULL',
    `no space for new messages under ${directory}; free some: the queue goes on by itself`,
    cause === undefined ? {} : { cause },
  )
}
