import { systemCode } from '../../log/errors/system-error.js'
import type { MessageRef, MessageStore } from '../../store/message-store.js'
import type { DispatcherOptions } from '../dispatcher-options.js'
import { recordedError } from '../errors/recorded-error.js'
import type { Halt } from '../holds/halts.js'
import type { Channel } from '../schedule/channel.js'
import { DeliveryFlag } from '../tables/message-columns.js'
import { RefMap } from '../tables/ref-map.js'
import type { TimerEntry, Timers } from '../time/timers.js'
import type { Send, Verdict } from '../types.js'
import { AmbiguityResolver } from './ambiguity-resolver.js'
import { Attempt } from './attempt.js'
import { AttemptOutcomes, type AttemptOutcomesContext } from './attempt-outcomes.js'
import { Call, type CallResult } from './call.js'
import { EnclosingAttempts } from './enclosing-attempts.js'
import { Results } from './results.js'
import { verdictOf } from './verdict.js'

/** The wait after a failure of our own disk: it doubles from the first to the last of these. */
const LOCAL_WAIT_MS = 1_000
const MAX_LOCAL_WAIT_MS = 60_000

interface RunnerContext extends AttemptOutcomesContext {
  readonly options: DispatcherOptions<unknown>
}

/** Runs one attempt: takes a message whose turn has come to `send`, or wherever it belongs instead. */
export class AttemptRunner {
  readonly attemptOutcomes: AttemptOutcomes
  send: Send<unknown, unknown> | undefined
  readonly enclosing = new EnclosingAttempts()
  readonly #context: RunnerContext
  readonly #store: MessageStore
  readonly #ambiguityResolver: AmbiguityResolver
  readonly #results: Results
  /** Sends that no one waits for any more, until the next attempt of their message. */
  readonly #late = new RefMap<Attempt>()
  #closing = false

