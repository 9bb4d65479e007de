import type { MessageRef } from '../../store/message-store.js'
import type { TimerEntry } from '../time/timers.js'

/** A channel, as a brake sees it. */
export interface Brakable {
  readonly target: string
  readonly state: string
  held: Held | undefined
}

/** The brake that holds a channel. */
interface Holder {
  release(held: Held): void
  look(): void
  lostPatience(held: Held): void
}

/** A due channel that waits for its brake, or goes on with its permission. */
export class Held implements TimerEntry {
  readonly brake: Holder
  readonly channel: Brakable
  /** Rises in the order in which channels began to wait. */
  readonly ticket: number
  /** Charged attempts of the message whose turn it is. */
  attempts: number
  /** It may go on. */
  admitted = false
  /** It goes on to find out whether the receiver is up again. */
  isProbe = false
  /** The message that goes on with its permission. */
  ref: MessageRef | undefined
  /** The round of its brake in which it took a slot; -1: it has none. */
  round = -1
  /** Until when its brake may hold it, in ms of `Timers.now()`; Infinity: it failed in this outage. */
  holdsUntil = Number.POSITIVE_INFINITY
  /** Position among those that wait; -1: it no longer waits. */
  index = -1
  alarmAt = 0
  alarmIndex = -1

  constructor(brake: Holder, channel: Brakable, ticket: number, attempts: number) {
    this.brake = brake
    this.channel = channel
    this.ticket = ticket
    this.attempts = attempts
  }

  fire(): void {
    this.brake.lostPatience(this)
  }
}

/** Orders by the fewest charged attempts, then the longest wait. */
export function goesBefore(one: Held, other: Held): boolean {
  return one.attempts === other.attempts ? one.ticket < other.ticket : one.attempts < other.attempts
}
