import { supersedes } from './supersedes.js'

/** The latest hold of each name and its latest end, by ack sequence: records come in any order. */
export class HoldFold<T extends { readonly ackSequence: number }> {
  readonly #holds = new Map<string, T>()
  readonly #ends = new Map<string, number>()

  begins(name: string, hold: T): void {
    if (supersedes(hold.ackSequence, this.#holds.get(name))) this.#holds.set(name, hold)
  }

  ends(name: string, ackSequence: number): void {
    this.#ends.set(name, Math.max(ackSequence, this.#ends.get(name) ?? 0))
  }

  /** Those that began after their last end. */
  *inForce(): Iterable<T> {
    for (const [name, hold] of this.#holds) if (hold.ackSequence > (this.#ends.get(name) ?? 0)) yield hold
  }
}
