/**
 * A map that knows its oldest entry. Asking a `Map` for its first key steps over every entry that was deleted before
 * it, until the map is rebuilt: with one addition and one eviction at a time that is quadratic. One iterator that
 * stays steps over each deleted entry once.
 */
export class AgedMap<K extends string | number, V> {
  readonly #entries = new Map<K, V>()
  #keys = this.#entries.keys()
  /** Where the iterator stands; undefined: it has not looked, or what it found was deleted. */
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
  }

  delete(key: K): boolean {
    if (key === this.#oldest) this.#oldest = undefined
    return this.#entries.delete(key)
  }

  /** The key that was set longest ago; undefined: the map is empty. */
  oldest(): K | undefined {
    if (this.#oldest !== undefined || this.#entries.size === 0) return this.#oldest
    let next = this.#keys.next()
    if (next.done) {
      // An iterator that came to the end once stays there.
      this.#keys = this.#entries.keys()
      next = this.#keys.next()
    }
    this.#oldest = next.value
    return this.#oldest
  }
}
