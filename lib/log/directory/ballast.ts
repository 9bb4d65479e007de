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
 * It outlives its maker: the next life uses the one that it finds. An owner holds it open, and changes the
 * file that it has open and no other, whatever stands in the place of the directory by then.
 */
export class Ballast {
  readonly #fileSystem: FileSystem
  readonly #root: string
  readonly #now: () => number
  /** Under which name one is created where there is none; undefined until a claim stands. */
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

  /** What the system said when the ballast had to give, or could not be filled up; undefined: not known. */
  get shortFor(): unknown {
    return this.#shortFor
  }

  /** Of the file that is in use. */
  get name(): string | undefined {
    return this.#name
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * At opening, under the claim of the life whose token that is: finds out what is there, and fills it up
   * where the disk allows.
   */
  async load(token: string): Promise<void> {
    this.#token = token
    this.#file = await this.#find()
    this.#bytes = Math.min((await this.#file?.size()) ?? 0, BALLAST_BYTES)
    await this.restore()
  }

  /**
   * Writes and syncs a byte of it that means nothing, on the event loop; undefined where that cannot be
   * done.
   */
  get probe(): (() => void) | undefined {
    const file = this.#file
    if (file?.syncNow === undefined || this.#bytes === 0) return undefined
    return () => {
      file.writeSync(ZERO, 0, 1, 0)
      file.syncNow!()
    }
  }

  /** Gives one step back to the disk, for that is what failed. False: nothing is left to give. */
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

  /** After the last use. */
  async close(): Promise<void> {
    await this.#restoring?.catch(() => {}) // whoever asked for it hears of it
    await this.#file?.close()
  }

  /**
   * Fills the ballast up where it is short; paced, so that it may be called before every append. True: it is
   * whole.
   */
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
      this.#file ??= await this.#create()
      const file = this.#file
      try {
        const size = Math.min(await file.size(), BALLAST_BYTES)
        for (let at = size; at < BALLAST_BYTES; at += ZEROS.length)
          await writeFully(file, ZEROS.subarray(0, BALLAST_BYTES - at), at)
        await file.sync()
      } catch (error) {
        // Half a ballast would take the last blocks from those who need them.
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

  /** The largest one that stands, open; undefined where there is none. */
  async #find(): Promise<FileHandle | undefined> {
    this.#name = (await listBallasts(this.#fileSystem, this.#root)).at(-1)?.name
    if (this.#name === undefined) return undefined
    return this.#fileSystem.open(join(this.#root, this.#name), 'read-write')
  }
}

/**
 * Every ballast file, the largest last. One is in use; the others were left behind by calls that came late.
 */
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

/** `cause`: what the system said; undefined: the ballast is short, whatever it was. */
export function diskFullError(directory: string, cause: unknown): WaqError {
  const remedy = remedyOf(cause) ?? 'Free some.'
  return new WaqError(
    'WAQ_DISK_FULL',
    `no space for new messages under ${directory}. ${remedy} The queue goes on by itself then.`,
    cause === undefined ? {} : { cause },
  )
}
