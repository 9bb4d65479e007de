import { FRAME_HEADER_BYTES } from '../format/format.js'

/**
 * - `'waiting'`: not a byte of it was handed to a file.
 * - `'touched'`: bytes of it may be in a file: a refusal is indeterminate (invariant 5).
 * - `'accepted'`: its owner was told so. From here on it is never refused, only written again.
 * - `'withdrawn'`: its owner took it back while it waited. None of it is written.
 */
export type AppendState = 'waiting' | 'touched' | 'accepted' | 'withdrawn'

/**
 * A record, or an atomic list of records, on its way to the disk. The caller's subclass holds the records and
 * is told the outcome, synchronously and in append order. Each append is one object, because minor
 * collections copy everything in flight.
 */
export abstract class Append {
  /** The type of its frames, 1 to 255; the caller's choice. */
  type: number
  /** The type of the frames before its last; undefined: `type`. */
  leadType: number | undefined
  /** Number of records. */
  readonly count: number
  /** Set by the log; the other records follow without a gap. */
  firstSequence = 0
  state: AppendState = 'waiting'
  /** On disk, frame headers included. Set by the log only, as the next two. */
  bytes = 0
  /** Where it was last written. */
  writtenTo: { readonly id: number; readonly synced: number } | undefined
  offset = 0

  constructor(type: number, count: number) {
    this.type = type
    this.count = count
  }

  /** One of its records. Its bytes must not change. */
  abstract record(index: number): Uint8Array
  /**
   * It is as durable as the log's `durability` promises, and the fence stands. `offset`: of the first frame.
   */
  abstract accepted(segment: number, offset: number): void
  /**
   * After `accepted`, with relaxed durability only: its segment failed before a sync, and it was written
   * again elsewhere.
   */
  abstract moved(segment: number, offset: number): void
  /** Instead of `accepted`. `error.indeterminate`: bytes may be in a file. */
  abstract failed(error: Error): void

  /** Whether it is on the device where it was last written. */
  get synced(): boolean {
    return this.writtenTo !== undefined && this.writtenTo.synced >= this.offset + this.bytes
  }

  /** The record whose frame begins at `offset` if the first frame begins at `from`. */
  recordAt(offset: number, from: number): Uint8Array | undefined {
    let at = from
    for (let index = 0; index < this.count && at <= offset; index += 1) {
      const record = this.record(index)
      if (at === offset) return record
      at += FRAME_HEADER_BYTES + record.length
    }
    return undefined
  }
}

export interface AppendListener {
  accepted(segment: number, offset: number): void
  moved?(segment: number, offset: number): void
  failed(error: Error): void
}

/** Encoded records with a separate listener. */
export class FinishedRecords extends Append {
  readonly #records: readonly Uint8Array[]
  readonly #listener: AppendListener

  constructor(type: number, records: readonly Uint8Array[], listener: AppendListener) {
    super(type, records.length)
    this.#records = records
    this.#listener = listener
  }

  record(index: number): Uint8Array {
    return this.#records[index]!
  }

  accepted(segment: number, offset: number): void {
    this.#listener.accepted(segment, offset)
  }

  moved(segment: number, offset: number): void {
    this.#listener.moved?.(segment, offset)
  }

  failed(error: Error): void {
    this.#listener.failed(error)
  }
}
