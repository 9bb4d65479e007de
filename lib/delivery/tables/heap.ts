/** Where items keep their position, so that any of them can be moved or removed without a search. */
export interface Positions<T> {
  get(item: T): number
  set(item: T, position: number): void
}

/** A binary heap with the first item at the top. An item may be in it only once. */
export class Heap<T> {
  readonly #items: T[] = []
  readonly #goesBefore: (one: T, other: T) => boolean
  readonly #positions: Positions<T>

  constructor(goesBefore: (one: T, other: T) => boolean, positions: Positions<T>) {
    this.#goesBefore = goesBefore
    this.#positions = positions
  }

  get size(): number {
    return this.#items.length
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const position = this.#items.push(item) - 1
    if (position === 0) this.#positions.set(item, 0)
    else this.#rise(item, position)
  }

  /** `item` must be in this heap. */
  remove(item: T): void {
    const position = this.#positions.get(item)
    const last = this.#items.pop()!
    if (last === item) return
    this.#put(last, position)
    this.moved(last)
  }

  /** Restores the heap after this item's order has changed. */
  moved(item: T): void {
    this.#rise(item, this.#positions.get(item))
    this.#sink(item, this.#positions.get(item))
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items[Symbol.iterator]()
  }

  #put(item: T, position: number): void {
    this.#items[position] = item
    this.#positions.set(item, position)
  }

  #rise(item: T, from: number): void {
    let position = from
    while (position > 0) {
      const above = (position - 1) >> 1
      const parent = this.#items[above]!
      if (!this.#goesBefore(item, parent)) break
      this.#put(parent, position)
      position = above
    }
    this.#put(item, position)
  }

  #sink(item: T, from: number): void {
    let position = from
    for (;;) {
      let below = 2 * position + 1
      if (below >= this.#items.length) break
      if (below + 1 < this.#items.length && this.#goesBefore(this.#items[below + 1]!, this.#items[below]!))
        below++
      const child = this.#items[below]!
      if (!this.#goesBefore(child, item)) break
      this.#put(child, position)
      position = below
    }
    this.#put(item, position)
  }
}
