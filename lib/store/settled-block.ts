/**
 * Many outcomes that settled messages, in one frame of the ack log: what a compaction makes of those that are still
 * needed, nothing left out. Read one by one, two frames a message, 100,000 remembered ids would take an opening ten times
 * as long as a fresh queue; as rows of a block, each takes a tenth of that.
 *
 * The frame's payload is one MessagePack array:
 *
 *     [ next sequence, first ack sequence, rows (bin), texts (bin) ]
 *
 * A row is `ROW_BYTES` long, its numbers little-endian. Of each message its digest and then its id stand in the texts,
 * and in front of them its channel, unless a row before had the same: an opening takes up the texts as they are, and
 * makes no string of any. Rows are in the order in which the messages were settled. The frame bears the ack sequence of
 * the last of these outcomes, and the highest next sequence that they bore: whatever stood before this frame and was
 * lost can only concern lower messages.
 */
import { Packr } from 'msgpackr'
import { WaqError } from '../log/errors.js'
import { MessagePackCursor } from './message-pack-cursor.js'
import type { OutcomeRecord } from './outcome.js'
import { decodeOutcome } from './outcome-decoder.js'
import { DIGEST_BYTES, outcomeFormats, settlingKinds } from './outcome-format.js'
import { Settlement } from './settlement.js'

/** Of its frames in the ack log. */
export const SETTLED_BLOCK_FRAME_TYPE = 12

/** Where each field stands in a row. */
const SEQUENCE = 0
const AT = 8
const FIRST_ATTEMPT_AT = 16
const ATTEMPTS = 24
/** The ack sequence, above the first one of the block. */
const ACK = 28
/** Where its digest begins in the texts, and its id behind it. */
const TEXT = 32
const ID_BYTES = 36
/** Where its channel begins in the texts. */
const CHANNEL = 40
const CHANNEL_BYTES = 44
/** The frame type of the outcome. */
const KIND = 46
/** Bit 0: may have been sent. */
const FLAGS = 47
const ROW_BYTES = 48

const FIELDS = 4
const UINT32_MAX = 0xffff_ffff

const MAY_HAVE_BEEN_SENT = 1

/** What one bad sector takes with it is bounded, and so is how long the event loop waits for one to be read. */
export const MOST_ROWS = 256
const MOST_TEXT_BYTES = 32 * 1024

const packr = new Packr({ useRecords: false })

/** Fills blocks. */
export class SettledBlockWriter {
  readonly #rows = Buffer.alloc(MOST_ROWS * ROW_BYTES)
  #count = 0
  #texts = Buffer.alloc(MOST_TEXT_BYTES)
  #textBytes = 0
  readonly #channels = new Map<string, number>()
  #nextSequence = 0
  #firstAckSequence = 0
  /** Of the outcome that was added last: that of the block's frame. */
  #ackSequence = 0

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** Whether that was added last. */
  endsWith(ackSequence: number): boolean {
    return this.#count > 0 && this.#ackSequence === ackSequence
  }

  /** Of the outcome that was added last, also when the block was taken. */
  get ackSequence(): number {
    return this.#ackSequence
  }

