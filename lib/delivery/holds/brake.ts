import type { QueueTime } from '../../store/queue-time.js'
import { Heap } from '../tables/heap.js'
import type { TimerEntry, Timers } from '../time/timers.js'
import { type Brakable, goesBefore, Held } from './held.js'

/** The wait from the end of one attempt to the next doubles from the first of these to the last. */
const FIRST_INTERVAL_MS = 1_000
const LAST_INTERVAL_MS = 60_000
/** An outage this old is a long one, with the wait below. */
const LONG_OUTAGE_MS = 3_600_000
const LONG_INTERVAL_MS = 300_000

/**
 * The longest wait of a channel that has not failed itself. Once the receiver is up, also the longest that a
 * hanging attempt keeps its slot from others.
 */
const PATIENCE_MS = 5_000

/** After so long without an attempt, earlier failures mean nothing. */
const FORGET_AFTER_MS = 3_600_000

/**
 * - `watching`: attempts failed, with no answer since; no channel is held.
 * - `on`: the receiver is down; one attempt at a time.
 * - `lifting`: it is up again; the held channels go on, more and more at once.
 */
type BrakeState = 'watching' | 'on' | 'lifting'

export interface BrakeListener {
  braked(brake: Brake): void
  /** The receiver is up again, or was not asked for long. */
  unbraked(brake: Brake): void
  /** This channel may go on. */
  admitted(channel: Brakable): void
  /** The outage in which this channel failed is over, and so are the waits that it caused. */
  outageEnded(channel: string): void
  /** Whether another channel of this scope has an attempt under way. */
  isAsked(brake: Brake, besides: Brakable): boolean
  /** There is nothing left to remember. */
  forgotten(brake: Brake): void
}

