/**
 * Bytes of many short things that go about in the order in which they came, packed into pages: a page goes when all that
 * stood in it did. What stays long keeps a page each at worst.
 */
const PAGE_BYTES = 32 * 1024

interface Page {
  readonly bytes: Buffer
  /** Things in it that were not released. */
  used: number
}

/** Where something stands. */
export interface ArenaPlace {
  readonly page: number
  readonly offset: number
}

export class ByteArena {
  readonly #pages = new Map<number, Page>()
  #current: Page = { bytes: Buffer.alloc(0), used: 0 }
  #currentNumber = 0
  /** Of the current page, from where on it is free. */
  #end = 0
  /** A page that went, to be used again. */
  #spare: Buffer | undefined

  /** Takes room for so many bytes; `page(page)` is where they are to be written. */
  allocate(length: number): ArenaPlace {
    if (this.#end + length > this.#current.bytes.length) this.#begin(length)
    const offset = this.#end
    this.#end += length
    this.#current.used += 1
    return { page: this.#currentNumber, offset }
  }

  page(number: number): Buffer {
    return this.#pages.get(number)!.bytes
  }

  /** What stood there is not needed any more. */
  release(number: number): void {
    const page = this.#pages.get(number)!
    page.used -= 1
    if (page.used > 0) return
    if (page === this.#current) {
      this.#end = 0
      return
    }
    this.#pages.delete(number)
    if (page.bytes.length === PAGE_BYTES) this.#spare = page.bytes
  }

  #begin(length: number): void {
    // The one before goes with what stands in it; where nothing does, at once.
    if (this.#current.used === 0) this.#pages.delete(this.#currentNumber)
    const bytes =
      length <= PAGE_BYTES
        ? (this.#spare ?? Buffer.allocUnsafeSlow(PAGE_BYTES))
        : Buffer.allocUnsafeSlow(length)
    if (bytes === this.#spare) this.#spare = undefined
    this.#current = { bytes, used: 0 }
    this.#currentNumber += 1
    this.#pages.set(this.#currentNumber, this.#current)
    this.#end = 0
  }
}
