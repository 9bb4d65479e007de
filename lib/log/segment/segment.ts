import type { DirectoryContext } from '../directory/directory-context.js'
import { brokenInvariant } from '../errors/broken-invariant.js'
import { asWaqError, WaqError } from '../errors/waq-error.js'
import { SEGMENT_HEADER_BYTES, saltState } from '../format/format.js'
import { type FileId, segmentName } from '../format/names.js'
import type { FileHandle } from '../fs/file-system.js'
import type { ManifestSegment } from '../manifest/manifest.js'
import { monotonicNow } from '../runtime/real-time.js'
import type { SegmentInfo } from '../types.js'

let lastId = 0

export interface SegmentFacts {
  readonly log: string
  readonly epoch: number
  readonly ordinal: number
  readonly token: string
  readonly salt: Buffer
  readonly firstSequence: number
  readonly lastSequence: number
  /** Bytes that count, header included; undefined for one that is being appended to. */
  readonly length: number | undefined
  readonly diskBytes: number
  /** As in the manifest. */
  readonly compacted: boolean
}

/** A segment that counts or soon will: what the manifest says of it, and its state in this process. */
export class Segment implements SegmentInfo, FileId {
  readonly id = ++lastId
  readonly log: string
  readonly epoch: number
  readonly ordinal: number
  readonly token: string
  readonly salt: Buffer
  readonly salted: number
  readonly file: string
  readonly compacted: boolean
  firstSequence: number
  lastSequence: number
  /** The last one known to be on the device. */
  #syncedSequence: number
  diskBytes: number
  #length: number | undefined
  /** Bytes written, header included. */
  written: number
  /** Bytes known to be on the device, header included. */
  synced: number

  constructor(facts: SegmentFacts) {
    this.log = facts.log
    this.epoch = facts.epoch
    this.ordinal = facts.ordinal
    this.token = facts.token
    this.salt = facts.salt
    this.salted = saltState(facts.salt)
    this.file = `${facts.log}/${segmentName(facts)}`
    this.compacted = facts.compacted
    this.firstSequence = facts.firstSequence
    this.lastSequence = facts.lastSequence
    this.#syncedSequence = facts.lastSequence
    this.diskBytes = facts.diskBytes
    this.#length = facts.length
    this.written = facts.length ?? SEGMENT_HEADER_BYTES
    this.synced = this.written
  }

  get sealed(): boolean {
    return this.#length !== undefined
  }

  get length(): number {
    return this.#length ?? this.written
  }

  get holdsFrames(): boolean {
    return this.length > SEGMENT_HEADER_BYTES
  }

  /** Its first frame is being written: its sequences, until now only bounds, become exact. */
  begin(firstSequence: number): void {
    this.firstSequence = firstSequence
    this.lastSequence = firstSequence - 1
    this.#syncedSequence = this.lastSequence
  }

  /** While recovering: it holds a frame of this sequence. */
  met(sequence: number): void {
    if (this.lastSequence < this.firstSequence) this.begin(sequence)
    this.firstSequence = Math.min(this.firstSequence, sequence)
    this.lastSequence = Math.max(this.lastSequence, sequence)
  }

  /** A sync covered its first `bytes`, whose last frame bears this sequence. */
  syncedTo(bytes: number, sequence: number): void {
    if (bytes > this.written || bytes < this.synced)
      throw brokenInvariant(`${this.file} is synced to ${bytes}, of ${this.written} written`)
    this.synced = bytes
    this.#syncedSequence = sequence
  }

  /**
   * Nothing more is appended, and only bytes that a successful sync covered count; the length never includes
   * others, in any durability (invariant 5 if a write or sync failed, invariant 7 if the segment is full).
   */
  seal(): void {
    this.#length = this.synced
    this.written = this.synced
    this.lastSequence = this.#syncedSequence
  }

  /** While recovering: only the first `length` bytes count, and `met` tells which sequences they hold. */
  cut(length: number): void {
    this.limit(length)
    this.begin(this.firstSequence)
  }

  /** Only the first `length` bytes count, and all of them are on the device. */
  limit(length: number): void {
    this.#length = length
    this.written = length
    this.synced = length
  }

