/**
 * Chooses the segment that a log writes to, and the next one.
 *
 * Invariant 7: a segment gets its first frame only after its predecessor was synced to its end, or cut by a
 * durable manifest. Invariant 6: the next one is made ahead of need, filled with zeros, and listed before it
 * is used.
 */

import type { DirectoryContext } from '../directory/directory-context.js'
import { isDiskFull } from '../errors/system-error.js'
import { asWaqError, type WaqError } from '../errors/waq-error.js'
import { MAX_SEGMENT_BYTES } from '../format/format.js'
import type { ManifestPublisher } from '../manifest/manifest-publisher.js'
import { createSegment } from '../segment/create-segment.js'
import type { ActiveSegment } from '../segment/segment.js'
import type { SegmentSet } from '../segment/segment-set.js'
import type { LogSpec } from '../types.js'
import { RetryBackoff } from './retry-backoff.js'

/**
 * The first segment of an opening is small, because most openings write little. Each further one is four
 * times as large, up to `segmentBytes`.
 */
const FIRST_TARGET_BYTES = 256 * 1024
const TARGET_GROWTH = 4
/**
 * While the next segment is not ready, the active one may grow to this multiple of its target before appends
 * wait.
 */
const MAX_OVERRUN = 4

/** The log, as its rotation sees it. */
export interface RotationOwner {
  /** The log's. Records with lower ones may still wait to be written. */
  nextSequence(): number
  /** Whether appends need the next segment that cannot be refused. */
  mustSucceed(): boolean
  /** A sync of the active segment failed: the owner calls `end`. */
  syncFailed(active: ActiveSegment, error: WaqError): void
  /** The active segment is synced to its end. */
  allSynced(): void
}

export class Rotation {
  readonly #directory: DirectoryContext
  readonly #publisher: ManifestPublisher
  readonly #spec: LogSpec
  readonly #segmentBytes: number
  readonly #segments: SegmentSet
  readonly #owner: RotationOwner
  #active: ActiveSegment | undefined
  /** Created, but not appended to yet. */
  #prepared: ActiveSegment | undefined
  #preparing: Promise<void> | undefined
  readonly #backoff = new RetryBackoff()
  #nextTargetBytes: number
  /** Where the next segment may begin: all below was written or never will be. */
  #firstUnwritten: number
  /** A segment failed: a manifest that cuts it must be durable before the next append. */
  #cutDue = false
  #stopped = false

  constructor(
    directory: DirectoryContext,
    publisher: ManifestPublisher,
    spec: LogSpec,
    segmentBytes: number,
    segments: SegmentSet,
    owner: RotationOwner,
  ) {
    this.#directory = directory
    this.#publisher = publisher
    this.#spec = spec
    this.#segmentBytes = segmentBytes
    this.#segments = segments
    this.#owner = owner
    this.#firstUnwritten = owner.nextSequence()
    this.#nextTargetBytes = Math.min(FIRST_TARGET_BYTES, segmentBytes)
  }

  get active(): ActiveSegment | undefined {
    return this.#active
  }

  /** The active segment, if it can take that many bytes without a wait. */
  ready(bytes: number): ActiveSegment | undefined {
    const active = this.#active
    if (active === undefined) return undefined
    const { segment } = active
    const end = segment.written + bytes
    if (end > MAX_SEGMENT_BYTES) return undefined
    if (end <= active.targetBytes || !segment.holdsFrames) return active
    // Past its target, it is used only while the next one is not ready.
    return this.#prepared?.listed !== true && end <= MAX_OVERRUN * active.targetBytes ? active : undefined
  }

  /** Makes the next segment the active one. Rejects if it or its manifest cannot be written. */
  async next(): Promise<ActiveSegment> {
    await this.#preparing?.catch(() => {}) // reported; tried again here
    this.#prepared ??= await this.#create()
    const next = this.#prepared
    while (!next.listed || this.#cutDue) {
      // If a sync fails while the manifest is written, that manifest lacks the cut: another is due.
      this.#cutDue = false
      try {
        await this.#publisher.publish()
      } catch (error) {
        this.#cutDue = true
        throw error
      }
      next.listed = true
    }
    const active = this.#active
    if (active !== undefined) {
      if ((await this.#syncToItsEnd(active)) !== undefined) return this.next()
      this.#leave(active)
      this.#trimAndClose(active).catch(error => this.#directory.reportError(error))
      this.#publishLength()
    }
    this.#prepared = undefined
    this.#active = next
    return next
  }

  /**
   * No one waits for it. Until a manifest has the length of a full segment, damage to its end may go
   * unnoticed.
   */
  #publishLength(): void {
    this.#publisher.publish().catch(error => {
      if (this.#directory.fence.lost === undefined) this.#directory.reportError(error)
    })
  }

