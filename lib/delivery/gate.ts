import type { Scope } from '../store/message-store.js'
import type { Channel } from './channel.js'
import type { Halt, Haltable } from './halts.js'
import { Heap } from './heap.js'
import type { OpenTime } from './open-time.js'
import type { Alarm } from './timers.js'
import type { TokenBuckets } from './token-bucket.js'

interface GateOptions {
  concurrency?: number | undefined
  buckets?: TokenBuckets | undefined
}

/** What channels pass on their way to `send`: everything together, or one group. */
export class Gate implements Alarm, Haltable {
  readonly scope: Scope
  readonly target: string
  readonly buckets: TokenBuckets | undefined
  readonly #concurrency: number
  /** Attempts that hold a slot. */
  running = 0
  /** Attempts that wait for what a receiver says, without a slot. */
  asking = 0
  /** A receiver said: nothing before this. Set by the scheduler alone. */
  blockedUntil = 0
  halt: Halt | undefined
  /** Set by the scheduler. */
  openTime: OpenTime | undefined
  alarmAt = 0
  alarmIndex = -1
  /** The moment it waited for has come: set by the scheduler. */
  ring: () => void = () => {}

  constructor(scope: Scope, target: string, options: GateOptions) {
    this.scope = scope
    this.target = target
    this.#concurrency = options.concurrency ?? Infinity
    this.buckets = options.buckets
  }

  get label(): string {
    return `${this.target}*`
  }

  /** When the next attempt may pass: in the past: now; Infinity: when something happens that no clock can tell. */
  get opensAt(): number {
    if (this.running >= this.#concurrency) return Infinity
    if (this.halt !== undefined && !this.halt.mayProbe) return Infinity
    return Math.max(this.blockedUntil, this.buckets?.opensAt ?? 0)
  }

  /** Room for one more attempt that asks; beyond it they hold their slots, so that their number stays bounded. */
  get mayAsk(): boolean {
    return this.asking < this.#concurrency
  }
}

/** Channels with a prefix in common; or all the channels without a group, which have nothing in common but this object. */
export class Group extends Gate {
  /** Its channels that could send now, in the order in which they became ready: a list through the channels themselves. */
  #first: Channel | undefined
  #last: Channel | undefined
  /** Its channels that are ready or wait for a time. */
  runnable = 0
  /** Position among the groups that can send, -1: not one of them. */
  turnIndex = -1

  /** When its first ready channel became ready. */
  get ticket(): number {
    return this.#first?.ticket ?? Infinity
  }

  get hasReady(): boolean {
    return this.#first !== undefined
  }

  push(channel: Channel): void {
    channel.readyBefore = this.#last
    channel.readyAfter = undefined
    if (this.#last === undefined) this.#first = channel
    else this.#last.readyAfter = channel
    this.#last = channel
  }

  remove(channel: Channel): void {
    const { readyBefore, readyAfter } = channel
    if (readyBefore === undefined) this.#first = readyAfter
    else readyBefore.readyAfter = readyAfter
    if (readyAfter === undefined) this.#last = readyBefore
    else readyAfter.readyBefore = readyBefore
    channel.readyBefore = undefined
    channel.readyAfter = undefined
  }

  peek(): Channel | undefined {
    return this.#first
  }
}

/** Finds a channel's group: the longest prefix wins. */
export class Groups {
  /** The channels that no prefix fits. */
  readonly none = new Group('group', '', {})
  readonly #byPrefix = new Map<string, Group>()
  /** Of the prefixes, the longest first: one look-up each. */
  readonly #lengths: readonly number[]

  constructor(groups: Iterable<Group>) {
    for (const group of groups) this.#byPrefix.set(group.target, group)
    this.#lengths = [...new Set([...this.#byPrefix.keys()].map(prefix => prefix.length))].sort(
      (a, b) => b - a,
    )
  }

  of(channel: string): Group {
    for (const length of this.#lengths) {
      const group = channel.length >= length ? this.#byPrefix.get(channel.slice(0, length)) : undefined
      if (group !== undefined) return group
    }
    return this.none
  }

  withPrefix(prefix: string): Group | undefined {
    return this.#byPrefix.get(prefix)
  }

  *[Symbol.iterator](): Iterator<Group> {
    yield this.none
    yield* this.#byPrefix.values()
  }
}

/** Groups with a ready channel, the one whose channel has waited longest first: so all channels take turns. */
export function turns(): Heap<Group> {
  return new Heap((one, other) => one.ticket < other.ticket, {
    get: group => group.turnIndex,
    set: (group, position) => {
      group.turnIndex = position
    },
  })
}
