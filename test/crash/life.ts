import { FinishedRecords } from '../../lib/log/commit/append.js'
import { WaqError } from '../../lib/log/errors/waq-error.js'
import { LogDirectory } from '../../lib/log/log-directory.js'
import { monotonicNow } from '../../lib/log/runtime/real-time.js'
import type { Durability, LogSpec } from '../../lib/log/types.js'
import type { DiskProcess } from '../../lib/testing/disk/disk-process.js'
import { environmentOf } from '../../lib/testing/disk/environment.js'
import type { Oracle, Shown, ShownLog } from './oracle.js'

export const ROOT = '/data/queue'
export const MESSAGES = 'messages'
export const ACKS = 'acks'

export interface Shape {
  readonly durability: Durability
  readonly segmentBytes: number
}

export const SHAPE: Shape = { durability: 'fsync', segmentBytes: 1024 }

let written = 0

/** No two records of a run are equal. */
export function uniqueText(bytes: number): string {
  written += 1
  return `${written}:`.padEnd(bytes, 'abcdefghij')
}

/** One owner of the directory, from its opening to its end. All that it does and is told goes to the oracle. */
export class Life {
  readonly process: DiskProcess
  readonly oracle: Oracle
  readonly shape: Shape
  /** What was reported to no one in particular. */
  readonly errors: WaqError[] = []
  /** What callers were told. */
  readonly refusals: unknown[] = []
  #set: LogDirectory | undefined
  #owner = 0
  readonly #refused = (error: unknown): void => {
    this.refusals.push(error)
  }

  constructor(process: DiskProcess, oracle: Oracle, shape: Shape = SHAPE) {
    this.process = process
    this.oracle = oracle
    this.shape = shape
  }

  get set(): LogDirectory {
    return this.#set!
  }

  /** Opens, and holds what it shows against the oracle. */
  async open(): Promise<void> {
    const frames = new Map<string, Shown[]>([
      [MESSAGES, []],
      [ACKS, []],
    ])
    const logs: LogSpec[] = [
      { name: MESSAGES, id: 1, durability: this.shape.durability, onFailure: 'reject' },
      { name: ACKS, id: 2, durability: 'os', onFailure: 'retain' },
    ]
    const set = await LogDirectory.open(
      ROOT,
      {
        logs,
        segmentBytes: this.shape.segmentBytes,
        onCorruption: 'quarantine',
        lock: { staleMs: 10_000, waitMs: 0 },
        allowNetworkFileSystem: false,
        commits: 'auto',
        // Virtual time, where it is installed: the pauses of a sick disk pass.
        environment: environmentOf(this.process, () => 1_700_000_000_000 + monotonicNow()),
      },
      {
        frame: (log, { sequence, data }) =>
          frames.get(log)!.push({ sequence, text: data.toString('latin1') }),
        lost: () => {},
        nextSequenceAtLeast: () => 1,
      },
    )
    if (this.process.killed) return
    this.#set = set
    set.onError(error => this.errors.push(error))
    const shown = new Map<string, ShownLog>()
    for (const [name, list] of frames)
      shown.set(name, { frames: list, nextSequence: set.log(name).nextSequence })
    this.oracle.check(shown, set.report.corrupt)
    this.#owner = this.oracle.opened(shown)
  }

  /** Resolves when the record, or list, was accepted or refused; never rejects. */
  append(log: string, texts: string | readonly string[]): Promise<void> {
    const list = typeof texts === 'string' ? [texts] : texts
    const durable = log === MESSAGES && this.shape.durability === 'fsync'
    return new Promise(resolve => {
      const records = list.map(text => Buffer.from(text, 'latin1'))
      const append = new FinishedRecords(1, records, {
        accepted: () => {
          if (this.process.killed) return
          this.oracle.accepted(log, attempt, durable)
          resolve()
        },
        failed: error => {
          if (this.process.killed) return
          this.refusals.push(error)
          const indeterminate = !(error instanceof WaqError) || error.indeterminate
          this.oracle.failed(attempt, indeterminate)
          resolve()
        },
      })
      const attempt = this.oracle.attempt(this.#owner, log, this.set.log(log).append(append), list)
    })
  }

  messages(...sizes: number[]): Promise<unknown> {
    return Promise.all(sizes.map(size => this.append(MESSAGES, uniqueText(size))))
  }

  acks(...sizes: number[]): Promise<unknown> {
    return Promise.all(sizes.map(size => this.append(ACKS, uniqueText(size))))
  }

  list(...sizes: number[]): Promise<void> {
    return this.append(
      MESSAGES,
      sizes.map(size => uniqueText(size)),
    )
  }

  async sync(log: string): Promise<void> {
    const synced = this.oracle.syncing(log, this.#owner)
    try {
      await this.set.log(log).sync()
    } catch (error) {
      this.refusals.push(error)
      return
    }
    if (!this.process.killed) synced()
  }

  /** Everything below is given up. */
  async discard(log: string, before: number): Promise<void> {
    const discarded = this.oracle.discarding(log, before)
    try {
      await this.set.discardBefore(log, before)
    } catch (error) {
      this.refusals.push(error)
      return
    }
    if (!this.process.killed) discarded()
  }

  /** The oldest sealed segment of a log goes, with all that it holds. */
  async retireOldest(log: string): Promise<void> {
    const oldest = this.set
      .log(log)
      .segments()
      .find(segment => segment.sealed)
    if (oldest === undefined) return
    const { firstSequence, lastSequence } = oldest
    this.oracle.releasing(
      log,
      Array.from({ length: lastSequence - firstSequence + 1 }, (_, i) => firstSequence + i),
    )
    await this.set.log(log).retire([oldest.id]).catch(this.#refused)
  }

  /** Sealed segments are rewritten without every third record. */
  async rewrite(log: string): Promise<void> {
    const sealed = this.set
      .log(log)
      .segments()
      .filter(segment => segment.sealed)
    const dropped: number[] = []
    for (const { firstSequence, lastSequence } of sealed) {
      for (let sequence = firstSequence; sequence <= lastSequence; sequence++)
        if (sequence % 3 === 0) dropped.push(sequence)
    }
    this.oracle.releasing(log, dropped)
    const ids = sealed.map(segment => segment.id)
    await this.set
      .log(log)
      .rewrite(ids, { keep: ({ sequence }) => sequence % 3 !== 0, moved: () => {} })
      .catch(this.#refused)
  }

  /** The segment in use is closed, and what was accepted so far is on the device. */
  async seal(log: string): Promise<void> {
    await this.set.log(log).seal().catch(this.#refused)
  }

  async close(): Promise<void> {
    const synced = [this.oracle.syncing(MESSAGES, this.#owner), this.oracle.syncing(ACKS, this.#owner)]
    try {
      await this.set.close()
    } catch (error) {
      this.refusals.push(error)
      return
    }
    // One that lost its lock, and said so, closes without a promise.
    if (!this.process.killed && !this.process.deposed) for (const each of synced) each()
  }
}
