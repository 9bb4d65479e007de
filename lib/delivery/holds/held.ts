import type { TimerEntry } from '../time/timers.js'

/** A channel, as far as a brake is concerned. */
export interface Brakable {
  readonly target: string
  readonly state: string
  held: Held | undefined
}

/** The brake that holds it. */
interface Holder {
  release(held: Held): void
  look(): void
  lostPatience(held: Held): void
}

/** A channel that is due, and waits for its brake; or goes on by its leave. */
export class Held implements TimerEntry {
  readonly brake: Holder
  readonly channel: Brakable
  /** In the order in which they began to wait. */
  readonly ticket: number
  /** Charged ones, of the message whose turn it is. */
  attempts: number
  /** It may go on. */
  admitted = false
  /** What it goes on for is to find out whether the receiver is up again. */
  isProbe = false
  /** The round of its brake in which it took a slot, -1: it has none. */
  round = -1
  /** In ms of `Timers.now()`, until when its brake may hold it; Infinity: it failed in this outage. */
  holdsUntil = Number.POSITIVE_INFINITY
  /** Position among those that wait, -1: it waits no more. */
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

/** The fewest charged attempts, then the longest wait. */
export function goesBefore(one: Held, other: Held): boolean {
  return one.attempts === other.attempts ? one.ticket < other.ticket : one.attempts < other.attempts
}
