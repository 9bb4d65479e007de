/**
 * Outcomes that settled messages: a frame of the ack log holds a block of one or more. An outcome just
 * recorded is alone in its block; compaction merges many of those still needed into one block, leaving
 * nothing out. With one frame each, 100,000 remembered ids would make an opening take ten times as long as
 * that of a fresh queue; as a row of a block, each takes a tenth of that.
 *
 * The payload is `[ rows, next sequence, first back ] row … texts`. Its numbers are varints (`varint.ts`),
 * whole numbers from 0 up:
 *
 *     rows            the number of rows
 *     next sequence   of the message log, the highest one that the outcomes carried: anything lost before
 *                     this frame can only concern lower messages
 *     first back      how far below that the message sequence of the first row is
 *
 * A row, in the order in which the messages were settled:
 *
 *     flags           one byte, see below
 *     ack step        in all rows but the first: how far its ack sequence is above that of the previous row.
 *                     The last one is the sequence of the frame
 *     sequence step   in all rows but the first: how far its message sequence is above or below that of the
 *                     previous row
 *     at step         first row: epoch ms; later rows: how far after or before the time of the previous row
 *     attempts        only if FLAG_ATTEMPTED is set; otherwise 0
 *     id bytes        the length of the id
 *     channel         the number of a channel named by an earlier row, from 0; the next number: a new channel
 *     channel bytes   only for a new channel: the length of its name
 *     optional bytes  only if FLAG_OPTIONAL is set: the length of the MessagePack map that follows, which
 *                     holds optional fields by key. Unknown fields are skipped, and kept when the row is
 *                     copied
 *
 * The texts are, row by row: the channel if it is new, the digest, the id. They are contiguous, so that an
 * opening copies them as they are and creates no strings.
 */
import { WaqError } from '../../log/errors/waq-error.js'
import { type OutcomeRecord, type SettlingKind, settlingKinds } from './outcome.js'
import { decodeOutcome } from './outcome-decoder.js'
import { DIGEST_BYTES, SETTLED_FRAME_TYPE } from './outcome-format.js'
import { RESULT_FRAME_TYPE } from './result.js'
import { SettledRecord } from './settled-record.js'
import { VarintReader } from './varint.js'

/** The lowest two bits of a row's flags: an index into `settlingKinds`. */
const KIND_BITS = 0b11
export const FLAG_MAYBE_SENT = 0x04
export const FLAG_ATTEMPTED = 0x08
/** The sequence step is negative. */
export const FLAG_SEQUENCE_BELOW = 0x10
/** The at step is negative. */
export const FLAG_AT_BEFORE = 0x20
export const FLAG_OPTIONAL = 0x40
/** Unused: a row with this flag is invalid. */
const UNUSED_BIT = 0x80

/** Bounds what one bad sector destroys, and how long the event loop waits while a block is read. */
export const MAX_ROWS = 256

/** Reads blocks, one after another. */
export class SettledBlock {
  /** The row that `next` read last: the same object each time. */
  readonly settlement = new SettledRecord()
  /** Ack sequence of the outcome that `next` read last. */
  ackSequence = 0
  nextSequence = 0
  count = 0
  /** Where the texts of its rows begin; they extend to the end of the record. */
  textsFrom = 0
  readonly #varints = new VarintReader()
  readonly #flags = new Uint8Array(MAX_ROWS)
  // Columns of all its rows, readable without `next`. Text positions count from `textsFrom`.
  readonly sequences = new Float64Array(MAX_ROWS)
  readonly #ackSequences = new Float64Array(MAX_ROWS)
  readonly ats = new Float64Array(MAX_ROWS)
  readonly attempts = new Float64Array(MAX_ROWS)
  readonly digestFroms = new Uint32Array(MAX_ROWS)
  readonly idBytes = new Uint32Array(MAX_ROWS)
  /** By row. */
  readonly channels = new Uint16Array(MAX_ROWS)
  /** By channel. */
  readonly channelFroms = new Uint32Array(MAX_ROWS)
  readonly channelBytes = new Uint32Array(MAX_ROWS)
  /** Only of rows with FLAG_OPTIONAL. */
  readonly #optionalFroms = new Uint32Array(MAX_ROWS)
  readonly #optionalBytes = new Uint32Array(MAX_ROWS)
  #row = 0

  /**
   * Starts before the first row of a block. Throws WAQ_CORRUPT if the checksum matches but the payload is not
   * a block; nothing of it has then been read.
   */
  begin(data: Buffer, frameSequence: number): void {
    const varints = this.#varints
    varints.begin(data)
    const count = varints.next()
    if (!(count >= 1 && count <= MAX_ROWS)) throw corrupt(frameSequence, `it has ${count} rows`)
    const nextSequence = varints.next()
    const first = nextSequence - varints.next()
    if (!(first >= 1)) throw corrupt(frameSequence, 'its sequences are none')
    const end = this.#readRows(count, first, frameSequence)
    this.textsFrom = varints.at
    if (this.textsFrom + end !== data.length) throw corrupt(frameSequence, 'its texts are not whole')
    this.count = count
    this.nextSequence = nextSequence
    this.#row = 0
    this.settlement.bytes = data
    this.settlement.nextSequence = nextSequence
  }

