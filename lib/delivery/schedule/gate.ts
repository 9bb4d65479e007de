import type { Scope } from '../../store/message-store.js'
import type { Halt, Haltable } from '../holds/halts.js'
import type { Windows } from '../limits/windows.js'
import { Heap } from '../tables/heap.js'
import type { OpenTime } from '../time/open-time.js'
import type { TimerEntry } from '../time/timers.js'

/** A channel as a member of a gate's linked list. */
export interface Ready {
  /** When it became ready, by order. */
  ticket: number
  readyBefore: Ready | undefined
  readyAfter: Ready | undefined
}

interface GateOptions {
  concurrency?: number | undefined
  windows?: Windows | undefined
}

/**
 * What channels pass on their way to `send`. Gates stand one in another: everything is the outermost, and
 * `Groups` builds the others. In each, what is ready takes its turns in the order in which it became so,
 * channels and inner gates alike: so a channel waits for no other gate than those that it passes itself.
 */
export class Gate implements TimerEntry, Haltable {
  readonly scope: Scope
  readonly target: string
  /** Undefined: it is the outermost. */
  readonly outer: Gate | undefined
  /** From this one outwards. */
  readonly path: readonly Gate[]
  windows: Windows | undefined
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
  /**
   * Its channels that could send now, in the order in which they became ready: a list through the channels
   * themselves.
   */
  #first: Ready | undefined
  #last: Ready | undefined
  /**
   * Inner gates that may be able to send: each that can, and some that prove at their turn that they cannot.
   */
  readonly #inner = new Heap<Gate>((one, other) => one.#turn < other.#turn, {
    get: gate => gate.#turnIndex,
    set: (gate, position) => {
      gate.#turnIndex = position
    },
  })
  /** Its ticket, as it stands in the heap of the outer gate. */
  #turn = 0
  /** Position there, -1: it takes no part in the turns. */
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

  /**
   * When the next attempt may pass: in the past: now; Infinity: when something happens that no clock can
   * tell.
   */
  get opensAt(): number {
    if (this.running >= this.#concurrency) return Infinity
    if (this.halt !== undefined && !this.halt.mayProbe) return Infinity
    return Math.max(this.blockedUntil, this.windows?.opensAt ?? 0)
  }

  /**
   * Room for one more attempt that asks; beyond it they hold their slots, so that their number stays bounded.
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

  /** It is ready no more. */
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

  /** It may be open again, and what it stands in: where something is ready they take part in the turns. */
  offer(): void {
    this.#changed(true)
  }

  /** It proved not to be open: it takes no part in the turns until it is offered. */
  retract(): void {
    this.#leave()
    this.outer!.#changed(false)
  }

  /** The moment it waited for has come. */
  fire(): void {
    this.offer()
  }

  /** When the first of what is ready in it became so. */
  get #ticket(): number {
    const gate = this.#inner.peek()
    return Math.min(this.#first?.ticket ?? Infinity, gate === undefined ? Infinity : gate.#turn)
  }

  /** `joins`: where it takes no part in the turns, it begins to. */
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
