import type { FrameHeader } from './format.js'
import type { Segment } from './segment.js'
import type { CorruptRange, OpenVisitor } from './types.js'

export type LogVisitor = Pick<OpenVisitor, 'frame' | 'lost'>

/** Shows one log to the floor above, and gathers what is bad on the way. */
export class LogVisit {
  readonly #log: { readonly spec: { readonly name: string }; readonly lowWater: number }
  readonly #visitor: LogVisitor
  readonly #nextSequences: Readonly<Record<string, number>>
  readonly #known: readonly CorruptRange[]
  readonly #corrupt: CorruptRange[]
  /** Damage whose missing sequences are known only with the next frame. */
  #waiting: { range: CorruptRange; exact: number | undefined }[] = []
  lastSequence = 0

  constructor(
    log: { readonly spec: { readonly name: string }; readonly lowWater: number },
    visitor: LogVisitor,
    nextSequences: Readonly<Record<string, number>>,
    known: readonly CorruptRange[],
    corrupt: CorruptRange[],
  ) {
    this.#log = log
    this.#visitor = visitor
    this.#nextSequences = nextSequences
    this.#known = known
    this.#corrupt = corrupt
  }

  frame(segment: Segment, offset: number, header: FrameHeader, payload: Buffer): void {
    if (this.#waiting.length > 0) this.#tell(header.sequence)
    this.lastSequence = Math.max(this.lastSequence, header.sequence)
    if (header.sequence < this.#log.lowWater) return
    this.#visitor.frame(this.#log.spec.name, {
      sequence: header.sequence,
      type: header.type,
      data: payload,
      segment: segment.id,
      offset,
    })
  }

  bad(segment: Segment, offset: number, length: number, header: FrameHeader | undefined): void {
    const { file } = segment
    const known = this.#known.find(
      range => range.file === file && range.offset === offset && range.length === length,
    )
    const range = known ?? {
      log: this.#log.spec.name,
      file,
      offset,
      length,
      nextSequences: this.#nextSequences,
      known: false,
    }
    this.#waiting.push({ range, exact: header?.sequence })
    if (header !== undefined) this.lastSequence = Math.max(this.lastSequence, header.sequence)
  }

  /** Damage without a segment. */
  gone(range: CorruptRange): void {
    const complete = range.known ? range : { ...range, nextSequences: this.#nextSequences }
    this.#corrupt.push(complete)
    this.#visitor.lost(this.#log.spec.name, complete)
  }

  end(nextSequence: number): void {
    this.#tell(nextSequence)
  }

  #tell(nextSequence: number): void {
    for (const { range, exact } of this.#waiting.splice(0)) {
      const firstMissing = exact ?? this.lastSequence + 1
      const lastMissing = exact ?? nextSequence - 1
      // A header holds no record; a gap without a sequence in it lost none.
      const complete =
        range.known || range.offset === 0 || lastMissing < firstMissing
          ? range
          : { ...range, firstMissing, lastMissing }
      this.#corrupt.push(complete)
      this.#visitor.lost(this.#log.spec.name, complete)
    }
  }
}
