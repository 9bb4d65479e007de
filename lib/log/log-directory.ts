/**
 * Several logs in one directory, with one owner, one claim and one manifest. The order of opening is that of
 * invariants 1, 3 and 8: lock, claim, read, prove, publish; only then can a caller see anything.
 */
import { Ballast, listBallasts } from './directory/ballast.js'
import { DirectoryContext } from './directory/directory-context.js'
import { prepareDirectory } from './directory/prepare-directory.js'
import { needsBytes, systemCode } from './errors/system-error.js'
import { asWaqError, type Owner, WaqError } from './errors/waq-error.js'
import { identityName, MANIFESTS, newIdentity, parseFileId } from './format/names.js'
import { refuseNetworkFileSystem } from './fs/network-file-system.js'
import { nodeFileSystem } from './fs/node-file-system.js'
import { claimEpoch, readNewestOwner } from './lock/claim.js'
import { Fence } from './lock/fence.js'
import { ownIdentity } from './lock/identity.js'
import { acquireLock, type DirectoryLock, type LockContext, type LockOptions, ownerOf } from './lock/lock.js'
import { ManifestPublisher } from './manifest/manifest-publisher.js'
import { type Recovered, recover } from './recovery/recover.js'
import { assertRealTimers, wallNow } from './runtime/real-time.js'
import { SegmentLog } from './segment-log.js'
import type {
  CommitMode,
  CommitStats,
  CorruptRange,
  Environment,
  Log,
  LogSpec,
  OpenReport,
  OpenVisitor,
} from './types.js'

export interface LogDirectoryOptions {
  /** In the order in which an opening shows them. */
  readonly logs: readonly LogSpec[]
  /** The size at which the next segment is due, for logs without their own `segmentBytes`. */
  readonly segmentBytes: number
  readonly onCorruption: 'quarantine' | 'refuse'
  readonly lock: LockOptions
  readonly allowNetworkFileSystem: boolean
  readonly commits: CommitMode
  readonly environment: Partial<LogEnvironment>
}

export interface LogEnvironment extends Environment {
  /** How a directory is locked; tests that simulate a disk have no processes to tell apart. */
  readonly acquireLock: typeof acquireLock
}

export class LogDirectory {
  readonly directory: string
  readonly report: OpenReport
  readonly tookOverFrom: Owner | undefined
  /** How long the opening waited for the lock. */
  readonly lockWaitMs: number
  readonly #directory: DirectoryContext
  readonly #ownerFile: string
  readonly #lock: DirectoryLock
  readonly #publisher: ManifestPublisher
  readonly #logs: ReadonlyMap<string, SegmentLog>
  #closing: Promise<void> | undefined

