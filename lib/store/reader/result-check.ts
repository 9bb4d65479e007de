import type { VisitedFrame } from '../../log/types.js'
import { SETTLED_FRAME_TYPE } from '../record/outcome-format.js'
import { RESULT_FRAME_TYPE } from '../record/result.js'
import { decodeOutcomes } from '../record/settled-block.js'

/** Checks that each result comes before its outcome, in the same segment (`record/result.ts`). */
export class ResultCheck {
  count = 0
  #orphans = 0
  #segment = -1
  /** Ack sequences of results whose block comes next. */
  readonly #pending = new Set<number>()

  /** Takes any frame of the ack log. */
  met({ sequence, type, data, segment }: VisitedFrame): void {
    if (segment !== this.#segment) this.#leave()
    this.#segment = segment
    if (type === RESULT_FRAME_TYPE) {
      this.count += 1
      this.#pending.add(sequence)
    } else if (type === SETTLED_FRAME_TYPE && this.#pending.size > 0) {
      for (const outcome of this.#outcomesIn(type, data, sequence)) this.#pending.delete(outcome - 1)
      this.#leave()
    }
  }

  /** The number of results without an outcome, after every frame was met. */
  orphans(): number {
    this.#leave()
    return this.#orphans
  }

  /** None if the block cannot be decoded, which is reported elsewhere. */
  #outcomesIn(type: number, data: Buffer, sequence: number): number[] {
    try {
      return decodeOutcomes(type, data, sequence).map(({ ackSequence }) => ackSequence)
    } catch {
      return []
    }
  }

  #leave(): void {
    this.#orphans += this.#pending.size
    this.#pending.clear()
  }
}
