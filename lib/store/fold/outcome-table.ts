/**
 * A reader's fold of the ack log: the last outcome of each message, and its place. The rest of the outcome is
 * read again on demand. 34 bytes for a message with an outcome.
 */
import { WaqError } from '../../log/errors/waq-error.js'
import type { CorruptRange, VisitedFrame, Witness } from '../../log/types.js'
import { MESSAGE_LOG } from '../log-names.js'
import type { MessageRef } from '../message-store.js'
import { isOfMessage, type MessageOutcomeKind, messageOutcomeKinds } from '../record/outcome.js'
import { decodeOutcome } from '../record/outcome-decoder.js'
import { SETTLED_FRAME_TYPE } from '../record/outcome-format.js'
import { RESULT_FRAME_TYPE } from '../record/result.js'
import { SettledBlock } from '../record/settled-block.js'
import { hashSequence } from '../tables/id-hash.js'
import { PAGE_MASK, PAGE_ROWS, PAGE_SHIFT, PagedColumns } from '../tables/paged-columns.js'
import { RefTable } from '../tables/ref-table.js'
import { ClosingFold, type FoldedClosing } from './closing-fold.js'
import { type FoldedHalt, HaltFold } from './halt-fold.js'
import { MoveFold } from './move-fold.js'
import { OutcomeGaps } from './outcome-gaps.js'
import { type FoldedPause, PauseFold } from './pause-fold.js'
import { type LastOutcome, type RecoveryRow, recoveryRow } from './recovery-table.js'

/** Records that only the next opening needs. */
const bookkeeping: ReadonlySet<string> = new Set(['window', 'marking', 'places', 'uncounted', 'wait-ended'])

class OutcomeRows {
  readonly sequence = new Float64Array(PAGE_ROWS)
  readonly ackSequence = new Float64Array(PAGE_ROWS)
  readonly segment = new Uint32Array(PAGE_ROWS)
  /** Chains the free rows. */
  readonly offset = new Uint32Array(PAGE_ROWS)
  /** Index into `messageOutcomeKinds`. */
  readonly kind = new Uint8Array(PAGE_ROWS)
  /** 1: its message exists. */
  readonly met = new Uint8Array(PAGE_ROWS)
}

/** The last outcome of one message. */
export interface LastOutcomePlace {
  readonly kind: MessageOutcomeKind
  readonly ackSequence: number
  readonly segment: number
  readonly offset: number
}

