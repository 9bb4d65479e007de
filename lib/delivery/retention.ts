import type { MessageRef, MessageStore, Outcome } from '../store/message-store.js'
import type { QueueTime } from '../store/queue-time.js'
import type { DispatcherOptions } from './dispatcher-options.js'
import { DeadOrder } from './schedule/dead-order.js'
import type { TimerEntry, Timers } from './time/timers.js'

/** How many are purged at once; the rest follows, so that a million of them block nothing. */
const BATCH = 500
/** The wait after a failure to record the purge. */
const TRY_AGAIN_MS = 60_000

interface RetentionContext {
  readonly store: MessageStore
  readonly timers: Timers
  readonly time: QueueTime
  /** Resolves when the purge is on the device. */
  readonly purge: (refs: readonly MessageRef[]) => Promise<number>
  readonly failed: (error: unknown) => void
}

/** Purges the oldest dead letters: those beyond an age, and those beyond a number. */
export class Retention implements TimerEntry {
  alarmAt = 0
  alarmIndex = -1
  /** A maximum age or number is set. */
  readonly isOn: boolean
  readonly #maxAgeMs: number
  readonly #maxCount: number
  readonly #context: RetentionContext
  /** Filled only while `isOn`. */
  readonly #dead = new DeadOrder()
  #purging = false

  constructor({ maxAgeMs, maxCount }: DispatcherOptions<unknown>['deadLetters'], context: RetentionContext) {
    this.#maxAgeMs = maxAgeMs
    this.#maxCount = maxCount
    this.isOn = maxAgeMs !== Infinity || maxCount !== Infinity
    this.#context = context
  }

  /** Takes the dead letters of earlier lives. */
  load(refs: readonly MessageRef[]): void {
    if (!this.isOn) return
    const { store } = this.#context
    const inOrder = refs.toSorted((one, other) => store.lastOutcomeAt(one) - store.lastOutcomeAt(other))
    for (const ref of inOrder) this.#dead.add(store.sequence(ref))
    this.#wait()
  }

  /** Told of every outcome as soon as it is recorded. */
  recorded(ref: MessageRef, kind: Outcome['kind']): void {
    if (!this.isOn || (kind !== 'dead' && kind !== 'redriven' && kind !== 'purged')) return
    const sequence = this.#context.store.sequence(ref)
    if (kind === 'dead') this.#dead.add(sequence)
    else this.#dead.delete(sequence)
    this.#wait()
  }

  fire(): void {
    this.#purge().catch(error => {
      this.#context.failed(error)
      this.#context.timers.set(this, this.#context.timers.after(TRY_AGAIN_MS))
    })
  }

  async #purge(): Promise<void> {
    this.#purging = true
    try {
      await this.#context.purge(this.#surplus())
    } finally {
      this.#purging = false
    }
    this.#wait()
  }

  /** At most a batch of those to purge, the oldest first. */
  #surplus(): MessageRef[] {
    const { store } = this.#context
    const surplus: MessageRef[] = []
    for (const sequence of this.#dead) {
      if (surplus.length === BATCH || this.#dueInMs(sequence, this.#dead.size - surplus.length) > 0) break
      const ref = store.bySequence(sequence)
      if (ref !== undefined) surplus.push(ref)
      else this.#dead.delete(sequence)
    }
    return surplus
  }

  /** In how many ms the oldest of `count` is to be purged. */
  #dueInMs(sequence: number, count: number): number {
    if (count > this.#maxCount) return 0
    const { store, time } = this.#context
    const ref = store.bySequence(sequence)
    return ref === undefined ? 0 : store.lastOutcomeAt(ref) + this.#maxAgeMs - time.now()
  }

  #wait(): void {
    if (this.#purging) return
    const { timers } = this.#context
    const oldest = this.#dead.first
    if (oldest === undefined) timers.cancel(this)
    else {
      const dueInMs = this.#dueInMs(oldest, this.#dead.size)
      timers.set(this, timers.after(Math.max(dueInMs, 0)))
    }
  }
}
