import { nextTurn } from '../log/runtime/real-time.js'
import type { MessageRef, MessageStore, RefOutcome } from '../store/message-store.js'
import type { QueueTime } from '../store/queue-time.js'
import type { Attempt } from './attempt/attempt.js'
import { BATCH_OUTCOMES, type OutcomeWriter } from './attempt/outcome-writer.js'
import type { Reporter } from './reporter.js'
import { keyBehind } from './schedule/backlog.js'
import type { Scheduler } from './schedule/scheduler.js'
import type { RefMap } from './tables/ref-map.js'

interface OperatorContext {
  readonly store: MessageStore
  readonly time: QueueTime
  readonly scheduler: Scheduler
  readonly outcomeWriter: OutcomeWriter
  readonly reporter: Reporter
  readonly attempts: RefMap<Attempt>
  /** Ends an attempt that has recorded nothing yet and whose message is settled. */
  readonly withdraw: (attempt: Attempt) => void
}

/** What a person does to single messages. Each action resolves when it is on the device. */
export class OperatorActions {
  readonly #context: OperatorContext
  /** Purges that are not written yet: until then the store lists the messages as dead. */
  readonly #purging = new Set<MessageRef>()
  /** The sync that the last cancel waits for, and its result: all cancels of a tick share them. */
  #synced: Promise<void> | undefined
  #cancelled = Promise.resolve(true)

  constructor(context: OperatorContext) {
    this.#context = context
  }

