/**
 * One log of a directory: its segments (`segment-set.ts`), its writer (`group-commit.ts`), and the low-water
 * mark below which records are discarded.
 */
import type { Append } from './commit/append.js'
import { GroupCommit } from './commit/group-commit.js'
import type { DirectoryContext } from './directory/directory-context.js'
import type { ManifestLog } from './manifest/manifest.js'
import type { ManifestPublisher } from './manifest/manifest-publisher.js'
import type { Segment } from './segment/segment.js'
import { SegmentSet } from './segment/segment-set.js'
import type { CorruptRange, Durability, Log, LogSpec, RewriteOptions, SegmentInfo } from './types.js'

export interface SegmentLogState {
  readonly segments: readonly Segment[]
  readonly nextSequence: number
  readonly lowWater: number
  readonly tailInDoubt: boolean
  /** Damage that is quarantined and reported. */
  readonly corrupt: readonly CorruptRange[]
}

export class SegmentLog implements Log {
  readonly name: string
  readonly #durability: Durability
  readonly #accountsForTail: boolean
  /** Left by an earlier life; see `OpenVisitor.tailInDoubt`. */
  #tailInDoubt: boolean
  readonly #publisher: ManifestPublisher
  readonly #segments: SegmentSet
  readonly #commits: GroupCommit
  #lowWater: number
  /** No manifest has `#lowWater` yet. */
  #lowWaterDue = false

  constructor(
    directory: DirectoryContext,
    publisher: ManifestPublisher,
    spec: LogSpec,
    segmentBytes: number,
    state: SegmentLogState,
  ) {
    this.name = spec.name
    this.#durability = spec.durability
    this.#accountsForTail = spec.accountsForTail === true
    this.#tailInDoubt = state.tailInDoubt
    this.#publisher = publisher
    this.#segments = new SegmentSet(directory, publisher, spec, segmentBytes, state.segments, state.corrupt)
    this.#commits = new GroupCommit(
      directory,
      publisher,
      spec,
      segmentBytes,
      this.#segments,
      state.nextSequence,
    )
    this.#lowWater = state.lowWater
  }

  get nextSequence(): number {
    return this.#commits.nextSequence
  }

  get lowWater(): number {
    return this.#lowWater
  }

  append(append: Append): number {
    return this.#commits.append(append)
  }

  withdraw(append: Append): boolean {
    return this.#commits.withdraw(append)
  }

  sync(): Promise<void> {
    return this.#commits.sync()
  }

  commit(): Promise<void> {
    return this.#commits.commit()
  }

  async settleTail(): Promise<void> {
    if (!this.#tailInDoubt) return
    this.#tailInDoubt = false
    try {
      await this.#publisher.publish()
    } catch (error) {
      this.#tailInDoubt = true
      throw error
    }
  }

  read(segment: number, offset: number): Buffer | Promise<Buffer> {
    return this.#commits.readDisplaced(segment, offset) ?? this.#segments.read(segment, offset)
  }

  segments(): readonly SegmentInfo[] {
    return this.#segments.all().filter(segment => segment.holdsFrames)
  }

  /** Includes segments without frames, which may get some. */
  allSegments(): readonly Segment[] {
    return this.#segments.all()
  }

  counts(file: string): boolean {
    for (const segment of this.#segments.all()) if (segment.file === file) return true
    return false
  }

  /** Whether a segment that counts may hold a record below `sequence`. */
  holdsBelow(sequence: number): boolean {
    for (const segment of this.#segments.all()) {
      if (segment.holdsFrames && segment.firstSequence < sequence) return true
    }
    return false
  }

  retire(segments: readonly number[]): Promise<void> {
    return this.#segments.retire(segments)
  }

  rewrite(segments: readonly number[], options: RewriteOptions): Promise<number> {
    return this.#segments.rewrite(segments, options)
  }

  seal(): Promise<void> {
    return this.#commits.seal()
  }

  /** Discards records below `sequence`, and retires sealed segments that hold only those. */
  async discardBefore(sequence: number): Promise<number> {
    if (sequence <= this.#lowWater && !this.#lowWaterDue) return 0
    this.#lowWater = Math.max(this.#lowWater, Math.min(sequence, this.nextSequence))
    this.#lowWaterDue = true
    const below = this.#segments
      .all()
      .filter(segment => segment.sealed && segment.lastSequence < this.#lowWater)
    if (below.length > 0) await this.retire(below.map(segment => segment.id))
    else await this.#publisher.publish()
    this.#lowWaterDue = false
    return below.length
  }

  get diskBytes(): number {
    let bytes = 0
    for (const segment of this.#segments.all()) bytes += segment.diskBytes
    return bytes
  }

  toManifest(): ManifestLog {
    return {
      name: this.name,
      nextSequence: this.nextSequence,
      lowWater: this.#lowWater,
      durability: this.#durability,
      tailInDoubt: this.#accountsForTail && (this.#tailInDoubt || this.#commits.holdsDisplaced),
      segments: this.#segments.all().map(segment => segment.toManifest()),
    }
  }

  /** Before a clean close, as `GroupCommit.finish`. */
  finish(): Promise<void> {
    return this.#commits.finish()
  }

  /** At the end of a close, as `Rotation.release`. */
  async release(clean: boolean): Promise<void> {
    this.#segments.closeFiles()
    await this.#commits.release(clean)
  }

  /**
   * For a clean close: the next manifest does not list segments without frames, which were given up or never
   * used.
   */
  dropEmpty(): void {
    for (const segment of this.#segments.all()) if (!segment.holdsFrames) this.#segments.drop(segment)
  }
}
