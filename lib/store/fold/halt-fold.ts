import type { OutcomeRecord } from '../record/outcome.js'

export interface FoldedHalt {
  readonly channel: string
  /** Epoch ms. */
  readonly since: number
  /** The ack segment that records it. */
  readonly segment: number
  readonly ackSequence: number
}

/** The latest halt and the latest resume of each channel, by ack sequence. */
export class HaltFold {
  readonly #halts = new Map<string, FoldedHalt>()
  readonly #resumes = new Map<string, number>()

  add(ackSequence: number, segment: number, record: OutcomeRecord): void {
    if (record.kind === 'resumed') {
      this.#resumes.set(record.channel, Math.max(ackSequence, this.#resumes.get(record.channel) ?? 0))
    } else if (record.kind === 'dead' && record.halts !== undefined) {
      const known = this.#halts.get(record.halts)
      if (known === undefined || known.ackSequence < ackSequence) {
        this.#halts.set(record.halts, { channel: record.halts, since: record.at, segment, ackSequence })
      }
    }
  }

  /** Channels halted by a dead letter that no one has resumed since. */
  *inForce(): Iterable<FoldedHalt> {
    for (const halt of this.#halts.values()) {
      if (halt.ackSequence > (this.#resumes.get(halt.channel) ?? 0)) yield halt
    }
  }
}
