import type { MessageRef } from '../../store/message-store.js'

const SMALLEST = 16

/**
 * A map by ref, for entries that come and go with each message. A `Map` gets a new table after many changes,
 * and an old table, once promoted, keeps the next one alive with all that it held: young collections then
 * copy what is long dead. Open addressing with linear probing; a deletion moves displaced entries back.
 */
export class RefMap<V extends object> {
  /** Each ref plus 1; 0: the slot is free. The length is a power of 2. */
  #refs = new Uint32Array(SMALLEST)
  #values: (V | undefined)[] = new Array<V | undefined>(SMALLEST).fill(undefined)
  /** Written by this class alone. A field, since it is read several times per message. */
  size = 0

  get(ref: MessageRef): V | undefined {
    return this.#values[this.#slot(ref)]
  }

  set(ref: MessageRef, value: V): void {
    let slot = this.#slot(ref)
    if (this.#refs[slot] === 0) {
      if ((this.size + 1) * 2 > this.#refs.length) {
        this.#grow()
        slot = this.#slot(ref)
      }
      this.#refs[slot] = ref + 1
      this.size += 1
    }
    this.#values[slot] = value
  }

  delete(ref: MessageRef): void {
    const mask = this.#refs.length - 1
    let hole = this.#slot(ref)
    if (this.#refs[hole] === 0) return
    for (let next = (hole + 1) & mask; this.#refs[next] !== 0; next = (next + 1) & mask) {
      const home = hashOf(this.#refs[next]! - 1) & mask
      if (((next - home) & mask) < ((next - hole) & mask)) continue
      this.#refs[hole] = this.#refs[next]!
      this.#values[hole] = this.#values[next]
      hole = next
    }
    this.#refs[hole] = 0
    this.#values[hole] = undefined
    this.size -= 1
  }

  clear(): void {
    this.#refs.fill(0)
    this.#values.fill(undefined)
    this.size = 0
  }

  /** A copy of the values, safe to go through while the map changes. */
  values(): V[] {
    return this.#values.filter(value => value !== undefined)
  }

  /** The slot that the ref has, or would get. */
  #slot(ref: MessageRef): number {
    const mask = this.#refs.length - 1
    let slot = hashOf(ref) & mask
    while (this.#refs[slot] !== 0 && this.#refs[slot] !== ref + 1) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const refs = this.#refs
    const values = this.#values
    this.#refs = new Uint32Array(refs.length * 2)
    this.#values = new Array<V | undefined>(refs.length * 2).fill(undefined)
    for (let at = 0; at < refs.length; at += 1) {
      if (refs[at] === 0) continue
      const slot = this.#slot((refs[at]! - 1) as MessageRef)
      this.#refs[slot] = refs[at]!
      this.#values[slot] = values[at]
    }
  }
}

/** Refs are small numbers that are reused: neighbouring refs must not share neighbouring slots. */
function hashOf(ref: number): number {
  const hash = Math.imul(ref, 0x9e3779b1)
  return hash ^ (hash >>> 15)
}
