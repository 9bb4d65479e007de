/**
 * The segments of one log that count, in the order of their records. A segment leaves in one of two ways: it
 * is retired when nothing in it is needed, or replaced by a copy of what is still needed. A file is unlinked
 * only after a durable manifest has dropped it, and after a check of the fence.
 */
import type { DirectoryContext } from '../directory/directory-context.js'
import type { ManifestPublisher } from '../manifest/manifest-publisher.js'
import type { CorruptRange, LogSpec, RewriteOptions } from '../types.js'
import { rewriteSegments, tellMoves } from './rewrite.js'
import { type Segment, unknownSegment } from './segment.js'
import { SegmentReader } from './segment-reader.js'

export class SegmentSet {
  readonly #directory: DirectoryContext
  readonly #publisher: ManifestPublisher
  readonly #spec: LogSpec
  readonly #segmentBytes: number
  readonly #reader: SegmentReader
  readonly #segments: Map<number, Segment>
  /** Rewritten segments whose manifest is still being published: records are still read from them. */
  readonly #leaving = new Map<number, Segment>()
  /** Retired segments whose manifest failed: their files are unlinked with the next ones. */
  readonly #stillThere: Segment[] = []
  readonly #knownDamage: readonly CorruptRange[]

  constructor(
    directory: DirectoryContext,
    publisher: ManifestPublisher,
    spec: LogSpec,
    segmentBytes: number,
    segments: readonly Segment[],
    knownDamage: readonly CorruptRange[],
  ) {
    this.#directory = directory
    this.#publisher = publisher
    this.#spec = spec
    this.#segmentBytes = segmentBytes
    this.#reader = new SegmentReader(directory)
    this.#segments = new Map(segments.map(segment => [segment.id, segment]))
    this.#knownDamage = knownDamage
  }

  /** Includes segments that have no frames yet. */
  all(): readonly Segment[] {
    return [...this.#segments.values()]
  }

  has(segment: Segment): boolean {
    return this.#segments.has(segment.id)
  }

  /** The next manifest lists it. */
  add(segment: Segment): void {
    this.#segments.set(segment.id, segment)
  }

  /** The next manifest does not list it. */
  drop(segment: Segment): void {
    this.#segments.delete(segment.id)
  }

  read(id: number, offset: number): Buffer | Promise<Buffer> {
    const segment = this.#segments.get(id) ?? this.#leaving.get(id)
    if (segment === undefined) return Promise.reject(unknownSegment(this.#spec.name, id))
    return this.#reader.read(segment, offset)
  }

  closeFiles(): void {
    this.#reader.close()
  }

  /** As `Log.retire`. */
  async retire(ids: readonly number[]): Promise<void> {
    const retired: Segment[] = this.#stillThere.splice(0)
    for (const id of ids) {
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
    for (const segment of retired) await this.remove(segment)
  }

  /** As `Log.rewrite`. */
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
      // Retired meanwhile: its records are no longer needed, and no copy may bring them back.
      for (const segment of segments) await this.remove(segment)
      return 0
    }
    // The copies take the first original's place, so segments stay in the order of their records.
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
      await this.remove(original)
    }
    for (const segment of segments) freed -= segment.diskBytes
    return freed
  }

  /**
   * The manifest that was to list copies in place of their originals failed. The old or the new one may be in
   * force: the files of both stay, and the next manifest lists the originals again. Only then are the copies
   * certainly void.
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
        for (const copy of copies) await this.remove(copy)
      })
      // The caller that needs that manifest reports the failure; the next opening removes void copies.
      .catch(() => {})
  }

  #setSegments(segments: readonly Segment[]): void {
    this.#segments.clear()
    for (const segment of segments) this.#segments.set(segment.id, segment)
  }

  /** Unlinks a segment that does not count. If that fails, the next opening removes it. */
  async remove(segment: Segment): Promise<void> {
    this.#reader.forget(segment)
    this.#directory.fence.check()
    try {
      await this.#directory.fileSystem.unlink(this.#directory.path(segment.file))
    } catch (error) {
      this.#directory.reportError(error, `removing ${segment.file} failed`)
    }
  }
}