  toManifest(): ManifestSegment {
    return {
      epoch: this.epoch,
      ordinal: this.ordinal,
      token: this.token,
      salt: this.salt,
      firstSequence: this.firstSequence,
      lastSequence: this.sealed ? this.lastSequence : this.#syncedSequence,
      length: this.#length,
      compacted: this.compacted,
    }
  }
}

/** The file that a log's appends go to. */
export class ActiveSegment {
  readonly segment: Segment
  readonly file: FileHandle
  /** Where the next segment starts. Writes up to here fall on zeros that were synced ahead. */
  readonly targetBytes: number
  /** A durable manifest lists it; only then may frames be written to it. */
  listed = false
  readonly #directory: Pick<DirectoryContext, 'device' | 'syncMeter'>
  #syncing: Promise<void> | undefined
  #failure: WaqError | undefined

  constructor(
    segment: Segment,
    file: FileHandle,
    targetBytes: number,
    directory: Pick<DirectoryContext, 'device' | 'syncMeter'>,
  ) {
    this.segment = segment
    this.file = file
    this.targetBytes = targetBytes
    this.#directory = directory
  }

  /** The caller has written frames of these sequences from `segment.written` on. */
  advance(bytes: number, firstSequence: number, lastSequence: number): void {
    const { segment } = this
    if (!segment.holdsFrames) segment.begin(firstSequence)
    if (segment.sealed || firstSequence <= segment.lastSequence)
      throw brokenInvariant(`${segment.file} gets ${firstSequence} behind ${segment.lastSequence}`)
    segment.lastSequence = lastSequence
    segment.written += bytes
    if (segment.written > segment.diskBytes) segment.diskBytes = segment.written
  }

  /**
   * Resolves when everything written before the call is on the device. A file has one sync at a time
   * (invariant 6). Rejects for good after the first failure: a second fsync can succeed over lost data.
   */
  async sync(): Promise<void> {
    const { segment } = this
    const target = segment.written
    while (segment.synced < target) {
      if (this.#failure !== undefined) throw this.#failure
      // A write failed meanwhile and ended the segment before these bytes: no sync will ever cover them.
      if (segment.sealed) throw new WaqError('WAQ_IO', `${segment.file} ended before it was synced`)
      this.#syncing ??= this.#syncOnce()
      await this.#syncing
    }
  }

  get unsyncedBytes(): number {
    return this.segment.written - this.segment.synced
  }

  /** `syncNow` exists, and no sync of the file is in progress or has failed (invariants 5 and 6). */
  get canSyncNow(): boolean {
    return (
      this.file.syncNow !== undefined &&
      this.#syncing === undefined &&
      this.#failure === undefined &&
      !this.segment.sealed
    )
  }

  /** As `sync`, on the event loop; requires `canSyncNow`. Throws as `sync` rejects. */
  syncNow(): void {
    const { segment } = this
    try {
      this.file.syncNow!()
    } catch (error) {
      throw this.#failed(error)
    }
    segment.syncedTo(segment.written, segment.lastSequence)
  }

  async #syncOnce(): Promise<void> {
    const { segment } = this
    const covered = segment.written
    const { lastSequence } = segment
    const { device, syncMeter } = this.#directory
    device.syncBegins()
    const { failures } = device.quickSyncs
    const startedAt = monotonicNow()
    try {
      await this.file.sync()
      device.quickSyncs.succeeded(failures)
      syncMeter.add(monotonicNow() - startedAt)
      // A seal has meanwhile fixed the bytes that count.
      if (!segment.sealed) segment.syncedTo(covered, lastSequence)
    } catch (error) {
      device.quickSyncs.failed()
      throw this.#failed(error)
    } finally {
      device.syncEnds()
      this.#syncing = undefined
    }
  }

  #failed(error: unknown): WaqError {
    this.#failure = asWaqError(error, `syncing ${this.segment.file} failed`)
    return this.#failure
  }

  /** Called after a seal. The descriptor is not closed while a sync still runs on it. */
  async close(): Promise<void> {
    await this.#syncing?.catch(() => {}) // the caller that asked for it is told
    await this.file.close()
  }
}

export function unknownSegment(log: string, id: number): WaqError {
  return new WaqError('WAQ_CORRUPT', `the ${log} log has no segment ${id}; it may have been removed`)
}
