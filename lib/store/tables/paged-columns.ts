/**
 * Typed columns in pages: a struct of arrays that grows without copying. Its rows are small numbers that are
 * reused; free ones are chained through one of the columns, so they cost nothing.
 */
/** `row >>> PAGE_SHIFT` is the number of a row's page, and `row & PAGE_MASK` its slot there. */
export const PAGE_SHIFT = 10
export const PAGE_ROWS = 1 << PAGE_SHIFT
export const PAGE_MASK = PAGE_ROWS - 1

export class PagedColumns<P> {
  readonly #createPage: () => P
  /** The column that holds, in a free row, the next free row plus 1. */
  readonly #chain: (page: P) => Uint32Array
  readonly pages: P[] = []
  /** That column of each page. */
  readonly #chains: Uint32Array[] = []
  /** The first free row plus 1; 0: none. */
  #free = 0
  #size = 0

  constructor(createPage: () => P, chain: (page: P) => Uint32Array) {
    this.#createPage = createPage
    this.#chain = chain
  }

  /** Rows in use. */
  get size(): number {
    return this.#size
  }

  /** Returns a row whose columns hold stale values: the caller sets them all. */
  allocate(): number {
    if (this.#free === 0) this.#addPage()
    const row = this.#free - 1
    this.#free = this.#chains[row >>> PAGE_SHIFT]![row & PAGE_MASK]!
    this.#size += 1
    return row
  }

  release(row: number): void {
    this.#chains[row >>> PAGE_SHIFT]![row & PAGE_MASK] = this.#free
    this.#free = row + 1
    this.#size -= 1
  }

  #addPage(): void {
    const first = this.pages.length << PAGE_SHIFT
    const page = this.#createPage()
    const chain = this.#chain(page)
    // Low rows first, to keep the numbers dense; the last one ends the chain.
    for (let slot = 0; slot < PAGE_ROWS - 1; slot += 1) chain[slot] = first + slot + 2
    this.pages.push(page)
    this.#chains.push(chain)
    this.#free = first + 1
  }
}
