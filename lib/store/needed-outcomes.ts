/**
 * Which outcomes of the ack segments that are being rewritten the fold still needs. Everything else is left behind:
 * outcomes that a later one of the same message overtook, and those of messages that are gone.
 *
 * An outcome stays for one of these reasons (the same as in `segment-ledger.ts`):
 *   1. It is the last one of a live message.
 *   2. It settled a message that may still stand in a message segment that counts: without it the message would come
 *      back (invariant 10). Segments that do not count any more in memory are not asked: the manifest that makes the
 *      copies count does not list them either.
 *   3. The dedupe window remembers its message's id.
 *   4. It halts a channel. Or it ends a halt, and an outcome that halts may stand before it: it goes only where nothing
 *      older than this run stands in the log, and no outcome of the run that stays halts its channel.
 *   5. A wait that it tells is not over.
 *   6. It bounds what lost ack bytes can have named.
 * Whatever is overtaken here is overtaken by an outcome that was accepted already; the ack log is synced after the last
 * frame was judged and before the copies count, so no power loss takes the later one and leaves the earlier one missing.
 */
import type { SegmentInfo, VisitedFrame } from '../log/types.js'
import type { MessageContents } from './message-contents.js'
import type { MessageIndex } from './message-index.js'
import type { OutcomeRecord } from './outcome.js'
import { isSettling } from './outcome.js'
import { decodeOutcome } from './outcome-decoder.js'
import type { ChannelHalts } from './outcome-recorder.js'
import type { SegmentLedger } from './segment-ledger.js'
import type { SettledIds } from './settled-ids.js'

export interface OutcomeSources {
  readonly index: MessageIndex
  readonly ledger: SegmentLedger
  readonly settled: SettledIds
  readonly halts: ChannelHalts
  readonly contents: MessageContents
  /** Ack sequences of the frames that bound what lost bytes can have named. */
  readonly gapEnds: ReadonlySet<number>
  readonly now: () => number
}

/** What of an outcome is needed to account for its copy. */
interface Kept {
  /** Of the message; 0: of a resume. */
  readonly sequence: number
  readonly settling: boolean
  /** Of a settling one. */
  readonly id: string
  /** That it halts. */
  readonly halts: string | undefined
  /** Epoch ms until when it makes something wait. */
  readonly until: number
  /** Of its record. */
  readonly bytes: number
}

export class NeededOutcomes {
  readonly #sources: OutcomeSources
  readonly #countingSegments: () => readonly SegmentInfo[]
  /** Those that counted when the judging began, then those that still did when it was over. */
  #messageSegments: readonly SegmentInfo[]
  readonly #isOldest: boolean
  readonly #kept = new Map<number, Kept>()
  /** Halted by an outcome of the run that stays, for this reason or another. */
  readonly #halted = new Set<string>()
  /** Ack segments that were made. */
  readonly made = new Set<number>()

  /** `messageSegments`: those that count now. `isOldest`: no ack segment that counts stands before the run. */
  constructor(sources: OutcomeSources, messageSegments: () => readonly SegmentInfo[], isOldest: boolean) {
    this.#sources = sources
    this.#countingSegments = messageSegments
    this.#messageSegments = messageSegments()
    this.#isOldest = isOldest
  }

  keep({ sequence: ackSequence, type, data }: VisitedFrame): boolean {
    const record = decodeOutcome(type, data, `Frame ${ackSequence} of the ack log`)
    if (!this.#isNeeded(ackSequence, record)) return false
    if (record.kind === 'resumed') {
      const bytes = data.length
      this.#kept.set(ackSequence, { sequence: 0, settling: false, id: '', halts: undefined, until: 0, bytes })
      return true
    }
    const halts = record.kind === 'dead' ? record.halts : undefined
    if (halts !== undefined) this.#halted.add(halts)
    this.#kept.set(ackSequence, {
      sequence: record.sequence,
      settling: isSettling(record),
      id: isSettling(record) ? record.id : '',
      halts,
      until: record.kind === 'rate-limited' ? record.dueAt : 0,
      bytes: data.length,
    })
    return true
  }

  #isNeeded(ackSequence: number, record: OutcomeRecord): boolean {
    const { index, settled, halts, contents, gapEnds, now } = this.#sources
    if (gapEnds.has(ackSequence)) return true
    if (record.kind === 'resumed') return !this.#isOldest || this.#halted.has(record.channel)
    if (isSettling(record)) {
      const remembers = record.id !== '' && settled.segmentOf(record.id, record.sequence) !== undefined
      return remembers || contents.holders(this.#messageSegments, record.sequence).length > 0
    }
    const ref = index.bySequence(record.sequence)
    if (ref !== undefined && index.table.ackSequence(ref) === ackSequence) return true
    if (record.kind === 'dead' && record.halts !== undefined) {
      return halts.get(record.halts)?.ackSequence === ackSequence
    }
    return record.kind === 'rate-limited' && record.dueAt > now()
  }

  /** The last frame was judged; until the last move is told no message segment is given up. */
  judged(): void {
    this.#messageSegments = this.#countingSegments()
  }

  /** Accounts for a copy, by how things stand now: what is not needed any more counts nowhere. */
  moved(ackSequence: number, segment: number): void {
    const { index, ledger, settled, halts, contents, gapEnds } = this.#sources
    const kept = this.#kept.get(ackSequence)!
    this.#kept.delete(ackSequence)
    this.made.add(segment)
    ledger.frameAdded(segment, kept.settling, kept.bytes)
    if (gapEnds.has(ackSequence)) ledger.pin(segment)
    if (kept.sequence === 0) {
      ledger.resumeAdded(segment)
      return
    }
    if (kept.until > 0) ledger.limitAdded(segment, kept.until)
    const halt = kept.halts === undefined ? undefined : halts.get(kept.halts)
    if (halt?.ackSequence === ackSequence) {
      ledger.haltEnded(halt.segment)
      ledger.haltAdded(segment)
      halt.segment = segment
    }
    if (kept.settling) {
      for (const holder of contents.holders(this.#messageSegments, kept.sequence)) {
        ledger.outcomeWritten(holder, undefined, segment)
      }
      const from = settled.move(kept.id, kept.sequence, segment)
      if (from === undefined) return
      ledger.settledIdForgotten(from)
      ledger.settledIdAdded(segment)
      return
    }
    const ref = index.bySequence(kept.sequence)
    if (ref === undefined || index.table.ackSequence(ref) !== ackSequence) return
    ledger.outcomeWritten(index.table.segment(ref), index.table.ackSegment(ref), segment)
    index.table.setAck(ref, segment, ackSequence)
  }
}