  private constructor(
    parts: OpenedParts & { identity: string },
    recovered: Recovered,
    options: LogDirectoryOptions,
    bootId: string | null,
  ) {
    const directory = parts.directory
    this.directory = directory.root
    this.tookOverFrom = parts.tookOverFrom
    this.lockWaitMs = parts.lockWaitMs
    const { tornBytes, lost } = recovered
    this.report = { tornBytes, lost, corrupt: recovered.corrupt.filter(range => !range.known) }
    this.#directory = directory
    this.#ownerFile = parts.ownerFile
    this.#lock = parts.lock
    const logs = new Map<string, SegmentLog>()
    this.#logs = logs
    this.#publisher = new ManifestPublisher(directory, recovered.manifests, ({ epoch, ordinal }) => ({
      identity: parts.identity,
      epoch,
      ordinal,
      bootId,
      logs: [...logs.values()].map(log => log.toManifest()),
      corrupt: stillPresent(recovered.corrupt, logs),
    }))
    for (const spec of options.logs) {
      const state = { ...recovered.logs.get(spec.name)!, corrupt: recovered.corrupt }
      const segmentBytes = spec.segmentBytes ?? options.segmentBytes
      logs.set(spec.name, new SegmentLog(directory, this.#publisher, spec, segmentBytes, state))
    }
    parts.lock.onLost(cause => directory.fence.lose(cause))
  }

  /**
   * Opens the directory, creating it if needed, and shows `visitor` every record that counts. Rejects with
   * WAQ_LOCKED, WAQ_NOT_A_QUEUE, WAQ_UNSUPPORTED_VERSION, WAQ_CORRUPT (`onCorruption: 'refuse'`),
   * WAQ_DISK_FULL, WAQ_IO, WAQ_LOCK_LOST.
   */
  static async open(path: string, options: LogDirectoryOptions, visitor: OpenVisitor): Promise<LogDirectory> {
    assertRealTimers()
    const environment: LogEnvironment = {
      fileSystem: nodeFileSystem,
      now: wallNow,
      bootId: ownIdentity().bootId,
      acquireLock,
      ...options.environment,
    }
    const names = options.logs.map(spec => spec.name)
    const root = await withBallast(environment, path, () =>
      prepareDirectory(environment.fileSystem, path, names),
    )
    if (environment.fileSystem === nodeFileSystem)
      await refuseNetworkFileSystem(root, options.allowNetworkFileSystem)
    const parts = await takeDirectory(root, names, options, environment)
    try {
      const { directory } = parts
      const { ballast, commitSync, device } = directory
      await device.during(() => ballast.load(directory.token))
      const { probe } = ballast
      const syncsCommits = options.logs.some(({ durability }) => durability === 'fsync')
      if (probe !== undefined && syncsCommits) commitSync.probe(probe)
      const { bootId } = environment
      const recovered = await recover(directory, options.logs, options.onCorruption, visitor, bootId)
      const identity = await identify(directory, recovered.identity)
      const opened = new LogDirectory({ ...parts, identity }, recovered, options, bootId)
      const removable = await opened.#voidFiles()
      await opened.#publisher.publish()
      opened
        .#removeVoidFiles(removable)
        .catch(error => directory.reportError(error, 'removing void files failed'))
      return opened
    } catch (error) {
      const failure = parts.directory.failure(error, `opening ${root} failed`)
      await parts.lock.release().catch(() => {}) // the first failure is reported
      await giveBack(parts)
      throw failure
    }
  }

  log(name: string): Log {
    return this.#segmentLog(name)
  }

  /**
   * Discards the records of a log below `sequence`. Returns how many segments were removed. Rejects with
   * WAQ_CLOSED.
   */
  async discardBefore(name: string, sequence: number): Promise<number> {
    if (this.#closing !== undefined) throw new WaqError('WAQ_CLOSED', `${this.directory} was closed`)
    return this.#segmentLog(name).discardBefore(sequence)
  }

  lowWater(name: string): number {
    return this.#segmentLog(name).lowWater
  }

  /** Asks the disk whether the directory is still ours. */
  fenceStands(): boolean {
    return this.#directory.fence.stands()
  }

  onLost(listener: (error: WaqError) => void): void {
    this.#directory.fence.onLost(listener)
  }

  onError(listener: (error: WaqError) => void): void {
    this.#directory.onError(listener)
  }

  /** Bytes of segments and ballast on disk, zero-filled stretches included. */
  diskBytes(): number {
    let bytes = this.#directory.ballast.bytes
    for (const log of this.#logs.values()) bytes += log.diskBytes
    return bytes
  }

  syncCounts(): { syncs: number; syncMs: Float64Array; commits: CommitStats } {
    const { syncMeter, commitSync } = this.#directory
    return { syncs: syncMeter.count, syncMs: syncMeter.latestMs(), commits: commitSync.stats() }
  }

  /**
   * Writes and syncs what waits, publishes exact lengths, releases the lock. Idempotent. Rejects if something
   * could not be written; everything is closed and released even then.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const logs = [...this.#logs.values()]
    const failures: unknown[] = []
    const attempt = async (step: () => Promise<void>) => {
      try {
        await step()
      } catch (error) {
        failures.push(error)
      }
    }
    for (const log of logs) await attempt(() => log.finish())
    let clean = false
    if (this.#directory.fence.lost === undefined) {
      for (const log of logs) log.dropEmpty()
      await attempt(async () => {
        await this.#publisher.publish()
        clean = true
      })
    }
    for (const log of logs) await attempt(() => log.release(clean))
    await attempt(() => this.#lock.release())
    await giveBack({ directory: this.#directory, ownerFile: this.#ownerFile })
    if (failures.length > 0 && this.#directory.fence.lost === undefined) {
      throw asWaqError(failures[0], `closing ${this.directory} failed`)
    }
  }

  #segmentLog(name: string): SegmentLog {
    const log = this.#logs.get(name)
    if (log === undefined)
      throw new WaqError('WAQ_NOT_FOUND', `${this.directory} has no log ${JSON.stringify(name)}`)
    return log
  }

  /**
   * Files of earlier epochs that do not count: left behind by crashed openings, by rejected appends, and by
   * owners of directories that were here before.
   */
  async #voidFiles(): Promise<string[]> {
    const { fileSystem, root, epoch, ballast } = this.#directory
    const counted = new Set(
      [...this.#logs.values()].flatMap(log => log.allSegments().map(segment => segment.file)),
    )
    const found: string[] = []
    const find = async (directory: string, suffix: '.seg' | '.tmp'): Promise<void> => {
      for (const name of await fileSystem.readdir(this.#directory.path(directory))) {
        const id = parseFileId(name, suffix)
        const file = `${directory}/${name}`
        if (id !== undefined && id.epoch < epoch && !counted.has(file)) found.push(file)
      }
    }
    for (const name of this.#logs.keys()) await find(name, '.seg')
    await find(MANIFESTS, '.tmp')
    for (const { name } of await listBallasts(fileSystem, root)) if (name !== ballast.name) found.push(name)
    return found
  }

  /** Runs once the first manifest is durable; checks the owner file before each removal. */
  async #removeVoidFiles(files: readonly string[]): Promise<void> {
    const directory = this.#directory
    for (const file of files) {
      if (this.#closing !== undefined || !directory.fence.stands()) return
      try {
        await directory.fileSystem.unlink(directory.path(file))
      } catch (error) {
        if (systemCode(error) !== 'ENOENT') throw error
      }
    }
  }
}

/**
 * Makes sure that a file name identifies this directory: it is durable no later than the manifest with that
 * identity.
 */
async function identify(directory: DirectoryContext, known: string | undefined): Promise<string> {
  const identity = known ?? newIdentity()
  const path = directory.path(MANIFESTS, identityName(identity))
  directory.fence.identify(path)
  if ((await directory.fileSystem.stat(path)) === undefined) {
    await directory.withRoom(async () => (await directory.create(path)).close())
  }
  return identity
}

/** At the end of a life. Removes the owner file only if it is ours: in a copy of the directory it is not. */
async function giveBack({
  directory,
  ownerFile,
}: Pick<OpenedParts, 'directory' | 'ownerFile'>): Promise<void> {
  const { ballast, fence, fileSystem } = directory
  await ballast.close().catch(() => {}) // nothing depends on it
  if (fence.stands()) await fileSystem.unlink(ownerFile).catch(() => {}) // the next owner removes it
  fence.close()
}

interface OpenedParts {
  readonly directory: DirectoryContext
  readonly ownerFile: string
  readonly lock: DirectoryLock
  readonly tookOverFrom: Owner | undefined
  readonly lockWaitMs: number
}

async function takeDirectory(
  root: string,
  names: readonly string[],
  options: LogDirectoryOptions,
  environment: LogEnvironment,
): Promise<OpenedParts> {
  const { fileSystem, now, timers } = environment
  const ballast = new Ballast(fileSystem, root, now)
  let fence: Fence | undefined
  const context: LockContext<{ directory: DirectoryContext; ownerFile: string }> = {
    readOwner: () => readNewestOwner(fileSystem, root),
    claim: async () => {
      const claim = await withRoom(ballast, () => claimEpoch(fileSystem, root, names, now))
      const { epoch, token, ownerFile } = claim
      fence = new Fence(fileSystem, root, ownerFile, claim.file)
      const directory = new DirectoryContext({
        root,
        fileSystem,
        now,
        timers,
        epoch,
        token,
        fence,
        ballast,
        commits: options.commits,
      })
      return { directory, ownerFile }
    },
    ownerFileStands: () => fence?.stands() ?? false,
    makeRoom: () => ballast.shrink(),
  }
  const { lock, claimed, tookOverFrom, waitedMs } = await environment.acquireLock(root, options.lock, context)
  return { ...claimed, lock, tookOverFrom, lockWaitMs: waitedMs }
}

/**
 * On a full disk not even a directory can be made: an opener, which has no lock yet, may take the space from
 * the queue's ballast, unless a living owner may rely on it.
 */
function withBallast<T>(environment: LogEnvironment, path: string, step: () => Promise<T>): Promise<T> {
  const { fileSystem, now } = environment
  const ballast = new Ballast(fileSystem, path, now)
  return withRoom(ballast, step, async () => {
    const owner = await readNewestOwner(fileSystem, path)
    return owner === undefined || ownerOf(owner, path)?.alive === false
  })
}

async function withRoom<T>(
  ballast: Ballast,
  step: () => Promise<T>,
  allowed: () => Promise<boolean> = async () => true,
): Promise<T> {
  for (;;) {
    try {
      return await step()
    } catch (error) {
      const shrink = async () => (await allowed()) && (await ballast.shrink(error))
      if (!needsBytes(error) || !(await shrink().catch(() => false))) throw error
    }
  }
}

/**
 * Damage that the next manifest lists again: it lies in a segment that counts, or another log holds records
 * older than its discovery, which may still be in doubt about the lost ones.
 */
function stillPresent(
  ranges: readonly CorruptRange[],
  logs: ReadonlyMap<string, SegmentLog>,
): CorruptRange[] {
  return ranges.filter(range => {
    if (logs.get(range.log)?.counts(range.file)) return true
    return Object.entries(range.nextSequences).some(
      ([name, next]) => name !== range.log && (logs.get(name)?.holdsBelow(next) ?? false),
    )
  })
}
