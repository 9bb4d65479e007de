import type { MessageRef } from '../../store/message-store.js'
import type { OpenTime } from './open-time.js'

/**
 * How long a message was really tried: what `giveUpAfterMs` bounds. Its sum stands in every outcome of a
 * living message.
 *
 * It consists of the message's attempts, each from the call of `send` (or `onAmbiguous`) to its end, and of
 * the waits of its own backoff between them, as far as this process waited them out with the way open. All of
 * it is measured by the monotonic clock. So what does not count:
 *
 * - time in which no process ran, or the machine was suspended: nothing was measured;
 * - a pause, a halt, and a wait that a receiver told, of the channel, its group or everything: `OpenTime`
 *   stands. But a halt of the channel counts, for the message that keeps it halted, from the first success of
 *   another channel of the group on: `halt-scope.ts`;
 * - a wait for a turn: behind others of the channel, for a limit, for a slot;
 * - an attempt that a crash cut off, and what was left of a wait at a restart: no one knows how much of it
 *   was lived.
 *
 * It errs on one side: a message may be tried for longer than it was told to, and never dies of time that was
 * not its own.
 */
export class TriedTime {
  /** Messages in their own backoff. */
  readonly #resting = new Map<MessageRef, Rest>()
  /** Nothing is: as nearly always, and asked at each attempt and outcome. */
  isEmpty = true

  /** The message waits for so long now, in this channel. */
  rests(ref: MessageRef, open: OpenTime, delayMs: number): void {
    this.#resting.set(ref, { open, from: open.read(), delayMs })
    this.isEmpty = false
  }

  /** How much of its wait it has waited out. */
  restedMs(ref: MessageRef): number {
    const rest = this.#resting.get(ref)
    return rest === undefined ? 0 : Math.floor(Math.min(rest.open.read() - rest.from, rest.delayMs))
  }

  /** An outcome of it was recorded: what it waited before is in the sum, or is over. */
  recorded(ref: MessageRef): void {
    this.#resting.delete(ref)
    this.isEmpty = this.#resting.size === 0
  }
}

interface Rest {
  readonly open: OpenTime
  /** As `open` stood. */
  readonly from: number
  readonly delayMs: number
}
