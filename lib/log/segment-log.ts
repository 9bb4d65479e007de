/**
 * One log: group commit into the active segment, rotation, and what happens when the disk does not do as it is told.
 *
 * One flush is in flight; all that arrives meanwhile forms the next. There is no timer and no added delay: an
 * idle log flushes at the end of the current tick. Invariants (numbers of `docs/format.md`):
 *  - 3: nothing is reported as accepted before the fence was checked, after its bytes were written and, where
 *    the durability asks for it, synced.
 *  - 5: after a failed write or sync the segment ends at its last synced byte; what stood behind it is written to
 *    a fresh segment, once a manifest that says so is durable, or refused.
 *  - 7: a segment gets its first frame only after its predecessor was synced to its end or cut by a durable manifest.
 */
import { Append, AppendQueue } from './append-queue.js'
import { diskFullError, isDiskFull } from './ballast.js'
import { createSegment } from './create-segment.js'
import type { Directory } from './directory.js'
import { Displaced } from './displaced.js'
import { asWaqError, WaqError } from './errors.js'
import { FLAG_MORE, FRAME_HEADER_BYTES, MAX_PAYLOAD_BYTES, MAX_SEGMENT_BYTES, sealFrame } from './format.js'
import type { ManifestLog } from './manifest.js'
import type { ManifestPublisher } from './manifest-publisher.js'
import { Pace } from './pace.js'
import { rewriteSegments, tellMoves } from './rewrite.js'
import { type ActiveSegment, type Segment, unknownSegment } from './segment.js'
import { SegmentReader } from './segment-reader.js'
import type { AppendListener, CorruptRange, Log, LogSpec, RewriteOptions, SegmentInfo } from './types.js'
import { type WriteError, writeFully } from './write.js'

/** One flush, unless a single list is larger: a waiter behind it should not wait for much more than its own sync. */
const MAX_FLUSH_BYTES = 1024 * 1024
/** In the relaxed durabilities frames stay in memory until synced (invariant 5); so much of them, then a sync is started. */
const MAX_UNSYNCED_BYTES = 1024 * 1024
/** An opening's first segment is small, for most openings write little; each next one is four times as large, up to `segmentBytes`. */
const FIRST_TARGET_BYTES = 256 * 1024
const TARGET_GROWTH = 4
/** While the next segment is not ready, the active one may grow to so many times its target before anyone waits. */
const MAX_OVERRUN = 4

export interface SegmentLogState {
  readonly segments: readonly Segment[]
  readonly nextSequence: number
  readonly lowWater: number
  /** Damage that is quarantined and reported. */
  readonly corrupt: readonly CorruptRange[]
}

export class SegmentLog implements Log {
  readonly #directory: Directory
  readonly #publisher: ManifestPublisher
  readonly #spec: LogSpec
  readonly #segmentBytes: number
  readonly #reader: SegmentReader
  readonly #segments: Map<number, Segment>
  /** Rewritten, while the manifest that says so is being published: records are still read from them. */
  readonly #leaving = new Map<number, Segment>()
  /** Retired, but the manifest that says so failed: their files go with the next ones. */
  readonly #stillThere: Segment[] = []
  readonly #knownDamage: readonly CorruptRange[]
  readonly #queue = new AppendQueue()
  readonly #displaced = new Displaced()
  readonly #pace = new Pace()
  #nextSequence: number
  #lowWater: number
  /** No manifest says so yet. */
  #lowWaterDue = false

  #active: ActiveSegment | undefined
  /** Written whole, but not appended to yet. */
  #prepared: ActiveSegment | undefined
  #preparing: Promise<void> | undefined
  readonly #preparePace = new Pace()
  #nextTargetBytes: number
  /** A segment failed: a manifest that cuts it must be durable before the next append. */
  #cutDue = false

  /** The flush loop, while it runs; or a seal, which takes its place. */
  #running: Promise<void> | undefined
  #sealing: Promise<void> | undefined
  /** The flush loop is to make room for a seal. */
  #sealDue = false
  #scheduled = false
  /** In the relaxed durabilities: accepted, and not synced yet. By sequence. */
  #unsynced: Append[] = []
  #unsyncedBytes = 0
  #syncTimer: NodeJS.Timeout | undefined
  /** Why the last flush failed, while the pace holds. */
  #trouble: WaqError | undefined
  #ended: WaqError | undefined

