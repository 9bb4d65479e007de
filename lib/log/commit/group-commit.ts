/**
 * Group commit for one log: batches appends into one write and one sync, and recovers from write and sync
 * failures.
 *
 * `FlushLoop` decides when a batch is written, `FailurePolicy` what happens to one that cannot be written.
 * Invariants (numbers of `docs/format.md`):
 *  - 3: an append is reported as accepted only after its bytes were written and, if the durability asks for
 *    it, synced, and the fence was checked after that.
 *  - 5: after a failed write or sync the segment ends at its last synced byte. Everything after that byte is
 *    refused, or written to a fresh segment once a manifest with the cut is durable.
 *  - 7: a segment gets its first frame only after its predecessor was synced to the end or cut by a durable
 *    manifest.
 */

import { diskFullError } from '../directory/ballast.js'
import type { DirectoryContext } from '../directory/directory-context.js'
import { isDiskFull } from '../errors/system-error.js'
import { asWaqError, WaqError } from '../errors/waq-error.js'
import { FRAME_HEADER_BYTES, MAX_PAYLOAD_BYTES } from '../format/format.js'
import { type WriteError, writeFully } from '../fs/write.js'
import type { ManifestPublisher } from '../manifest/manifest-publisher.js'
import { nextTick, nextTurn } from '../runtime/real-time.js'
import type { ActiveSegment } from '../segment/segment.js'
import type { SegmentSet } from '../segment/segment-set.js'
import type { LogSpec } from '../types.js'
import type { Append } from './append.js'
import { AppendQueue } from './append-queue.js'
import { type FailurePolicy, failurePolicies } from './failure-policy.js'
import { FlushLoop } from './flush-loop.js'
import { frameBatch } from './frame-batch.js'
import { PendingRetries } from './pending-retries.js'
import { RetryBackoff } from './retry-backoff.js'
import { Rotation } from './rotation.js'
import { Unsynced } from './unsynced.js'

/**
 * The most bytes that one flush writes, unless a single list is larger: later appends should wait little
 * longer than for their own sync.
 */
const MAX_FLUSH_BYTES = 1024 * 1024

export class GroupCommit {
  readonly #directory: DirectoryContext
  readonly #publisher: ManifestPublisher
  readonly #spec: LogSpec
  readonly #policy: FailurePolicy
  readonly #rotation: Rotation
  readonly #queue = new AppendQueue()
  readonly #loop: FlushLoop
  readonly #unsynced: Unsynced
  readonly #pendingRetries = new PendingRetries()
  readonly #backoff = new RetryBackoff()
  #nextSequence: number

  #sealing: Promise<void> | undefined
  /** Why the last flush failed, while retries are being delayed. */
  #lastFailure: WaqError | undefined
  #terminalError: WaqError | undefined