export class OutcomeTable {
  readonly #rows = new PagedColumns(
    () => new OutcomeRows(),
    page => page.offset,
  )
  readonly #bySequence: RefTable = new RefTable(ref =>
    hashSequence(this.#rows.pages[ref >>> PAGE_SHIFT]!.sequence[ref & PAGE_MASK]!),
  )
  readonly #gaps = new OutcomeGaps()
  readonly #halts = new HaltFold()
  readonly #pauses = new PauseFold()
  readonly #moves = new MoveFold()
  /** By former name of a channel, the present one; undefined: not asked yet. */
  #names: ReadonlyMap<string, string> | undefined
  readonly #closings = new ClosingFold()
  #partedAt = 0
  #wallLeadMs = 0
  readonly #block = new SettledBlock()
  #highestNamed = 0
  /** Frames that are no outcomes although their checksums are right. */
  readonly undecodable: { readonly segment: number; readonly offset: number; readonly error: WaqError }[] = []
  /** Outcomes that were read. */
  outcomes = 0

  /** One frame of the ack log. */
  add(frame: VisitedFrame): void {
    const { segment, offset } = frame
    // A result changes no message's state.
    if (frame.type === RESULT_FRAME_TYPE) return
    try {
      if (frame.type === SETTLED_FRAME_TYPE) this.#addBlock(frame)
      else this.#addOutcome(frame)
    } catch (error) {
      if (!(error instanceof WaqError) || error.code !== 'WAQ_CORRUPT') throw error
      this.undecodable.push({ segment, offset, error })
    }
  }

  #addOutcome({ sequence: ackSequence, type, data, segment, offset }: VisitedFrame): void {
    const record = decodeOutcome(type, data, `Frame ${ackSequence} of the ack log`)
    if (!bookkeeping.has(record.kind)) this.outcomes += 1
    this.#gaps.met(ackSequence, record.nextSequence)
    this.#halts.add(ackSequence, segment, record)
    this.#pauses.add(ackSequence, segment, record)
    this.#moves.add(ackSequence, segment, record)
    this.#closings.add(ackSequence, segment, record)
    if (isOfMessage(record)) this.#setLast(record.sequence, record.kind, ackSequence, segment, offset)
    else if (record.kind === 'parted' && ackSequence > this.#partedAt) {
      this.#partedAt = ackSequence
      this.#wallLeadMs = record.wall - record.at
    }
  }

  #addBlock({ sequence, data, segment, offset }: VisitedFrame): void {
    const block = this.#block
    block.begin(data, sequence)
    this.outcomes += block.count
    this.#gaps.met(sequence, block.nextSequence)
    while (block.next()) {
      const { settlement, ackSequence } = block
      this.#setLast(settlement.sequence, settlement.kind, ackSequence, segment, offset)
    }
  }

  #setLast(
    sequence: number,
    kind: MessageOutcomeKind,
    ackSequence: number,
    segment: number,
    offset: number,
  ): void {
    const row = this.#row(sequence)
    const page = this.#rows.pages[row >>> PAGE_SHIFT]!
    const slot = row & PAGE_MASK
    if (page.ackSequence[slot]! > ackSequence) return
    page.ackSequence[slot] = ackSequence
    page.segment[slot] = segment
    page.offset[slot] = offset
    page.kind[slot] = messageOutcomeKinds.indexOf(kind)
  }

  /** The message exists. Returns its last outcome, if any. */
  meet(sequence: number): LastOutcomePlace | undefined {
    const row = this.#find(sequence)
    if (row === undefined) return undefined
    this.#rows.pages[row >>> PAGE_SHIFT]!.met[row & PAGE_MASK] = 1
    return this.#lastOf(row)
  }

  /** What the outcomes prove of the message log: each message that they name was accepted. */
  witness(log: string): Witness | undefined {
    if (log !== MESSAGE_LOG) return undefined
    const { pages } = this.#rows
    return {
      highest: this.#highestNamed,
      *absent(from) {
        for (const { sequence, met } of pages) {
          for (let slot = 0; slot < PAGE_ROWS; slot += 1) {
            if (met[slot] === 0 && sequence[slot] !== 0 && sequence[slot]! >= from) yield sequence[slot]!
          }
        }
      },
    }
  }

  lose(range: CorruptRange): void {
    this.#gaps.lose(range)
  }

  last(sequence: number): LastOutcomePlace | undefined {
    const row = this.#find(sequence)
    return row === undefined ? undefined : this.#lastOf(row)
  }

  #lastOf(row: number): LastOutcomePlace {
    const page = this.#rows.pages[row >>> PAGE_SHIFT]!
    const slot = row & PAGE_MASK
    return {
      kind: messageOutcomeKinds[page.kind[slot]!]!,
      ackSequence: page.ackSequence[slot]!,
      segment: page.segment[slot]!,
      offset: page.offset[slot]!,
    }
  }

  /**
   * What an opening would make of an existing message. `channel`: the name that it was enqueued with;
   * undefined: whether it died with its channel is not asked.
   */
  row(sequence: number, last: LastOutcomePlace | undefined, channel?: string): RecoveryRow {
    const died = channel !== undefined && this.closing(channel, sequence, last) !== undefined
    const kind: LastOutcome = died ? 'dead' : (last?.kind ?? 'none')
    return recoveryRow('present', kind, this.#gaps.mayHaveLost(sequence, last?.ackSequence ?? 0))
  }

  /** The record with which the message died; `channel`: the name that it was enqueued with. */
  closing(channel: string, sequence: number, last: LastOutcomePlace | undefined): FoldedClosing | undefined {
    return last === undefined ? this.#closings.of(channel, sequence) : undefined
  }

  /** The present name of a channel. Asked once every outcome was added. */
  channel(name: string): string {
    this.#names ??= this.#moves.names()
    return this.#names.get(name) ?? name
  }

  /** A moment of the queue's time on the wall clock, as it was last set. */
  onWall(at: number): number {
    return at + this.#wallLeadMs
  }

  halts(): Iterable<FoldedHalt> {
    return this.#halts.inForce()
  }

  /** The durable pauses in force. */
  pauses(): Iterable<FoldedPause> {
    return this.#pauses.inForce()
  }

  /** Every message that has an outcome, with its last one, in no order. */
  *all(): Iterable<{ sequence: number; kind: MessageOutcomeKind }> {
    for (const { sequence, kind } of this.#rows.pages) {
      for (let slot = 0; slot < PAGE_ROWS; slot += 1) {
        if (sequence[slot] !== 0) yield { sequence: sequence[slot]!, kind: messageOutcomeKinds[kind[slot]!]! }
      }
    }
  }

  #row(sequence: number): number {
    const known = this.#find(sequence)
    if (known !== undefined) return known
    const row = this.#rows.allocate()
    const page = this.#rows.pages[row >>> PAGE_SHIFT]!
    page.sequence[row & PAGE_MASK] = sequence
    page.ackSequence[row & PAGE_MASK] = 0
    page.met[row & PAGE_MASK] = 0
    if (sequence > this.#highestNamed) this.#highestNamed = sequence
    this.#bySequence.add(row as MessageRef)
    return row
  }

  #find(sequence: number): number | undefined {
    return this.#bySequence.find(
      hashSequence(sequence),
      ref => this.#rows.pages[ref >>> PAGE_SHIFT]!.sequence[ref & PAGE_MASK] === sequence,
    )
  }
}
