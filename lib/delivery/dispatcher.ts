import { WaqError } from '../log/errors/waq-error.js'
import { nextTick, nextTurn, setImmediate } from '../log/runtime/real-time.js'
import type { MessageRef, MessageStore, ReplacedOutcome } from '../store/message-store.js'
import type { QueueTime } from '../store/queue-time.js'
import type { Attempt } from './attempt/attempt.js'
import type { Counters } from './attempt/attempt-outcomes.js'
import { AttemptRunner, closingError } from './attempt/attempt-runner.js'
import { ChannelMoves } from './attempt/channel-moves.js'
import { deliveredIn } from './attempt/delivered-counts.js'
import { isClosed, OutcomeWriter } from './attempt/outcome-writer.js'
import { ResultKeeper } from './attempt/result-keeper.js'
import type { DispatcherOptions } from './dispatcher-options.js'
import { DrainWaiters } from './drain-waiters.js'
import { OperatorActions } from './operator-actions.js'
import { Reporter } from './reporter.js'
import { Retention } from './retention.js'
import { Scheduler } from './schedule/scheduler.js'
import { RefMap } from './tables/ref-map.js'
import { type TimerEntry, Timers } from './time/timers.js'
import { TriedTime } from './time/tried-time.js'
import type { DispatcherStats, DispatchObserver, Send } from './types.js'

/** How many halts, brakes and pauses `stats` lists, each. */
const MAX_LISTED = 100

