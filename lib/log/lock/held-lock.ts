import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import lockfile from 'proper-lockfile'
import { asWaqError } from '../errors/waq-error.js'
import { sleep, wallNow } from '../runtime/real-time.js'
import { LockDirectory, removeDirectory } from './lock-directory.js'
import { clearLockIntent, setLockIntent } from './lock-intent.js'
import type { OpenDirectory } from './open-directories.js'
import { takeOpenMutex } from './open-mutex.js'

/** proper-lockfile's lock: an empty directory whose mtime its owner keeps updating. */
export const LOCK_NAME = '.lock'
/** Applies however large `staleMs` is: other processes may use a smaller one. */
const MAX_MS_WITHOUT_SIGN_OF_LIFE = 5_000
const REACQUIRE_PAUSE_MS = 1_000

export interface DirectoryLock {
  /** True until lost or released. It proves no ownership; the owner file does. */
  readonly held: boolean
  /**
   * Calls `listener` once, when this process learns from the lock that another has claimed the directory;
   * immediately if it already has. The listener must not throw.
   */
  onLost(listener: (cause: unknown) => void): void
  /**
   * Releases the lock, unless another owner has it by now. Idempotent. Rejects with `WAQ_IO` if the lock
   * cannot be removed; it then turns stale by itself.
   */
  release(): Promise<void>
}

/**
 * One proper-lockfile lock, made safe. proper-lockfile touches and removes a path without checking what is
 * there by now, even at process exit; here each such call reaches only the directory that this lock made
 * (lock-directory.ts). It also compares mtimes with the wall clock; here it never gets to: the watching
 * opener decides whether a lock is stale (watch.ts), and inode and owner file decide whether this one is
 * ours.
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
  /** The lock directory it made last. */
  #made: LockDirectory | undefined
  /** Its name in proper-lockfile, which runs a timer for it and removes the directory at exit. */
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

  /** Checks the disk: false once another owner has the directory, or it is gone. */
  stands(): boolean {
    return this.#state === 'claiming' || (this.#state === 'held' && this.#ownerFileStands())
  }

  /** Whether it made the lock directory with these numbers. */
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
   * Makes the lock directory. Call inside the mutex, while there is none; call `clearLockIntent` once the
   * lock's owner is on record. Rejects with the code ELOCKED if there is one after all.
   */
  async take(): Promise<void> {
    setLockIntent(this.path)
    // proper-lockfile knows a lock by its name, and a directory may be locked again before its old lock has
    // ended.
    const name = join(this.path, randomUUID())
    this.#taken = name
    const locking = lockfile.lock(name, {
      lockfilePath: this.#lockPath,
      realpath: false,
      stale: Number.POSITIVE_INFINITY, // no clock reaches it
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

  /** Called instead of `claimed`: removes the lock directory. `take` may be called again. */
  abandon(): void {
    this.#compromisedWhileClaiming = false
    try {
      this.#remove()
    } catch {
      // The reason the claim failed matters more. A lock that cannot be removed turns stale.
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

  /** proper-lockfile has dropped the lock: the lock directory or our owner file is gone. */
  #compromised(cause: unknown): void {
    this.#taken = undefined
    this.#cause = cause
    if (this.#state === 'claiming') this.#compromisedWhileClaiming = true
    if (this.#state !== 'held') return
    if (!this.#ownerFileStands()) this.#lose(cause)
    else this.#reacquiring ??= this.#reacquire().finally(() => (this.#reacquiring = undefined))
  }

  /** Still the owner by the owner file: makes the lock directory again, however long that takes. */
  async #reacquire(): Promise<void> {
    while (this.#state === 'held') {
      if (!this.#ownerFileStands()) return this.#lose(this.#cause)
      try {
        if (await this.#takeAgain()) return
      } catch {
        // A full or failing disk, or a slow opener: the owner file protects us, the lock is a courtesy.
      }
      await sleep(REACQUIRE_PAUSE_MS, { ref: false, signal: this.#stop.signal })
    }
  }

  async #takeAgain(): Promise<boolean> {
    const mutex = await takeOpenMutex(this.path, { staleMs: this.#staleMs, waitMs: this.#staleMs })
    try {
      // Inside the mutex no one is between lock and claim, and any later claim has removed our owner file. So
      // while that file stands, a lock directory is ours or no one's.
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
      // A successor has its own lock directory. If ours is still there, something else removed our owner
      // file.
      this.#remove()
    } catch {
      // It turns stale.
    }
    this.#onEnd()
    for (const listener of this.#listeners.splice(0)) listener(cause)
  }

  /**
   * Ends proper-lockfile's timer and exit hook, and removes the lock directory if it is the one made here.
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
   * The calls proper-lockfile makes, and no others. Each acts on the directory made here, whatever path it
   * names.
   */
  #fileSystem() {
    type Callback = (error: unknown, result?: { mtime: Date }) => void
    // proper-lockfile checks for the mtime it set last: it gets that back for as long as the directory is the
    // same.
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
      // proper-lockfile reads ENOENT as "this lock is no longer mine", as intended.
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
