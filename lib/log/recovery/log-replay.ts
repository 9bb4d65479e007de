import { type FrameHeader, SEGMENT_HEADER_BYTES } from '../format/format.js'
import type { FileHandle } from '../fs/file-system.js'
import type { Segment } from '../segment/segment.js'
import type { CorruptRange, LogIdentity, OpenVisitor } from '../types.js'
import type { MissingSegment, RecoveredSegment } from './recovered-segment.js'
import { holdsHeader, type TailScan } from './tail-scan.js'

export type ReplayVisitor = Pick<OpenVisitor, 'frame' | 'lost' | 'witness'>

/** Damage whose missing sequences the next frame will tell. */
interface Waiting {
  readonly range: CorruptRange
  /** The last sequence before it. */
  readonly after: number
  /** If it is one frame: its sequence. */
  readonly exact: number | undefined
  readonly holdsFrames: boolean
  /** Only a later frame tells how many frames it held. */
  readonly unbounded: boolean
}

/** Replays one log to a visitor, and collects its damage. */
export class LogReplay {
  readonly #log: { readonly spec: { readonly name: string }; readonly lowWater: number }
  readonly #visitor: ReplayVisitor
  readonly #nextSequences: Readonly<Record<string, number>>
  readonly #known: readonly CorruptRange[]
  readonly #corrupt: CorruptRange[]
  /** Damage not reported yet. */
  #waiting: Waiting[] = []
  lastSequence = 0

  constructor(
    log: { readonly spec: { readonly name: string }; readonly lowWater: number },
    visitor: ReplayVisitor,
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
    if (this.#waiting.length > 0) this.#tell(header.sequence, false)
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
    this.#wait(segment, offset, length, { exact: header?.sequence, holdsFrames: true, unbounded: false })
    if (header !== undefined) this.lastSequence = Math.max(this.lastSequence, header.sequence)
  }

  /** Damage of the header, which holds no record. */
  badHeader(segment: Segment): void {
    this.#wait(segment, 0, SEGMENT_HEADER_BYTES, { exact: undefined, holdsFrames: false, unbounded: false })
  }

  /** An open segment has lost its frames from here on: only a later frame bounds how many. */
  badTail(segment: Segment, offset: number, length: number): void {
    this.#wait(segment, offset, length, { exact: undefined, holdsFrames: true, unbounded: true })
  }

  /** Damage without a segment. */
  gone({ range, unbounded }: Pick<MissingSegment, 'range' | 'unbounded'>): void {
    if (range.known) this.#report(range)
    else {
      const complete = { ...range, nextSequences: this.#nextSequences }
      const after = this.lastSequence
      this.#waiting.push({ range: complete, after, exact: undefined, holdsFrames: unbounded, unbounded })
    }
  }

  end(nextSequence: number): void {
    this.#tell(nextSequence, true)
  }

  #wait(segment: Segment, offset: number, length: number, waiting: Omit<Waiting, 'range' | 'after'>): void {
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
    this.#waiting.push({ range, after: this.lastSequence, ...waiting })
  }

  /**
   * `nextSequence`: above every record in the range; at the end of the log, not certain for unbounded ranges.
   */
  #tell(nextSequence: number, atEnd: boolean): void {
    for (const { range, after, exact, holdsFrames, unbounded } of this.#waiting.splice(0)) {
      const firstMissing = exact ?? after + 1
      const lastMissing = exact ?? nextSequence - 1
      // An empty gap lost no record.
      if (range.known || !holdsFrames) this.#report(range)
      else if (unbounded && atEnd) this.#report({ ...range, firstMissing })
      // It may have been a copy of older records, which leaves no gap in the sequences.
      else if (unbounded)
        this.#report({ ...range, firstMissing: Math.min(firstMissing, lastMissing), lastMissing })
      else this.#report(lastMissing < firstMissing ? range : { ...range, firstMissing, lastMissing })
    }
  }

  #report(range: CorruptRange): void {
    this.#corrupt.push(range)
    this.#visitor.lost(this.#log.spec.name, range)
  }
}

/** Replays the segments of a log in order, missing ones in their places. */
export async function replaySegments(
  { candidates, gone }: Pick<TailScan, 'candidates' | 'gone'>,
  replay: LogReplay,
  visit: (candidate: RecoveredSegment) => Promise<void>,
): Promise<void> {
  const left = [...gone]
  for (const [index, candidate] of candidates.entries()) {
    while (left[0] !== undefined && left[0].after <= index) replay.gone(left.shift()!)
    await visit(candidate)
  }
  for (const each of left) replay.gone(each)
}

/** Replays one segment: damage to its header, its frames, and the loss of later ones. */
export async function visitAround(
  replay: LogReplay,
  spec: LogIdentity,
  { segment, wasOpen, holdsFrames, lostTail, end, fileBytes }: RecoveredSegment,
  file: FileHandle,
  visitFrames: () => Promise<void>,
): Promise<void> {
  const hasHeader = await holdsHeader(file, segment, spec)
  if (!hasHeader && wasOpen && !holdsFrames) {
    replay.badTail(segment, 0, fileBytes)
    return
  }
  if (!hasHeader) replay.badHeader(segment)
  await visitFrames()
  if (lostTail) replay.badTail(segment, end, Math.max(0, fileBytes - end))
}
