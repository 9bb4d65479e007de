import type { MessageRef } from '../../store/message-store.js'
import type { OpenTime } from './open-time.js'

/**
 * How long a message was really tried, which `giveUpAfterMs` bounds. Every outcome of a live message records
 * the sum.
 *
 * It consists of the message's attempts, each from the call of `send` (or `onAmbiguous`) to its end, and of
 * its own backoff waits between them, as far as this process waited with the channel open. All of it is
 * measured by the monotonic clock. Not counted:
 *
 * - time in which no process ran, or the machine was suspended: nothing was measured;
 * - a pause, a halt, and a wait that a receiver asked for, of the channel, its group or everything:
 *   `OpenTime` stops. But a halt of the channel counts, for the message that keeps it halted, from the first
 *   success of another channel of the group on: `halt-scope.ts`;
 * - a wait for a turn: behind others of the channel, for a limit, for a slot;
 * - an attempt that a crash cut off, and the rest of a wait at a restart: no one knows how much of it passed.
 *
 * It errs on one side: a message may be tried for longer than configured, but never dies of time that was not
 * its own.
 */
export class TriedTime {
  /** Messages in their own backoff. */
  readonly #resting = new Map<MessageRef, Rest>()
  /** No message is in backoff. A field, since every attempt and outcome asks. */
  isEmpty = true

  /** The message begins to wait this long, in the channel of `open`. */
  rests(ref: MessageRef, open: OpenTime, delayMs: number): void {
    this.#resting.set(ref, { open, from: open.read(), delayMs })
    this.isEmpty = false
  }

  /** How much of its wait is over. */
  restedMs(ref: MessageRef): number {
    const rest = this.#resting.get(ref)
    return rest === undefined ? 0 : Math.floor(Math.min(rest.open.read() - rest.from, rest.delayMs))
  }

  /** An outcome was recorded: the wait before it is in the sum, or does not count. */
  recorded(ref: MessageRef): void {
    this.#resting.delete(ref)
    this.isEmpty = this.#resting.size === 0
  }
}

interface Rest {
  readonly open: OpenTime
  /** The reading of `open` when the wait began. */
  readonly from: number
  readonly delayMs: number
}