  /** Reads all rows before any of them counts. Returns their bytes of text. */
  #readRows(count: number, first: number, frameSequence: number): number {
    const varints = this.#varints
    const { bytes } = varints
    const {
      sequences,
      ats,
      digestFroms,
      attempts: allAttempts,
      idBytes: allIdBytes,
      channels: allChannels,
    } = this
    const ackSequences = this.#ackSequences
    const allFlags = this.#flags
    let sequence = first
    let ack = 0
    let at = 0
    let channels = 0
    let textAt = 0
    for (let row = 0; row < count; row += 1) {
      const flags = bytes[varints.at++]!
      if (row > 0) {
        const ackStep = varints.next()
        if (ackStep === 0) throw corrupt(frameSequence, `its row ${row} does not rise`)
        ack += ackStep
        const step = varints.next()
        sequence += (flags & FLAG_SEQUENCE_BELOW) === 0 ? step : -step
      }
      const atStep = varints.next()
      at += (flags & FLAG_AT_BEFORE) === 0 ? atStep : -atStep
      const attempts = (flags & FLAG_ATTEMPTED) === 0 ? 0 : varints.next()
      const idBytes = varints.next()
      const channel = varints.next()
      if (channel === channels) {
        this.channelFroms[channel] = textAt
        const channelBytes = varints.next()
        this.channelBytes[channel] = channelBytes
        textAt += channelBytes
        channels += 1
      }
      // NaN fails all of these bounds.
      const isSound =
        sequence >= 1 &&
        ack < frameSequence &&
        at >= 0 &&
        attempts >= 0 &&
        channel < channels &&
        (flags & UNUSED_BIT) === 0
      digestFroms[row] = textAt
      textAt += DIGEST_BYTES + idBytes
      if ((flags & FLAG_OPTIONAL) !== 0) this.#passOptional(row)
      if (!isSound || !(varints.at + textAt <= bytes.length))
        throw corrupt(frameSequence, `its row ${row} is none`)
      allFlags[row] = flags
      sequences[row] = sequence
      ackSequences[row] = ack
      ats[row] = at
      allAttempts[row] = attempts
      allIdBytes[row] = idBytes
      allChannels[row] = channel
    }
    const firstAck = frameSequence - ack
    for (let row = 0; row < count; row += 1) ackSequences[row]! += firstAck
    return textAt
  }

  #passOptional(row: number): void {
    const varints = this.#varints
    const bytes = varints.next()
    this.#optionalFroms[row] = varints.at
    this.#optionalBytes[row] = bytes
    varints.at += bytes
  }

  kind(row: number): SettlingKind {
    return settlingKinds[this.#flags[row]! & KIND_BITS]!
  }

  ackSequenceOf(row: number): number {
    return this.#ackSequences[row]!
  }

  /** Returns false after the last row. */
  next(): boolean {
    const row = this.#row
    if (row === this.count) return false
    const { settlement, textsFrom } = this
    const flags = this.#flags[row]!
    settlement.kind = this.kind(row)
    settlement.sequence = this.sequences[row]!
    settlement.at = this.ats[row]!
    settlement.attempts = this.attempts[row]!
    settlement.mayHaveBeenSent = (flags & FLAG_MAYBE_SENT) !== 0
    settlement.digestFrom = textsFrom + this.digestFroms[row]!
    settlement.idFrom = settlement.digestFrom + DIGEST_BYTES
    settlement.idTo = settlement.idFrom + this.idBytes[row]!
    const channel = this.channels[row]!
    settlement.channelFrom = textsFrom + this.channelFroms[channel]!
    settlement.channelTo = settlement.channelFrom + this.channelBytes[channel]!
    const hasOptional = (flags & FLAG_OPTIONAL) !== 0
    settlement.optionalFrom = hasOptional ? this.#optionalFroms[row]! : 0
    settlement.optionalTo = hasOptional ? settlement.optionalFrom + this.#optionalBytes[row]! : 0
    settlement.hashId()
    this.ackSequence = this.ackSequenceOf(row)
    this.#row = row + 1
    return true
  }
}

/**
 * All outcomes in a frame of the ack log, each with its ack sequence; none if it is a result. Throws as
 * `decodeOutcome`.
 */
export function decodeOutcomes(
  frameType: number,
  data: Buffer,
  sequence: number,
): { ackSequence: number; record: OutcomeRecord }[] {
  if (frameType === RESULT_FRAME_TYPE) return []
  if (frameType !== SETTLED_FRAME_TYPE) {
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

function corrupt(frameSequence: number, problem: string): WaqError {
  return new WaqError(
    'WAQ_CORRUPT',
    `Frame ${frameSequence} of the ack log is intact by its checksum and yet no block of settled ` +
      `messages: ${problem}. Report this as a bug of the waq that wrote it.`,
  )
}
