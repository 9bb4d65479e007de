/**
 * The newest records by sequence, bounded in bytes: a message sent soon after its enqueue is not read back
 * from the disk. Reading does not make an entry newer.
 *
 * The latest few messages are kept as they were encoded, so that only the payload is decoded of a message
 * sent at once. A message moves to the pages when another one takes its place, or when the buffer it was
 * encoded in is full: a record kept there keeps a mebibyte alive.
 *
 * Records are copied into pages, which fill one after another. A page whose records were all settled is
 * reused, and at the limit the oldest page goes, whatever it still holds. So no record is an object: each
 * young collection would copy the waiting ones, for 3 ms at a time, and everything else in the process would
 * wait for that.
 *
 * A window of sequences has a slot for each, not a hash table: sequences come almost without gaps, so they
 * do not collide, and at full speed a `Map` costs more than all other work on a record.
 */

import { recordBuffer } from '../../log/commit/record-buffer.js'
import type { EncodedMessage } from '../record/message.js'

/** A power of 2. */
const LATEST = 64
const MAX_PAGE_BYTES = 256 * 1024
/** The least number of pages within the limit, so that little is dropped at once. */
const MIN_PAGES = 16
const MIN_SLOTS = 64
/** The limit has one slot for this many bytes: smaller records are dropped before it is reached. */
const BYTES_A_SLOT = 256

interface Page {
  readonly bytes: Buffer
  /** Records in it that were not deleted. */
  used: number
}

export class RecordCache {
  /** By the low bits of the sequence. */
  readonly #latest = new Array<EncodedMessage | undefined>(LATEST).fill(undefined)
  readonly #latestSequences = new Float64Array(LATEST)
  /** Some of the latest are in the buffer of the next batch. */
  #keepsBuffer = false
  readonly #limitBytes: number
  readonly #pageBytes: number
  /** By number, the oldest first. */
  readonly #pages = new Map<number, Page>()
  /** The page that is being filled. */
  #current: Page = { bytes: Buffer.alloc(0), used: 0 }
  #currentNumber = 0
  /** Where the free part of the current page begins. */
  #end = 0
  /** A dropped page, to be reused. */
  #spare: Buffer | undefined
  #bytes = 0
  /**
   * The slots, by the low bits of the sequence; their number is a power of 2. A slot is free if its page is
   * gone or 0, because pages count from 1. Every other slot stands for one record that its page counts as
   * used.
   */
  #sequences = new Float64Array(MIN_SLOTS)
  #pageNumbers = new Float64Array(MIN_SLOTS)
  #offsets = new Uint32Array(MIN_SLOTS)
  #lengths = new Uint32Array(MIN_SLOTS)

  /** 0: keeps nothing. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
    this.#pageBytes = Math.min(MAX_PAGE_BYTES, Math.floor(limitBytes / MIN_PAGES))
  }

  /** Of the pages. */
  get bytes(): number {
    return this.#bytes
  }

