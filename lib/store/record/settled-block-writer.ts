import { type SettlingKind, type SettlingRecord, settlingKinds } from './outcome.js'
import { DIGEST_BYTES } from './outcome-format.js'
import {
  FLAG_AT_BEFORE,
  FLAG_ATTEMPTED,
  FLAG_MAYBE_SENT,
  FLAG_OPTIONAL,
  FLAG_SEQUENCE_BELOW,
  MAX_ROWS,
} from './settled-block.js'
import type { SettledRecord } from './settled-record.js'
import { MAX_VARINT_BYTES, writeVarint } from './varint.js'

const UINT32_MAX = 0xffff_ffff
const MAX_TEXT_BYTES = 32 * 1024
/** The most bytes of a block's head, and of a row without its optional fields. */
const MAX_HEAD_BYTES = 3 * MAX_VARINT_BYTES
const MAX_ROW_BYTES = 1 + 8 * MAX_VARINT_BYTES
/** UTF-8 needs at most three bytes for each unit of UTF-16. */
const MAX_BYTES_A_UNIT = 3
/** Up to this length a loop beats the call into `Buffer.write`. */
const SHORT_TEXT_UNITS = 64
const SHORT_COPY_BYTES = 128

interface Row {
  readonly kind: SettlingKind
  readonly sequence: number
  readonly nextSequence: number
  readonly at: number
  readonly attempts: number
  readonly mayHaveBeenSent: boolean
}

/** Fills blocks. */
export class SettledBlockWriter {
  readonly #head = Buffer.allocUnsafeSlow(MAX_HEAD_BYTES)
  #rows: Buffer = Buffer.allocUnsafeSlow(4096)
  #rowBytes = 0
  #count = 0
  #texts: Buffer = Buffer.allocUnsafeSlow(4096)
  #textBytes = 0
  readonly #channels = new Map<string, number>()
  #nextSequence = 0
  #firstSequence = 0
  /** Of the outcome last added: the next row is relative to it. */
  #sequence = 0
  #at = 0
  #ackSequence = 0

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** Whether this one was added last. */
  endsWith(ackSequence: number): boolean {
    return this.#count > 0 && this.#ackSequence === ackSequence
  }

  /** Of the outcome last added, also after its block was taken. */
  get ackSequence(): number {
    return this.#ackSequence
  }

