import { WaqError } from './errors.js'
import type { FileSystem } from './file-system.js'

/**
 * Invariant 3. A later owner of the directory unlinks our owner file before it reads anything. So: if the file
 * still stands *after* bytes were written, that owner will read a state which includes them; if it does not,
 * nothing that was written may be relied on. No clock is involved, and nothing is cached.
 */
export class Fence {
  readonly #fileSystem: FileSystem
  readonly #ownerFile: string
  readonly #listeners: ((error: WaqError) => void)[] = []
  #lost: WaqError | undefined

  constructor(fileSystem: FileSystem, ownerFile: string) {
    this.#fileSystem = fileSystem
    this.#ownerFile = ownerFile
  }

  /** Throws WAQ_LOCK_LOST where the owner file is gone, or it can not be told. */
  check(): void {
    if (this.#lost === undefined && this.#fileSystem.existsSync(this.#ownerFile)) return
    this.lose()
    throw this.#lost
  }

  /** Why the directory is not ours any more; undefined while it is, as far as was looked. */
  get lost(): WaqError | undefined {
    return this.#lost
  }

  /** Looks, without an exception. */
  stands(): boolean {
    if (this.#lost !== undefined) return false
    return this.#fileSystem.existsSync(this.#ownerFile)
  }

  /** Called once, when it is noticed. */
  onLost(listener: (error: WaqError) => void): void {
    if (this.#lost !== undefined) listener(this.#lost)
    else this.#listeners.push(listener)
  }

  lose(cause?: unknown): void {
    if (this.#lost !== undefined) return
    this.#lost = new WaqError(
      'WAQ_LOCK_LOST',
      `another process has taken over this directory (${this.#ownerFile} is gone); open it again to go on`,
      cause === undefined ? {} : { cause },
    )
    for (const listener of this.#listeners.splice(0)) listener(this.#lost)
  }
}
