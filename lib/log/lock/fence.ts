import { dirname } from 'node:path'
import { WaqError } from '../errors/waq-error.js'
import type { FileHandle, FileSystem, Inode } from '../fs/file-system.js'

/**
 * Invariant 3. A later owner of the directory unlinks our owner file before it reads anything. So if the file
 * still stands *after* bytes were written, that owner will read a state that includes them; if not, nothing
 * written may be relied on. No clock is involved, and nothing is cached.
 *
 * The file stands if its path leads to the very file this life made: same device, inode and number of links.
 * The token in its name is not enough: a restored copy of the directory holds a file of that name. Nor is an
 * inode alone: file systems reuse the number of a removed file. So the file is held open for as long as the
 * fence stands, which keeps its number taken. A further hard link means the directory is being copied.
 */
export class Fence {
  readonly #fileSystem: FileSystem
  readonly #root: string
  readonly #ownerFile: string
  readonly #file: FileHandle
  readonly #made: Inode
  readonly #listeners: ((error: WaqError) => void)[] = []
  #identityFile: string | undefined
  #lost: WaqError | undefined
  #closed = false

  /** `file`: the owner file, still open from its creation; the fence closes it. */
  constructor(fileSystem: FileSystem, root: string, ownerFile: string, file: FileHandle) {
    this.#fileSystem = fileSystem
    this.#root = root
    this.#ownerFile = ownerFile
    this.#file = file
    this.#made = file.inodeSync()
  }

  /**
   * The absolute path of the file that identifies this directory: tells a takeover from a replaced directory.
   */
  identify(identityFile: string): void {
    this.#identityFile = identityFile
  }

  /** The device of the directory. */
  get device(): Inode['device'] {
    return this.#made.device
  }

  /** Throws WAQ_LOCK_LOST if the owner file of this life does not stand, or that cannot be checked. */
  check(): void {
    if (this.stands()) return
    this.lose()
    throw this.#lost
  }

  /** Why the directory is no longer ours; undefined while it is, as of the last check. */
  get lost(): WaqError | undefined {
    return this.#lost
  }

  /** Checks without throwing. */
  stands(): boolean {
    if (this.#lost !== undefined || this.#closed) return false
    const found = this.#fileSystem.inodeSync(this.#ownerFile)
    const made = this.#made
    return (
      found !== undefined &&
      found.number === made.number &&
      found.device === made.device &&
      found.links === made.links
    )
  }

  /** Calls `listener` once, when the loss is noticed. */
  onLost(listener: (error: WaqError) => void): void {
    if (this.#lost !== undefined) listener(this.#lost)
    else this.#listeners.push(listener)
  }

  /** `cause`: how the loss was noticed, if not by checking the owner file. A WAQ_LOCK_LOST is kept as is. */
  lose(cause?: unknown): void {
    if (this.#lost !== undefined) return
    this.#lost = cause instanceof WaqError && cause.code === 'WAQ_LOCK_LOST' ? cause : this.#loss(cause)
    this.close()
    for (const listener of this.#listeners.splice(0)) listener(this.#lost)
  }

  /** The directory is released: the owner file no longer counts. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#file.close().catch(() => {}) // nothing was written to it since it was synced
  }

  #loss(cause: unknown): WaqError {
    return new WaqError(
      'WAQ_LOCK_LOST',
      `${this.#whatHappened()}; open it again to go on`,
      cause === undefined ? {} : { cause },
    )
  }

  /** Only for the error text. */
  #whatHappened(): string {
    const root = this.#root
    if (this.#closed) return `${root} was closed`
    const exists = (path: string): boolean => this.#fileSystem.inodeSync(path) !== undefined
    const links = this.#linksLeft()
    const unlinked = links === 0
    if (this.stands()) return `a part of the directory ${root} was removed`
    if (exists(this.#ownerFile)) {
      return links !== undefined && links > this.#made.links
        ? `the directory ${root} was copied with hard links, so two directories share its files`
        : `a copy of the directory ${root} was put in its place`
    }
    if (!exists(root)) {
      return unlinked
        ? `the directory ${root} was removed`
        : `the directory ${root} was moved away, or can no longer be read`
    }
    if (!exists(this.#identityFile ?? dirname(this.#ownerFile))) {
      return unlinked
        ? `the directory ${root} was removed and created again`
        : `something else stands at ${root}: the directory was moved away, or mounted over`
    }
    return unlinked
      ? `the owner file ${this.#ownerFile} was removed: another process has taken over the directory ` +
          `${root}, or the directory is being removed`
      : `the directory ${root} was moved away, and a copy of it was put in its place`
  }

  #linksLeft(): number | undefined {
    try {
      return this.#file.inodeSync().links
    } catch {
      return undefined
    }
  }
}
