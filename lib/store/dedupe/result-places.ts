/**
 * Which of the remembered ids have a result, and where it is: eight bytes in each row of a page with results.
 * Results together take at most `maxTotalBytes`; the oldest are forgotten first, while their ids stay.
 */
import type { ResultPlace } from '../record/result.js'
import type { DedupePage, DedupePages } from './dedupe-pages.js'
import { ResultColumns } from './result-columns.js'

export class ResultPlaces {
  readonly #maxTotalBytes: number
  /** Called for each forgotten result: this many bytes of this ack segment are no longer needed. */
  readonly #forgotten: (segment: number, bytes: number) => void
  #totalBytes = 0
  /** The oldest page with results; undefined: not known. */
  #oldest: DedupePage | undefined

  constructor(maxTotalBytes: number, forgotten: (segment: number, bytes: number) => void) {
    this.#maxTotalBytes = maxTotalBytes
    this.#forgotten = forgotten
  }

  /** False: results are never remembered. */
  get remembersAny(): boolean {
    return this.#maxTotalBytes > 0
  }

  get(page: DedupePage, slot: number): ResultPlace | undefined {
    const bytes = page.results?.bytes[slot] ?? 0
    return bytes === 0 ? undefined : { offset: page.results!.offset[slot]!, bytes }
  }

  /** The row was appended to the newest page. */
  set(page: DedupePage, slot: number, { offset, bytes }: ResultPlace): void {
    page.results ??= new ResultColumns()
    const { results } = page
    results.offset[slot] = offset
    results.bytes[slot] = bytes
    results.count += 1
    this.#totalBytes += bytes
  }

  /** Forgets a row's result, whether or not the row goes too. */
  forget(page: DedupePage, slot: number): void {
    const bytes = page.results?.bytes[slot] ?? 0
    if (bytes === 0) return
    const results = page.results!
    results.bytes[slot] = 0
    results.count -= 1
    this.#totalBytes -= bytes
    if (results.count === 0) {
      page.results = undefined
      if (page === this.#oldest) this.#oldest = undefined
    }
    this.#forgotten(page.segment[slot]!, bytes)
  }

  /** All rows were moved to other pages, and are set again. */
  clear(): void {
    this.#totalBytes = 0
    this.#oldest = undefined
  }

  /** Forgets the oldest results until the rest is within the limit. */
  evict(pages: DedupePages): void {
    while (this.#totalBytes > this.#maxTotalBytes) {
      const page = this.#oldestIn(pages)
      const results = page.results!
      while (results.bytes[results.front] === 0) results.front += 1
      this.forget(page, results.front)
    }
  }

  #oldestIn(pages: DedupePages): DedupePage {
    if (this.#oldest === undefined) {
      for (const page of pages.oldestFirst()) {
        if (page.results === undefined) continue
        this.#oldest = page
        break
      }
    }
    return this.#oldest!
  }
}
