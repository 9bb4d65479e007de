import { FRAME_HEADER_BYTES } from '../format/format.js'
import type { Append } from './append.js'

/** Most batches are smaller. */
const BYTES = 1024 * 1024

/** What was under way when another record was begun. */
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
 * No byte of a record is ever used again, so it stays what it is for as long as somebody holds it; the
 * headers are written anew as often as the record is. There is one for all queues of the process: what stands
 * between two records of a batch only costs the copy.
 */
export class RecordBuffer {
  /** Begins where its ArrayBuffer does. */
  bytes: Buffer = Buffer.alloc(0)
  view: DataView = new DataView(this.bytes.buffer)
  /** Where the record that is being written begins, behind the room for its header; -1: none is. */
  from = -1
  /** How far it has come. */
  at = 0
  /** Behind the last record. */
  #end = 0
  #keepers: { readonly bytes: Buffer; readonly letGo: () => void }[] = []

  /**
   * A record begins; `finish` ends it, and is given what this returns. While one is read a getter of its
   * caller's may begin another: that one stands elsewhere.
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

  /** The record that was begun ends here, and stays. */
  take(): Buffer {
    // A large one is kept alive by no other.
    this.#end = this.bytes.length > BYTES ? this.bytes.length : this.at
    return this.bytes.subarray(this.from, this.at)
  }

  /** What was begun is over. Where it was not taken it leaves no room behind. */
  finish(outer: Suspended | undefined): void {
    this.from = -1
    if (outer === undefined) return
    const { bytes } = this
    this.#use(outer.bytes, outer.end)
    this.from = outer.from
    this.at = outer.at
    this.#leave(bytes)
  }

  /** Whether the next record may stand in the same memory. */
  sharesMemory(record: Uint8Array): boolean {
    return record.buffer === this.bytes.buffer
  }

  /**
   * Whoever keeps a record keeps all of the buffer alive in which it stands. `letGo` is called, once, when no
   * further record will stand in the one of today.
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

  /** Room for so many bytes more. The record moves to a new buffer where this one is full. */
  reserve(bytes: number): void {
    if (this.at + bytes > this.bytes.length) this.#grow(bytes)
  }

  /** Moves what was written from `start` on, counted from where the record begins, so many bytes further. */
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

  /**
   * The frames of these records, where they stand one behind the other in here; undefined where they do not.
   */
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