  constructor(context: RunnerContext) {
    const { store, scheduler, timers, time, clock, view } = context
    this.#context = context
    this.#store = store
    this.attemptOutcomes = new AttemptOutcomes(context)
    this.#results = new Results(context)
    this.#ambiguityResolver = new AmbiguityResolver({
      store,
      scheduler,
      timers,
      time,
      clock,
      attemptOutcomes: this.attemptOutcomes,
      view: attempt => view(attempt.ref, attempt),
      prepare: attempt => this.#prepare(attempt),
      enclosing: this.enclosing,
    })
  }

  begin(channel: Channel, ref: MessageRef, probes: readonly Halt[]): void {
    const store = this.#store
    const { scheduler, tried } = this.#context
    const progress = store.progress(ref)
    const { attempts, firstAttemptAt, triedMs, mayHaveBeenSent } = progress
    const isOpen = progress.state === 'in-doubt'
    const before = {
      attempts,
      firstAttemptAt,
      triedMs: tried.isEmpty ? triedMs : triedMs + tried.restedMs(ref),
      mayHaveBeenSent: isOpen || mayHaveBeenSent,
    }
    const isRecovered = scheduler.columns.hasMark(ref, DeliveryFlag.recovered)
    const attempt = new Attempt(channel, ref, progress, probes, before, isOpen, isRecovered)
    this.#context.attempts.set(ref, attempt)
    if (isRecovered) this.#recall(attempt)
    this.#run(attempt).catch(error => {
      // Nothing above lets an error out; one that gets here is a bug, which must not stop its channel for
      // ever.
      this.#context.reporter.error(error)
      if (attempt.phase === 'sending') this.attemptOutcomes.failed(attempt, error, { kind: 'ambiguous' })
      else this.#waitLocally(attempt)
    })
  }

  /** No attempt that did not call `send` yet goes on; those that did have until they are aborted. */
  close(): void {
    this.#closing = true
    for (const attempt of this.#context.attempts.values()) {
      if (attempt.phase !== 'preparing' && attempt.phase !== 'asking') continue
      attempt.cancellation.cancel(closingError())
      attempt.call?.abandon()
      this.attemptOutcomes.end(attempt, true)
    }
  }

  /** Aborts the signals of what still runs. */
  abort(reason: Error): void {
    for (const attempt of this.#context.attempts.values()) attempt.cancellation.cancel(reason)
  }

  /** What still runs is in doubt from here on. */
  abandon(): void {
    for (const attempt of this.#context.attempts.values()) {
      if (attempt.phase === 'over') continue
      if (attempt.phase === 'sending') this.attemptOutcomes.interrupted(attempt)
      else this.attemptOutcomes.unsent(attempt)
      attempt.call?.abandon()
    }
  }

  /** Nothing may be recorded any more. */
  lost(error: Error): void {
    for (const attempt of this.#context.attempts.values()) {
      attempt.phase = 'over'
      attempt.cancellation.cancel(error)
      attempt.call?.abandon()
    }
    this.#context.attempts.clear()
    this.#late.clear()
  }

  async #run(attempt: Attempt): Promise<void> {
    const { ref, policy, before } = attempt
    try {
      const stored = this.#store.read(ref)
      attempt.stored = stored instanceof Promise ? await stored : stored
    } catch (error) {
      if (!isOver(attempt)) this.#unreadable(attempt, error)
      return
    }
    if (isOver(attempt)) return
    // Whoever was asked may know that it arrived: that comes before its time to live.
    if ((policy.onAmbiguous === 'resend' || !before.mayHaveBeenSent) && this.#expire(attempt)) return
    if (
      before.mayHaveBeenSent &&
      (!(await this.#ambiguityResolver.resolve(attempt)) || this.#expire(attempt))
    )
      return
    if (!this.#prepare(attempt)) return
    // Where a duplicate is worse than a wait, or a loss of power would hide the attempt.
    const overtakes = (attempt.channel.resting?.size ?? 0) > 0
    const mustSync = this.#store.mustSyncMark(ref, policy.syncsMarks, overtakes)
    const written = await this.#recordStart(attempt)
    if (!written || (mustSync && !(await this.#sync(attempt))) || isOver(attempt)) return
    const { id, channel, sequence, attempt: number, mayHaveBeenSent } = attempt.delivery!
    this.#context.reporter.tell('attempt', { id, channel, sequence, attempts: number, mayHaveBeenSent })
    if (isOver(attempt)) return
    const result = await this.#send(attempt)
    this.enclosing.ended()
    if (isOver(attempt)) return
    if (result.kind === 'returned') {
      // It may be a refusal that was returned instead of thrown, or a response whose body says so.
      const found = this.#results.objection(attempt, result.value)
      const objection = found instanceof Promise ? await found : found
      if (isOver(attempt)) return
      if (objection === undefined) {
        this.attemptOutcomes.delivered(attempt, result.value, this.#context.timers.now() - attempt.startedAt)
      } else this.#failed(attempt, objection.error, objection.verdict)
    } else if (result.kind === 'threw') this.#failed(attempt, result.error)
    else if (result.kind === 'overran') {
      this.attemptOutcomes.failed(attempt, result.error, { kind: 'ambiguous' })
      if (this.#context.scheduler.waits(ref)) this.#late.set(ref, attempt)
    } else this.attemptOutcomes.interrupted(attempt)
  }

  /** Dead if its time is over. Of a list that belongs together only the first part is judged. */
  #expire(attempt: Attempt): boolean {
    const { ref, before, expiresAt } = attempt
    if (expiresAt === Infinity || expiresAt > this.#context.time.now()) return false
    const together = this.#store.together(ref)
    if (together !== undefined && together.firstSequence !== attempt.sequence) return false
    this.attemptOutcomes.dead(attempt, { ...before, reason: 'expired' })
    return true
  }

  /** Makes the delivery. False: its payload was refused, and that halts its channel. */
  #prepare(attempt: Attempt): boolean {
    const { parse } = this.#context.options
    const { before, cancellation } = attempt
    const { id, channel, payload, headers, sequence, enqueuedAt } = attempt.stored!
    let parsed = payload
    try {
      if (parse !== undefined) parsed = parse.read(payload)
    } catch (error) {
      const recorded = recordedError(error, this.#context.clock.wall())
      const reason = `${parse!.name} refused the payload of message ${id}: ${recorded.message}`
      // What is wrong is wrong with this channel's message: no other channel waits for it.
      this.attemptOutcomes.failed(attempt, error, { kind: 'halt', reason, scope: 'channel' })
      return false
    }
    attempt.delivery = {
      id,
      channel,
      payload: parsed,
      headers,
      sequence,
      enqueuedAt: this.#context.time.onWall(enqueuedAt),
      attempt: before.attempts + 1,
      mayHaveBeenSent: before.mayHaveBeenSent,
      get signal() {
        return cancellation.signal
      },
    }
    return true
  }

  /** Resolves when "attempt n started" is written; false: it never will be. */
  #recordStart(attempt: Attempt): Promise<boolean> {
    const { time, outcomeWriter } = this.#context
    const { ref, before } = attempt
    const at = time.now()
    attempt.phase = 'recording'
    attempt.startedAt = at
    attempt.firstAttemptAt = before.firstAttemptAt || at
    this.#late.delete(ref)
    return outcomeWriter.recorded(ref, {
      kind: 'attempt',
      at,
      attempts: before.attempts + 1,
      firstAttemptAt: attempt.firstAttemptAt,
      triedMs: before.triedMs,
      mayHaveBeenSent: before.mayHaveBeenSent,
    })
  }

  /**
   * Waits for the device, however long it refuses: an attempt that a power loss could hide must not be made.
   */
  async #sync(attempt: Attempt): Promise<boolean> {
    for (let waitMs = LOCAL_WAIT_MS; ; waitMs = Math.min(2 * waitMs, MAX_LOCAL_WAIT_MS)) {
      try {
        await this.#store.syncOutcomes()
        return true
      } catch (error) {
        if (isOver(attempt)) return false
        this.#context.reporter.error(error)
      }
      await sleep(this.#context.timers, waitMs)
      if (isOver(attempt)) return false
    }
  }

  #send(attempt: Attempt): Promise<CallResult<unknown>> {
    const { timers, clock, options } = this.#context
    const timeoutMs = attempt.policy.sendTimeoutMs
    const graceMs = options.abortGraceMs
    attempt.phase = 'sending'
    attempt.startedAt = timers.now()
    attempt.tryingSince = clock.monotonic()
    attempt.mostTriedMs = timeoutMs + graceMs
    const call = new Call(() => this.enclosing.run(attempt, this.send!, attempt.delivery!), {
      timers,
      cancellation: attempt.cancellation,
      timeoutMs,
      graceMs,
      timeoutError: () =>
        new DOMException(`send did not settle within ${timeoutMs} ms (sendTimeoutMs).`, 'TimeoutError'),
      returnedLate: value => void this.#returnedLate(attempt, value),
    })
    attempt.call = call
    return call.result
  }

  #failed(attempt: Attempt, error: unknown, said?: Verdict): void {
    const { options, reporter } = this.#context
    const report = (failure: Error) => reporter.error(failure)
    const verdict = said ?? verdictOf(error, attempt.delivery!, options.classify, report)
    // Cut short by the shutdown, not by the receiver: the next life decides what is done with it.
    if (this.#closing && attempt.cancellation.isCancelled && verdict.kind === 'ambiguous')
      this.attemptOutcomes.interrupted(attempt)
    else this.attemptOutcomes.failed(attempt, error, verdict)
  }

  async #returnedLate(attempt: Attempt, value: unknown): Promise<void> {
    if (!this.#isLate(attempt) || (await this.#results.objection(attempt, value)) !== undefined) return
    if (!this.#isLate(attempt)) return
    const { ref } = attempt
    this.#late.delete(ref)
    const { attempts, scheduler } = this.#context
    const isBefore = attempts.get(ref)?.phase
    if (scheduler.waits(ref) || isBefore === 'preparing' || isBefore === 'asking') {
      this.attemptOutcomes.deliveredLate(attempt, value)
    }
  }

  #isLate(attempt: Attempt): boolean {
    const { ref, sequence } = attempt
    return this.#late.get(ref) === attempt && this.#store.bySequence(sequence) === ref
  }

  #unreadable(attempt: Attempt, error: unknown): void {
    const { reporter, clock } = this.#context
    reporter.error(error)
    if (systemCode(error) !== 'WAQ_CORRUPT') {
      this.#waitLocally(attempt)
      return
    }
    // Its bytes are gone for good; it stays listed as a dead letter, and those behind it go on.
    const recorded = recordedError(error, clock.wall())
    this.attemptOutcomes.dead(attempt, { ...attempt.before, reason: 'permanent', error, recorded })
  }

  /** The fault is here, not there: nothing is charged or recorded, the channel just waits. */
  #waitLocally(attempt: Attempt): void {
    const { scheduler, timers } = this.#context
    const failures = scheduler.columns.countFailure(attempt.ref)
    const waitMs = Math.min(LOCAL_WAIT_MS * 2 ** (failures - 1), MAX_LOCAL_WAIT_MS)
    scheduler.block(attempt.channel, timers.after(waitMs))
    this.attemptOutcomes.end(attempt, true)
  }

  /** How far the backoff had come in an earlier life shows in for how long the message had been tried. */
  #recall({ ref, before, policy }: Attempt): void {
    const { columns } = this.#context.scheduler
    columns.unmark(ref, DeliveryFlag.recovered)
    const waitMs = Math.max(this.#store.dueAt(ref) - this.#store.lastOutcomeAt(ref), 0)
    if (before.firstAttemptAt === 0 || before.triedMs + waitMs === 0) return
    columns.failures.set(ref, policy.backoff.stepsWithin(before.triedMs + waitMs))
  }
}

/** What `close` gives the signals as their reason. */
export function closingError(): Error {
  return new DOMException('The queue is closing.', 'AbortError')
}

/** A function, because the phase changes while an attempt awaits. */
function isOver(attempt: Attempt): boolean {
  return attempt.phase === 'over'
}

function sleep(timers: Timers, ms: number): Promise<void> {
  return new Promise(resolve => {
    const timer: TimerEntry = { alarmAt: 0, alarmIndex: -1, fire: resolve }
    timers.set(timer, timers.after(ms))
  })
}