  /** Whether the block has no room for this one. */
  isFullFor(settlement: SettledRecord, ackSequence: number): boolean {
    if (this.#count === 0) return false
    const { idFrom, idTo, channelFrom, channelTo, optionalFrom, optionalTo } = settlement
    const bytes = idTo - idFrom + channelTo - channelFrom + optionalTo - optionalFrom
    const allBytes = this.#rowBytes + this.#textBytes + DIGEST_BYTES + bytes
    return this.#count === MAX_ROWS || allBytes > MAX_TEXT_BYTES || ackSequence <= this.#ackSequence
  }

  /** The block must have room for it. */
  add(settlement: SettledRecord, ackSequence: number): void {
    const { bytes, idFrom, idTo, channelFrom, channelTo, digestFrom, optionalFrom, optionalTo } = settlement
    const name = settlement.channel
    const channel = this.#channel(name)
    this.#reserveTexts(channelTo - channelFrom + DIGEST_BYTES + idTo - idFrom)
    if (channel === this.#channels.size) this.#copyText(bytes, channelFrom, channelTo)
    this.#copyText(bytes, digestFrom, digestFrom + DIGEST_BYTES)
    this.#copyText(bytes, idFrom, idTo)
    const optional = optionalTo > optionalFrom ? bytes.subarray(optionalFrom, optionalTo) : undefined
    this.#addRow(settlement, ackSequence, idTo - idFrom, channel, name, channelTo - channelFrom, optional)
  }

  /** A block of this one alone, in a buffer of its own. */
  encode(record: SettlingRecord): Buffer {
    const { id, channel, digest } = record
    this.#reserveTexts(MAX_BYTES_A_UNIT * (id.length + channel.length) + DIGEST_BYTES)
    const channelBytes = this.#writeText(channel)
    for (let i = 0; i < DIGEST_BYTES; i += 1) this.#texts[this.#textBytes++] = digest.charCodeAt(i)
    this.#addRow(record, 1, this.#writeText(id), 0, channel, channelBytes, record.optional)
    return this.take()
  }

  /** The number of a known channel; for a new one, the number of known channels. */
  #channel(name: string): number {
    return this.#channels.get(name) ?? this.#channels.size
  }

  #addRow(
    row: Row,
    ackSequence: number,
    idBytes: number,
    channel: number,
    channelName: string,
    channelBytes: number,
    optional: Uint8Array | undefined,
  ): void {
    const needed = this.#rowBytes + MAX_ROW_BYTES + (optional?.length ?? 0)
    if (needed > this.#rows.length) this.#rows = larger(this.#rows, needed)
    const { sequence, attempts } = row
    const at = Math.min(Math.round(row.at), Number.MAX_SAFE_INTEGER)
    const isAttempted = attempts > 0
    const isFirst = this.#count === 0
    if (isFirst) this.#firstSequence = sequence
    const rows = this.#rows
    let flags = settlingKinds.indexOf(row.kind)
    if (row.mayHaveBeenSent) flags |= FLAG_MAYBE_SENT
    if (isAttempted) flags |= FLAG_ATTEMPTED
    if (!isFirst && sequence < this.#sequence) flags |= FLAG_SEQUENCE_BELOW
    if (at < this.#at) flags |= FLAG_AT_BEFORE
    if (optional !== undefined) flags |= FLAG_OPTIONAL
    let end = this.#rowBytes
    rows[end++] = flags
    if (!isFirst) {
      end = writeVarint(rows, ackSequence - this.#ackSequence, end)
      end = writeVarint(rows, Math.abs(sequence - this.#sequence), end)
    }
    end = writeVarint(rows, Math.abs(at - this.#at), end)
    if (isAttempted) end = writeVarint(rows, Math.min(attempts, UINT32_MAX), end)
    end = writeVarint(rows, idBytes, end)
    end = writeVarint(rows, channel, end)
    if (channel === this.#channels.size) {
      end = writeVarint(rows, channelBytes, end)
      this.#channels.set(channelName, channel)
    }
    if (optional !== undefined) {
      end = writeVarint(rows, optional.length, end)
      rows.set(optional, end)
      end += optional.length
    }
    this.#rowBytes = end
    this.#count += 1
    this.#sequence = sequence
    this.#at = at
    this.#ackSequence = ackSequence
    this.#nextSequence = Math.max(this.#nextSequence, row.nextSequence, this.#firstSequence)
  }

  #reserveTexts(bytes: number): void {
    const needed = this.#textBytes + bytes
    if (needed > this.#texts.length) this.#texts = larger(this.#texts, needed)
  }

  #copyText(bytes: Buffer, from: number, to: number): void {
    bytes.copy(this.#texts, this.#textBytes, from, to)
    this.#textBytes += to - from
  }

  /** Returns its length in bytes. */
  #writeText(text: string): number {
    const texts = this.#texts
    const from = this.#textBytes
    let units = 0
    if (text.length <= SHORT_TEXT_UNITS) {
      for (; units < text.length; units += 1) {
        const code = text.charCodeAt(units)
        if (code > 0x7f) break
        texts[from + units] = code
      }
    }
    const bytes = units === text.length ? units : texts.write(text, from, 'utf8')
    this.#textBytes = from + bytes
    return bytes
  }

  /** Takes the block, in a buffer of its own, and begins another. */
  take(): Buffer {
    const head = this.#head
    let headBytes = writeVarint(head, this.#count, 0)
    headBytes = writeVarint(head, this.#nextSequence, headBytes)
    headBytes = writeVarint(head, this.#nextSequence - this.#firstSequence, headBytes)
    const bytes = Buffer.allocUnsafe(headBytes + this.#rowBytes + this.#textBytes)
    copyShort(head, headBytes, bytes, 0)
    copyShort(this.#rows, this.#rowBytes, bytes, headBytes)
    copyShort(this.#texts, this.#textBytes, bytes, headBytes + this.#rowBytes)
    this.#count = 0
    this.#rowBytes = 0
    this.#textBytes = 0
    this.#channels.clear()
    this.#nextSequence = 0
    this.#at = 0
    return bytes
  }
}

/**
 * As `Buffer.copy`, which makes a view of its source: for most blocks, of one row, that would cost more than
 * the rest.
 */
function copyShort(from: Buffer, count: number, to: Buffer, start: number): void {
  if (count > SHORT_COPY_BYTES) from.copy(to, start, 0, count)
  else for (let i = 0; i < count; i += 1) to[start + i] = from[i]!
}

function larger(buffer: Buffer, needed: number): Buffer {
  const grown = Buffer.allocUnsafeSlow(2 * needed)
  buffer.copy(grown)
  return grown
}
