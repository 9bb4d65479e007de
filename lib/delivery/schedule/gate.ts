import type { Scope } from '../../store/message-store.js'
import type { Halt, Haltable } from '../holds/halts.js'
import type { Windows } from '../limits/windows.js'
import { Heap } from '../tables/heap.js'
import type { OpenTime } from '../time/open-time.js'
import type { TimerEntry } from '../time/timers.js'
import { type Ready, ReadyList } from './ready-list.js'

interface GateOptions {
  concurrency?: number | undefined
  windows?: Windows | undefined
}

/** How many places in a row may go to channels other than the one that waited longest. */
const MAX_PASSED_OVER = 9

/**
 * What channels pass on their way to `send`. Gates are nested: everything is the outermost, and `Groups`
 * builds the others. In each, ready channels and inner gates take turns by priority, and then in the order in
 * which they became ready. So a channel waits only for the gates that it passes itself. Every tenth place
 * goes to the channel that waited longest.
 */
export class Gate implements TimerEntry, Haltable {
  readonly scope: Scope
  readonly target: string
  /** Undefined: it is the outermost. */
  readonly outer: Gate | undefined
  /** The gates from this one outwards. */
  readonly path: readonly Gate[]
  windows: Windows | undefined
  readonly #concurrency: number
  /** Attempts that hold a slot. */
  running = 0
  /** Attempts that wait for a receiver's answer, without a slot. */
  asking = 0
  /** No attempt before this: a receiver asked for it. Set by the scheduler alone. */
  blockedUntil = 0
  halt: Halt | undefined
  /** Set by the scheduler. */
  openTime: OpenTime | undefined
  alarmAt = 0
  alarmIndex = -1
  /** Places in a row that did not go to the channel that waited longest. */
  #passedOver = 0
  /** Its channels that could send now. */
  readonly #channels = new ReadyList()
  /** Inner gates that may be able to send: each that can, and some that at their turn prove unable to. */
  readonly #inner = new Heap<Gate>(goesBefore, {
    get: gate => gate.#turnIndex,
    set: (gate, position) => {
      gate.#turnIndex = position
    },
  })
  /** The same gates by how long they waited. Undefined: no priority is in use, so `#inner` has that order. */
  #innerByAge: Heap<Gate> | undefined
  /** The highest priority in this gate, as the outer gate's heaps know it. */
  priority = 0
  /** The lowest ticket of that priority. */
  ticket = 0
  /** The lowest ticket of all. */
  #oldestTicket = 0
  /** Its position in `#inner` of the outer gate; -1: it takes no part in the turns. */
  #turnIndex = -1
  #ageIndex = -1

  constructor(scope: Scope, target: string, outer?: Gate, options: GateOptions = {}) {
    this.scope = scope
    this.target = target
    this.outer = outer
    this.path = [this, ...(outer?.path ?? [])]
    this.#concurrency = options.concurrency ?? Infinity
    this.windows = options.windows
  }

  get label(): string {
    return `${this.target}*`
  }

  /** When the next attempt may pass. In the past: now; Infinity: after an event, not at a time. */
  get opensAt(): number {
    if (this.running >= this.#concurrency) return Infinity
    if (this.halt !== undefined && !this.halt.mayProbe) return Infinity
    return Math.max(this.blockedUntil, this.windows?.opensAt ?? 0)
  }

  /**
   * Whether one more attempt may ask without a slot. Further ones hold their slots, which bounds their
   * number.
   */
  get mayAsk(): boolean {
    return this.asking < this.#concurrency
  }

  /** Whose turn it is in here; undefined: nothing is ready. */
  get next(): Ready | Gate | undefined {
    const gate = this.#inner.peek()
    const channel = this.#channels.first
    if (gate === undefined || channel === undefined) return gate ?? channel
    return goesBefore(channel, gate) ? channel : gate
  }

  /** The channel that waited longest in this gate, or the inner gate that holds it. */
  get oldest(): Ready | Gate | undefined {
    const gate = (this.#innerByAge ?? this.#inner).peek()
    const channel = this.#channels.oldest
    if (gate === undefined || channel === undefined) return gate ?? channel
    return channel.ticket < gate.#oldestTicket ? channel : gate
  }

  /** Whether the next place goes to `oldest`. */
  get owesOldest(): boolean {
    return this.#passedOver >= MAX_PASSED_OVER
  }

  /** A place goes to this channel, which is in this gate or an inner one. */
  gavePlaceTo({ ticket }: Ready): void {
    this.#passedOver = ticket === this.#lowestTicket ? 0 : this.#passedOver + 1
  }

  /** A channel of this gate became ready. */
  push(channel: Ready): void {
    this.#channels.add(channel)
    this.offer()
  }

  /** The channel is no longer ready. */
  remove(channel: Ready): void {
    this.#channels.remove(channel)
    this.#changed(false)
  }

  /** A channel of this gate has another priority now, and keeps its ticket. */
  reprioritize(channel: Ready, priority: number): void {
    this.#channels.remove(channel)
    channel.priority = priority
    this.#channels.add(channel)
    this.#changed(false)
  }

  /** This gate and those around it may be open again: with something ready, they take part in the turns. */
  offer(): void {
    this.#changed(true)
  }

  /** This gate proved closed: it takes no part in the turns until it is offered. */
  retract(): void {
    this.#leave()
    this.outer!.#changed(false)
  }

  /** The moment it waited for has come. */
  fire(): void {
    this.offer()
  }

  /** `joins`: it begins to take part in the turns, if it does not yet. */
  #changed(joins: boolean): void {
    const { outer } = this
    if (outer === undefined) return
    const takesPart = this.#turnIndex !== -1
    if (!takesPart && !joins) return
    const { next } = this
    if (next === undefined) this.#leave()
    else {
      this.priority = next.priority
      this.ticket = next.ticket
      if (this.#isPrioritized) {
        this.#oldestTicket = this.#lowestTicket
        outer.#ageInner()
      } else this.#oldestTicket = this.ticket
      outer.#take(this, takesPart)
    }
    outer.#changed(joins)
  }

  /** Whether a channel in it had a priority other than 0. */
  get #isPrioritized(): boolean {
    return this.#channels.isPrioritized || this.#innerByAge !== undefined
  }

  get #lowestTicket(): number {
    const { oldest } = this
    return oldest instanceof Gate ? oldest.#oldestTicket : oldest!.ticket
  }

  /** From now on the first in this gate need not be the one that waited longest. */
  #ageInner(): void {
    if (this.#innerByAge !== undefined) return
    this.#innerByAge = new Heap((one, other) => one.#oldestTicket < other.#oldestTicket, {
      get: gate => gate.#ageIndex,
      set: (gate, position) => {
        gate.#ageIndex = position
      },
    })
    for (const gate of this.#inner) this.#innerByAge.push(gate)
  }

  /** An inner gate takes part in the turns from now on, or has another place in them. */
  #take(gate: Gate, takesPart: boolean): void {
    if (takesPart) {
      this.#inner.moved(gate)
      this.#innerByAge?.moved(gate)
    } else {
      this.#inner.push(gate)
      this.#innerByAge?.push(gate)
    }
  }

  #leave(): void {
    if (this.#turnIndex === -1) return
    this.outer!.#inner.remove(this)
    this.outer!.#innerByAge?.remove(this)
    this.#turnIndex = -1
  }
}

type Turn = Pick<Ready, 'priority' | 'ticket'>

function goesBefore(one: Turn, other: Turn): boolean {
  return one.priority === other.priority ? one.ticket < other.ticket : one.priority > other.priority
}
