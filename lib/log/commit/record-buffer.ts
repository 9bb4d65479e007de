import { FRAME_HEADER_BYTES } from '../format/format.js'
import type { Append } from './append.js'

/** Most batches are smaller. */
const BYTES = 1024 * 1024

/** A record suspended while another is encoded. */
interface Suspended {
  readonly bytes: Buffer
  readonly view: DataView
  readonly from: number
  readonly at: number
  readonly end: number
}

/**
 * The buffer of the next batch. Records are encoded into it one after another, each with room for its frame
 * header. A batch that is laid out here as it will be on disk needs no buffer of its own and no copy.
 *
 * The bytes of a record are never reused, so it stays valid as long as it is referenced; only its header is
 * rewritten whenever the record is. All queues of the process share one buffer: bytes between two records of
 * a batch only cost the copy.
 */
export class RecordBuffer {
  /** Begins where its ArrayBuffer does. */
  bytes: Buffer = Buffer.alloc(0)
  view: DataView = new DataView(this.bytes.buffer)
  /** Where the current record begins, after the room for its header; -1: there is none. */
  from = -1
  /** Where its next byte goes. */
  at = 0
  /** Where the next header goes. */
  #end = 0
  #keepers: { readonly bytes: Buffer; readonly letGo: () => void }[] = []

  /**
   * Begins a record; pass the result to `finish`. A getter of the caller's object may begin another record
   * meanwhile: that one gets its own buffer.
   */
  begin(): Suspended | undefined {
    let outer: Suspended | undefined
    if (this.from !== -1) {
      outer = { bytes: this.bytes, view: this.view, from: this.from, at: this.at, end: this.#end }
      this.#use(Buffer.allocUnsafeSlow(0), 0)
    }
    this.from = this.#end + FRAME_HEADER_BYTES
    this.at = this.from
    return outer
  }

  /** Ends the current record and keeps it. */
  take(): Buffer {
    // No other record keeps a large one alive.
    this.#end = this.bytes.length > BYTES ? this.bytes.length : this.at
    return this.bytes.subarray(this.from, this.at)
  }

  /** Ends what `begin` began. A record that was not taken leaves no gap. */
  finish(outer: Suspended | undefined): void {
    this.from = -1
    if (outer === undefined) return
    const { bytes } = this
    this.#use(outer.bytes, outer.end)
    this.from = outer.from
    this.at = outer.at
    this.#leave(bytes)
  }

  /** Whether the next record may be in the same memory. */
  sharesMemory(record: Uint8Array): boolean {
    return record.buffer === this.bytes.buffer
  }

  /**
   * Keeping a record keeps its whole buffer alive. `letGo` is called once, when the present buffer takes no
   * further record.
   */
  keep(letGo: () => void): void {
    this.#keepers.push({ bytes: this.bytes, letGo })
  }

  #leave(bytes: Buffer): void {
    const left = this.#keepers.filter(keeper => keeper.bytes === bytes)
    if (left.length === 0) return
    this.#keepers = this.#keepers.filter(keeper => keeper.bytes !== bytes)
    for (const { letGo } of left) letGo()
  }

  /** Makes room for that many more bytes, in a new buffer if this one is full. */
  reserve(bytes: number): void {
    if (this.at + bytes > this.bytes.length) this.#grow(bytes)
  }

  /** Moves the bytes from `start` on (an offset in the record) that many bytes further. */
  insert(start: number, bytes: number): void {
    this.reserve(bytes)
    const from = this.from + start
    this.bytes.copyWithin(from + bytes, from, this.at)
    this.at += bytes
  }

  #grow(bytes: number): void {
    const { from, at } = this
    const earlier = this.bytes
    this.#use(Buffer.allocUnsafeSlow(Math.max(BYTES, FRAME_HEADER_BYTES + 2 * (at - from) + bytes)), 0)
    this.from = FRAME_HEADER_BYTES
    if (at > from) earlier.copy(this.bytes, this.from, from, at)
    this.at = this.from + at - from
    this.#leave(earlier)
  }

  #use(bytes: Buffer, end: number): void {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer)
    this.#end = end
  }

  /** The frames of these records if they are contiguous in this buffer, otherwise undefined. */
  framesOf(batch: readonly Pick<Append, 'count' | 'record'>[]): Buffer | undefined {
    const { buffer } = this.bytes
    let start = -1
    let end = -1
    for (const append of batch) {
      for (let index = 0; index < append.count; index += 1) {
        const record = append.record(index)
        if (record.buffer !== buffer) return undefined
        const from = record.byteOffset - FRAME_HEADER_BYTES
        if (start === -1) start = from
        else if (from !== end) return undefined
        end = record.byteOffset + record.length
      }
    }
    return this.bytes.subarray(start, end)
  }
}

export const recordBuffer = new RecordBuffer()