  /** False: it is being sent, dead or gone, or in doubt without `evenInDoubt`. */
  cancel(ref: MessageRef, id: string, evenInDoubt: boolean): Promise<boolean> {
    const { store, scheduler, outcomeWriter, reporter, time } = this.#context
    if (!this.#isCancellable(ref, evenInDoubt)) return Promise.resolve(false)
    const sequence = store.sequence(ref)
    const channel = store.channel(ref)
    const attempts = store.attempts(ref)
    const at = time.now()
    const mayHaveBeenSent = isInDoubt(store, ref)
    const underWay = this.#context.attempts.get(ref)
    if (underWay === undefined) scheduler.leave(ref)
    outcomeWriter.record(ref, { kind: 'cancelled', at, attempts, mayHaveBeenSent }, () =>
      reporter.tell('cancelled', { id, channel, sequence, attempts, mayHaveBeenSent, at: time.onWall(at) }),
    )
    if (underWay !== undefined) this.#context.withdraw(underWay)
    else scheduler.pump()
    return this.#whenOnDevice()
  }

  /** As `cancel`, of many by their sequences. Returns how many. */
  async cancelAll(sequences: readonly number[], evenInDoubt: boolean): Promise<number> {
    const { store, scheduler, reporter, time } = this.#context
    const count = await this.#inBatches(sequences, refs => {
      const cancelled = refs.filter(ref => this.#isCancellable(ref, evenInDoubt))
      const at = time.now()
      const facts = cancelled.map(ref => ({
        channel: store.channel(ref),
        sequence: store.sequence(ref),
        attempts: store.attempts(ref),
        mayHaveBeenSent: isInDoubt(store, ref),
      }))
      const underWay = cancelled.map(ref => this.#context.attempts.get(ref))
      for (const [i, ref] of cancelled.entries()) if (underWay[i] === undefined) scheduler.leave(ref)
      const batch = cancelled.map((ref, i): RefOutcome => {
        const { attempts, mayHaveBeenSent } = facts[i]!
        return { ref, outcome: { kind: 'cancelled', at, attempts, mayHaveBeenSent } }
      })
      this.#recordAll(batch, ids => {
        for (const [i, id] of ids.entries())
          reporter.tell('cancelled', { id, ...facts[i]!, at: time.onWall(at) })
      })
      for (const attempt of underWay) if (attempt !== undefined) this.#context.withdraw(attempt)
      return cancelled.length
    })
    if (count > 0) await store.syncOutcomes()
    return count
  }

  /**
   * Messages that wait for a retry, for what a receiver told them, or for their receiver to be up, go on now.
   * Returns how many of these waited for that.
   */
  async retryNow(sequences: readonly number[]): Promise<number> {
    const { store, scheduler, time } = this.#context
    const now = time.now()
    const count = await this.#inBatches(sequences, refs => {
      const inLine = refs.filter(ref => scheduler.isInLine(ref))
      const channels = inLine.map(ref => scheduler.channel(store.channel(ref)))
      const heldUp = new Set(channels.filter(channel => scheduler.isHeldUp(channel)))
      const inBackoff = inLine.filter(ref => store.dueAt(ref) > now)
      scheduler.endBackoffs(inBackoff, () =>
        this.#recordAll(
          inBackoff.map(ref => ({
            ref,
            outcome: { kind: 'retry', at: now, dueAt: 0, ...progressOf(store, ref) },
          })),
        ),
      )
      for (const channel of heldUp)
        for (const wait of scheduler.endWaits(channel)) store.recordWaitEnded(wait)
      const waited = new Set(inBackoff)
      return inLine.filter((ref, i) => waited.has(ref) || heldUp.has(channels[i]!)).length
    })
    if (count > 0) await store.syncOutcomes()
    return count
  }

  /** Acts on those that still live, so many at once, and lets the event loop have its turn between. */
  async #inBatches(sequences: readonly number[], act: (refs: MessageRef[]) => number): Promise<number> {
    const { store, scheduler } = this.#context
    let count = 0
    for (let from = 0; from < sequences.length; from += BATCH_OUTCOMES) {
      if (from > 0) await nextTurn()
      store.catchUp()
      const batch = sequences.slice(from, from + BATCH_OUTCOMES)
      count += act(batch.flatMap(sequence => store.bySequence(sequence) ?? []))
      scheduler.pump()
    }
    return count
  }

  #recordAll(batch: readonly RefOutcome[], written?: (ids: readonly string[]) => void): void {
    if (batch.length > 0) this.#context.outcomeWriter.recordAll(batch, written)
  }

  /** Revives dead letters. Returns how many. */
  async redrive(refs: readonly MessageRef[], place: 'original' | 'last'): Promise<number> {
    const { store, scheduler } = this.#context
    const inOrder = this.#inOrder(refs)
    const ttls: number[] = []
    for (const { ref } of inOrder) ttls.push(await this.#ttlMs(ref))
    // No await from here on, so that the attempts under way stay the same.
    const underWay = place === 'last' ? this.#lastKeysUnderWay() : undefined
    /**
     * One order key per channel for all that go behind what waits there: among themselves they go by
     * sequence.
     */
    const lastKeys = new Map<string, number>()
    let count = 0
    for (const [index, { ref, sequence }] of inOrder.entries()) {
      if (store.bySequence(sequence) !== ref || store.state(ref) !== 'dead' || this.#purging.has(ref))
        continue
      const channel = store.channel(ref)
      let orderKey = store.originalOrderKey(ref)
      if (underWay !== undefined) {
        orderKey = lastKeys.get(channel) ?? this.#keyBehind(channel, underWay)
        lastKeys.set(channel, orderKey)
      }
      this.#redrive(ref, orderKey, ttls[index]!)
      count++
    }
    scheduler.pump()
    if (count > 0) await store.syncOutcomes()
    return count
  }

  /** Deletes dead letters. Returns how many. */
  async purge(refs: readonly MessageRef[]): Promise<number> {
    const { store, outcomeWriter, time } = this.#context
    let count = 0
    for (const ref of refs) {
      if (store.state(ref) !== 'dead' || this.#purging.has(ref)) continue
      count++
      this.#purging.add(ref)
      const outcome = {
        kind: 'purged',
        at: time.now(),
        attempts: store.attempts(ref),
        mayHaveBeenSent: store.mayHaveBeenSent(ref),
      } as const
      outcomeWriter.record(ref, outcome, () => this.#purging.delete(ref))
    }
    if (count > 0) await store.syncOutcomes()
    return count
  }

  #whenOnDevice(): Promise<boolean> {
    const synced = this.#context.store.syncOutcomes()
    if (synced !== this.#synced) {
      this.#synced = synced
      this.#cancelled = synced.then(() => true)
    }
    return this.#cancelled
  }

  #isCancellable(ref: MessageRef, evenInDoubt: boolean): boolean {
    const { store, scheduler, attempts } = this.#context
    if (store.bySequence(store.sequence(ref)) !== ref || store.state(ref) === 'dead') return false
    if (isInDoubt(store, ref) && !evenInDoubt) return false
    // While a receiver is asked about an earlier attempt, the message is not being sent.
    const phase = attempts.get(ref)?.phase
    return scheduler.waits(ref) || phase === 'preparing' || phase === 'asking'
  }

  #inOrder(refs: readonly MessageRef[]): { ref: MessageRef; sequence: number }[] {
    const { store } = this.#context
    return refs.map(ref => ({ ref, sequence: store.sequence(ref) })).sort((a, b) => a.sequence - b.sequence)
  }

  /** The message's original time to live, which starts anew. Infinity if it has none or cannot be read. */
  async #ttlMs(ref: MessageRef): Promise<number> {
    const { store } = this.#context
    if (store.expiresAt(ref) === Infinity) return Infinity
    try {
      const { enqueuedAt, deliverAt, expiresAt } = await store.read(ref)
      return expiresAt - Math.max(enqueuedAt, deliverAt)
    } catch {
      // Its next attempt will report that it cannot be read.
      return Infinity
    }
  }

  /** For each channel with attempts under way, the highest order key among these. */
  #lastKeysUnderWay(): ReadonlyMap<string, number> {
    const { store, attempts } = this.#context
    const keys = new Map<string, number>()
    for (const { ref } of attempts.values()) {
      const channel = store.channel(ref)
      keys.set(channel, Math.max(keys.get(channel) ?? 0, store.orderKey(ref)))
    }
    return keys
  }

  /** A key behind what waits or is under way in the channel, and before what is still to come. */
  #keyBehind(channel: string, underWay: ReadonlyMap<string, number>): number {
    return keyBehind(Math.max(this.#context.scheduler.lastKey(channel) ?? 0, underWay.get(channel) ?? 0))
  }

  #redrive(ref: MessageRef, orderKey: number, ttlMs: number): void {
    const { store, scheduler, outcomeWriter, time } = this.#context
    const at = time.now()
    outcomeWriter.record(ref, {
      kind: 'redriven',
      at,
      attempts: 0,
      firstAttemptAt: 0,
      triedMs: 0,
      mayHaveBeenSent: store.mayHaveBeenSent(ref),
      orderKey,
      expiresAt: at + ttlMs,
    })
    scheduler.enter(ref)
  }
}

function progressOf(store: MessageStore, ref: MessageRef) {
  const { attempts, firstAttemptAt, triedMs, mayHaveBeenSent } = store.progress(ref)
  return { attempts, firstAttemptAt, triedMs, mayHaveBeenSent }
}

function isInDoubt(store: MessageStore, ref: MessageRef): boolean {
  return store.mayHaveBeenSent(ref) || store.state(ref) === 'in-doubt'
}