  /** Whether this one does not go into it any more. */
  isFullFor({ idFrom, idTo, channelFrom, channelTo }: Settlement, ackSequence: number): boolean {
    if (this.#count === 0) return false
    const textBytes = this.#textBytes + DIGEST_BYTES + idTo - idFrom + channelTo - channelFrom
    const isNear = ackSequence > this.#ackSequence && ackSequence - this.#firstAckSequence <= UINT32_MAX
    return this.#count === MOST_ROWS || textBytes > MOST_TEXT_BYTES || !isNear
  }

  /** It is not full for it. */
  add(settlement: Settlement, ackSequence: number): void {
    const { kind, bytes, idFrom, idTo, channelFrom, channelTo, digestFrom } = settlement
    const rows = this.#rows
    const at = this.#count * ROW_BYTES
    if (this.#count === 0) this.#firstAckSequence = ackSequence
    const name = settlement.channel
    let channel = this.#channels.get(name)
    if (channel === undefined) {
      channel = this.#addText(bytes, channelFrom, channelTo)
      this.#channels.set(name, channel)
    }
    rows.writeDoubleLE(settlement.sequence, at + SEQUENCE)
    rows.writeDoubleLE(settlement.at, at + AT)
    rows.writeDoubleLE(settlement.firstAttemptAt, at + FIRST_ATTEMPT_AT)
    rows.writeUInt32LE(Math.min(settlement.attempts, UINT32_MAX), at + ATTEMPTS)
    rows.writeUInt32LE(ackSequence - this.#firstAckSequence, at + ACK)
    rows.writeUInt32LE(this.#addText(bytes, digestFrom, digestFrom + DIGEST_BYTES), at + TEXT)
    this.#addText(bytes, idFrom, idTo)
    rows.writeUInt32LE(idTo - idFrom, at + ID_BYTES)
    rows.writeUInt32LE(channel, at + CHANNEL)
    rows.writeUInt16LE(channelTo - channelFrom, at + CHANNEL_BYTES)
    rows[at + KIND] = outcomeFormats[kind].frameType
    rows[at + FLAGS] = settlement.mayHaveBeenSent ? MAY_HAVE_BEEN_SENT : 0
    this.#nextSequence = Math.max(this.#nextSequence, settlement.nextSequence)
    this.#ackSequence = ackSequence
    this.#count += 1
  }

  /** Returns where it begins. */
  #addText(bytes: Buffer, from: number, to: number): number {
    const begin = this.#textBytes
    this.#textBytes = begin + to - from
    if (this.#textBytes > this.#texts.length) this.#texts = Buffer.concat([this.#texts], 2 * this.#textBytes)
    bytes.copy(this.#texts, begin, from, to)
    return begin
  }

  /** The block of what was added, in a buffer of its own; what is added next is of another one. */
  take(): Buffer {
    const packed = packr.pack([
      this.#nextSequence,
      this.#firstAckSequence,
      this.#rows.subarray(0, this.#count * ROW_BYTES),
      this.#texts.subarray(0, this.#textBytes),
    ])
    // What msgpackr returns is a slice of a slab, which it would keep alive.
    const bytes = Buffer.from(packed)
    this.#count = 0
    this.#textBytes = 0
    this.#channels.clear()
    this.#nextSequence = 0
    return bytes
  }
}

/** Reads blocks, one after another. */
export class SettledBlock {
  /** What `next` read last. It is the same object each time. */
  readonly settlement = new Settlement()
  /** Of the outcome that `next` read last. */
  ackSequence = 0
  nextSequence = 0
  count = 0
  /** Where the texts of its rows begin; they end with the record. */
  textsFrom = 0
  #firstAckSequence = 0
  readonly #cursor = new MessagePackCursor()
  #view: DataView = new DataView(new ArrayBuffer(0))
  #at = 0
  #rowsEnd = 0

  /**
   * Begins before the first row of a block. Throws WAQ_UNSUPPORTED_VERSION, or WAQ_CORRUPT where its checksum is right and
   * yet it is no block; nothing of such a one was read.
   */
  begin(data: Buffer, frameSequence: number): void {
    const where = `Frame ${frameSequence} of the ack log`
    const cursor = this.#cursor
    cursor.begin(data)
    const fields = cursor.array()
    if (fields > FIELDS) {
      throw new WaqError(
        'WAQ_UNSUPPORTED_VERSION',
        `${where} is a block of ${fields} fields where this waq knows ${FIELDS}: a newer waq wrote it. Use that one, or a newer one.`,
      )
    }
    if (fields !== FIELDS) throw corrupt(where, 'it is not a MessagePack array of its fields')
    this.nextSequence = cursor.number()
    if (!isSequence(this.nextSequence)) throw corrupt(where, 'its next sequence is none')
    this.#firstAckSequence = cursor.number()
    if (!isSequence(this.#firstAckSequence)) throw corrupt(where, 'its first ack sequence is none')
    const rowsAreThere = cursor.binary()
    this.#at = cursor.textFrom
    this.#rowsEnd = cursor.at
    const rowBytes = cursor.at - cursor.textFrom
    if (!rowsAreThere || rowBytes === 0 || rowBytes % ROW_BYTES !== 0)
      throw corrupt(where, 'its rows are not whole')
    this.count = rowBytes / ROW_BYTES
    if (this.count > MOST_ROWS) throw corrupt(where, `it has ${this.count} rows`)
    if (!cursor.binary() || cursor.at !== data.length) throw corrupt(where, 'it has no texts')
    this.textsFrom = cursor.textFrom
    this.settlement.bytes = data
    this.settlement.nextSequence = this.nextSequence
    this.#view = new DataView(data.buffer, data.byteOffset, data.length)
    this.#check(where, frameSequence)
  }

  /** False: that was the last one. */
  next(): boolean {
    const at = this.#at
    if (at === this.#rowsEnd) return false
    const view = this.#view
    const { settlement } = this
    settlement.kind = settlingKinds[view.getUint8(at + KIND)]!
    settlement.sequence = view.getFloat64(at + SEQUENCE, true)
    settlement.at = view.getFloat64(at + AT, true)
    settlement.firstAttemptAt = view.getFloat64(at + FIRST_ATTEMPT_AT, true)
    settlement.attempts = view.getUint32(at + ATTEMPTS, true)
    settlement.mayHaveBeenSent = (view.getUint8(at + FLAGS) & MAY_HAVE_BEEN_SENT) !== 0
    const { textsFrom } = this
    settlement.digestFrom = textsFrom + view.getUint32(at + TEXT, true)
    settlement.idFrom = settlement.digestFrom + DIGEST_BYTES
    settlement.idTo = settlement.idFrom + view.getUint32(at + ID_BYTES, true)
    settlement.channelFrom = textsFrom + view.getUint32(at + CHANNEL, true)
    settlement.channelTo = settlement.channelFrom + view.getUint16(at + CHANNEL_BYTES, true)
    settlement.hashAnyId()
    this.ackSequence = this.#firstAckSequence + view.getUint32(at + ACK, true)
    this.#at = at + ROW_BYTES
    return true
  }

  /** Every row, before one of them counts. */
  #check(where: string, frameSequence: number): void {
    const view = this.#view
    const textBytes = this.settlement.bytes.length - this.textsFrom
    let above = -1
    for (let at = this.#at; at < this.#rowsEnd; at += ROW_BYTES) {
      const ack = view.getUint32(at + ACK, true)
      const idEnd = view.getUint32(at + TEXT, true) + DIGEST_BYTES + view.getUint32(at + ID_BYTES, true)
      const channelEnd = view.getUint32(at + CHANNEL, true) + view.getUint16(at + CHANNEL_BYTES, true)
      const isSound =
        isSequence(view.getFloat64(at + SEQUENCE, true)) &&
        view.getFloat64(at + AT, true) >= 0 &&
        view.getFloat64(at + FIRST_ATTEMPT_AT, true) >= 0 &&
        ack > above &&
        idEnd <= textBytes &&
        channelEnd <= textBytes &&
        settlingKinds[view.getUint8(at + KIND)] !== undefined
      if (!isSound) throw corrupt(where, `its row ${(at - this.#at) / ROW_BYTES} is none`)
      above = ack
    }
    if (this.#firstAckSequence + above !== frameSequence) throw corrupt(where, 'its last row is another one')
  }
}

/** What a frame of the ack log says, whatever it is; each with its ack sequence. Throws as `decodeOutcome`. */
export function decodeOutcomes(
  frameType: number,
  data: Buffer,
  sequence: number,
): { ackSequence: number; record: OutcomeRecord }[] {
  if (frameType !== SETTLED_BLOCK_FRAME_TYPE) {
    return [
      { ackSequence: sequence, record: decodeOutcome(frameType, data, `Frame ${sequence} of the ack log`) },
    ]
  }
  const block = new SettledBlock()
  const records: { ackSequence: number; record: OutcomeRecord }[] = []
  block.begin(data, sequence)
  while (block.next()) records.push({ ackSequence: block.ackSequence, record: block.settlement.toRecord() })
  return records
}

function isSequence(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1
}

function corrupt(where: string, problem: string): WaqError {
  return new WaqError(
    'WAQ_CORRUPT',
    `${where} is intact by its checksum and yet no block of settled messages: ${problem}. Report this as a bug of the waq that wrote it.`,
  )
}