  constructor(
    directory: DirectoryContext,
    publisher: ManifestPublisher,
    spec: LogSpec,
    segmentBytes: number,
    segments: SegmentSet,
    nextSequence: number,
  ) {
    this.#directory = directory
    this.#publisher = publisher
    this.#spec = spec
    this.#policy = failurePolicies[spec.onFailure]
    this.#loop = new FlushLoop(this, spec.durability === 'fsync' ? directory.commitSync : undefined)
    this.#nextSequence = nextSequence
    this.#rotation = new Rotation(directory, publisher, spec, segmentBytes, segments, {
      syncFailed: (active, error) => this.#endSegment(active, [], error),
      allSynced: () => this.#unsynced.clear(),
      nextSequence: () => this.#nextSequence,
      mustSucceed: () => this.#mustSucceed,
    })
    this.#unsynced = new Unsynced(spec.durability, () => this.#syncInBackground(), directory.timers)
    directory.fence.onLost(error => this.#end(error))
  }

  /** The sequence that the first record of the next append will get. */
  get nextSequence(): number {
    return this.#nextSequence
  }

  /**
   * True if accepted records are in memory only because their segment failed: the manifest that cuts the
   * segment must say so.
   */
  get holdsDisplaced(): boolean {
    return this.#pendingRetries.size > 0
  }

  /** As `Log.append`. */
  append(append: Append): number {
    const firstSequence = this.#nextSequence
    append.firstSequence = firstSequence
    if (this.#terminalError !== undefined) {
      const error = this.#terminalError
      nextTick(() => append.failed(error))
      return firstSequence
    }
    const { count } = append
    let bytes = 0
    for (let index = 0; index < count; index += 1) bytes += append.record(index).length
    // The list must fit into one write of Node, and into a segment after everything else that it holds.
    if (bytes > MAX_PAYLOAD_BYTES) {
      const what = count === 1 ? 'a record' : `a list of ${count} records`
      throw new WaqError('WAQ_TOO_LARGE', `${what}, ${bytes} bytes; at most ${MAX_PAYLOAD_BYTES} fit at once`)
    }
    if (firstSequence + count > Number.MAX_SAFE_INTEGER) {
      throw new WaqError('WAQ_IO', `the ${this.#spec.name} log has no sequences left`)
    }
    append.bytes = bytes + count * FRAME_HEADER_BYTES
    this.#nextSequence += count
    this.#queue.push(append)
    this.#loop.schedule()
    return firstSequence
  }

  /** As `Log.withdraw`. */
  withdraw(append: Append): boolean {
    return this.#queue.withdraw(append)
  }

  /** As `Log.sync`. */
  sync(): Promise<void> {
    return this.#allSynced(() => this.#syncUnsynced())
  }

  /** As `Log.commit`. */
  commit(): Promise<void> {
    return this.#allSynced(() => this.#commitUnsynced())
  }

  async #allSynced(sync: () => Promise<void>): Promise<void> {
    const last = this.#unsynced.last
    // A batch that is being written again counts too: its accepted records are not on the device yet.
    const displaced = this.#pendingRetries.size > 0
    if (last !== undefined) await sync()
    this.#directory.fence.check()
    if (this.#publisher.undecided) await this.#publisher.settle()
    if (last !== undefined && !last.synced) throw refusal(this.#lastFailure ?? this.#notSynced(), true)
    if (displaced || this.#pendingRetries.size > 0)
      throw refusal(this.#lastFailure ?? this.#notSynced(), true)
    // While retained appends cannot be written, only a caller that asks is told.
    if (this.#lastFailure !== undefined && this.#queue.size > 0) throw refusal(this.#lastFailure, true)
  }

  /** A record whose place was lost with its segment, read from memory; undefined for every other record. */
  readDisplaced(segment: number, offset: number): Buffer | undefined {
    return this.#pendingRetries.read(segment, offset)
  }

  /** As `Log.seal`. */
  async seal(): Promise<void> {
    this.#sealing ??= this.#seal().finally(() => {
      this.#sealing = undefined
    })
    return this.#sealing
  }

  async #seal(): Promise<void> {
    try {
      await this.#loop.runAlone(async () => {
        if (this.#terminalError !== undefined) throw this.#terminalError
        await this.#rotation.seal()
      })
    } catch (error) {
      throw asWaqError(error, `sealing the ${this.#spec.name} log failed`)
    }
  }

  /**
   * Before a clean close: stops taking appends, writes and syncs everything that waits, and makes the exact
   * lengths ready to be published.
   */
  async finish(): Promise<void> {
    this.#terminalError ??= new WaqError('WAQ_CLOSED', `${this.#directory.root} was closed`)
    this.#backoff.cancel()
    this.#unsynced.stopTimer()
    try {
      await this.#writeAll()
      if (this.#unsynced.size > 0) await this.#syncUnsynced()
      // If that failed, the accepted records get one fresh segment, as they would at any other time.
      if (this.#queue.size > 0) await this.#writeAll()
      await this.#rotation.stop()
      if (this.#unsynced.size > 0 || this.#queue.holdsAccepted) await this.sync()
      if (this.#lastFailure !== undefined && this.#queue.size > 0) throw this.#lastFailure
    } finally {
      this.#backoff.cancel()
      this.#refuse(this.#queue.take(Number.POSITIVE_INFINITY), this.#lastFailure ?? this.#terminalError!)
      this.#rotation.active?.segment.seal()
    }
  }

  #writeAll(): Promise<void> {
    return this.#loop.drain(() => this.#backoff.cancel())
  }

  /** At the end of a close, as `Rotation.release`. */
  release(clean: boolean): Promise<void> {
    return this.#rotation.release(clean)
  }

  // ── A flush ────────────────────────────────────────────────────────────────────────────────────

  /** As `Flusher`. */
  get hasWork(): boolean {
    return this.#queue.size > 0 && this.#directory.fence.lost === undefined
  }

  /** As `Flusher`. Writes one batch synchronously if that needs no wait, otherwise asynchronously. */
  flush(): boolean | Promise<void> {
    if (this.#queue.size === 0 || (this.#lastFailure !== undefined && this.#isHeldBack())) return false
    if (!this.#policy.mustSucceed && this.#directory.ballast.short && this.#queue.holdsRefusable)
      return this.#restoreBallast()
    const batch = this.#queue.take(MAX_FLUSH_BYTES)
    try {
      let bytes = 0
      for (const append of batch) bytes += append.bytes
      const active = this.#rotation.ready(bytes)
      const flushing =
        active === undefined ? this.#flushToNext(batch, bytes) : this.#write(active, batch, bytes)
      return flushing?.catch(error => this.#refuseForDefect(batch, error)) ?? true
    } catch (error) {
      this.#refuseForDefect(batch, error)
      return true
    }
  }

  /**
   * While retries are delayed, refuses the appends that may be refused; the rest is retried automatically.
   */
  #isHeldBack(): boolean {
    if (this.#backoff.leftMs === 0) return false
    this.#refuse(this.#queue.takeRefusable(this.#policy), this.#lastFailure!)
    if (this.#queue.size > 0) this.#backoff.afterwards(() => this.#loop.schedule())
    return true
  }

  /**
   * Every disk failure is handled where it happens, so this is a defect; even then no caller is left waiting.
   */
  #refuseForDefect(batch: readonly Append[], error: unknown): void {
    const defect = asWaqError(error, `the ${this.#spec.name} log failed`)
    this.#directory.reportError(defect)
    this.#refuse(batch, defect)
  }

  /** Appends that may be refused must wait for the ballast; accepted ones may use it. */
  async #restoreBallast(): Promise<void> {
    const { ballast, device, root } = this.#directory
    try {
      if (await device.during(() => ballast.restore())) return
    } catch (error) {
      this.#directory.reportError(error)
    }
    this.#refuse(this.#queue.takeRefusable(this.#policy), diskFullError(root, ballast.shortFor))
  }

  async #flushToNext(batch: Append[], bytes: number): Promise<void> {
    let active: ActiveSegment
    try {
      active = await this.#rotation.next()
    } catch (error) {
      this.#requeueOrReject(batch, this.#directory.failure(error, `the ${this.#spec.name} log cannot go on`))
      return
    }
    if (this.#queue.precedes(batch[0]!)) {
      // The last segment failed meanwhile: its accepted records are written again first.
      this.#queue.putBack(batch)
      return
    }
    await this.#write(active, batch, bytes)
  }

  #write(active: ActiveSegment, batch: Append[], bytes: number): void | Promise<void> {
    const { segment } = active
    const frames = frameBatch(batch, bytes, segment)
    try {
      const writing = writeFully(active.file, frames, segment.written)
      if (writing !== undefined) return this.#writeLarge(writing, active, batch, bytes)
    } catch (error) {
      return this.#writeFailed(active, batch, error as WriteError)
    }
    return this.#written(active, batch, bytes)
  }

  async #writeLarge(
    writing: Promise<void>,
    active: ActiveSegment,
    batch: Append[],
    bytes: number,
  ): Promise<void> {
    try {
      await writing
    } catch (error) {
      return this.#writeFailed(active, batch, error as WriteError)
    }
    if (this.#rotation.active === active) return this.#written(active, batch, bytes)
    // A sync failed meanwhile and ended the segment before these bytes.
    touch(batch)
    this.#queue.putBack(batch)
  }

  #written(active: ActiveSegment, batch: Append[], bytes: number): void | Promise<void> {
    touch(batch)
    const last = batch[batch.length - 1]!
    active.advance(bytes, batch[0]!.firstSequence, last.firstSequence + last.count - 1)
    if (this.#spec.durability !== 'fsync') return this.#conclude(batch)
    try {
      if (!this.#directory.commitSync.trySync(active)) return this.#commitOnThread(active, batch)
    } catch (error) {
      this.#endSegment(active, batch, asWaqError(error, 'a sync failed'))
      return
    }
    return this.#conclude(batch)
  }

  async #commitOnThread(active: ActiveSegment, batch: Append[]): Promise<void> {
    try {
      await this.#directory.commitSync.syncOnThread(active)
    } catch (error) {
      this.#endSegment(active, batch, asWaqError(error, 'a sync failed'))
      return
    }
    await this.#conclude(batch)
  }

  #conclude(batch: Append[]): void | Promise<void> {
    if (this.#publisher.undecided) return this.#settleAndAccept(batch)
    this.#accept(batch)
  }

  /**
   * Resolves nothing until it is known which manifest is in force; bytes written meanwhile stay where they
   * are.
   */
  async #settleAndAccept(batch: Append[]): Promise<void> {
    for (;;) {
      try {
        await this.#publisher.settle()
        return this.#accept(batch)
      } catch (error) {
        if (this.#directory.fence.lost !== undefined) return this.#accept(batch) // which refuses it
        const trouble = asWaqError(error, 'publishing a manifest failed')
        this.#directory.reportError(trouble)
        this.#pauseAfter(trouble)
        if (!this.#policy.mustSucceed) {
          const refused = this.#policy.refusable(batch)
          this.#accept(without(batch, refused))
          this.#refuse(refused, trouble)
          return
        }
        if (this.#terminalError !== undefined) return this.#refuse(batch, trouble)
        await this.#backoff.wait()
      }
    }
  }

  /** The only place where an append is reported as being in the log. */
  #accept(batch: readonly Append[]): void {
    try {
      this.#directory.fence.check()
    } catch (error) {
      this.#refuse(batch, error as WaqError)
      return
    }
    if (this.#lastFailure !== undefined) {
      this.#lastFailure = undefined
      this.#backoff.succeeded()
    }
    if (this.#spec.durability !== 'fsync') this.#unsynced.add(batch)
    for (const append of batch) {
      const again = append.state === 'accepted'
      append.state = 'accepted'
      try {
        if (again) {
          this.#pendingRetries.moved(append)
          append.moved(append.writtenTo!.id, append.offset)
        } else append.accepted(append.writtenTo!.id, append.offset)
      } catch (error) {
        this.#directory.reportError(error, 'what follows an append failed')
      }
    }
    this.#rotation.prepareAhead()
  }

  // ── Failures ───────────────────────────────────────────────────────────────────────────────────

  /** An accepted record of either log can no longer be refused: like an outcome, it may use the ballast. */
  get #mustSucceed(): boolean {
    return this.#policy.mustSucceed || this.#pendingRetries.size > 0
  }

  async #writeFailed(active: ActiveSegment, batch: Append[], error: WriteError): Promise<void> {
    if (error.written === 0 && isDiskFull(error)) {
      // No byte reached the file: the segment is unharmed.
      if (this.#mustSucceed && (await this.#directory.ballast.shrink(error).catch(() => false))) {
        this.#queue.putBack(batch)
        return
      }
      this.#requeueOrReject(batch, diskFullError(this.#directory.root, error.cause))
      return
    }
    touch(batch)
    this.#endSegment(active, batch, asWaqError(error.cause, `writing ${active.segment.file} failed`))
  }

  /**
   * Invariant 5. The segment ends at its last synced byte for good. The records accepted after that byte, and
   * the batch that failed, go back to the front of the queue: the next flush publishes the cut and writes
   * them to a fresh segment. A batch that fails twice in a row is refused.
   */
  #endSegment(active: ActiveSegment, batch: readonly Append[], error: WaqError): void {
    if (this.#rotation.active !== active) {
      // A background sync of the same segment has failed and ended it meanwhile.
      this.#queue.putBack(batch)
      return
    }
    this.#rotation.end()
    this.#directory.reportError(error)

    const lost = this.#unsynced.takeLost()
    for (const append of lost) this.#pendingRetries.add(append)
    const isSecond = this.#lastFailure !== undefined
    this.#lastFailure ??= error
    const refused = isSecond ? this.#policy.refusable(batch) : []
    this.#queue.putBack([...lost, ...without(batch, refused)])
    this.#refuse(refused, error)
    // Records accepted before are no reason to wait: their segment failed, and they are written to a fresh
    // one.
    if (isSecond && batch.some(append => append.state !== 'accepted')) this.#pauseAfter(error)
    this.#loop.schedule()
  }

  /** A batch of which nothing could be written now. */
  #requeueOrReject(batch: readonly Append[], error: WaqError): void {
    if (this.#directory.fence.lost !== undefined) {
      this.#refuse(batch, this.#directory.fence.lost)
      return
    }
    this.#pauseAfter(error)
    const refused = this.#policy.refusable(batch)
    const kept = without(batch, refused)
    this.#queue.putBack(kept)
    // No one else is told about retained appends.
    if (kept.length > 0) this.#directory.reportError(error)
    this.#refuse(refused, error)
  }

  #refuse(batch: readonly Append[], error: WaqError): void {
    for (const append of batch) {
      if (append.state !== 'accepted') append.failed(refusal(error, append.state === 'touched'))
    }
  }

  #pauseAfter(error: WaqError): void {
    this.#lastFailure = error
    // With a full disk and nothing written, a retry costs one failing call, so every append retries.
    if (error.code === 'WAQ_DISK_FULL' && !this.#policy.mustSucceed && this.#rotation.active) return
    this.#backoff.failed()
  }

  /** The fence was lost: nothing is written after this, and every waiter is told. */
  #end(error: WaqError): void {
    this.#terminalError = error
    this.#backoff.cancel()
    void this.#rotation.stop()
    this.#unsynced.stopTimer()
    this.#refuse(this.#queue.take(Number.POSITIVE_INFINITY), error)
    this.#unsynced.clear()
  }

  // ── Relaxed durabilities ───────────────────────────────────────────────────────────────────────

  #syncInBackground(): void {
    this.#syncUnsynced().catch(error => this.#directory.reportError(error))
  }

  /**
   * Syncs the active segment once. Records that the sync covered are released; after a failure, those not
   * covered go back to the queue.
   */
  async #syncUnsynced(sync = (active: ActiveSegment) => active.sync()): Promise<void> {
    const { active } = this.#rotation
    if (active === undefined) return
    try {
      if (active.unsyncedBytes > 0) await sync(active)
    } catch (error) {
      this.#endSegment(active, [], asWaqError(error, 'a sync failed'))
      return
    }
    this.#unsynced.letGoSynced()
  }

  /** As `#syncUnsynced`, synchronously if that is allowed. */
  async #commitUnsynced(): Promise<void> {
    const { commitSync } = this.#directory
    if (commitSync.waitForTurn) await nextTurn()
    await this.#syncUnsynced(async active => {
      if (!commitSync.trySync(active)) await commitSync.syncOnThread(active)
    })
  }

  #notSynced(): WaqError {
    return new WaqError(
      'WAQ_IO',
      `syncing the ${this.#spec.name} log failed; what was not synced is written again`,
    )
  }
}

/** Some of their bytes may be in a file. */
function touch(batch: readonly Append[]): void {
  for (const append of batch) if (append.state === 'waiting') append.state = 'touched'
}

function without(batch: readonly Append[], refused: readonly Append[]): readonly Append[] {
  if (refused.length === 0) return batch
  const left = new Set(refused)
  return batch.filter(append => !left.has(append))
}

function refusal(error: WaqError, touched: boolean): WaqError {
  if (error.indeterminate === touched) return error
  return new WaqError(error.code, error.message, { cause: error.cause ?? error, indeterminate: touched })
}
