import fs from 'node:fs'
import { promisify } from 'node:util'
import { systemCode } from '../errors/system-error.js'
import { wallNow } from '../runtime/real-time.js'

/**
 * A lock directory that this process made and holds open: until it is closed no other gets its inode number,
 * and signs of life reach this one whatever has taken its name meanwhile.
 */
export class LockDirectory {
  readonly #path: string
  readonly #fd: number
  readonly #dev: bigint
  readonly #ino: bigint
  #touching = false
  #closed = false

  private constructor(path: string, fd: number) {
    this.#path = path
    this.#fd = fd
    const { dev, ino } = fs.fstatSync(fd, { bigint: true })
    this.#dev = dev
    this.#ino = ino
  }

  /** Rejects with the system's error: EEXIST if the name is taken. */
  static async make(path: string): Promise<LockDirectory> {
    await promisify(fs.mkdir)(path, 0o700)
    try {
      const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = fs.constants
      const fd = fs.openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
      fs.fchmodSync(fd, 0o700) // whatever the umask
      return new LockDirectory(path, fd)
    } catch (error) {
      fs.rmdirSync(path)
      throw error
    }
  }

  is(dev: bigint, ino: bigint): boolean {
    return !this.#closed && dev === this.#dev && ino === this.#ino
  }

  /** Whether its name still leads to it. */
  stands(): boolean {
    const found = fs.lstatSync(this.#path, { bigint: true, throwIfNoEntry: false })
    return found !== undefined && this.is(found.dev, found.ino)
  }

  /** A sign of life. */
  async touch(): Promise<void> {
    const now = new Date(wallNow())
    this.#touching = true
    try {
      await promisify(fs.futimes)(this.#fd, now, now)
    } finally {
      this.#touching = false
      if (this.#closed) fs.closeSync(this.#fd)
    }
  }

  /**
   * Removes it, and nothing else of its name. Nothing takes the name between check and removal, unless this
   * process is stopped there.
   */
  remove(): void {
    if (this.stands()) removeDirectory(this.#path)
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    // A descriptor closed in the middle of a call could belong to another file by then.
    if (!this.#touching) fs.closeSync(this.#fd)
  }
}

/** Removes the lock directory, no matter who made it. Throws the system's error if it cannot be removed. */
export function removeDirectory(path: string): void {
  try {
    fs.rmdirSync(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}