/** One receiver, from the attempt that finds it down until it is up and no channel waits for it. */
export class Brake implements TimerEntry {
  readonly scope: 'channel' | 'group'
  /** The channel, or the prefix without its `*`. */
  target: string
  state: BrakeState = 'watching'
  /** Epoch ms of the first failure in a row. */
  since = 0
  /** The message of the last failure. */
  reason: string | undefined
  alarmAt = 0
  alarmIndex = -1
  readonly #timers: Timers
  readonly #time: QueueTime
  readonly #listener: BrakeListener
  /** Failures in a row, with no answer in between. */
  #failures = 0
  /** Channels that failed since the last answer. */
  readonly #failed = new Set<string>()
  /** While `watching`: channels that became due since, and still are. */
  readonly #due = new Set<Brakable>()
  readonly #held = new Heap<Held>(goesBefore, {
    get: held => held.index,
    set: (held, position) => {
      held.index = position
    },
  })
  /** Channels that may go on, until their attempt is over. */
  readonly #admitted = new Set<Held>()
  #isAdmitting = false
  #tickets = 0
  /** How many go on at once, and how many may. */
  #taken = 0
  #slots = 1
  /** A new round begins when the brake lifts: channels admitted before then take no slot in it. */
  #round = 0
  // In ms of `Timers.now()`.
  #failingSince = 0
  #endedAt = 0
  #nextAt = 0
  #intervalMs = FIRST_INTERVAL_MS

  constructor(
    { scope, target }: { scope: 'channel' | 'group'; target: string },
    timers: Timers,
    time: QueueTime,
    listener: BrakeListener,
  ) {
    this.scope = scope
    this.target = target
    this.#timers = timers
    this.#time = time
    this.#listener = listener
  }

  /** For people: the channel, or the prefix with its `*`. */
  get label(): string {
    return this.scope === 'group' ? `${this.target}*` : this.target
  }

  /** Its only channel has another name. */
  rename(to: string): void {
    if (this.#failed.delete(this.target)) this.#failed.add(to)
    this.target = to
  }

  /** Whether a channel that is due must ask `passes`. */
  stops(channel: Brakable): boolean {
    return this.state !== 'watching' && channel.held?.admitted !== true
  }

  /** Whether a due channel may go on. Otherwise it is held until `admitted`. */
  passes(channel: Brakable, attempts: number): boolean {
    if (!this.stops(channel)) return true
    if (channel.held === undefined) {
      const held = new Held(this, channel, this.#tickets++, attempts)
      channel.held = held
      // It may be held only because its neighbours failed.
      if (!this.#failed.has(channel.target)) held.holdsUntil = this.#timers.after(PATIENCE_MS)
      this.#hold(held)
    } else if (channel.held.attempts !== attempts) {
      channel.held.attempts = attempts
      this.#held.moved(channel.held)
    }
    this.#admit(channel)
    return channel.held.admitted
  }

  /** A channel became due, or is no longer due. */
  moved(channel: Brakable, isDue: boolean): void {
    if (this.state !== 'watching') return
    if (isDue) this.#due.add(channel)
    else this.#due.delete(channel)
  }

  /** It is no longer due, or its attempt is over. Call `look` next. */
  release(held: Held): void {
    this.#timers.cancel(held)
    if (held.index !== -1) this.#remove(held)
    this.#admitted.delete(held)
    this.#leaveSlot(held)
    held.channel.held = undefined
  }

  /** Lets channels go on if a slot has come free. */
  look(): void {
    if (this.state === 'watching' || this.#isAdmitting) return
    this.#admit()
    if (this.state === 'lifting' && this.#held.size === 0) this.#forget()
  }

  /** An attempt of this channel found the receiver down. */
  failed(channel: Brakable, reason: string | undefined, isProbe: boolean): void {
    if (this.#failures++ === 0) {
      this.since = this.#time.wall()
      this.#failingSince = this.#timers.now()
    }
    this.#failed.add(channel.target)
    this.reason = reason
    if (this.state !== 'on' && this.#isOutage(channel)) {
      this.state = 'on'
      this.#due.clear()
      this.#intervalMs = FIRST_INTERVAL_MS
      this.#callBack()
      this.#listener.braked(this)
    } else if (isProbe) this.#slowDown()
    this.#ended()
  }

  /** An attempt of this channel ended and showed nothing about the receiver. */
  toldNothing(channel: Brakable, isProbe: boolean): void {
    if (this.state === 'on') this.#failed.add(channel.target)
    if (isProbe) this.#slowDown()
    this.#ended()
  }

  /** The receiver is up. Call `look` next. */
  answered(): void {
    this.#failures = 0
    if (this.state === 'on') this.#lift()
    else if (this.state === 'watching') this.#forget()
    else {
      this.#slots *= 2
      this.#failed.clear()
    }
  }

  /** The time of the next attempt has come, or nothing was attempted for long. */
  fire(): void {
    const now = this.#timers.now()
    if (this.#held.size === 0 && this.#taken === 0 && now >= this.#endedAt + FORGET_AFTER_MS) this.#forget()
    else {
      this.#endedAt = now
      this.#admit()
    }
  }

  /** Its patience is over: it waited long enough or, with the receiver up, kept its slot long enough. */
  lostPatience(held: Held): void {
    if (held.admitted) this.#leaveSlot(held)
    else this.#letGo(held)
    this.look()
  }

  /** An outage: two channels failed, or one twice while no other is due that would tell more. */
  #isOutage(channel: Brakable): boolean {
    if (this.#failed.size > 1) return true
    if (this.#failures < 2 || this.state === 'lifting') return false
    if (this.#listener.isAsked(this, channel)) return false
    return this.#due.size === 0 || (this.#due.size === 1 && this.#due.has(channel))
  }

  /** Only for a probe: a hundred attempts begun before must not delay the next one a hundred times. */
  #slowDown(): void {
    const isLong = this.#timers.now() - this.#failingSince >= LONG_OUTAGE_MS
    this.#intervalMs = isLong ? LONG_INTERVAL_MS : Math.min(2 * this.#intervalMs, LAST_INTERVAL_MS)
  }

  #ended(): void {
    this.#endedAt = this.#timers.now()
    this.#nextAt = this.#timers.after(this.#intervalMs)
    this.#arm()
  }

  #lift(): void {
    this.state = 'lifting'
    this.#round++
    this.#taken = 0
    this.#listener.unbraked(this)
    // No channel goes on before all are back in line.
    this.#slots = 0
    for (const channel of this.#failed) this.#listener.outageEnded(channel)
    this.#failed.clear()
    this.#slots = 1
  }

  /** Lets as many go on as may. The channel that asks learns it from `passes`. */
  #admit(asking?: Brakable): void {
    // A channel let go on finds that it cannot, and stands back.
    if (this.#isAdmitting) return
    this.#isAdmitting = true
    for (let held = this.#held.peek(); held !== undefined && this.#hasSlot; held = this.#held.peek()) {
      held.isProbe = this.state === 'on'
      this.#letGo(held, asking)
    }
    this.#isAdmitting = false
    this.#arm()
  }

  get #hasSlot(): boolean {
    if (this.state === 'on') return this.#taken === 0 && this.#timers.now() >= this.#nextAt
    return this.#taken < this.#slots
  }

  #letGo(held: Held, asking?: Brakable): void {
    this.#remove(held)
    held.admitted = true
    held.round = this.#round
    this.#admitted.add(held)
    this.#taken++
    if (this.state === 'lifting') this.#timers.set(held, this.#timers.after(PATIENCE_MS))
    else this.#timers.cancel(held)
    if (held.channel !== asking) this.#listener.admitted(held.channel)
  }

  #hold(held: Held): void {
    this.#held.push(held)
    this.#timers.set(held, held.holdsUntil)
  }

  /** The receiver is down again: admitted channels that did not begin yet wait with the others. */
  #callBack(): void {
    for (const held of this.#waitingForTurn()) {
      if (held.holdsUntil <= this.#timers.now()) continue
      this.#admitted.delete(held)
      this.#leaveSlot(held)
      held.admitted = false
      this.#hold(held)
    }
  }

  /** Admitted channels that still wait for their turn. */
  #waitingForTurn(): Held[] {
    return [...this.#admitted].filter(({ channel }) => channel.state === 'ready')
  }

  #leaveSlot(held: Held): void {
    if (held.round === this.#round) this.#taken--
    held.round = -1
  }

  #remove(held: Held): void {
    this.#held.remove(held)
    held.index = -1
  }

  #arm(): void {
    const isNext = this.state === 'on' && this.#held.size > 0 && this.#taken === 0
    this.#timers.set(this, isNext ? this.#nextAt : this.#endedAt + FORGET_AFTER_MS)
  }

  #forget(): void {
    const { state } = this
    this.state = 'watching'
    this.#timers.cancel(this)
    for (const held of this.#waitingForTurn()) this.release(held)
    this.#listener.forgotten(this)
    if (state === 'on') this.#listener.unbraked(this)
  }
}
