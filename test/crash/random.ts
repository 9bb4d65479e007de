/** A small seeded generator (mulberry32): the same seed gives the same run, everywhere. */
export class Random {
  #state: number

  constructor(...seeds: number[]) {
    let state = 0x9e3779b9
    for (const seed of seeds) state = Math.imul(state ^ seed, 0x85ebca6b) ^ (state >>> 13)
    this.#state = state >>> 0
  }

  /** From 0 to 2^32 - 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** From 0 to `limit` - 1. */
  below(limit: number): number {
    return this.next() % limit
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }

  chance(oneIn: number): boolean {
    return this.below(oneIn) === 0
  }

  /** In place. */
  shuffle<T>(list: T[]): T[] {
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1)
      const other = list[j]!
      list[j] = list[i]!
      list[i] = other
    }
    return list
  }
}
