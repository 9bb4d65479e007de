import type { Scope } from '../../store/message-store.js'
import type { Halt, Haltable } from '../holds/halts.js'
import type { Windows } from '../limits/windows.js'
import { Heap } from '../tables/heap.js'
import type { OpenTime } from '../time/open-time.js'
import type { TimerEntry } from '../time/timers.js'

/** A channel as a member of a gate's linked list. */
export interface Ready {
  /** Rises in the order in which channels became ready. */
  ticket: number
  readyBefore: Ready | undefined
  readyAfter: Ready | undefined
}

interface GateOptions {
  concurrency?: number | undefined
  windows?: Windows | undefined
}

/**
 * What channels pass on their way to `send`. Gates are nested: everything is the outermost, and `Groups`
 * builds the others. In each, ready channels and inner gates take turns in the order in which they became
 * ready. So a channel waits only for the gates that it passes itself.
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
  /**
   * Its channels that could send now, in the order in which they became ready: a linked list of the channels.
   */
  #first: Ready | undefined
  #last: Ready | undefined
  /** Inner gates that may be able to send: each that can, and some that at their turn prove unable to. */
  readonly #inner = new Heap<Gate>((one, other) => one.#turn < other.#turn, {
    get: gate => gate.#turnIndex,
    set: (gate, position) => {
      gate.#turnIndex = position
    },
  })
  /** Its ticket in the heap of the outer gate. */
  #turn = 0
  /** Its position there; -1: it takes no part in the turns. */
  #turnIndex = -1

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
    if (gate === undefined) return this.#first
    return this.#first !== undefined && this.#first.ticket < gate.#turn ? this.#first : gate
  }

  /** A channel of this gate became ready; its ticket is the highest. */
  push(channel: Ready): void {
    channel.readyBefore = this.#last
    channel.readyAfter = undefined
    if (this.#last === undefined) this.#first = channel
    else this.#last.readyAfter = channel
    this.#last = channel
    this.offer()
  }

  /** The channel is no longer ready. */
  remove(channel: Ready): void {
    const { readyBefore, readyAfter } = channel
    if (readyBefore === undefined) this.#first = readyAfter
    else readyBefore.readyAfter = readyAfter
    if (readyAfter === undefined) this.#last = readyBefore
    else readyAfter.readyBefore = readyBefore
    channel.readyBefore = undefined
    channel.readyAfter = undefined
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

  /** The ticket of what became ready first in it. */
  get #ticket(): number {
    const gate = this.#inner.peek()
    return Math.min(this.#first?.ticket ?? Infinity, gate === undefined ? Infinity : gate.#turn)
  }

  /** `joins`: it begins to take part in the turns, if it does not yet. */
  #changed(joins: boolean): void {
    const { outer } = this
    if (outer === undefined) return
    const takesPart = this.#turnIndex !== -1
    if (!takesPart && !joins) return
    const ticket = this.#ticket
    this.#turn = ticket
    if (ticket === Infinity) this.#leave()
    else if (takesPart) outer.#inner.moved(this)
    else outer.#inner.push(this)
    outer.#changed(joins)
  }

  #leave(): void {
    if (this.#turnIndex === -1) return
    this.outer!.#inner.remove(this)
    this.#turnIndex = -1
  }
}
