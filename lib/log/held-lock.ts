import fs from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import lockfile from 'proper-lockfile'
import { clearClaiming, setClaiming } from './claiming.js'
import { asWaqError, systemCode } from './errors.js'
import { takeGuard } from './guard.js'

/** proper-lockfile's lock: an empty directory, whose time of change its owner keeps moving. */
export const LOCK_NAME = '.lock'
const REACQUIRE_PAUSE_MS = 1_000

export interface DirectoryLock {
  /** Until it is lost or released. That it holds proves nothing: the owner file does. */
  readonly held: boolean
  /**
   * Called once, when somebody else has claimed the directory and this process learns of it from the lock; at once
   * where that has happened already. It must not throw.
   */
  onLost(listener: (cause: unknown) => void): void
  /**
   * Gives the lock back, unless it is somebody else's by now. Idempotent.
   * Rejects with `WAQ_IO` where the lock can not be removed: it then turns stale by itself.
   */
  release(): Promise<void>
}

/**
 * One lock of proper-lockfile, and what it leaves to others: it touches and removes its lock directory without
 * asking whose it is by now, also when the process exits. Here each such call first looks whether our own owner
 * file still stands; a replaced owner leaves everything alone.
 */
export class HeldLock implements DirectoryLock {
  readonly #directory: string
  readonly #staleMs: number
  readonly #ownerFileStands: () => boolean
  readonly #onEnd: () => void
  readonly #listeners: ((cause: unknown) => void)[] = []
  readonly #stop = new AbortController()
  #state: 'claiming' | 'held' | 'lost' | 'released' = 'claiming'
  /** proper-lockfile knows of it: a timer runs, and at exit the directory is removed. */
  #taken = false
  #cause: unknown
  #compromisedWhileClaiming = false
  #reacquiring: Promise<void> | undefined
  #releasing: Promise<void> | undefined

  /** `onEnd` is called once, when the lock is lost or released. */
  constructor(directory: string, staleMs: number, ownerFileStands: () => boolean, onEnd: () => void) {
    this.#directory = directory
    this.#staleMs = staleMs
    this.#ownerFileStands = ownerFileStands
    this.#onEnd = onEnd
  }

  get held(): boolean {
    return this.#state === 'held'
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
   * Makes the lock directory. To be called inside the guard, while there is none, and to be followed by
   * `clearClaiming` when the lock's owner is on record. Rejects with the code ELOCKED where there is one after all.
   */
  async take(): Promise<void> {
    setClaiming(this.#directory)
    await lockfile.lock(this.#directory, {
      lockfilePath: join(this.#directory, LOCK_NAME),
      realpath: false,
      stale: this.#staleMs,
      fs: this.#fileSystem(),
      onCompromised: error => this.#compromised(error),
    })
    this.#taken = true
  }

  /** From here on the owner file decides whether the lock is ours. */
  claimed(): void {
    this.#state = 'held'
    if (this.#compromisedWhileClaiming) this.#compromised(this.#cause)
  }

  /** Instead of `claimed`: the lock directory goes, if it is still the one that was made. */
  abandon(isOurs: boolean): void {
    this.#state = 'released'
    try {
      if (isOurs) this.#remove()
      else this.#forget()
    } catch {
      // Why the claim failed matters more. A lock that can not be removed turns stale.
    }
  }

  async #release(): Promise<void> {
    if (this.#state === 'lost') return
    this.#state = 'released'
    this.#stop.abort()
    try {
      await this.#reacquiring
      // Look and remove without a pause between: nobody replaces us in the meantime, unless we are stopped there.
      if (this.#ownerFileStands()) this.#remove()
      else this.#forget()
    } catch (error) {
      throw asWaqError(error, `Could not remove the lock ${join(this.#directory, LOCK_NAME)}`)
    } finally {
      this.#onEnd()
    }
  }

  /** proper-lockfile has dropped the lock: its directory is gone, was touched by somebody, or grew stale. */
  #compromised(cause: unknown): void {
    this.#taken = false
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
      await sleep(REACQUIRE_PAUSE_MS, undefined, { ref: false, signal: this.#stop.signal }).catch(() => {})
    }
  }

  async #takeAgain(): Promise<boolean> {
    const guard = await takeGuard(this.#directory, { staleMs: this.#staleMs, waitMs: this.#staleMs })
    try {
      // Inside the guard nobody is between lock and claim, and who has claimed has removed our owner file. So while
      // that stands, a lock directory is ours, or nobody's.
      if (this.#state !== 'held' || !this.#ownerFileStands()) return false
      removeLockDirectory(this.#directory)
      await this.take()
      clearClaiming(this.#directory)
      return true
    } finally {
      guard.release()
    }
  }

  #lose(cause: unknown): void {
    this.#state = 'lost'
    this.#cause = cause
    this.#onEnd()
    for (const listener of this.#listeners.splice(0)) listener(cause)
  }

  #remove(): void {
    if (!this.#taken) return
    this.#taken = false
    lockfile.unlockSync(this.#directory, { realpath: false, lockfilePath: join(this.#directory, LOCK_NAME) })
  }

  /** Ends proper-lockfile's timer, and what it does at exit, and leaves the directory to whoever has it now. */
  #forget(): void {
    if (!this.#taken) return
    this.#taken = false
    lockfile.unlockSync(this.#directory, { realpath: false, fs: { rmdirSync: () => {} } })
  }

  /** Whether the lock directory is still ours to touch and to remove. */
  #isOurs(): boolean {
    return this.#state === 'claiming' || this.#ownerFileStands()
  }

  /** What proper-lockfile calls, and nothing else. */
  #fileSystem() {
    type Callback = (error: NodeJS.ErrnoException | null) => void
    // It takes ENOENT for "this lock is no longer mine", which is what it means.
    const gone = () => Object.assign(new Error('This process was replaced as owner.'), { code: 'ENOENT' })
    return {
      mkdir: (path: string, callback: Callback) =>
        fs.mkdir(path, 0o700, error => {
          if (error !== null) callback(error)
          else fs.chmod(path, 0o700, callback) // whatever the umask
        }),
      rmdir: fs.rmdir,
      stat: fs.stat,
      utimes: (path: string, accessed: Date, modified: Date, callback: Callback) =>
        this.#isOurs() ? fs.utimes(path, accessed, modified, callback) : callback(gone()),
      // At exit.
      rmdirSync: (path: string) => {
        if (this.#isOurs()) fs.rmdirSync(path)
      },
    }
  }
}

/** Whatever made it: there is none afterwards. Throws the system's error where it can not be removed. */
export function removeLockDirectory(directory: string): void {
  try {
    fs.rmdirSync(join(directory, LOCK_NAME))
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}