  /** Invariant 5: the active segment ends at its last synced byte, for good. */
  end(): void {
    const active = this.#active
    if (active === undefined) return
    this.#active = undefined
    active.segment.seal()
    this.#leave(active)
    if (!active.segment.holdsFrames) this.#segments.drop(active.segment)
    this.#cutDue = true
    active.close().catch(() => {}) // the descriptor of a file that failed already
  }

  /**
   * Seals the active segment if it holds frames, and gives up the one made ahead. Nothing is written
   * meanwhile.
   */
  async seal(): Promise<void> {
    await this.#preparing?.catch(() => {}) // reported; the next append tries again
    const active = this.#active
    if (active?.segment.holdsFrames) {
      const failure = await this.#syncToItsEnd(active)
      if (failure !== undefined) throw failure
      this.#leave(active)
      this.#active = undefined
      this.#nextTargetBytes = Math.min(FIRST_TARGET_BYTES, this.#segmentBytes)
      await this.#trimAndClose(active)
    }
    const prepared = this.#prepared
    if (prepared === undefined) return
    this.#prepared = undefined
    this.#segments.drop(prepared.segment)
    // If this fails, the file is void or empty, and the next opening removes it.
    await prepared.close()
    await this.#publisher.publish()
    await this.#segments.remove(prepared.segment)
  }

  /** Makes the next segment ahead of need, so that no append waits for it. */
  prepareAhead(): void {
    const active = this.#active
    if (active === undefined || this.#prepared?.listed === true || this.#preparing !== undefined) return
    if (active.segment.written * 2 < active.targetBytes || this.#stopped || this.#backoff.leftMs > 0) return
    this.#preparing = this.#prepare().finally(() => {
      this.#preparing = undefined
    })
    this.#preparing.catch(error => {
      this.#backoff.failed()
      // A full disk is reported to appends that do not fit; until then the active segment has room.
      if (!isDiskFull(error) && this.#directory.fence.lost === undefined) this.#directory.reportError(error)
    })
  }

  async #prepare(): Promise<void> {
    this.#prepared ??= await this.#create()
    const prepared = this.#prepared
    if (!prepared.listed) await this.#publisher.publish()
    prepared.listed = true
    this.#backoff.succeeded()
  }

  /** Makes no further segment ahead; resolves when none is in progress. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#backoff.cancel()
    await this.#preparing?.catch(() => {}) // no one needs it
  }

  /**
   * At the end of a close: frees the zero-filled stretches and closes the files. `clean`: the last manifest
   * is durable. If not, the previous one may be in force, and the files it lists stay.
   */
  async release(clean: boolean): Promise<void> {
    const active = this.#active
    const prepared = this.#prepared
    this.#active = undefined
    this.#prepared = undefined
    try {
      if (active !== undefined) await this.#trimAndClose(active)
    } finally {
      await prepared?.close()
    }
    if (prepared !== undefined && clean) await this.#segments.remove(prepared.segment)
  }

  /** Syncs and seals it. If the sync fails, it is ended; returns the error. */
  async #syncToItsEnd(active: ActiveSegment): Promise<WaqError | undefined> {
    try {
      await this.#directory.device.during(() => active.sync())
    } catch (error) {
      const failure = asWaqError(error, 'a sync failed')
      this.#owner.syncFailed(active, failure)
      return failure
    }
    this.#owner.allSynced()
    active.segment.seal()
    return undefined
  }

  /** It is sealed: the next one begins after its last frame, whatever was predicted. */
  #leave({ segment }: ActiveSegment): void {
    this.#firstUnwritten = segment.lastSequence + 1
    this.#prepared?.segment.begin(this.#firstUnwritten)
  }

  async #create(): Promise<ActiveSegment> {
    const active = this.#active?.segment
    if (active !== undefined) this.#firstUnwritten = active.lastSequence + 1
    const targetBytes = this.#nextTargetBytes
    const created = await createSegment(this.#directory, {
      spec: this.#spec,
      firstSequence: this.#firstUnwritten,
      nextSequence: this.#owner.nextSequence(),
      targetBytes,
      mustSucceed: this.#owner.mustSucceed(),
    })
    this.#nextTargetBytes = Math.min(this.#segmentBytes, targetBytes * TARGET_GROWTH)
    // The active one may have failed meanwhile.
    created.segment.begin(this.#firstUnwritten)
    this.#segments.add(created.segment)
    return created
  }

  /**
   * Frees the zero-filled rest of a segment that is synced to its end: its end is clean with or without it.
   */
  #trimAndClose(active: ActiveSegment): Promise<void> {
    return this.#directory.device.during(() => this.#trimmedAndClosed(active))
  }

  async #trimmedAndClosed(active: ActiveSegment): Promise<void> {
    const { segment } = active
    try {
      if (segment.diskBytes > segment.length && this.#segments.has(segment)) {
        this.#directory.fence.check()
        await active.file.truncate(segment.length)
        segment.diskBytes = segment.length
      }
    } finally {
      await active.close()
    }
  }
}
