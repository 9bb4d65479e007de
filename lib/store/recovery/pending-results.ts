import type { ResultPlace } from '../record/result.js'
import type { SettledBlock } from '../record/settled-block.js'

/** Results that an opening has read and whose block of outcomes comes next (`record/result.ts`). */
export class PendingResults {
  readonly #ackSequences: number[] = []
  readonly #places: ResultPlace[] = []
  #segment = -1

  get isEmpty(): boolean {
    return this.#places.length === 0
  }

  add(ackSequence: number, segment: number, place: ResultPlace): void {
    if (segment !== this.#segment) this.#clear()
    this.#segment = segment
    this.#ackSequences.push(ackSequence)
    this.#places.push(place)
  }

  /** The result of each row of the block. None is pending afterwards. */
  take(block: SettledBlock, segment: number): (ResultPlace | undefined)[] {
    const results = new Array<ResultPlace | undefined>(block.count).fill(undefined)
    if (segment === this.#segment) {
      let at = 0
      for (let row = 0; row < block.count && at < this.#places.length; row += 1) {
        const expected = block.ackSequenceOf(row) - 1
        while (this.#ackSequences[at]! < expected) at += 1
        if (this.#ackSequences[at] === expected) results[row] = this.#places[at]
      }
    }
    this.#clear()
    return results
  }

  #clear(): void {
    this.#ackSequences.length = 0
    this.#places.length = 0
  }
}
