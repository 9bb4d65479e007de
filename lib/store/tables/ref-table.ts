/**
 * A hash table that keeps only message refs: 4 bytes a slot, open addressing with linear probing. Hashes and
 * keys are in the message table, so that several tables can share them.
 *
 * The top bits of the hash select a shard, and each shard grows and shrinks alone: a table of a million refs
 * never stops the world to copy itself.
 */
import type { MessageRef } from '../message-store.js'

const SHARDS = 256
const SHARD_SHIFT = 24
const SMALLEST_SLOTS = 16

export class RefTable {
  /** The hash of a ref that is in the table: 32 bits, unsigned and well mixed. */
  readonly #hashOf: (ref: MessageRef) => number
  readonly #shards: Shard[] = []
  #size = 0

  constructor(hashOf: (ref: MessageRef) => number) {
    this.#hashOf = hashOf
    for (let i = 0; i < SHARDS; i += 1) this.#shards.push({ slots: new Uint32Array(SMALLEST_SLOTS), used: 0 })
  }

  get size(): number {
    return this.#size
  }

  /** `hash`: that of the ref, where the caller has it at hand. */
  add(ref: MessageRef, hash: number = this.#hashOf(ref)): void {
    const shard = this.#shards[hash >>> SHARD_SHIFT]!
    this.#makeRoom(shard, 1)
    place(shard.slots, hash, ref)
    shard.used += 1
    this.#size += 1
  }

  /**
   * As `add` of each of them. Refs are sorted by shard first, and each shard grows to its full size before
   * anything is placed in it: added one by one, each ref would miss the processor's cache, and each step of
   * growth would ask for the hash of every ref again.
   */
  addAll(refs: Uint32Array): void {
    const hashes = new Uint32Array(refs.length)
    const ends = new Uint32Array(SHARDS)
    for (let i = 0; i < refs.length; i += 1) {
      const hash = this.#hashOf(refs[i] as MessageRef)
      hashes[i] = hash
      ends[hash >>> SHARD_SHIFT]! += 1
    }
    for (let at = 1; at < SHARDS; at += 1) ends[at]! += ends[at - 1]!
    const places = ends.slice()
    const sortedRefs = new Uint32Array(refs.length)
    const sortedHashes = new Uint32Array(refs.length)
    for (let i = refs.length - 1; i >= 0; i -= 1) {
      const hash = hashes[i]!
      const at = places[hash >>> SHARD_SHIFT]! - 1
      places[hash >>> SHARD_SHIFT] = at
      sortedRefs[at] = refs[i]!
      sortedHashes[at] = hash
    }
    for (const [at, shard] of this.#shards.entries()) {
      const from = at === 0 ? 0 : ends[at - 1]!
      const to = ends[at]!
      this.#makeRoom(shard, to - from)
      for (let i = from; i < to; i += 1) place(shard.slots, sortedHashes[i]!, sortedRefs[i] as MessageRef)
      shard.used += to - from
    }
    this.#size += refs.length
  }

  /** Makes room for this many refs: no shard has to grow meanwhile if their hashes are spread evenly. */
  reserve(count: number): void {
    const each = count / SHARDS
    // Hardly any shard is more than four deviations above the mean.
    const most = Math.ceil(each + 4 * Math.sqrt(each))
    for (const shard of this.#shards) this.#makeRoom(shard, most)
  }

  #makeRoom(shard: Shard, count: number): void {
    let length = shard.slots.length
    while ((shard.used + count) * 4 > length * 3) length *= 2
    if (length > shard.slots.length) this.#resize(shard, length)
  }

  /** The ref must be in the table, under an unchanged hash; `hash` as for `add`. */
  delete(ref: MessageRef, hash: number = this.#hashOf(ref)): void {
    const shard = this.#shards[hash >>> SHARD_SHIFT]!
    const { slots } = shard
    const mask = slots.length - 1
    let hole = hash & mask
    while (slots[hole] !== ref + 1) {
      if (slots[hole] === 0) throw new Error(`The table does not hold ref ${ref}`)
      hole = (hole + 1) & mask
    }
    // Backward shift: entries that probed past the hole move into it, so no tombstone is left.
    for (let next = (hole + 1) & mask; slots[next] !== 0; next = (next + 1) & mask) {
      const home = this.#hashOf((slots[next]! - 1) as MessageRef) & mask
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        slots[hole] = slots[next]!
        hole = next
      }
    }
    slots[hole] = 0
    shard.used -= 1
    this.#size -= 1
    if (slots.length > SMALLEST_SLOTS && shard.used * 8 < slots.length) this.#resize(shard, slots.length / 2)
  }

  /**
   * The first ref under this hash that `accept` takes. It is offered refs of other hashes too, so it compares
   * keys.
   */
  find(hash: number, accept: (ref: MessageRef) => boolean): MessageRef | undefined {
    const { slots } = this.#shards[hash >>> SHARD_SHIFT]!
    const mask = slots.length - 1
    for (let at = hash & mask; slots[at] !== 0; at = (at + 1) & mask) {
      const ref = (slots[at]! - 1) as MessageRef
      if (accept(ref)) return ref
    }
    return undefined
  }

  /** As `find`; if there is none, as `add` of this ref. */
  findOrAdd(hash: number, ref: MessageRef, accept: (ref: MessageRef) => boolean): MessageRef | undefined {
    const shard = this.#shards[hash >>> SHARD_SHIFT]!
    this.#makeRoom(shard, 1)
    const { slots } = shard
    const mask = slots.length - 1
    let at = hash & mask
    for (; slots[at] !== 0; at = (at + 1) & mask) {
      const present = (slots[at]! - 1) as MessageRef
      if (accept(present)) return present
    }
    slots[at] = ref + 1
    shard.used += 1
    this.#size += 1
    return undefined
  }

  #resize(shard: Shard, length: number): void {
    const slots = new Uint32Array(length)
    for (let at = 0; at < shard.slots.length; at += 1) {
      const slot = shard.slots[at]!
      if (slot === 0) continue
      const ref = (slot - 1) as MessageRef
      place(slots, this.#hashOf(ref), ref)
    }
    shard.slots = slots
  }
}

interface Shard {
  /** Each ref plus 1; 0: empty. The length is a power of 2. */
  slots: Uint32Array
  used: number
}

function place(slots: Uint32Array, hash: number, ref: MessageRef): void {
  const mask = slots.length - 1
  let at = hash & mask
  while (slots[at] !== 0) at = (at + 1) & mask
  slots[at] = ref + 1
}
