/**
 * Reads the logs of a directory without owning it: it takes no lock and changes no byte, while an owner may
 * go on writing. It shares with the writer only the format, and with an opening only the scan for how far
 * segments count.
 *
 * It reads a snapshot: the newest manifest, and the frames that open segments held when it was taken. A
 * living owner may remove files that a later manifest does not list: reading then fails with `StaleSnapshot`,
 * and the reader takes a new snapshot. A file that is missing while the newest manifest lists it is damage.
 */
import { resolve } from 'node:path'
import { systemCode } from '../errors/system-error.js'
import { asWaqError, type Owner, WaqError } from '../errors/waq-error.js'
import { MANIFESTS } from '../format/names.js'
import type { FileSystem } from '../fs/file-system.js'
import { nodeFileSystem } from '../fs/node-file-system.js'
import type { DirectoryFiles } from '../fs/read-file.js'
import { readNewestOwner } from '../lock/claim.js'
import { ownIdentity } from '../lock/identity.js'
import { ownerOf } from '../lock/lock.js'
import { type CurrentManifest, readNewestManifest } from '../manifest/current-manifest.js'
import { scanTails, type TailScan } from '../recovery/tail-scan.js'
import type { LogIdentity } from '../types.js'
import { LogSnapshot, StaleSnapshot } from './log-snapshot.js'

/** Each try sees a newer manifest, so only an owner that compacts without a pause reaches this limit. */
export const MAX_TRIES = 100

export class LogReader {
  /** Canonical. */
  readonly directory: string
  readonly #files: DirectoryFiles
  readonly #logs: readonly LogIdentity[]

  private constructor(files: DirectoryFiles, logs: readonly LogIdentity[]) {
    this.directory = files.root
    this.#files = files
    this.#logs = logs
  }

  /**
   * `logs` in the order in which a snapshot of them is taken. Rejects with WAQ_INVALID_OPTION,
   * WAQ_NOT_A_QUEUE or WAQ_IO.
   */
  static async open(
    path: string,
    logs: readonly LogIdentity[],
    fileSystem: FileSystem = nodeFileSystem,
  ): Promise<LogReader> {
    if (path === '' || path.includes('\0')) {
      throw new WaqError('WAQ_INVALID_OPTION', `the directory must be a path, got ${JSON.stringify(path)}`)
    }
    let root: string
    let names: string[]
    try {
      root = await fileSystem.realpath(resolve(path))
      names = await fileSystem.readdir(root)
    } catch (error) {
      const code = systemCode(error)
      if (code === 'ENOENT') throw notAQueue(`There is no directory ${path}.`)
      if (code === 'ELOOP') throw notAQueue(`${path} is a link that leads back to itself.`)
      if (code === 'ENOTDIR') throw notAQueue(`${path} is not a directory.`)
      throw asWaqError(error, `reading ${path} failed`)
    }
    // If only some of its logs are missing, it is a damaged queue.
    if (!names.includes(MANIFESTS) || !logs.some(log => names.includes(log.name))) {
      throw notAQueue(
        `${root} holds no queue: it has no ${MANIFESTS}/ beside its logs. Name the directory of a queue.`,
      )
    }
    return new LogReader({ root, fileSystem }, logs)
  }

  /**
   * The owner of the directory, by its newest owner file; undefined: it was closed. `alive: null` if that
   * cannot be told from here, or the file cannot be read (then `pid` is 0).
   */
  async owner(): Promise<Owner | undefined> {
    const found = await readNewestOwner(this.#files.fileSystem, this.directory)
    if (found === undefined) return undefined
    return ownerOf(found, this.directory) ?? { pid: 0, host: '', since: found.since, alive: null }
  }

  /** Takes a snapshot. Rejects with WAQ_UNSUPPORTED_VERSION, WAQ_NOT_A_QUEUE or WAQ_IO. */
  async snapshot(): Promise<LogSnapshot> {
    for (let attempt = 1; ; attempt += 1) {
      const current = await this.#newestManifest()
      try {
        const logs: TailScan[] = []
        for (const log of this.#logs) logs.push(await scanTails(this.#files, log, current))
        const isNewest = (): Promise<boolean> => this.#isNewest(current)
        const missing =
          current.damage !== undefined || logs.some(log => log.gone.some(({ range }) => !range.known))
        if (!missing || (await isNewest())) {
          return new LogSnapshot(this.#files, current, logs, isNewest, ownIdentity().bootId)
        }
      } catch (error) {
        if (!isMissing(error) || (await this.#isNewest(current))) throw error
      }
      if (attempt === MAX_TRIES) throw restless(this.directory)
    }
  }

  /**
   * Calls `work` with a snapshot, and again with a newer one whenever files vanish: it starts over or
   * continues.
   */
  async withSnapshot<T>(work: (snapshot: LogSnapshot) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const snapshot = await this.snapshot()
      try {
        return await work(snapshot)
      } catch (error) {
        if (!(error instanceof StaleSnapshot)) throw error
        if (attempt === MAX_TRIES) throw restless(this.directory)
      } finally {
        await snapshot.close()
      }
    }
  }

  /** A manifest is removed once a newer one is durable: then the newer one is read. */
  async #newestManifest(): Promise<CurrentManifest> {
    for (let attempt = 1; ; attempt += 1) {
      let current: CurrentManifest
      try {
        current = await readNewestManifest(this.#files, this.#logs)
      } catch (error) {
        throw asWaqError(error, `reading the manifests of ${this.directory} failed`)
      }
      if (current.damage === undefined || (await this.#isNewest(current))) return current
      if (attempt === MAX_TRIES) throw restless(this.directory)
    }
  }

  async #isNewest({ file, damage }: CurrentManifest): Promise<boolean> {
    const now = await readNewestManifest(this.#files, this.#logs)
    return now.file === file && (now.damage === undefined) === (damage === undefined)
  }
}

function notAQueue(message: string): WaqError {
  return new WaqError('WAQ_NOT_A_QUEUE', message)
}

function isMissing(error: unknown): boolean {
  if (systemCode(error) === 'ENOENT') return true
  return error instanceof Error && error.cause !== undefined && isMissing(error.cause)
}

/** An owner removes files faster than they can be read. */
export function restless(directory: string): WaqError {
  return new WaqError(
    'WAQ_IO',
    `${directory} changed ${MAX_TRIES} times while it was read: its owner removes files faster than they ` +
      'can be read. Try again.',
  )
}