  constructor(
    directory: Directory,
    publisher: ManifestPublisher,
    spec: LogSpec,
    segmentBytes: number,
    state: SegmentLogState,
  ) {
    this.#directory = directory
    this.#publisher = publisher
    this.#spec = spec
    this.#segmentBytes = segmentBytes
    this.#reader = new SegmentReader(directory)
    this.#segments = new Map(state.segments.map(segment => [segment.id, segment]))
    this.#knownDamage = state.corrupt
    this.#nextSequence = state.nextSequence
    this.#lowWater = state.lowWater
    this.#nextTargetBytes = Math.min(FIRST_TARGET_BYTES, segmentBytes)
    directory.fence.onLost(error => this.#end(error))
  }

  get name(): string {
    return this.#spec.name
  }

  get nextSequence(): number {
    return this.#nextSequence
  }

  get lowWater(): number {
    return this.#lowWater
  }

  append(type: number, records: readonly Uint8Array[], listener: AppendListener): number {
    const firstSequence = this.#nextSequence
    if (this.#ended !== undefined) {
      const error = this.#ended
      queueMicrotask(() => listener.failed(error))
      return firstSequence
    }
    for (const record of records) {
      if (record.length > MAX_PAYLOAD_BYTES) {
        throw new WaqError(
          'WAQ_TOO_LARGE',
          `a record of ${record.length} bytes; at most ${MAX_PAYLOAD_BYTES} fit`,
        )
      }
    }
    if (firstSequence + records.length > Number.MAX_SAFE_INTEGER) {
      throw new WaqError('WAQ_IO', `the ${this.name} log has no sequences left`)
    }
    this.#nextSequence += records.length
    this.#queue.push(new Append(type, records, firstSequence, listener))
    this.#schedule()
    return firstSequence
  }

  withdraw(firstSequence: number): boolean {
    return this.#queue.withdraw(firstSequence)
  }

  async sync(): Promise<void> {
    const last = this.#unsynced.at(-1)
    // Also one that is being written again: what was accepted is not on the device yet.
    const displaced = this.#displaced.size > 0
    if (last !== undefined) await this.#syncUnsynced()
    this.#directory.fence.check()
    if (this.#publisher.undecided) await this.#publisher.settle()
    if (last !== undefined && !isSynced(last)) throw refusal(this.#trouble ?? this.#notSynced(), true)
    if (displaced || this.#displaced.size > 0) throw refusal(this.#trouble ?? this.#notSynced(), true)
  }

  async read(segment: number, offset: number): Promise<Buffer> {
    const inMemory = this.#displaced.read(segment, offset)
    if (inMemory !== undefined) return inMemory
    const found = this.#segments.get(segment) ?? this.#leaving.get(segment)
    if (found === undefined) throw unknownSegment(this.name, segment)
    return this.#reader.read(found, offset)
  }

  segments(): readonly SegmentInfo[] {
    return [...this.#segments.values()].filter(segment => segment.holdsFrames)
  }

  /** Also those without frames, that may get some. */
  allSegments(): readonly Segment[] {
    return [...this.#segments.values()]
  }

  counts(file: string): boolean {
    for (const segment of this.#segments.values()) if (segment.file === file) return true
    return false
  }

  /** Whether a segment that counts may hold a record below `sequence`. */
  holdsBelow(sequence: number): boolean {
    for (const segment of this.#segments.values()) {
      if (segment.holdsFrames && segment.firstSequence < sequence) return true
    }
    return false
  }

  async retire(segments: readonly number[]): Promise<void> {
    const retired: Segment[] = this.#stillThere.splice(0)
    for (const id of segments) {
      const segment = this.#segments.get(id)
      if (segment === undefined || !segment.sealed) continue
      this.#segments.delete(id)
      retired.push(segment)
    }
    if (retired.length === 0) return
    try {
      await this.#publisher.publish()
    } catch (error) {
      this.#stillThere.push(...retired)
      throw error
    }
    for (const segment of retired) await this.#remove(segment)
  }

  async rewrite(ids: readonly number[], options: RewriteOptions): Promise<number> {
    const originals = ids.flatMap(id => this.#segments.get(id) ?? []).filter(segment => segment.sealed)
    if (originals.length === 0) return 0
    const isKnownDamage = (file: string, offset: number, length: number): boolean =>
      this.#knownDamage.some(
        range => range.file === file && range.offset === offset && range.length === length,
      )
    const { segments, moves } = await rewriteSegments(
      this.#directory,
      this.#spec,
      this.#segmentBytes,
      originals,
      isKnownDamage,
      options,
    )
    if (originals.some(original => !this.#segments.has(original.id))) {
      // Retired meanwhile: nobody needs its records any more, and no copy may bring them back.
      for (const segment of segments) await this.#remove(segment)
      return 0
    }
    // The copies take the place of the first original, so that the order of segments stays that of their records.
    const before = [...this.#segments.values()]
    this.#setSegments(
      before.flatMap(segment =>
        segment === originals[0] ? segments : originals.includes(segment) ? [] : [segment],
      ),
    )
    for (const original of originals) this.#leaving.set(original.id, original)
    try {
      await this.#publisher.publish()
    } catch (error) {
      this.#restore(before, originals, segments)
      throw error
    }
    await tellMoves(moves, options)
    let freed = 0
    for (const original of originals) {
      this.#leaving.delete(original.id)
      freed += original.diskBytes
      await this.#remove(original)
    }
    for (const segment of segments) freed -= segment.diskBytes
    return freed
  }

  /**
   * A manifest failed that was to list copies in the place of their originals. Either may be in force now: all files
   * of both stand, and the next manifest says that it is as before. Only then are the copies void for certain.
   */
  #restore(before: readonly Segment[], originals: readonly Segment[], copies: readonly Segment[]): void {
    const known = new Set([...before, ...copies])
    const begunSince = [...this.#segments.values()].filter(segment => !known.has(segment))
    const still = before.filter(segment => originals.includes(segment) || this.#segments.has(segment.id))
    this.#setSegments([...still, ...begunSince])
    for (const original of originals) this.#leaving.delete(original.id)
    const removal = this.#publisher.undecided ? this.#publisher.settle() : Promise.resolve()
    removal
      .then(async () => {
        for (const copy of copies) await this.#remove(copy)
      })
      .catch(() => {}) // what failed is reported by whoever needs that manifest; void copies are left to the next opening
  }

  async seal(): Promise<void> {
    this.#sealing ??= this.#seal().finally(() => {
      this.#sealing = undefined
    })
    return this.#sealing
  }

  async #seal(): Promise<void> {
    this.#sealDue = true
    // Between two flushes. What waits meanwhile goes to the segment that follows.
    while (this.#running !== undefined) await this.#running
    this.#sealDue = false
    const sealing = this.#sealActive()
    this.#occupy(sealing.catch(() => {})) // told to whoever asked for it, below
    await sealing
  }

  async #sealActive(): Promise<void> {
    if (this.#ended !== undefined) throw this.#ended
    await this.#preparing?.catch(() => {}) // reported; whoever appends next tries again
    const active = this.#active
    if (active?.segment.holdsFrames) {
      try {
        await active.sync()
      } catch (error) {
        this.#endSegment(active, [], asWaqError(error, 'a sync failed'))
        throw error
      }
      this.#forgetUnsynced()
      active.segment.seal()
      this.#active = undefined
      this.#nextTargetBytes = Math.min(FIRST_TARGET_BYTES, this.#segmentBytes)
      await this.#trimAndClose(active)
    }
    const prepared = this.#prepared
    if (prepared === undefined) return
    this.#prepared = undefined
    this.#segments.delete(prepared.segment.id)
    // Where this fails, the file is void or empty, and the next opening removes it.
    await prepared.close()
    await this.#publisher.publish()
    await this.#remove(prepared.segment)
  }

  /** Records below `sequence` do not count any more; their segments leave where they hold nothing else. */
  async discardBefore(sequence: number): Promise<number> {
    if (sequence <= this.#lowWater && !this.#lowWaterDue) return 0
    this.#lowWater = Math.max(this.#lowWater, Math.min(sequence, this.#nextSequence))
    this.#lowWaterDue = true
    const below = [...this.#segments.values()].filter(
      segment => segment.sealed && segment.lastSequence < this.#lowWater,
    )
    if (below.length > 0) await this.retire(below.map(segment => segment.id))
    else await this.#publisher.publish()
    this.#lowWaterDue = false
    return below.length
  }

  get diskBytes(): number {
    let bytes = 0
    for (const segment of this.#segments.values()) bytes += segment.diskBytes
    return bytes
  }

  toManifest(): ManifestLog {
    return {
      name: this.name,
      nextSequence: this.#nextSequence,
      lowWater: this.#lowWater,
      segments: [...this.#segments.values()].map(segment => segment.toManifest()),
    }
  }

  /** Before a clean close: nothing is taken in any more, all that waits is written and synced, exact lengths are ready to be published. */
  async finish(): Promise<void> {
    this.#ended ??= new WaqError('WAQ_CLOSED', `${this.#directory.root} was closed`)
    this.#pace.cancel()
    clearTimeout(this.#syncTimer)
    try {
      await this.#writeAll()
      if (this.#unsynced.length > 0) await this.#syncUnsynced()
      // Where that failed, what was accepted gets one fresh segment, as in any other life.
      if (this.#queue.size > 0) await this.#writeAll()
      await this.#preparing?.catch(() => {}) // nobody needs it any more
      if (this.#unsynced.length > 0 || this.#queue.holdsAccepted) await this.sync()
      if (this.#trouble !== undefined && this.#queue.size > 0) throw this.#trouble
    } finally {
      this.#pace.cancel()
      this.#preparePace.cancel()
      for (const append of this.#queue.take(Number.POSITIVE_INFINITY)) {
        if (!append.accepted) append.listener.failed(refusal(this.#trouble ?? this.#ended!, append.touched))
      }
      this.#active?.segment.seal()
    }
  }

  async #writeAll(): Promise<void> {
    // A flush that was due at the end of this tick may begin while this waits: never two of them, and none is left out.
    while (this.#running !== undefined) await this.#running
    this.#pace.cancel()
    if (this.#queue.size > 0) await this.#start()
  }

  /**
   * At the end of a close: gives back the zero-filled stretches and closes the files. `clean`: the last manifest is
   * durable. Else the one before it may be in force, and what it lists stays.
   */
  async release(clean: boolean): Promise<void> {
    const active = this.#active
    const prepared = this.#prepared
    this.#active = undefined
    this.#prepared = undefined
    this.#reader.close()
    try {
      if (active !== undefined) await this.#trimAndClose(active)
    } finally {
      await prepared?.close()
    }
    if (prepared !== undefined && clean) await this.#remove(prepared.segment)
  }

  /** The next manifest does not list segments without frames: they are given up, or were never used. For a clean close. */
  dropEmpty(): void {
    for (const [id, segment] of this.#segments) if (!segment.holdsFrames) this.#segments.delete(id)
  }

  // ── The flush loop ──────────────────────────────────────────────────────────────────────────────────────────

  #schedule(): void {
    if (this.#scheduled || this.#running !== undefined) return
    this.#scheduled = true
    // After the promise jobs of this tick: all that a resolved flush sets going again shares the next one.
    process.nextTick(() => {
      this.#scheduled = false
      if (this.#running === undefined && this.#queue.size > 0) void this.#start()
    })
  }

  #start(): Promise<void> {
    return this.#occupy(this.#run())
  }

  /** Nothing else writes to the log until this work is over; then the flush loop goes on. */
  #occupy(work: Promise<void>): Promise<void> {
    const running = work.finally(() => {
      if (this.#running === running) this.#running = undefined
      if (this.#queue.size === 0 || this.#directory.fence.lost !== undefined) return
      // What came after the loop's last look: nobody else will wake up for it.
      if (this.#pace.leftMs > 0) this.#hold()
      else this.#schedule()
    })
    this.#running = running
    return running
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.size > 0 && !this.#sealDue) {
        if (this.#pace.leftMs > 0) return this.#hold()
        if (
          this.#spec.onFailure === 'reject' &&
          this.#directory.ballast.short &&
          !(await this.#ballastRestored())
        ) {
          for (const append of this.#queue.takeRefusable()) {
            append.listener.failed(refusal(diskFullError(this.#directory.root), append.touched))
          }
          if (this.#queue.size === 0) return
        }
        const batch = this.#queue.take(MAX_FLUSH_BYTES)
        try {
          const flushing = this.#flush(batch)
          if (flushing !== undefined) await flushing
        } catch (error) {
          // Every failure of the disk is dealt with where it happens: this is a defect, and still nobody is left waiting.
          const defect = asWaqError(error, `the ${this.name} log failed`)
          this.#directory.reportError(defect)
          this.#refuse(batch, defect)
        }
      }
    } finally {
      if (this.#trouble !== undefined && this.#queue.size > 0) this.#hold()
    }
  }

  async #ballastRestored(): Promise<boolean> {
    try {
      return await this.#directory.ballast.restore()
    } catch (error) {
      this.#directory.reportError(error)
      return false
    }
  }

  /** Writes one batch where it can be done without waiting, else goes the long way. */
  #flush(batch: Append[]): void | Promise<void> {
    const bytes = batchBytes(batch)
    const active = this.#active
    if (active === undefined || !this.#mayTake(active, bytes)) return this.#flushToNext(batch, bytes)
    return this.#write(active, batch, bytes)
  }

  async #flushToNext(batch: Append[], bytes: number): Promise<void> {
    let active: ActiveSegment
    try {
      active = await this.#roll(bytes)
    } catch (error) {
      this.#setBack(batch, asWaqError(error, `the ${this.name} log can not go on`))
      return
    }
    if (this.#queue.precedes(batch[0]!)) {
      // The last segment failed meanwhile: what was accepted in it is written again first.
      this.#queue.putBack(batch)
      return
    }
    await this.#write(active, batch, bytes)
  }

  #write(active: ActiveSegment, batch: Append[], bytes: number): void | Promise<void> {
    const { segment } = active
    const frames = this.#frame(batch, bytes, segment)
    try {
      const writing = writeFully(active.file, frames, segment.written)
      if (writing !== undefined)
        return writing.then(
          () => this.#written(active, batch, bytes),
          error => this.#writeFailed(active, batch, error),
        )
    } catch (error) {
      return this.#writeFailed(active, batch, error as WriteError)
    }
    return this.#written(active, batch, bytes)
  }

  #frame(batch: readonly Append[], bytes: number, segment: Segment): Buffer {
    const frames = Buffer.allocUnsafe(bytes)
    const durable = segment.synced
    let at = 0
    for (const append of batch) {
      append.segment = segment
      append.offset = segment.written + at
      let sequence = append.firstSequence
      const last = sequence + append.records.length - 1
      for (const record of append.records) {
        frames.set(record, at + FRAME_HEADER_BYTES)
        const flags = sequence < last ? FLAG_MORE : 0
        at = sealFrame(
          frames,
          at,
          record.length,
          append.type,
          flags,
          durable,
          sequence,
          segment.salted,
          segment.written + at,
        )
        sequence += 1
      }
    }
    return frames
  }

  #written(active: ActiveSegment, batch: Append[], bytes: number): void | Promise<void> {
    const { segment } = active
    for (const append of batch) append.touched = true
    if (this.#active !== active) {
      // While a large write was under way, a sync failed and ended the segment before these bytes.
      this.#queue.putBack(batch)
      return
    }
    if (!segment.holdsFrames) segment.firstSequence = batch[0]!.firstSequence
    active.advance(bytes)
    const last = batch.at(-1)!
    segment.lastSequence = Math.max(segment.lastSequence, last.firstSequence + last.records.length - 1)
    if (this.#spec.durability === 'fsync') return this.#commit(active, batch)
    if (this.#publisher.undecided) return this.#settleAndAccept(batch)
    this.#accept(batch)
  }

  async #commit(active: ActiveSegment, batch: Append[]): Promise<void> {
    try {
      await active.sync()
    } catch (error) {
      this.#endSegment(active, batch, asWaqError(error, 'a sync failed'))
      return
    }
    if (this.#publisher.undecided) await this.#settleAndAccept(batch)
    else this.#accept(batch)
  }

  /** Until it is known which manifest is in force, nothing is resolved; what was written meanwhile stays where it is. */
  async #settleAndAccept(batch: Append[]): Promise<void> {
    for (;;) {
      try {
        await this.#publisher.settle()
        return this.#accept(batch)
      } catch (error) {
        if (this.#directory.fence.lost !== undefined) return this.#accept(batch) // which refuses it
        const trouble = asWaqError(error, 'publishing a manifest failed')
        this.#directory.reportError(trouble)
        if (this.#spec.onFailure === 'reject') {
          this.#pauseAfter(trouble)
          const [kept, refused] = split(batch)
          this.#accept(kept)
          for (const append of refused) append.listener.failed(refusal(trouble, true))
          return
        }
        this.#pauseAfter(trouble)
        if (this.#ended !== undefined) return this.#refuse(batch, trouble)
        await this.#pace.wait()
      }
    }
  }

  /** The one place where a listener learns that its append is in the log. */
  #accept(batch: readonly Append[]): void {
    try {
      this.#directory.fence.check()
    } catch (error) {
      for (const append of batch) {
        if (!append.accepted) append.listener.failed(refusal(error as WaqError, true))
      }
      return
    }
    this.#trouble = undefined
    this.#pace.succeeded()
    if (this.#spec.durability !== 'fsync') this.#keepUntilSynced(batch)
    for (const append of batch) {
      const again = append.accepted
      append.accepted = true
      try {
        if (again) {
          this.#displaced.moved(append)
          append.listener.moved?.(append.segment!.id, append.offset)
        } else append.listener.accepted(append.segment!.id, append.offset)
      } catch (error) {
        this.#directory.reportError(error, 'a listener of the log failed')
      }
    }
    this.#prepareAhead()
  }

  // ── Failures ────────────────────────────────────────────────────────────────────────────────────────────────

  async #writeFailed(active: ActiveSegment, batch: Append[], error: WriteError): Promise<void> {
    if (error.written === 0 && isDiskFull(error)) {
      // Not a byte reached the file: the segment is as good as it was.
      if (this.#spec.onFailure === 'retain' && (await this.#directory.ballast.shrink().catch(() => false))) {
        this.#queue.putBack(batch)
        return
      }
      this.#setBack(batch, diskFullError(this.#directory.root, error.cause))
      return
    }
    for (const append of batch) append.touched = true
    this.#endSegment(active, batch, asWaqError(error.cause, `writing ${active.segment.file} failed`))
  }

  /**
   * Invariant 5. The segment ends at its last synced byte, for good. What was accepted behind it, and the batch
   * that met the failure, go back to the front of the queue: the next flush publishes the cut and writes them to a
   * fresh segment. A batch that meets a second failure in a row is refused.
   */
  #endSegment(active: ActiveSegment, batch: readonly Append[], error: WaqError): void {
    if (this.#active !== active) {
      // A background sync of the same segment has ended it meanwhile.
      this.#queue.putBack(batch)
      return
    }
    this.#active = undefined
    active.segment.seal()
    if (!active.segment.holdsFrames) this.#segments.delete(active.segment.id)
    this.#cutDue = true
    active.close().catch(() => {}) // the descriptor of a file that failed already
    this.#directory.reportError(error)

    const lost = this.#unsynced.filter(append => !isSynced(append))
    for (const append of lost) this.#displaced.add(append)
    this.#forgetUnsynced()
    const again = batch.filter(append => !append.accepted && this.#trouble === undefined)
    const refused = batch.filter(append => !append.accepted && this.#trouble !== undefined)
    this.#trouble ??= error
    if (this.#spec.onFailure === 'retain') {
      this.#queue.putBack([...lost, ...batch])
      if (refused.length > 0) this.#pauseAfter(error)
    } else {
      this.#queue.putBack([...lost, ...batch.filter(append => append.accepted), ...again])
      for (const append of refused) append.listener.failed(refusal(error, true))
      if (refused.length > 0) this.#pauseAfter(error)
    }
    this.#schedule()
  }

  /** A batch of which nothing could be written now. */
  #setBack(batch: readonly Append[], error: WaqError): void {
    if (this.#directory.fence.lost !== undefined) {
      this.#refuse(batch, this.#directory.fence.lost)
      return
    }
    this.#pauseAfter(error)
    if (this.#spec.onFailure === 'retain') {
      this.#directory.reportError(error)
      this.#queue.putBack(batch)
      return
    }
    const [kept, refused] = split(batch)
    this.#queue.putBack(kept)
    if (kept.length > 0) this.#directory.reportError(error)
    this.#refuse(refused, error)
  }

  #refuse(batch: readonly Append[], error: WaqError): void {
    for (const append of batch) if (!append.accepted) append.listener.failed(refusal(error, append.touched))
  }

  #pauseAfter(error: WaqError): void {
    this.#trouble = error
    // A full disk that nothing was written to costs one failing call; it is asked at every append.
    if (error.code === 'WAQ_DISK_FULL' && this.#spec.onFailure === 'reject' && this.#active !== undefined)
      return
    this.#pace.failed()
  }

  /** While the pace holds: what may be refused is, and the rest is tried again by itself. */
  #hold(): void {
    if (this.#spec.onFailure === 'reject') this.#refuse(this.#queue.takeRefusable(), this.#trouble!)
    if (this.#queue.size > 0) this.#pace.afterwards(() => this.#schedule())
  }

  /** The fence fell: nothing is written any more, and whoever waits is told. */
  #end(error: WaqError): void {
    this.#ended = error
    this.#pace.cancel()
    this.#preparePace.cancel()
    clearTimeout(this.#syncTimer)
    this.#refuse(this.#queue.take(Number.POSITIVE_INFINITY), error)
    this.#forgetUnsynced()
  }

  // ── Relaxed durabilities ────────────────────────────────────────────────────────────────────────────────────

  #keepUntilSynced(batch: readonly Append[]): void {
    for (const append of batch) {
      this.#unsynced.push(append)
      this.#unsyncedBytes += append.bytes
    }
    const { durability } = this.#spec
    if (this.#unsyncedBytes >= MAX_UNSYNCED_BYTES) this.#syncInBackground()
    else if (typeof durability === 'object' && this.#syncTimer === undefined) {
      this.#syncTimer = setTimeout(() => {
        this.#syncTimer = undefined
        this.#syncInBackground()
      }, durability.syncEveryMs).unref()
    }
  }

  #syncInBackground(): void {
    this.#syncUnsynced().catch(error => this.#directory.reportError(error))
  }

  /** One sync of the active segment; what it covered is let go, and what a failure uncovered goes back to the queue. */
  async #syncUnsynced(): Promise<void> {
    const active = this.#active
    if (active === undefined) return
    try {
      await active.sync()
    } catch (error) {
      this.#endSegment(active, [], asWaqError(error, 'a sync failed'))
      return
    }
    this.#unsynced = this.#unsynced.filter(append => !isSynced(append))
    this.#unsyncedBytes = batchBytes(this.#unsynced)
  }

  #notSynced(): WaqError {
    return new WaqError('WAQ_IO', `syncing the ${this.name} log failed; it is written again`)
  }

  #forgetUnsynced(): void {
    this.#unsynced = []
    this.#unsyncedBytes = 0
  }

  // ── Rotation ────────────────────────────────────────────────────────────────────────────────────────────────

  #mayTake(active: ActiveSegment, bytes: number): boolean {
    const { segment } = active
    const end = segment.written + bytes
    if (end > MAX_SEGMENT_BYTES) return false
    if (end <= active.targetBytes || !segment.holdsFrames) return true
    // Past its target, it goes on only as long as the next one is not ready.
    return this.#prepared?.listed !== true && end <= MAX_OVERRUN * active.targetBytes
  }

  /** Finds a segment that can take so many bytes. Rejects where there is none to be had, or no manifest. */
  async #roll(bytes: number): Promise<ActiveSegment> {
    await this.#preparing?.catch(() => {}) // reported; tried again here
    this.#prepared ??= await this.#create()
    const next = this.#prepared
    if (!next.listed || this.#cutDue) {
      await this.#publisher.publish()
      next.listed = true
      this.#cutDue = false
    }
    const active = this.#active
    if (active !== undefined) {
      // Invariant 7: synced to its end, before the next one gets a frame.
      try {
        await active.sync()
      } catch (error) {
        this.#endSegment(active, [], asWaqError(error, 'a sync failed'))
        return this.#roll(bytes)
      }
      this.#forgetUnsynced()
      active.segment.seal()
      this.#trimAndClose(active).catch(error => this.#directory.reportError(error))
    }
    this.#prepared = undefined
    this.#active = next
    return next
  }

  /** Makes the next segment ahead of need, so that no append waits for it. */
  #prepareAhead(): void {
    const active = this.#active
    if (active === undefined || this.#prepared?.listed === true || this.#preparing !== undefined) return
    if (
      active.segment.written * 2 < active.targetBytes ||
      this.#ended !== undefined ||
      this.#preparePace.leftMs > 0
    )
      return
    this.#prepare().catch(error => {
      this.#preparePace.failed()
      // A full disk is told to those whose messages do not fit; until then there is room in the active segment.
      if (!isDiskFull(error) && this.#directory.fence.lost === undefined) this.#directory.reportError(error)
    })
  }

  #prepare(): Promise<void> {
    this.#preparing ??= (async () => {
      this.#prepared ??= await this.#create()
      const prepared = this.#prepared
      if (!prepared.listed) await this.#publisher.publish()
      prepared.listed = true
      this.#preparePace.succeeded()
    })().finally(() => {
      this.#preparing = undefined
    })
    return this.#preparing
  }

  async #create(): Promise<ActiveSegment> {
    const targetBytes = this.#nextTargetBytes
    const active = await createSegment(this.#directory, {
      spec: this.#spec,
      firstSequence: this.#nextSequence,
      targetBytes,
      mustSucceed: this.#spec.onFailure === 'retain',
    })
    this.#nextTargetBytes = Math.min(this.#segmentBytes, targetBytes * TARGET_GROWTH)
    this.#segments.set(active.segment.id, active.segment)
    return active
  }

  /** The zero-filled rest of a segment that is synced to its end goes back to the disk: with it or without, its end is clean. */
  async #trimAndClose(active: ActiveSegment): Promise<void> {
    const { segment } = active
    try {
      if (segment.diskBytes > segment.length && this.#segments.has(segment.id)) {
        this.#directory.fence.check()
        await active.file.truncate(segment.length)
        segment.diskBytes = segment.length
      }
    } finally {
      await active.close()
    }
  }

  #setSegments(segments: readonly Segment[]): void {
    this.#segments.clear()
    for (const segment of segments) this.#segments.set(segment.id, segment)
  }

  async #remove(segment: Segment): Promise<void> {
    this.#reader.forget(segment)
    this.#directory.fence.check()
    try {
      await this.#directory.fileSystem.unlink(this.#directory.path(segment.file))
    } catch (error) {
      // It does not count any more; the next opening removes it.
      this.#directory.reportError(error, `removing ${segment.file} failed`)
    }
  }
}

function isSynced(append: Append): boolean {
  const { segment } = append
  return segment !== undefined && segment.synced >= append.offset + append.bytes
}

function batchBytes(batch: readonly Append[]): number {
  let bytes = 0
  for (const append of batch) bytes += append.bytes
  return bytes
}

/** What was accepted before, and what may still be refused. */
function split(batch: readonly Append[]): [kept: Append[], refusable: Append[]] {
  return [batch.filter(append => append.accepted), batch.filter(append => !append.accepted)]
}

function refusal(error: WaqError, touched: boolean): WaqError {
  if (error.indeterminate === touched) return error
  return new WaqError(error.code, error.message, { cause: error.cause ?? error, indeterminate: touched })
}
