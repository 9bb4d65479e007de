import type { CorruptRange } from '../../log/types.js'
import { ACK_LOG, MESSAGE_LOG } from '../log-names.js'

/** Lost ack bytes, as a bound on what they can have held. */
interface Gap {
  /** Frames in it had lower ack sequences than this. */
  endsBefore: number
  /** Only messages with a lower sequence than this existed when they were written. */
  messagesBelow: number
  /** The lowest ack sequence met beyond the gap. */
  closedBy: number
}

/** Which messages the lost bytes of the ack log may have named: the frames around a gap bound it. */
export class OutcomeGaps {
  readonly #gaps: Gap[] = []

  /** Whether any bytes were lost. */
  get any(): boolean {
    return this.#gaps.length > 0
  }

  /** Bytes of the ack log that should have held frames and did not; called between the frames around them. */
  lose(range: CorruptRange): void {
    // A header holds no frame, and around other bytes none may be missing.
    if (range.firstMissing === undefined) return
    const gap: Gap = {
      endsBefore: range.nextSequences[ACK_LOG] ?? Number.POSITIVE_INFINITY,
      messagesBelow: range.nextSequences[MESSAGE_LOG] ?? Number.POSITIVE_INFINITY,
      closedBy: Number.POSITIVE_INFINITY,
    }
    // Without `lastMissing` the loss ended the log: later frames have higher sequences than were known then.
    if (range.lastMissing !== undefined) gap.endsBefore = Math.min(gap.endsBefore, range.lastMissing + 1)
    this.#gaps.push(gap)
  }

  /**
   * An intact frame tells how many messages existed when it was written: frames in a gap before it knew no
   * more.
   */
  met(ackSequence: number, nextSequence: number): void {
    if (this.#gaps.length === 0) return
    for (const gap of this.#gaps) {
      if (ackSequence < gap.endsBefore || ackSequence >= gap.closedBy) continue
      gap.closedBy = ackSequence
      gap.messagesBelow = Math.min(gap.messagesBelow, nextSequence)
    }
  }

  /** Ack sequences of the frames that bound the gaps. */
  ends(): ReadonlySet<number> {
    return new Set(this.#gaps.map(gap => gap.closedBy).filter(Number.isFinite))
  }

  /** Whether lost bytes behind its last known outcome (ack sequence 0: none) may have named this message. */
  mayHaveLost(sequence: number, ackSequence: number): boolean {
    return (
      this.#gaps.length > 0 &&
      this.#gaps.some(gap => sequence < gap.messagesBelow && ackSequence < gap.endsBefore)
    )
  }
}
