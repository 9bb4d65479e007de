/**
 * The settled messages that an opening meets in the ack log: 24 bytes each, for a queue that ended before its acks were
 * compacted may have millions. Only of those whose id the dedupe window still needs is the whole outcome kept.
 */
import { hashSequence } from './id-hash.js'
import type { MessageRef } from './message-store.js'
import type { SettlingRecord } from './outcome.js'
import { PAGE_ROWS, PagedColumns, slotOf } from './paged-columns.js'
import { RefTable } from './ref-table.js'
import type { DedupeOptions } from './types.js'

class SettlementPage {
  readonly sequence = new Float64Array(PAGE_ROWS)
  /** The ack segment; chains the free rows. */
  readonly segment = new Uint32Array(PAGE_ROWS)
}

export interface FoldedSettlement {
  readonly ackSequence: number
  /** The ack segment that holds it. */
  readonly segment: number
  readonly record: SettlingRecord
}

export class FoldedSettlements {
  readonly #dedupe: DedupeOptions
  readonly #now: number
  readonly #rows = new PagedColumns(
    () => new SettlementPage(),
    page => page.segment,
  )
  readonly #bySequence: RefTable = new RefTable(row => hashSequence(this.#sequence(row)))
  /** In the order in which they were met; cut down to the newest from time to time. */
  #remembered: FoldedSettlement[] = []

  constructor(dedupe: DedupeOptions, now: number) {
    this.#dedupe = dedupe
    this.#now = now
  }

  /** A second copy of an outcome changes nothing. */
  add(settlement: FoldedSettlement): void {
    const { record, segment } = settlement
    if (this.segment(record.sequence) !== undefined) return
    const row = this.#rows.allocate() as MessageRef
    const page = this.#rows.page(row)
    page.sequence[slotOf(row)] = record.sequence
    page.segment[slotOf(row)] = segment
    this.#bySequence.add(row)
    if (record.id === '' || record.at <= this.#now - this.#dedupe.windowMs) return
    this.#remembered.push(settlement)
    if (this.#remembered.length >= 2 * this.#dedupe.maxIds + PAGE_ROWS) this.#remembered = this.newest()
  }

  /** The ack segment that says that this message is settled; undefined: it is not. */
  segment(sequence: number): number | undefined {
    if (this.#rows.size === 0) return undefined
    const row = this.#bySequence.find(hashSequence(sequence), ref => this.#sequence(ref) === sequence)
    return row === undefined ? undefined : this.#rows.page(row).segment[slotOf(row)]!
  }

  /** Those that the dedupe window remembers, in the order in which they were settled. */
  newest(): FoldedSettlement[] {
    const sorted = this.#remembered.sort((one, other) => one.ackSequence - other.ackSequence)
    return sorted.slice(Math.max(0, sorted.length - this.#dedupe.maxIds))
  }

  #sequence(row: MessageRef): number {
    return this.#rows.page(row).sequence[slotOf(row)]!
  }
}
