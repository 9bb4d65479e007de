/**
 * Rows of settled messages in the order of settlement: appended at the end, mostly released from the front.
 * They are in pages of columns; a page goes with its last row, and the page being written begins anew.
 */

import { type SettlingKind, settlingKinds } from '../record/outcome.js'
import { DIGEST_BYTES } from '../record/outcome-format.js'
import type { IdHash } from '../tables/id-hash.js'
import { PAGE_MASK, PAGE_ROWS, PAGE_SHIFT } from '../tables/paged-columns.js'
import type { ResultColumns } from './result-columns.js'

/** Room for ids as long as a UUID, each with a channel of its own; it grows if that is not enough. */
const TEXT_BYTES = PAGE_ROWS * (DIGEST_BYTES + 36 + 20)

/** The columns of a page: the row's slot in it is the index. */
export class DedupePage {
  /** Of the message; 0: the row was released. */
  readonly sequence = new Float64Array(PAGE_ROWS)
  readonly at = new Float64Array(PAGE_ROWS)
  readonly hashLow = new Uint32Array(PAGE_ROWS)
  readonly hashHigh = new Uint32Array(PAGE_ROWS)
  readonly attempts = new Uint32Array(PAGE_ROWS)
  readonly segment = new Uint32Array(PAGE_ROWS)
  /** Where the digest, followed by the id, is in `texts`. */
  readonly textFrom = new Uint32Array(PAGE_ROWS)
  readonly idBytes = new Uint32Array(PAGE_ROWS)
  /** Where the channel is in `texts`. */
  readonly channelFrom = new Uint32Array(PAGE_ROWS)
  readonly channelBytes = new Uint16Array(PAGE_ROWS)
  /** Index into `settlingKinds`. */
  readonly #state = new Uint8Array(PAGE_ROWS)
  /** Undefined: no row has a result. */
  results: ResultColumns | undefined
  texts: Buffer = Buffer.allocUnsafeSlow(TEXT_BYTES)
  textBytes = 0
  /** Rows appended, including released ones. */
  rows = 0
  /** Rows not released. */
  live = 0

  state(slot: number): SettlingKind {
    return settlingKinds[this.#state[slot]!]!
  }

  /** Sets all columns except those of texts. */
  fill(
    slot: number,
    hash: IdHash,
    sequence: number,
    at: number,
    attempts: number,
    segment: number,
    state: SettlingKind,
  ): void {
    this.hashLow[slot] = hash.low
    this.hashHigh[slot] = hash.high
    this.sequence[slot] = sequence
    this.at[slot] = at
    this.attempts[slot] = attempts
    this.segment[slot] = segment
    this.#state[slot] = settlingKinds.indexOf(state)
  }

  setState(slot: number, state: SettlingKind): void {
    this.#state[slot] = settlingKinds.indexOf(state)
  }

  digest(slot: number): string {
    const from = this.textFrom[slot]!
    return this.texts.toString('latin1', from, from + DIGEST_BYTES)
  }

  id(slot: number): string {
    const from = this.textFrom[slot]! + DIGEST_BYTES
    return this.texts.toString('utf8', from, from + this.idBytes[slot]!)
  }

  channel(slot: number): string {
    const from = this.channelFrom[slot]!
    return this.texts.toString('utf8', from, from + this.channelBytes[slot]!)
  }

  /** Allocates this many bytes of text; returns where they begin. */
  allocateText(bytes: number): number {
    const from = this.textBytes
    this.textBytes = from + bytes
    if (this.textBytes > this.texts.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(1.5 * this.texts.length, this.textBytes))
      this.texts.copy(larger, 0, 0, from)
      this.texts = larger
    }
    return from
  }
}

export class DedupePages {
  /** Undefined where there is no page. Written here alone. */
  readonly pages: (DedupePage | undefined)[] = []
  /** Numbers of unused pages. */
  readonly #free: number[] = []
  /** Numbers of used pages, oldest first. */
  readonly #order: number[] = []
  /** In the oldest page, all rows before this slot were released. */
  #front = 0
  /** Rows not released; written here alone. */
  size = 0
  /** A dropped page, to be reused. */
  #spare: DedupePage | undefined

  /** The page that rows are appended to, with room for this many more. */
  newest(rows = 1): DedupePage {
    const number = this.#order.at(-1)
    const page = number === undefined ? undefined : this.pages[number]!
    return page !== undefined && page.rows + rows <= PAGE_ROWS ? page : this.#begin()
  }

  /** Appends rows to the newest page: returns the first one. The caller sets all their columns. */
  append(rows = 1): number {
    const page = this.newest(rows)
    const slot = page.rows
    page.rows += rows
    page.live += rows
    this.size += rows
    return this.#order.at(-1)! * PAGE_ROWS + slot
  }

  release(row: number): void {
    const number = row >>> PAGE_SHIFT
    const page = this.pages[number]!
    page.sequence[row & PAGE_MASK] = 0
    page.live -= 1
    this.size -= 1
    if (page.live > 0) return
    page.rows = 0
    page.textBytes = 0
    const at = this.#order[0] === number ? 0 : this.#order.indexOf(number)
    if (at === 0) this.#front = 0
    if (at === this.#order.length - 1) return
    this.#order.splice(at, 1)
    this.pages[number] = undefined
    this.#free.push(number)
    this.#spare = page
  }

  /** Undefined: there is none. */
  oldest(): number | undefined {
    const number = this.#order[0]
    if (number === undefined || this.size === 0) return undefined
    const { sequence, rows } = this.pages[number]!
    // The oldest page has a row that was not released.
    while (this.#front < rows && sequence[this.#front] === 0) this.#front += 1
    return number * PAGE_ROWS + this.#front
  }

  *oldestFirst(): Iterable<DedupePage> {
    for (const number of this.#order) yield this.pages[number]!
  }

  /** Oldest first. */
  *rows(): Iterable<number> {
    for (const number of this.#order) {
      const { sequence, rows } = this.pages[number]!
      for (let slot = 0; slot < rows; slot += 1) if (sequence[slot] !== 0) yield number * PAGE_ROWS + slot
    }
  }

  #begin(): DedupePage {
    const page = this.#spare ?? new DedupePage()
    this.#spare = undefined
    const number = this.#free.pop() ?? this.pages.length
    this.pages[number] = page
    this.#order.push(number)
    return page
  }
}