  /** A message that was just enqueued. */
  add(sequence: number, encoded: EncodedMessage): void {
    // The latest records together may take a quarter of the limit, which the pages do not count.
    const { record } = encoded
    if (record.length * LATEST * 4 > this.#limitBytes || !recordBuffer.sharesMemory(record)) {
      this.set(sequence, record)
      return
    }
    if (!this.#keepsBuffer) {
      this.#keepsBuffer = true
      recordBuffer.keep(this.#leaveBuffer)
    }
    const at = sequence & (LATEST - 1)
    const earlier = this.#latest[at]
    if (earlier !== undefined) this.set(this.#latestSequences[at]!, earlier.record)
    this.#latest[at] = encoded
    this.#latestSequences[at] = sequence
  }

  readonly #leaveBuffer = (): void => {
    this.#keepsBuffer = false
    for (const [at, encoded] of this.#latest.entries()) {
      if (encoded === undefined) continue
      this.#latest[at] = undefined
      this.set(this.#latestSequences[at]!, encoded.record)
    }
  }

  /** One of the latest, as it was encoded. Not to be changed. */
  latest(sequence: number): EncodedMessage | undefined {
    const at = sequence & (LATEST - 1)
    return this.#latestSequences[at] === sequence ? this.#latest[at] : undefined
  }

  /** A view, valid until the next call of the cache: copy it before keeping it or awaiting anything. */
  get(sequence: number): Buffer | undefined {
    const latest = this.latest(sequence)
    if (latest !== undefined) return latest.record
    const slot = this.#slot(sequence)
    const page = this.#pageOf(slot, sequence)
    if (page === undefined) return undefined
    const offset = this.#offsets[slot]!
    return page.bytes.subarray(offset, offset + this.#lengths[slot]!)
  }

  set(sequence: number, record: Uint8Array): void {
    this.#remove(sequence)
    if (record.length > this.#limitBytes || this.#limitBytes === 0) return
    const isFull = this.#end + record.length > this.#current.bytes.length
    if (isFull || !this.#pages.has(this.#currentNumber)) this.#beginPage(record.length)
    this.#current.bytes.set(record, this.#end)
    this.#current.used += 1
    const slot = this.#freeSlot(sequence)
    this.#sequences[slot] = sequence
    this.#pageNumbers[slot] = this.#currentNumber
    this.#offsets[slot] = this.#end
    this.#lengths[slot] = record.length
    this.#end += record.length
  }

  delete(sequence: number): void {
    if (this.latest(sequence) !== undefined) {
      this.#latest[sequence & (LATEST - 1)] = undefined
      return
    }
    this.#remove(sequence)
  }

  #remove(sequence: number): void {
    const slot = this.#slot(sequence)
    if (this.#pageOf(slot, sequence) !== undefined) this.#clear(slot)
  }

  /** The page that holds the record; undefined: it is not here. */
  #pageOf(slot: number, sequence: number): Page | undefined {
    return this.#sequences[slot] === sequence ? this.#pages.get(this.#pageNumbers[slot]!) : undefined
  }

  #clear(slot: number): void {
    const number = this.#pageNumbers[slot]!
    this.#pageNumbers[slot] = 0
    const page = this.#pages.get(number)!
    page.used -= 1
    if (page.used > 0) return
    if (page === this.#current) this.#end = 0
    else this.#dropPage(number, page)
  }

  #beginPage(recordBytes: number): void {
    // A large record has a page of its own.
    const length = Math.max(this.#pageBytes, recordBytes)
    if (this.#current.used === 0) this.#dropPage(this.#currentNumber, this.#current)
    for (const [number, page] of this.#pages) {
      if (this.#bytes + length <= this.#limitBytes) break
      this.#dropPage(number, page)
    }
    const reused = this.#spare?.length === length ? this.#spare : undefined
    if (reused !== undefined) this.#spare = undefined
    this.#current = { bytes: reused ?? Buffer.allocUnsafeSlow(length), used: 0 }
    this.#currentNumber += 1
    this.#pages.set(this.#currentNumber, this.#current)
    this.#bytes += length
    this.#end = 0
  }

  #dropPage(number: number, page: Page): void {
    if (!this.#pages.delete(number)) return
    this.#bytes -= page.bytes.length
    if (page.bytes.length === this.#pageBytes) this.#spare = page.bytes
  }

  /** If two sequences collide, the number of slots grows; at its limit the older record goes. */
  #freeSlot(sequence: number): number {
    let slot = this.#slot(sequence)
    while (this.#pages.has(this.#pageNumbers[slot]!)) {
      if (this.#sequences.length * BYTES_A_SLOT >= this.#limitBytes) {
        this.#clear(slot)
        break
      }
      this.#grow()
      slot = this.#slot(sequence)
    }
    return slot
  }

  #grow(): void {
    const sequences = this.#sequences
    const pageNumbers = this.#pageNumbers
    const offsets = this.#offsets
    const lengths = this.#lengths
    this.#sequences = new Float64Array(sequences.length * 2)
    this.#pageNumbers = new Float64Array(sequences.length * 2)
    this.#offsets = new Uint32Array(sequences.length * 2)
    this.#lengths = new Uint32Array(sequences.length * 2)
    for (let at = 0; at < sequences.length; at += 1) {
      if (!this.#pages.has(pageNumbers[at]!)) continue
      const slot = this.#slot(sequences[at]!)
      this.#sequences[slot] = sequences[at]!
      this.#pageNumbers[slot] = pageNumbers[at]!
      this.#offsets[slot] = offsets[at]!
      this.#lengths[slot] = lengths[at]!
    }
  }

  #slot(sequence: number): number {
    // Also right above 2^31, where `&` takes the low 32 bits.
    return sequence & (this.#sequences.length - 1)
  }
}
