import fs from 'node:fs'
import { promisify } from 'node:util'
import { systemCode } from '../errors/system-error.js'
import { wallNow } from '../runtime/real-time.js'

/**
 * A lock directory that this process made, and holds open: until it is closed no other one gets its inode
 * number, and signs of life reach this one, whatever has taken its name meanwhile.
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

  /** Rejects with the system's error: EEXIST where there is something of that name. */
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

  /** Its name is still its own. */
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
   * Removes it, and nothing else of its name. None takes that name in between, unless this process is stopped
   * there.
   */
  remove(): void {
    if (this.stands()) removeDirectory(this.#path)
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    // A number that was given up in the middle of a call may be another file's by then.
    if (!this.#touching) fs.closeSync(this.#fd)
  }
}

/** Removes the lock directory, whoever made it. Throws the system's error where it cannot be removed. */
export function removeDirectory(path: string): void {
  try {
    fs.rmdirSync(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}
