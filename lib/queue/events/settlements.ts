import type { LogStore } from '../../store/log-store.js'
import type { MessageRef } from '../../store/message-store.js'
import type { SettledMessage } from '../../store/types.js'
import type { Settlement } from '../types.js'

/** How many settlements of this process are kept, with the results of `send`. */
const KEPT_SETTLEMENTS = 1_000

interface Waiter<R> {
  readonly resolve: (settlement: Settlement<R>) => void
  readonly reject: (error: Error) => void
}

/** One caller's wait for a message to settle. */
export interface PendingSettlement<R> {
  readonly settled: Promise<Settlement<R>>
  /** Ends the wait. */
  leave(): void
}

/** The waiters for messages to settle, and the latest settlements. */
export class Settlements<R> {
  readonly #waiters = new Map<string, Set<Waiter<R>>>()
  /** A ring: every message goes into it, and look-ups are rare. */
  readonly #recent: (Settlement<R> | undefined)[] = new Array(KEPT_SETTLEMENTS).fill(undefined)
  /** Where the next settlement goes. */
  #next = 0
  /** The ring by id. Kept only while look-ups come, since it costs something for each message. */
  #byId: Map<string, Settlement<R>> | undefined
  /** How many messages settled since the last look-up. */
  #unasked = 0
  #closedBy: Error | undefined

  /** Keeps the settlement and resolves its waiters. */
  settle(settlement: Settlement<R>): void {
    const { id } = settlement
    if (this.#byId !== undefined) this.#index(this.#byId, settlement)
    this.#recent[this.#next] = settlement
    this.#next = (this.#next + 1) % KEPT_SETTLEMENTS
    const waiters = this.#waiters.get(id)
    if (waiters === undefined) return
    this.#waiters.delete(id)
    for (const waiter of waiters) waiter.resolve(settlement)
  }

  /** The message's settlement, if it is among the latest of this process. */
  recent(id: string): Settlement<R> | undefined {
    this.#unasked = 0
    this.#byId ??= this.#indexed()
    return this.#byId.get(id)
  }

  #indexed(): Map<string, Settlement<R>> {
    const byId = new Map<string, Settlement<R>>()
    for (let age = KEPT_SETTLEMENTS; age > 0; age -= 1) {
      const settlement = this.#recent[(this.#next - age + KEPT_SETTLEMENTS) % KEPT_SETTLEMENTS]
      if (settlement !== undefined) byId.set(settlement.id, settlement)
    }
    return byId
  }

  /** Called before the settlement replaces the oldest one in the ring. */
  #index(byId: Map<string, Settlement<R>>, settlement: Settlement<R>): void {
    this.#unasked += 1
    if (this.#unasked === KEPT_SETTLEMENTS) {
      // Building it again costs no more than these updates did.
      this.#byId = undefined
      return
    }
    const oldest = this.#recent[this.#next]
    if (oldest !== undefined && byId.get(oldest.id) === oldest) byId.delete(oldest.id)
    byId.set(settlement.id, settlement)
  }

  /** The ids that someone waits for. */
  get awaited(): string[] {
    return [...this.#waiters.keys()]
  }

  /** Every wait must end in `leave`. */
  wait(id: string): PendingSettlement<R> {
    let waiter: Waiter<R>
    const settled = new Promise<Settlement<R>>((resolve, reject) => {
      waiter = { resolve, reject }
      if (this.#closedBy !== undefined) {
        reject(this.#closedBy)
        return
      }
      const waiters = this.#waiters.get(id)
      if (waiters === undefined) this.#waiters.set(id, new Set([waiter]))
      else waiters.add(waiter)
    })
    // A caller that left early does not handle a rejection.
    settled.catch(() => {})
    return {
      settled,
      leave: () => {
        const waiters = this.#waiters.get(id)
        if (waiters?.delete(waiter) && waiters.size === 0) this.#waiters.delete(id)
      },
    }
  }

  /** Rejects present and later waiters with this error. */
  close(error: Error): void {
    this.#closedBy ??= error
    for (const waiters of this.#waiters.values()) {
      for (const waiter of waiters) waiter.reject(this.#closedBy)
    }
    this.#waiters.clear()
  }
}

/** The settlement of a message that is gone, as the dedupe window remembers it. */
export function settledSettlement<R>({ id, state, attempts, at }: SettledMessage): Settlement<R> {
  // Only a dead letter can be purged.
  return { id, state: state === 'purged' ? 'dead' : state, attempts, at }
}

/** The settlement of a live message, which only a dead letter has. */
export function liveSettlement<R>(store: LogStore, id: string, ref: MessageRef): Settlement<R> | undefined {
  if (store.state(ref) !== 'dead') return undefined
  const { diedAt, deadReason, lastError } = store.history(ref)
  return {
    id,
    state: 'dead',
    attempts: store.attempts(ref),
    at: store.time.onWall(diedAt ?? store.lastOutcomeAt(ref)),
    ...(deadReason !== undefined && { deadReason }),
    ...(lastError !== undefined && { lastError }),
  }
}
