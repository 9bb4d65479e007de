import { WaqError } from '../../lib/log/errors/waq-error.js'
import { SegmentedLog } from '../../lib/log/segmented-log.js'
import type { DiskProcess } from '../../lib/testing/disk/disk-process.js'
import { environmentOf } from '../../lib/testing/disk/environment.js'
import { ROOT, type Shape, uniqueText } from './life.js'
import type { Oracle, Shown } from './oracle.js'

export const RECORDS = 'records'

/** One owner of a `SegmentedLog`, used as its users do: by its public methods alone. */
export class SegmentedLife {
  readonly process: DiskProcess
  readonly oracle: Oracle
  readonly shape: Shape
  #log: SegmentedLog | undefined
  #owner = 0

  constructor(process: DiskProcess, oracle: Oracle, shape: Shape) {
    this.process = process
    this.oracle = oracle
    this.shape = shape
  }

  get log(): SegmentedLog {
    return this.#log!
  }

  async open(): Promise<void> {
    const log = await SegmentedLog.open(ROOT, {
      ...this.shape,
      lock: { waitMs: 0 },
      environment: environmentOf(this.process),
    })
    const frames: Shown[] = []
    for await (const { sequence, data } of log.read())
      frames.push({ sequence, text: data.toString('latin1') })
    if (this.process.killed) return
    this.#log = log
    const shown = new Map([[RECORDS, { frames, nextSequence: log.nextSequence }]])
    this.oracle.check(shown, log.corrupt)
    this.#owner = this.oracle.opened(shown)
  }

  /** One record, or an atomic list. Never rejects. */
  async append(...sizes: number[]): Promise<void> {
    const texts = sizes.map(uniqueText)
    const records = texts.map(text => Buffer.from(text, 'latin1'))
    const first = this.log.nextSequence
    const appending = this.log.append(records.length === 1 ? records[0]! : records)
    const attempt = this.oracle.attempt(this.#owner, RECORDS, first, texts)
    try {
      const sequence = await appending
      if (this.process.killed) return
      if (sequence !== first) throw new Error(`the record got ${sequence}, and ${first} was next`)
      this.oracle.accepted(RECORDS, attempt, this.shape.durability === 'fsync')
    } catch (error) {
      if (!(error instanceof WaqError)) throw error
      if (!this.process.killed) this.oracle.failed(attempt, error.indeterminate)
    }
  }

  async discard(before: number): Promise<void> {
    const discarded = this.oracle.discarding(RECORDS, before)
    try {
      await this.log.discardBefore(before)
    } catch (error) {
      if (!(error instanceof WaqError)) throw error
      return
    }
    if (!this.process.killed) discarded()
  }

  async close(): Promise<void> {
    const synced = this.oracle.syncing(RECORDS, this.#owner)
    try {
      await this.log.close()
    } catch (error) {
      if (!(error instanceof WaqError)) throw error
      return
    }
    // One that lost its lock closes without a promise.
    if (!this.process.killed && !this.process.deposed) synced()
  }
}
