import type { OutcomeRecord } from '../record/outcome.js'

export interface FoldedPause {
  /** A channel, a prefix with its `*`, or `*`. */
  readonly selector: string
  readonly segment: number
  readonly ackSequence: number
}

/** The latest durable pause and the latest end of one, for each selector, by ack sequence. */
export class PauseFold {
  readonly #pauses = new Map<string, FoldedPause>()
  readonly #ends = new Map<string, number>()

  add(ackSequence: number, segment: number, record: OutcomeRecord): void {
    if (record.kind === 'unpaused') {
      const { selector } = record
      this.#ends.set(selector, Math.max(ackSequence, this.#ends.get(selector) ?? 0))
    } else if (record.kind === 'paused') {
      const { selector } = record
      if ((this.#pauses.get(selector)?.ackSequence ?? 0) < ackSequence)
        this.#pauses.set(selector, { selector, segment, ackSequence })
    }
  }

  *inForce(): Iterable<FoldedPause> {
    for (const pause of this.#pauses.values())
      if (pause.ackSequence > (this.#ends.get(pause.selector) ?? 0)) yield pause
  }
}
