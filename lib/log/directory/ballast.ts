import { join } from 'node:path'
import { isDiskFull, remedyOf } from '../errors/system-error.js'
import { asWaqError, WaqError } from '../errors/waq-error.js'
import { ballastName, isBallastName } from '../format/names.js'
import type { FileHandle, FileSystem } from '../fs/file-system.js'
import { writeFully, ZEROS } from '../fs/write.js'

/**
 * Enough for the longest step that must not fail: a copied tail, the outcomes of attempts under way, a
 * manifest or two.
 */
export const BALLAST_BYTES = 4 * 1024 * 1024
const STEP_BYTES = 1024 * 1024
const ZERO = Buffer.alloc(1)
/** How long an owner waits before it tries to refill the ballast. */
const RESTORE_PACE_MS = 250

/**
 * Invariant 14: space in reserve. On a full disk the ballast is shrunk so that outcomes can be recorded,
 * space reclaimed and the directory opened; while it is short nothing new is taken in. On a file system that
 * copies on write it reserves little.
 *
 * It outlives its maker: the next life uses the one it finds. An owner holds it open and changes only that
 * open file, whatever has taken the directory's place by then.
 */
export class Ballast {
  readonly #fileSystem: FileSystem
  readonly #root: string
  readonly #now: () => number
  /** Part of the name of a new ballast, if none exists; undefined until the directory is claimed. */
  #token: string | undefined
  #name: string | undefined
  #file: FileHandle | undefined
  #bytes = 0
  #nextTryAt = 0
  #restoring: Promise<boolean> | undefined
  #shortFor: unknown

  constructor(fileSystem: FileSystem, root: string, now: () => number) {
    this.#fileSystem = fileSystem
    this.#root = root
    this.#now = now
  }

  get short(): boolean {
    return this.#bytes < BALLAST_BYTES
  }

  /** The system's error for which the ballast was shrunk or could not be refilled; undefined: not known. */
  get shortFor(): unknown {
    return this.#shortFor
  }

  /** Name of the file in use. */
  get name(): string | undefined {
    return this.#name
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * Called at opening, under the claim of the life with this token: finds the ballast, and fills it up if the
   * disk allows.
   */
  async load(token: string): Promise<void> {
    this.#token = token
    this.#file = await this.#find()
    this.#bytes = Math.min((await this.#file?.size()) ?? 0, BALLAST_BYTES)
    await this.restore()
  }

  /** Writes and syncs a meaningless byte of it, on the event loop; undefined if that is not possible. */
  get probe(): (() => void) | undefined {
    const file = this.#file
    if (file?.syncNow === undefined || this.#bytes === 0) return undefined
    return () => {
      file.writeSync(ZERO, 0, 1, 0)
      file.syncNow!()
    }
  }

  /** Gives one step back to the disk; `cause`: the failure that needs it. False: nothing is left to give. */
  async shrink(cause?: unknown): Promise<boolean> {
    const file = this.#file ?? (await this.#find())
    if (file === undefined) return false
    try {
      const size = await file.size()
      if (size === 0) return false
      const left = Math.max(0, size - STEP_BYTES)
      await file.truncate(left)
      this.#bytes = Math.min(this.#bytes, left)
      this.#shortFor = cause
      // Some file systems free the blocks only when the truncation is committed.
      await file.sync()
    } finally {
      if (file !== this.#file) await file.close()
    }
    this.#nextTryAt = this.#now() + RESTORE_PACE_MS
    return true
  }

  /** Call after the last use. */
  async close(): Promise<void> {
    await this.#restoring?.catch(() => {}) // its caller gets the error
    await this.#file?.close()
  }

  /** Refills a short ballast; paced, so it may be called before every append. True: it is full. */
  restore(): Promise<boolean> {
    if (!this.short) return Promise.resolve(true)
    if (this.#restoring === undefined) {
      const now = this.#now()
      // No wait exceeds the pace: a clock set back must not keep the queue full for as long.
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
      this.#file ??= await this.#create()
      const file = this.#file
      try {
        const size = Math.min(await file.size(), BALLAST_BYTES)
        for (let at = size; at < BALLAST_BYTES; at += ZEROS.length)
          await writeFully(file, ZEROS.subarray(0, BALLAST_BYTES - at), at)
        await file.sync()
      } catch (error) {
        // Half a ballast would take the last blocks from others that need them.
        await file.truncate(this.#bytes).catch(() => {})
        throw error
      }
    } catch (error) {
      if (isDiskFull(error)) {
        this.#shortFor = error
        return false
      }
      throw asWaqError(error, `restoring the ballast of ${this.#root} failed`)
    }
    this.#bytes = BALLAST_BYTES
    this.#shortFor = undefined
    return true
  }

  async #create(): Promise<FileHandle> {
    const name = ballastName(this.#token!)
    const file = await this.#fileSystem.create(join(this.#root, name))
    this.#name = name
    return file
  }

  /** Opens the largest existing ballast; undefined if there is none. */
  async #find(): Promise<FileHandle | undefined> {
    this.#name = (await listBallasts(this.#fileSystem, this.#root)).at(-1)?.name
    if (this.#name === undefined) return undefined
    return this.#fileSystem.open(join(this.#root, this.#name), 'read-write')
  }
}

/** All ballast files, the largest last. One is in use; the others were left behind by late calls. */
export async function listBallasts(
  fileSystem: FileSystem,
  root: string,
): Promise<{ name: string; size: number }[]> {
  const found: { name: string; size: number }[] = []
  for (const name of await fileSystem.readdir(root)) {
    if (!isBallastName(name)) continue
    const stat = await fileSystem.stat(join(root, name))
    if (stat?.kind === 'file') found.push({ name, size: stat.size })
  }
  return found.sort((one, other) => one.size - other.size || (one.name < other.name ? -1 : 1))
}

/** `cause`: the system's error; undefined: the ballast is short for an unknown reason. */
export function diskFullError(directory: string, cause: unknown): WaqError {
  const remedy = remedyOf(cause) ?? 'Free some.'
  return new WaqError(
    'WAQ_DISK_FULL',
    `no space for new messages under ${directory}. ${remedy} The queue goes on by itself then.`,
    cause === undefined ? {} : { cause },
  )
}