/** Decides when each message of a store is sent. */
export class Dispatcher<P, R> {
  readonly #store: MessageStore
  readonly #time: QueueTime
  readonly #timers: Timers
  readonly #scheduler: Scheduler
  readonly #outcomeWriter: OutcomeWriter
  readonly #reporter: Reporter
  readonly #attemptRunner: AttemptRunner
  readonly #operatorActions: OperatorActions
  readonly #drainWaiters: DrainWaiters
  readonly #retention: Retention
  readonly #attempts = new RefMap<Attempt>()
  readonly #moves: ChannelMoves
  readonly #counters: Counters = {
    delivered: 0,
    deliveredBy: new Map(),
    retried: 0,
    rateLimited: 0,
    dead: 0,
  }
  #pumpDue = false
  readonly #pump = (): void => {
    this.#pumpDue = false
    this.#scheduler.pump()
  }
  #started = false
  #closed: Promise<void> | undefined
  #lost: WaqError | undefined
  /** An attempt began since the last `idle`. */
  #wasBusy = false
  /** Attempts whose own `send` called `close`. */
  readonly #excused = new Set<Attempt>()
  /** Set while `close` waits: checks whether everything has ended. */
  #whenEnded: (() => void) | undefined

  constructor(store: MessageStore, options: DispatcherOptions<P>, observer: DispatchObserver<R>) {
    // The types of payloads and results matter to the user only: nothing below looks into either.
    const untyped = options as DispatcherOptions<unknown>
    this.#store = store
    const { clock, time } = options
    const tried = new TriedTime()
    this.#time = time
    this.#reporter = new Reporter(observer as DispatchObserver<unknown>)
    this.#timers = new Timers(clock, time, () => this.#advance())
    this.#outcomeWriter = new OutcomeWriter(store, {
      recorded: (ref, kind) => {
        if (!tried.isEmpty) tried.recorded(ref)
        if (this.#retention.isOn) this.#retention.recorded(ref, kind)
      },
      allWritten: () => this.#look(),
      refused: error => this.#refused(error),
    })
    this.#scheduler = new Scheduler(store, untyped, this.#timers, {
      begin: (channel, ref, probes) => {
        this.#wasBusy = true
        this.#attemptRunner.begin(channel, ref, probes)
      },
      halted: facts => this.#outcomeWriter.whenWritten(() => this.#reporter.tell('halted', facts)),
      lifted: ({ scope, target }, halt) => {
        if (halt.kept) this.#outcomeWriter.resumed(target, time.now())
        this.#outcomeWriter.whenWritten(() => this.#reporter.tell('resumed', { scope, target }))
      },
      braked: ({ scope, target, reason, since }) => {
        const facts = { scope, target, ...(reason !== undefined && { reason }), since }
        this.#outcomeWriter.whenWritten(() => this.#reporter.tell('braked', facts))
      },
      unbraked: ({ scope, target }) =>
        this.#outcomeWriter.whenWritten(() => this.#reporter.tell('unbraked', { scope, target })),
      failed: error => this.#reporter.error(error),
    })
    this.#moves = new ChannelMoves({
      store,
      scheduler: this.#scheduler,
      outcomeWriter: this.#outcomeWriter,
      reporter: this.#reporter,
      time,
      counters: this.#counters,
    })
    this.#attemptRunner = new AttemptRunner({
      moves: this.#moves,
      store,
      options: untyped,
      scheduler: this.#scheduler,
      outcomeWriter: this.#outcomeWriter,
      reporter: this.#reporter,
      timers: this.#timers,
      time,
      clock,
      tried,
      counters: this.#counters,
      resultKeeper: options.keepResults && new ResultKeeper(options.keepResults.maxBytes, this.#reporter),
      attempts: this.#attempts,
      view: (ref, { stored }) => untyped.view(ref, stored!),
      ended: () => this.#advance(),
    })
    this.#operatorActions = new OperatorActions({
      store,
      time,
      scheduler: this.#scheduler,
      outcomeWriter: this.#outcomeWriter,
      reporter: this.#reporter,
      attempts: this.#attempts,
      withdraw: attempt => this.#attemptRunner.attemptOutcomes.withdraw(attempt),
    })
    this.#drainWaiters = new DrainWaiters()
    this.#retention = new Retention(options.deadLetters, {
      store,
      timers: this.#timers,
      time,
      purge: refs => this.#operatorActions.purge(refs),
      failed: error => {
        if (this.#closed === undefined && this.#lost === undefined) this.#reporter.error(error)
      },
    })
    store.replacement = {
      hold: ref => this.#scheduler.hold(ref),
      release: ref => {
        this.#scheduler.release(ref)
        this.#advance()
      },
      replaced: (ref, outcome) => this.#replaced(ref, outcome),
    }
    store.onLost(error => this.lost(error))
  }

  /** Takes the backlog from the store. Called once, before `add`. */
  load(): void {
    const scheduler = this.#scheduler
    const now = this.#timers.now()
    const dead: MessageRef[] = []
    const unmarked: MessageRef[] = []
    for (const ref of this.#store.live()) {
      const state = this.#store.state(ref)
      if (state === 'dead') dead.push(ref)
      else scheduler.enterUnsettled(ref)
      if (state === 'in-doubt' && this.#lacksMark(ref)) unmarked.push(ref)
    }
    this.#retention.load(dead)
    for (const { selector, since } of this.#store.durablePauses())
      scheduler.pauses.pause({ scope: selector, since: this.#time.onWall(since), durable: true })
    for (const { channel, since } of this.#store.haltedChannels()) {
      const reason = 'a dead letter'
      scheduler.halts.halt(scheduler.channel(channel), {
        reason,
        afterMs: Infinity,
        kept: true,
        since: this.#time.onWall(since),
      })
    }
    for (const { scope, target, until } of this.#store.pendingLimits()) {
      if (until <= now) continue
      if (scope === 'channel') scheduler.blockNamed(target, until)
      else {
        const holder = scope === 'global' ? scheduler.everything : scheduler.groupWithPrefix(target)
        if (holder !== undefined) scheduler.block(holder, until)
      }
    }
    scheduler.countUnmarked(unmarked)
    scheduler.settleAll()
  }

  /** The message may have had an attempt that was not recorded. */
  #lacksMark(ref: MessageRef): boolean {
    const { attempts, firstAttemptAt } = this.#store.progress(ref)
    return attempts === 0 || firstAttemptAt === 0
  }

  /**
   * Takes a newly durable message, in sequence order. Attempts begin after all messages of the same tick are
   * added.
   */
  add(ref: MessageRef): void {
    this.#scheduler.enter(ref)
    if (this.#pumpDue) return
    this.#pumpDue = true
    nextTick(this.#pump)
  }

  /** A newer message takes the place of this one, unless it was withdrawn meanwhile. */
  #replaced(ref: MessageRef, outcome: ReplacedOutcome): void {
    if (!this.#scheduler.waits(ref)) return
    const { at, by, identity, attempts } = outcome
    const id = identity?.id ?? ''
    const facts = { id, channel: this.#store.channel(ref), sequence: this.#store.sequence(ref), attempts, by }
    this.#scheduler.leave(ref)
    this.#outcomeWriter.record(ref, outcome, () =>
      this.#reporter.tell('replaced', { ...facts, at: this.#time.onWall(at) }),
    )
  }

  /**
   * Starts delivery. The first attempt begins one macrotask later, so that listeners can be added. Throws on
   * a second call.
   */
  start(send: Send<P, R>): void {
    if (this.#started) {
      throw new WaqError(
        'WAQ_INVALID_OPTION',
        'start: this queue has its send function already; it cannot be replaced.',
      )
    }
    this.#started = true
    this.#attemptRunner.send = send as Send<unknown, unknown>
    setImmediate(() => {
      if (this.#closed !== undefined || this.#lost !== undefined) return
      this.#scheduler.open = true
      this.#advance()
    })
  }

  /**
   * Resolves to true once the outcome is on the device; to false if the message is being sent, dead or gone,
   * or in doubt without `evenInDoubt`.
   */
  cancel(ref: MessageRef, id: string, evenInDoubt = false): Promise<boolean> {
    return this.#operatorActions.cancel(ref, id, evenInDoubt)
  }

  /** As `cancel`, of many by their sequences. Resolves, after that is on the device, to how many. */
  cancelAll(sequences: readonly number[], evenInDoubt: boolean): Promise<number> {
    return this.#operatorActions.cancelAll(sequences, evenInDoubt)
  }

  /**
   * Ends backoffs, told waits and brakes of waiting messages. Resolves, after that is on the device, to how
   * many waited for these.
   */
  retryNow(sequences: readonly number[]): Promise<number> {
    return this.#operatorActions.retryNow(sequences)
  }

  /**
   * Revives dead letters, at their original place in the channel or behind all waiting messages (`'last'`).
   * Resolves to their number once that is on the device.
   */
  redrive(refs: readonly MessageRef[], place: 'original' | 'last'): Promise<number> {
    return this.#operatorActions.redrive(refs, place)
  }

  /** Deletes dead letters. Resolves to their number once that is on the device. */
  purge(refs: readonly MessageRef[]): Promise<number> {
    return this.#operatorActions.purge(refs)
  }

  /**
   * Pauses everything, one channel, or every channel of a prefix (`'telegram:*'`). A running `send` goes on.
   * `durable`: a restart does not end it. Resolves once that is on the device; at once if it is not durable.
   */
  pause(selector?: string, durable = false): Promise<void> {
    const scope = selector ?? '*'
    this.#scheduler.pause({ scope, since: this.#time.onWall(this.#time.now()), durable })
    this.#look()
    if (!durable) return Promise.resolve()
    this.#store.recordPaused(scope)
    return this.#store.syncOutcomes()
  }

  /**
   * Ends the pauses and halts that the selector covers. Resolves once the end of durable pauses is on the
   * device; at once if there is none.
   */
  resume(selector?: string): Promise<void> {
    const ended = this.#scheduler.resume(selector).filter(({ durable }) => durable)
    for (const { scope } of ended) this.#store.recordUnpaused(scope)
    this.#advance()
    return ended.length === 0 ? Promise.resolve() : this.#store.syncOutcomes()
  }

  /**
   * The channel has another name from now on: see `ChannelMoves`. Resolves once that is on the device.
   */
  move(from: string, to: string): Promise<void> {
    this.#moves.move(from, to)
    this.#advance()
    return this.#store.syncOutcomes()
  }

  /**
   * Resolves when nothing more can run until a resume, a scheduled time or a new message: waits for retries,
   * but not for halts, pauses or `deliverAt`. Called inside `send`, it does not wait for that `send`. Rejects
   * with an AbortError, or with the error given to `lost`.
   */
  drain({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<{ remaining: number }> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost)
    const drained = this.#drainWaiters.wait(this.#attemptRunner.enclosing.attempt(), signal)
    this.#look()
    return drained
  }

  /**
   * Starts no more attempts, waits up to `graceMs` for running ones, then aborts them: in doubt, and charged.
   * Called inside `send`, it does not wait for that `send`. Does not close the store. Idempotent.
   */
  close(graceMs: number): Promise<void> {
    const inside = this.#attemptRunner.enclosing.attempt()
    if (inside !== undefined) this.#excused.add(inside)
    this.#closed ??= this.#close(graceMs)
    this.#whenEnded?.()
    return this.#closed
  }

  /** Aborts running attempts; nothing more is sent or recorded. For a lost lock or a failed store. */
  lost(error: WaqError): void {
    if (this.#lost !== undefined) return
    this.#lost = error
    this.#scheduler.open = false
    this.#attemptRunner.lost(error)
    this.#timers.close()
    this.#drainWaiters.reject(error)
    this.#whenEnded?.()
  }

  stats(): DispatcherStats {
    this.#store.catchUp()
    const { halts, brakes, pauses, pending, occupied } = this.#scheduler
    let sending = 0
    for (const { phase } of this.#attempts.values())
      if (phase === 'recording' || phase === 'sending') sending++
    const { nextAt } = this.#timers
    const { delivered, retried, rateLimited, dead } = this.#counters
    return {
      delivered,
      retried,
      rateLimited,
      dead,
      channels: occupied,
      pending,
      sending,
      halted: listed(halts, ({ holder }) => holder.label),
      haltedCount: halts.count,
      braked: listed(brakes.on, ({ label }) => label),
      brakedCount: brakes.on.size,
      paused: pauses.first(MAX_LISTED),
      pausedCount: pauses.count,
      nextDueAt: nextAt === Infinity ? null : this.#time.onWall(nextAt),
    }
  }

  /** Tells the channels that are paused; undefined: nothing is. */
  get isPaused(): ((channel: string) => boolean) | undefined {
    const { pauses } = this.#scheduler
    return pauses.count === 0 ? undefined : channel => pauses.holds(channel)
  }

  /** Messages that this channel, or the channels of this prefix, delivered since the start. */
  deliveredIn(selector: string): number {
    return deliveredIn(this.#counters.deliveredBy, selector)
  }

  async #close(graceMs: number): Promise<void> {
    if (this.#lost !== undefined) return
    this.#scheduler.open = false
    this.#attemptRunner.close()
    await this.#othersEnded(graceMs)
    this.#attemptRunner.abort(closingError())
    // Attempts that end as soon as they are aborted report their own outcome.
    await nextTurn()
    if (this.#lost === undefined) {
      this.#attemptRunner.abandon()
      this.#scheduler.close()
    }
    this.#timers.close()
    this.#drainWaiters.resolve(this.#scheduler.pending)
  }

  /** Resolves when only excused attempts run and all outcomes are written, or after `graceMs`. */
  #othersEnded(graceMs: number): Promise<void> {
    return new Promise(resolve => {
      const end = () => {
        this.#whenEnded = undefined
        this.#timers.cancel(grace)
        resolve()
      }
      const grace: TimerEntry = { alarmAt: 0, alarmIndex: -1, fire: end }
      this.#timers.set(grace, this.#timers.after(graceMs))
      this.#whenEnded = () => {
        if (
          this.#lost !== undefined ||
          (this.#runsBut(this.#excused) === 0 && this.#outcomeWriter.unwritten === 0)
        )
          end()
      }
      this.#whenEnded()
    })
  }

  #runsBut(excused: ReadonlySet<Attempt>): number {
    let count = this.#attempts.size
    for (const attempt of excused) if (this.#attempts.get(attempt.ref) === attempt) count--
    return count
  }

  /** After a change that may let attempts begin. */
  #advance(): void {
    this.#scheduler.pump()
    this.#look()
  }

  /** After a change that may have left nothing to do. */
  #look(): void {
    this.#whenEnded?.()
    if (this.#outcomeWriter.unwritten > 0) return
    const insiders = this.#drainWaiters.insiders(this.#attempts)
    if (this.#attempts.size > insiders.size) return
    this.#store.catchUp()
    if (this.#started && this.#closed === undefined && !this.#scheduler.isStill) return
    const { pending } = this.#scheduler
    this.#drainWaiters.look(insiders, pending)
    if (!this.#wasBusy || this.#attempts.size > 0 || this.#lost !== undefined) return
    this.#wasBusy = false
    this.#reporter.tell('idle', { pending })
  }

  /** The store takes no more outcomes. After `close` that is expected; otherwise everything stops. */
  #refused(error: unknown): void {
    if (this.#closed !== undefined || this.#lost !== undefined) return
    if (!isClosed(error)) this.#reporter.error(error)
    this.lost(
      error instanceof WaqError
        ? error
        : new WaqError('WAQ_IO', 'The store refused an outcome.', { cause: error }),
    )
  }
}

/** The first `MAX_LISTED` of them. */
function listed<T extends { reason: string | undefined; since: number }>(
  stops: Iterable<T>,
  labelOf: (stop: T) => string,
): DispatcherStats['halted'] {
  const list: DispatcherStats['halted'] = []
  for (const stop of stops) {
    if (list.length === MAX_LISTED) break
    const { reason, since } = stop
    list.push({ scope: labelOf(stop), since, ...(reason !== undefined && { reason }) })
  }
  return list
}
