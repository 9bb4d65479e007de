import type { Scope } from '../../store/message-store.js'
import type { QueueTime } from '../../store/queue-time.js'
import type { OpenTime } from '../time/open-time.js'
import type { TimerEntry, Timers } from '../time/timers.js'
import type { HaltFacts } from '../types.js'

/** Something that can be halted: a channel, a group, everything. */
export interface Haltable {
  readonly scope: Scope
  readonly target: string
  /** For people: the channel, or the prefix with its `*`. */
  readonly label: string
  halt: Halt | undefined
}

/** A stop until a probe gets through or a person resumes. */
export interface Halt extends TimerEntry {
  readonly holder: Haltable
  readonly since: number
  /** In ms of `Timers.now()`. */
  readonly begunAt: number
  /** When a probe is due by `afterMs`. An earlier probe is a guess, made by another channel. */
  dueAt: number
  reason: string | undefined
  /** Infinity: no probe. */
  afterMs: number
  /** The time for a probe has come: one attempt may pass. */
  mayProbe: boolean
  /** That attempt is under way. */
  probing: boolean
  /** Caused by a dead letter: the store keeps it across restarts. */
  readonly kept: boolean
  /** `HaltScope` gave it this scope, not a verdict. */
  readonly widened: boolean
  /** The channels that halted it: its probe is another's, if another has something to send. */
  readonly by: Set<Haltable>
  /** Of a channel: it may widen to its group. */
  mayWiden: boolean
  /** How long it has been the channel's alone: since the first success of another channel of its group. */
  ownTime: OpenTime | undefined
}

export interface HaltOrder {
  reason?: string | undefined
  afterMs: number
  /** The verdict named `afterMs`, so no guess comes earlier. */
  told?: boolean
  kept?: boolean
  widened?: boolean
  by?: Haltable
  /** Epoch ms, for a halt of an earlier life, which was reported then. Default: now. */
  since?: number
}

interface HaltListener {
  /** It is halted now, or no longer. */
  changed(holder: Haltable): void
  halted(facts: HaltFacts): void
  lifted(holder: Haltable, halt: Halt): void
  /** One attempt may pass now. */
  probeDue(holder: Haltable): void
  /** Whether a channel other than those that halted it has something to send. */
  hasOther(halt: Halt): boolean
}

/**
 * A halt widens on the evidence of two channels. So while another channel was not tried yet, it is tried
 * early: first after this time, then each time that the halt is older by this share of its age. The first
 * guess comes so soon because at a start all that halt may be in front: ten of them must not cost the others
 * seconds.
 */
const FIRST_GUESS_MS = 20
const GUESS_SHARE = 1 / 4

/** All halts in force. */
export class Halts {
  readonly #timers: Timers
  readonly #time: QueueTime
  readonly #listener: HaltListener
  readonly #inForce = new Set<Halt>()

  constructor(timers: Timers, time: QueueTime, listener: HaltListener) {
    this.#timers = timers
    this.#time = time
    this.#listener = listener
  }

  get count(): number {
    return this.#inForce.size
  }

  /** In the order in which they began. */
  [Symbol.iterator](): Iterator<Halt> {
    return this.#inForce.values()
  }

  halt(holder: Haltable, order: HaltOrder): void {
    const current = holder.halt
    if (current !== undefined && (current.kept || !order.kept)) {
      this.#renew(current, order)
      return
    }
    const halt: Halt = {
      holder,
      since: current?.since ?? order.since ?? this.#time.wall(),
      reason: order.reason,
      afterMs: order.afterMs,
      mayProbe: false,
      probing: false,
      kept: order.kept ?? false,
      widened: order.widened ?? false,
      by: new Set(order.by === undefined ? [] : [order.by]),
      mayWiden: false,
      ownTime: undefined,
      begunAt: this.#timers.now(),
      dueAt: 0,
      alarmAt: 0,
      alarmIndex: -1,
      fire: () => {
        if (this.#timers.now() < halt.dueAt && !this.#listener.hasOther(halt)) {
          this.#timers.set(halt, halt.dueAt)
          return
        }
        halt.mayProbe = true
        this.#listener.probeDue(holder)
      },
    }
    if (current !== undefined) this.#forget(current)
    holder.halt = halt
    this.#inForce.add(halt)
    this.#listener.changed(holder)
    const probeAfterMs = this.#schedule(halt, order)
    if (order.since !== undefined) return
    const { scope, target } = holder
    const reason = halt.reason === undefined ? {} : { reason: halt.reason }
    this.#listener.halted({
      scope,
      target,
      ...reason,
      since: halt.since,
      probeAt: this.#time.wall() + probeAfterMs,
    })
  }

  /** The attempt that begins is the probe. */
  take(halt: Halt): void {
    halt.mayProbe = false
    halt.probing = true
  }

  /** Allows the probe again: the attempt taken for it did not get as far as `send`. */
  giveBack(halt: Halt): void {
    if (halt.holder.halt !== halt || !halt.probing) return
    halt.probing = false
    halt.mayProbe = true
    this.#listener.probeDue(halt.holder)
  }

  lift(holder: Haltable): void {
    const { halt } = holder
    if (halt === undefined) return
    this.#forget(halt)
    holder.halt = undefined
    this.#listener.changed(holder)
    this.#listener.lifted(holder, halt)
  }

  /**
   * A channel has another name: its halt goes along, unless that has one. The wait for its probe begins anew.
   */
  move(from: Haltable, to: Haltable): void {
    const { halt } = from
    if (halt === undefined) return
    this.#forget(halt)
    from.halt = undefined
    const { reason, afterMs, kept, since } = halt
    this.halt(to, { reason, afterMs, kept, since })
  }

  /**
   * Renews a halt after a failed probe, or an attempt under way when it began. A kept halt does not change.
   */
  #renew(halt: Halt, order: HaltOrder): void {
    if (halt.kept) return
    halt.reason = order.reason ?? halt.reason
    if (order.by !== undefined) halt.by.add(order.by)
    // Otherwise the next probe keeps its time: a hundred attempts under way must not delay it a hundred
    // times.
    if (!halt.probing) return
    halt.probing = false
    halt.afterMs = order.afterMs
    this.#schedule(halt, order)
  }

  /** Returns in how many ms the next probe may pass. */
  #schedule(halt: Halt, order: HaltOrder): number {
    const { afterMs } = halt
    if (afterMs === Infinity) return afterMs
    const isGuess = halt.widened && !order.told
    const ageMs = this.#timers.now() - halt.begunAt
    const probeAfterMs = isGuess ? Math.min(afterMs, Math.max(FIRST_GUESS_MS, ageMs * GUESS_SHARE)) : afterMs
    halt.dueAt = this.#timers.after(afterMs)
    this.#timers.set(halt, this.#timers.after(probeAfterMs))
    return probeAfterMs
  }

  #forget(halt: Halt): void {
    this.#timers.cancel(halt)
    this.#inForce.delete(halt)
  }
}
