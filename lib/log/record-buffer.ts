import type { Append } from './append.js'
import { FRAME_HEADER_BYTES } from './format.js'

/** Most batches are smaller. */
const BYTES = 1024 * 1024

/**
 * The buffer of the next batch. Records are encoded into it, one behind the other, each with room for the header of its
 * frame before it: a batch that stands there as it will stand on disk needs no buffer of its own, and no copy.
 *
 * No byte of a record is ever used again, so it stays what it is for as long as somebody holds it; the headers are written
 * anew as often as the record is. There is one for all queues of the process: what stands between two records of a batch
 * only costs the copy.
 */
export class RecordBuffer {
  /** Begins where its ArrayBuffer does. */
  bytes = Buffer.alloc(0)
  view = new DataView(this.bytes.buffer)
  /** Behind the last record. */
  #end = 0

  /** Where the next record begins: behind the room for its header. It is made room for as it grows. */
  begin(): number {
    return this.#end + FRAME_HEADER_BYTES
  }

  /**
   * Room for `bytes` more behind a record that began at `from` and has come to `to`. Returns where it begins now: it moves
   * to a new buffer where this one is full.
   */
  reserve(from: number, to: number, bytes: number): number {
    if (to + bytes <= this.bytes.length) return from
    const length = to - from
    const larger = Buffer.allocUnsafeSlow(Math.max(BYTES, FRAME_HEADER_BYTES + 2 * length + bytes))
    if (length > 0) this.bytes.copy(larger, FRAME_HEADER_BYTES, from, to)
    this.bytes = larger
    this.view = new DataView(larger.buffer)
    this.#end = 0
    return FRAME_HEADER_BYTES
  }

  /** The record that began at `from` and ends here. */
  take(from: number, to: number): Buffer {
    this.#end = to
    return this.bytes.subarray(from, to)
  }

  /** The frames of these records, where they stand one behind the other in here; undefined where they do not. */
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
