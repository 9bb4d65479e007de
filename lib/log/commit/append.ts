import { FRAME_HEADER_BYTES } from '../format/format.js'

/**
 * - `'waiting'`: not a byte of it was handed to a file.
 * - `'touched'`: bytes of it may be in a file: a refusal is indeterminate (invariant 5).
 * - `'accepted'`: its owner was told so. It is never refused from here on, only written again.
 * - `'withdrawn'`: its owner took it back while it waited. Nothing is written of it.
 */
export type AppendState = 'waiting' | 'touched' | 'accepted' | 'withdrawn'

/**
 * A record, or an atomic list of records, on its way to the disk. The caller extends it by what is to be
 * written and is told its outcome, synchronously and in append order. Each append is one object, because
 * young collections copy everything in flight.
 */
export abstract class Append {
  /** Of its frames: 1 to 255, and the caller's own. */
  type: number
  /** Of the frames before its last one; undefined: as of that. */
  leadType: number | undefined
  /** How many records. */
  readonly count: number
  /** As the log gave it; the other records follow without a gap. */
  firstSequence = 0
  state: AppendState = 'waiting'
  /** On disk, frame headers included; of the log alone, as what follows. */
  bytes = 0
  /** Where it was written last. */
  writtenTo: { readonly id: number; readonly synced: number } | undefined
  offset = 0

  constructor(type: number, count: number) {
    this.type = type
    this.count = count
  }

  /** One of its records. Its bytes may not change any more. */
  abstract record(index: number): Uint8Array
  /**
   * As durable as the log's `durability` promises, and the fence still stands. `offset` is that of the first
   * frame.
   */
  abstract accepted(segment: number, offset: number): void
  /**
   * After `accepted`, in the relaxed durabilities: its segment failed before a sync, and it was written again
   * elsewhere.
   */
  abstract moved(segment: number, offset: number): void
  /** Instead of `accepted`. `error.indeterminate` where bytes reached a file. */
  abstract failed(error: Error): void

  /** On the device, where it was written last. */
  get synced(): boolean {
    return this.writtenTo !== undefined && this.writtenTo.synced >= this.offset + this.bytes
  }

  /** The record whose frame begins at `offset`, where its first one begins at `from`. */
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

/** Records that exist already, for a listener of its own. */
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
