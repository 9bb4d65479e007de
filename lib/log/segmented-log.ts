import { FinishedRecords } from './commit/append.js'
import { WaqError } from './errors/waq-error.js'
import { FRAME_HEADER_BYTES } from './format/format.js'
import { type FramePosition, FramePositions } from './frame-positions.js'
import { LogDirectory } from './log-directory.js'
import { KeepAlive, keepingAlive } from './runtime/keep-alive.js'
import { resolveLogOptions, type SegmentedLogOptions } from './segmented-log-options.js'
import type { CorruptRange, Log, SegmentInfo, VisitedFrame } from './types.js'

export type { SegmentedLogOptions } from './segmented-log-options.js'

const NAME = 'records'
const RECORD = 1

/**
 * An append-only log of byte records in a directory of its own: durable, recovered after a crash, with one
 * owner at a time. `OutboundQueue` uses the same log. Its format is stable; its names are experimental.
 *
 *     await using log = await SegmentedLog.open('./journal')
 *     const sequence = await log.append(Buffer.from('hello'))
 *     for await (const { sequence, data } of log.read({ from: 1 })) …
 *     await log.discardBefore(sequence)
 */
export class SegmentedLog implements AsyncDisposable {
  readonly #logs: LogDirectory
  readonly #log: Log
  readonly #places: FramePositions
  readonly #keepAlive = new KeepAlive()
  readonly corrupt: readonly CorruptRange[]

  private constructor(logs: LogDirectory, places: FramePositions) {
    this.#logs = logs
    this.#log = logs.log(NAME)
    this.#places = places
    this.corrupt = logs.report.corrupt
  }

  /**
   * Rejects as `OutboundQueue.open` does: WAQ_INVALID_OPTION, WAQ_LOCKED, WAQ_NOT_A_QUEUE, WAQ_CORRUPT,
   * WAQ_DISK_FULL, WAQ_IO, …
   */
  static async open(directory: string, options: SegmentedLogOptions = {}): Promise<SegmentedLog> {
    const { durability, ...resolved } = resolveLogOptions(options)
    /** A record found twice has the position found last. */
    const places = new Map<number, FramePosition>()
    const opening = LogDirectory.open(
      directory,
      {
        logs: [{ name: NAME, id: 3, durability, onFailure: 'reject' }],
        ...resolved,
      },
      {
        frame: (_, { sequence, segment, offset }: VisitedFrame) =>
          places.set(sequence, { sequence, segment, offset }),
        lost: () => {},
        nextSequenceAtLeast: () => 1,
      },
    )
    return new SegmentedLog(await keepingAlive(opening), new FramePositions(places.values()))
  }

  get directory(): string {
    return this.#logs.directory
  }

  /** The lowest sequence that counts; `nextSequence` if none does. */
  get firstSequence(): number {
    return this.#places.first?.sequence ?? this.nextSequence
  }

  /** The sequence of the next record. It never goes back, even when everything was discarded. */
  get nextSequence(): number {
    return this.#log.nextSequence
  }

  /**
   * Resolves with the record's sequence once it is as durable as `durability` promises. A list is atomic:
   * after any crash either all its records are there or none. It resolves with the first sequence; the others
   * follow without a gap. Rejects with WAQ_DISK_FULL, WAQ_IO, WAQ_LOCK_LOST, WAQ_CLOSED; `indeterminate`: it
   * may still be in the log.
   */
  append(record: Uint8Array | readonly Uint8Array[]): Promise<number> {
    const records = record instanceof Uint8Array ? [record] : record
    if (
      !Array.isArray(records) ||
      records.length === 0 ||
      !records.every(each => each instanceof Uint8Array)
    ) {
      return Promise.reject(
        new WaqError(
          'WAQ_INVALID_MESSAGE',
          'append takes a Uint8Array, or a list of at least one Uint8Array',
        ),
      )
    }
    // The caller may reuse its buffers as soon as append returns.
    const copies = records.map(each => Buffer.from(each))
    return new Promise((resolve, reject) => {
      const append = new FinishedRecords(RECORD, copies, {
        accepted: (segment, offset) => {
          this.#place(append.firstSequence, copies, segment, offset)
          this.#keepAlive.release()
          resolve(append.firstSequence)
        },
        moved: (segment, offset) => this.#place(append.firstSequence, copies, segment, offset),
        failed: error => {
          this.#keepAlive.release()
          reject(error)
        },
      })
      this.#log.append(append)
      // The log took it: the outcome comes later.
      this.#keepAlive.hold()
    })
  }

  /**
   * The records in order, from `from` (default: the first) to the last one at each step, without those
   * discarded meanwhile. Rejects with WAQ_CORRUPT, WAQ_IO, WAQ_CLOSED.
   */
  async *read(
    options: { from?: number } = {},
  ): AsyncGenerator<{ sequence: number; data: Buffer }, void, void> {
    const { from = 0 } = options
    if (typeof from !== 'number' || Number.isNaN(from)) {
      throw new WaqError('WAQ_INVALID_OPTION', `from must be a sequence, got ${String(from)}`)
    }
    // Looked up at each step: records are added and discarded during a read.
    for (let place = this.#places.from(from); place !== undefined; ) {
      const { sequence, segment, offset } = place
      const data = await this.#keepAlive.during(Promise.resolve(this.#log.read(segment, offset)))
      yield { sequence, data }
      place = this.#places.from(sequence + 1)
    }
  }

  /**
   * Raises the low-water mark: records below `sequence` no longer count, even after a restart. Segments that
   * hold only those are removed; returns how many. Rejects with WAQ_INVALID_OPTION, WAQ_CLOSED,
   * WAQ_LOCK_LOST, WAQ_DISK_FULL, WAQ_IO.
   */
  async discardBefore(sequence: number): Promise<number> {
    if (!Number.isSafeInteger(sequence) || sequence < 0) {
      throw new WaqError('WAQ_INVALID_OPTION', `discardBefore takes a sequence, got ${String(sequence)}`)
    }
    this.#places.discardBefore(sequence)
    return this.#keepAlive.during(this.#logs.discardBefore(NAME, sequence))
  }

  /** Segments that count, oldest first. */
  segments(): readonly SegmentInfo[] {
    return this.#log.segments()
  }

  close(): Promise<void> {
    const closing = this.#keepAlive.during(this.#logs.close())
    this.#keepAlive.end()
    return closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #place(first: number, records: readonly Buffer[], segment: number, offset: number): void {
    let at = offset
    const lowWater = this.#logs.lowWater(NAME)
    records.forEach((record, index) => {
      // It is below if it was discarded while being written.
      if (first + index >= lowWater) this.#places.set({ sequence: first + index, segment, offset: at })
      at += FRAME_HEADER_BYTES + record.length
    })
  }
}
