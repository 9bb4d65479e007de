import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import lockfile from 'proper-lockfile'
import { asWaqError } from '../errors/waq-error.js'
import { sleep, wallNow } from '../runtime/real-time.js'
import { LockDirectory, removeDirectory } from './lock-directory.js'
import { clearLockIntent, setLockIntent } from './lock-intent.js'
import type { OpenDirectory } from './open-directories.js'
import { takeOpenMutex } from './open-mutex.js'

/** proper-lockfile's lock: an empty directory, whose time of change its owner keeps moving. */
export const LOCK_NAME = '.lock'
/** However large `staleMs` is: other processes may use a smaller one. */
const MAX_MS_WITHOUT_SIGN_OF_LIFE = 5_000
const REACQUIRE_PAUSE_MS = 1_000

export interface DirectoryLock {
  /** Until it is lost or released. That it holds proves nothing: the owner file does. */
  readonly held: boolean
  /**
   * Called once, when somebody else has claimed the directory and this process learns of it from the lock; at
   * once where that has happened already. It must not throw.
   */
  onLost(listener: (cause: unknown) => void): void
  /**
   * Gives the lock back, unless it is somebody else's by now. Idempotent.
   * Rejects with `WAQ_IO` where the lock cannot be removed: it then turns stale by itself.
   */
  release(): Promise<void>
}

/**
 * One lock of proper-lockfile, and what it leaves to others. It touches and removes a path without asking
 * what stands there by now, also when the process exits; here each such call concerns the directory that this
 * lock made, and no other (lock-directory.ts). It compares times of change with the wall clock; here it has
 * nothing to compare: whether a lock is stale is decided by who watches it (watch.ts), whether this one is
 * ours by inode and owner file.
 */
export class HeldLock implements DirectoryLock, OpenDirectory {
  readonly path: string
  readonly since = wallNow()
  readonly #lockPath: string
  readonly #staleMs: number
  readonly #ownerFileStands: () => boolean
  readonly #onEnd: () => void
  readonly #listeners: ((cause: unknown) => void)[] = []
  readonly #stop = new AbortController()
  #state: 'claiming' | 'held' | 'lost' | 'released' = 'claiming'
  /** The directory that it made last. */
  #made: LockDirectory | undefined
  /** The name under which proper-lockfile knows of it: a timer runs, and at exit the directory is removed. */
  #taken: string | undefined
  #cause: unknown
  #compromisedWhileClaiming = false
  #reacquiring: Promise<void> | undefined
  #releasing: Promise<void> | undefined

  /** `onEnd` is called once, when the lock is lost or released. */
  constructor(directory: string, staleMs: number, ownerFileStands: () => boolean, onEnd: () => void) {
    this.path = directory
    this.#lockPath = join(directory, LOCK_NAME)
    this.#staleMs = staleMs
    this.#ownerFileStands = ownerFileStands
    this.#onEnd = onEnd
  }

  get held(): boolean {
    return this.#state === 'held'
  }

  /** Asks the disk: false once somebody else has the directory, or it is gone. */
  stands(): boolean {
    return this.#state === 'claiming' || (this.#state === 'held' && this.#ownerFileStands())
  }

  /** Whether the lock directory with these numbers is the one that it made. */
  made(dev: bigint, ino: bigint): boolean {
    return this.#made?.is(dev, ino) ?? false
  }

