/** So many changes more than there are entries, and the iterator is given up. */
const SPARE_CHANGES = 1_024

/**
 * A map that knows its oldest entry. Asking a `Map` for its first key steps over every entry that was deleted before
 * it, until the map is rebuilt: with one addition and one eviction at a time that is quadratic. One iterator that
 * stays steps over each deleted entry once.
 *
 * But an iterator that nobody advances keeps alive the table that it stands in, with all that was ever in it, and every
 * table that took its place since. So it is given up when the map has changed more than a new one could cost.
 */
export class AgedMap<K extends string | number, V> {
  readonly #entries = new Map<K, V>()
  #keys: MapIterator<K> | undefined
  /** Since the iterator was advanced. */
  #changes = 0
  /** Where the iterator stood; undefined: it has not looked, or what it found was deleted. */
  #oldest: K | undefined

  get size(): number {
    return this.#entries.size
  }

  get(key: K): V | undefined {
    return this.#entries.get(key)
  }

  /** As the newest entry, also where the key was known. */
  set(key: K, value: V): void {
    this.delete(key)
    this.#entries.set(key, value)
    this.#changed()
  }

  delete(key: K): boolean {
    if (key === this.#oldest) this.#oldest = undefined
    this.#changed()
    return this.#entries.delete(key)
  }

  /** The key that was set longest ago; undefined: the map is empty. */
  oldest(): K | undefined {
    if (this.#oldest !== undefined || this.#entries.size === 0) return this.#oldest
    this.#changes = 0
    this.#keys ??= this.#entries.keys()
    let next = this.#keys.next()
    if (next.done) {
      // An iterator that came to the end once stays there.
      this.#keys = this.#entries.keys()
      next = this.#keys.next()
    }
    this.#oldest = next.value
    return this.#oldest
  }

  #changed(): void {
    this.#changes += 1
    if (this.#changes > this.#entries.size + SPARE_CHANGES) this.#keys = undefined
  }
}
