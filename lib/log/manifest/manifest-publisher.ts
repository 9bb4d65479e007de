/**
 * Publishes manifests one at a time.
 *
 * - Each is built from the state when its writing begins; requests that arrive meanwhile share the next one.
 * - One that fails before its rename has no effect. One that fails later is **undecided**: after a power loss
 *   it may or may not be in force. Until a later one is durable, nothing may be resolved, sent or unlinked
 *   (`settle`).
 * - After each, the fence is checked (invariant 3).
 */
import type { DirectoryContext } from '../directory/directory-context.js'
import { systemCode } from '../errors/system-error.js'
import { type FileId, fileId, MANIFESTS } from '../format/names.js'
import { writeFully } from '../fs/write.js'
import { encodeManifest, type Manifest } from './manifest.js'

export class ManifestPublisher {
  readonly #directory: DirectoryContext
  readonly #build: (id: FileId) => Manifest
  /** Manifest files in the directory: one, plus any that the opening found or that failed half-way. */
  readonly #onDisk: string[]
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined
  #undecided = false

  /** `onDisk`: the manifest files that the opening found. */
  constructor(directory: DirectoryContext, onDisk: readonly string[], build: (id: FileId) => Manifest) {
    this.#directory = directory
    this.#onDisk = [...onDisk]
    this.#build = build
  }

  /** True while no one can tell which of two manifests a power loss would leave in force. */
  get undecided(): boolean {
    return this.#undecided
  }

  /** Resolves when a manifest that was built after this call is durable and the fence still stands. */
  publish(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#directory.device
        .during(() => this.#publishOne())
        .finally(() => {
          this.#running = undefined
        })
      return this.#running
    }
    this.#next ??= this.#running
      .catch(() => {}) // its own callers get the error
      .then(() => {
        this.#next = undefined
        return this.publish()
      })
    return this.#next
  }

  /** Resolves when no manifest is undecided. */
  async settle(): Promise<void> {
    if (this.#undecided) await this.publish()
  }

  async #publishOne(): Promise<void> {
    const directory = this.#directory
    const id = directory.nextFileId()
    const bytes = encodeManifest(this.#build(id))
    const name = fileId(id)
    await directory.withRoom(() => this.#writeTemporary(name, bytes))
    // The temporary file was created in our directory, which this check finds in place: the rename finds that
    // file, or none.
    directory.fence.check()
    try {
      await directory.fileSystem.rename(
        directory.path(MANIFESTS, `${name}.tmp`),
        directory.path(MANIFESTS, name),
      )
      await directory.fileSystem.syncDirectory(directory.path(MANIFESTS))
    } catch (error) {
      this.#undecided = true
      this.#onDisk.push(name)
      throw directory.failure(error, `publishing manifest ${name} failed half-way and is retried`)
    }
    directory.fence.check()
    this.#undecided = false
    await this.#removeOlder(name)
  }

  async #writeTemporary(name: string, bytes: Buffer): Promise<void> {
    const { fileSystem } = this.#directory
    const path = this.#directory.path(MANIFESTS, `${name}.tmp`)
    try {
      const file = await this.#directory.create(path)
      try {
        await writeFully(file, bytes, 0)
        await file.sync()
      } finally {
        await file.close()
      }
    } catch (error) {
      await fileSystem.unlink(path).catch(() => {}) // a leftover is void, and removed by the next opening
      throw this.#directory.failure(error, `writing manifest ${name} failed`)
    }
  }

  /**
   * Older manifests are void now that a newer one is durable. One that cannot be removed is left to the next
   * opening.
   */
  async #removeOlder(newest: string): Promise<void> {
    const directory = this.#directory
    const older = this.#onDisk.splice(0)
    this.#onDisk.push(newest)
    for (const name of older) {
      if (!directory.fence.stands()) return
      try {
        await directory.fileSystem.unlink(directory.path(MANIFESTS, name))
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') directory.reportError(error, `removing manifest ${name} failed`)
      }
    }
  }
}