  onLost(listener: (cause: unknown) => void): void {
    if (this.#state === 'lost') listener(this.#cause)
    else this.#listeners.push(listener)
  }

  release(): Promise<void> {
    this.#releasing ??= this.#release()
    return this.#releasing
  }

  /**
   * Makes the lock directory. To be called inside the mutex, while there is none, and to be followed by
   * `clearLockIntent` when the lock's owner is on record. Rejects with the code ELOCKED where there is one
   * after all.
   */
  async take(): Promise<void> {
    setLockIntent(this.path)
    // proper-lockfile knows its locks by this name. A directory may be locked anew before an old lock of it
    // has ended.
    const name = join(this.path, randomUUID())
    this.#taken = name
    const locking = lockfile.lock(name, {
      lockfilePath: this.#lockPath,
      realpath: false,
      stale: Number.POSITIVE_INFINITY, // out of reach of every clock
      update: Math.min(this.#staleMs / 2, MAX_MS_WITHOUT_SIGN_OF_LIFE),
      fs: this.#fileSystem(),
      onCompromised: error => {
        if (this.#taken === name) this.#compromised(error)
      },
    })
    await locking.catch(error => {
      this.#taken = undefined
      throw error
    })
  }

  /** From here on the owner file decides whether the lock is ours. */
  claimed(): void {
    this.#state = 'held'
    if (this.#compromisedWhileClaiming) this.#compromised(this.#cause)
  }

  /** Instead of `claimed`: the lock directory goes. It may be taken anew. */
  abandon(): void {
    this.#compromisedWhileClaiming = false
    try {
      this.#remove()
    } catch {
      // Why the claim failed matters more. A lock that cannot be removed turns stale.
    }
  }

  async #release(): Promise<void> {
    if (this.#state === 'lost') return
    this.#state = 'released'
    this.#stop.abort()
    try {
      await this.#reacquiring
      this.#remove()
    } catch (error) {
      throw asWaqError(error, `Could not remove the lock ${this.#lockPath}`)
    } finally {
      this.#onEnd()
    }
  }

  /** proper-lockfile has dropped the lock: its directory is gone, or its owner file. */
  #compromised(cause: unknown): void {
    this.#taken = undefined
    this.#cause = cause
    if (this.#state === 'claiming') this.#compromisedWhileClaiming = true
    if (this.#state !== 'held') return
    if (!this.#ownerFileStands()) this.#lose(cause)
    else this.#reacquiring ??= this.#reacquire().finally(() => (this.#reacquiring = undefined))
  }

  /** Still the owner, by the owner file: the lock directory has to say so again, however long that takes. */
  async #reacquire(): Promise<void> {
    while (this.#state === 'held') {
      if (!this.#ownerFileStands()) return this.#lose(this.#cause)
      try {
        if (await this.#takeAgain()) return
      } catch {
        // A full or failing disk, or a slow opener: the owner file is what protects us, the lock is courtesy.
      }
      await sleep(REACQUIRE_PAUSE_MS, { ref: false, signal: this.#stop.signal })
    }
  }

  async #takeAgain(): Promise<boolean> {
    const mutex = await takeOpenMutex(this.path, { staleMs: this.#staleMs, waitMs: this.#staleMs })
    try {
      // Inside the mutex no one is between lock and claim, and who has claimed has removed our owner file. So
      // while that stands, a lock directory is ours, or no one's.
      if (this.#state !== 'held' || !this.#ownerFileStands()) return false
      this.#made?.close()
      removeDirectory(this.#lockPath)
      await this.take()
      clearLockIntent(this.path)
      return true
    } finally {
      mutex.release()
    }
  }

  #lose(cause: unknown): void {
    this.#state = 'lost'
    this.#cause = cause
    try {
      // A successor has a lock directory of its own. Where ours is left, somebody removed our owner file.
      this.#remove()
    } catch {
      // It turns stale.
    }
    this.#onEnd()
    for (const listener of this.#listeners.splice(0)) listener(cause)
  }

  /**
   * Ends proper-lockfile's timer, and what it does at exit; the lock directory goes, if it is the one that
   * was made.
   */
  #remove(): void {
    const taken = this.#taken
    this.#taken = undefined
    if (taken !== undefined) lockfile.unlockSync(taken, { realpath: false, fs: { rmdirSync: () => {} } })
    try {
      this.#made?.remove()
    } finally {
      this.#made?.close()
    }
  }

  /**
   * What proper-lockfile calls, and nothing else. Whatever path it names, it means the directory that was
   * made.
   */
  #fileSystem() {
    type Callback = (error: unknown, result?: { mtime: Date }) => void
    // It looks whether its directory has the time that it gave it: so it has, as long as it is the same
    // directory.
    let mtime = new Date(0)
    const answer = (callback: Callback, step: () => Promise<void> | void) => {
      const steps = async () => {
        await step()
      }
      steps().then(() => callback(null, { mtime }), callback)
    }
    const checkOurs = () => {
      const isOurs = this.#state === 'claiming' || this.#ownerFileStands()
      if (isOurs && this.#made?.stands() === true) return
      // It takes ENOENT for "this lock is no longer mine", which is what it means.
      throw Object.assign(new Error('The lock is gone.'), { code: 'ENOENT' })
    }
    return {
      mkdir: (path: string, callback: Callback) =>
        answer(callback, async () => {
          this.#made = await LockDirectory.make(path)
        }),
      stat: (_path: string, callback: Callback) => answer(callback, checkOurs),
      utimes: (_path: string, _accessed: Date, modified: Date, callback: Callback) =>
        answer(callback, async () => {
          checkOurs()
          await this.#made?.touch()
          mtime = modified
        }),
      rmdir: (_path: string, callback: Callback) => answer(callback, () => this.#made?.remove()),
      // At exit.
      rmdirSync: () => this.#made?.remove(),
    }
  }
}
