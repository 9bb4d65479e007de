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

/** The wait after a failure of the local disk doubles from the first of these to the last. */
const LOCAL_WAIT_MS = 1_000
const MAX_LOCAL_WAIT_MS = 60_000

interface RunnerContext extends AttemptOutcomesContext {
  readonly options: DispatcherOptions<unknown>
}

/** Runs attempts, from a message's turn to its outcome. */
export class AttemptRunner {
  readonly attemptOutcomes: AttemptOutcomes
  send: Send<unknown, unknown> | undefined
  readonly enclosing = new EnclosingAttempts()
  readonly #context: RunnerContext
  readonly #store: MessageStore
  readonly #ambiguityResolver: AmbiguityResolver
  readonly #results: Results
  /** Attempts that outlasted their grace, until the next attempt of their message. */
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
      // `#run` lets no error out; one that gets here is a bug, which must not stop its channel for ever.
      this.#context.reporter.error(error)
      if (attempt.phase === 'sending') this.attemptOutcomes.failed(attempt, error, { kind: 'ambiguous' })
      else this.#waitLocally(attempt)
    })
  }

  /** Ends the attempts that recorded nothing yet; the others go on until they are aborted. */
  close(): void {
    this.#closing = true
    for (const attempt of this.#context.attempts.values()) {
      if (attempt.phase !== 'preparing' && attempt.phase !== 'asking') continue
      attempt.cancellation.cancel(closingError())
      attempt.call?.abandon()
      this.attemptOutcomes.end(attempt, true)
    }
  }

  /** Aborts the signals of all running attempts. */
  abort(reason: Error): void {
    for (const attempt of this.#context.attempts.values()) attempt.cancellation.cancel(reason)
  }

  /** Waits no longer for running attempts: in doubt, if `send` was called. */
  abandon(): void {
    for (const attempt of this.#context.attempts.values()) {
      if (attempt.phase === 'over') continue
      if (attempt.phase === 'sending') this.attemptOutcomes.interrupted(attempt)
      else this.attemptOutcomes.unsent(attempt)
      attempt.call?.abandon()
    }
  }

  /** Drops all attempts: nothing more may be recorded. */
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
    // The receiver may know that it arrived, so asking comes before the time to live.
    if ((policy.onAmbiguous === 'resend' || !before.mayHaveBeenSent) && this.#expire(attempt)) return
    if (
      before.mayHaveBeenSent &&
      (!(await this.#ambiguityResolver.resolve(attempt)) || this.#expire(attempt))
    )
      return
    if (!this.#prepare(attempt)) return
    // If a duplicate is worse than a wait, or a power loss would hide the attempt.
    const overtakes = (attempt.channel.resting?.size ?? 0) > 0 || attempt.channel.running > 1
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
      // The value may be a refusal, returned instead of thrown, or a response whose body refuses.
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

  /**
   * Makes it a dead letter if its time to live is over. Of a `failTogether` list only the first part expires.
   */
  #expire(attempt: Attempt): boolean {
    const { ref, before, expiresAt } = attempt
    if (expiresAt === Infinity || expiresAt > this.#context.time.now()) return false
    const together = this.#store.together(ref)
    if (together !== undefined && together.firstSequence !== attempt.sequence) return false
    this.attemptOutcomes.dead(attempt, { ...before, reason: 'expired' })
    return true
  }

  /** Builds the delivery. False: the payload was refused, which halts its channel. */
  #prepare(attempt: Attempt): boolean {
    const { parse } = this.#context.options
    const { before, cancellation } = attempt
    const { id, payload, headers, sequence, enqueuedAt } = attempt.stored!
    let parsed = payload
    try {
      if (parse !== undefined) parsed = parse.read(payload)
    } catch (error) {
      const recorded = recordedError(error, this.#context.clock.wall())
      const reason = `${parse!.name} refused the payload of message ${id}: ${recorded.message}`
      // Only this channel's message is wrong, so no other channel waits for it.
      this.attemptOutcomes.failed(attempt, error, { kind: 'halt', reason, scope: 'channel' })
      return false
    }
    attempt.delivery = {
      id,
      channel: attempt.channel.target,
      payload: parsed,
      headers,
      sequence,
      enqueuedAt: this.#context.time.onWall(enqueuedAt),
      attempt: before.attempts + 1,
      mayHaveBeenSent: before.mayHaveBeenSent,
      get signal() {
        return cancellation.signal
      },
      settlementOf: this.#context.options.settlementOf,
    }
    return true
  }

  /** Resolves to true once "attempt n" is written; to false if it never will be. */
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
   * Waits for the device, however long it fails: an attempt that a power loss could hide must not be made.
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
    // The shutdown cut it short, not the receiver: the next life decides what to do with it.
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
    // Its bytes are gone for good: it becomes a dead letter, and the messages behind it go on.
    const recorded = recordedError(error, clock.wall())
    this.attemptOutcomes.dead(attempt, { ...attempt.before, reason: 'permanent', error, recorded })
  }

  /** The fault is local: nothing is charged or recorded; the channel just waits. */
  #waitLocally(attempt: Attempt): void {
    const { scheduler, timers } = this.#context
    const failures = scheduler.columns.countFailure(attempt.ref)
    const waitMs = Math.min(LOCAL_WAIT_MS * 2 ** (failures - 1), MAX_LOCAL_WAIT_MS)
    scheduler.block(scheduler.present(attempt.channel), timers.after(waitMs))
    this.attemptOutcomes.end(attempt, true)
  }

  /** Restores the step of the backoff from how long the message was tried in earlier lives. */
  #recall({ ref, before, policy }: Attempt): void {
    const { columns } = this.#context.scheduler
    columns.unmark(ref, DeliveryFlag.recovered)
    const waitMs = Math.max(this.#store.dueAt(ref) - this.#store.lastOutcomeAt(ref), 0)
    if (before.firstAttemptAt === 0 || before.triedMs + waitMs === 0) return
    columns.failures.set(ref, policy.backoff.stepsWithin(before.triedMs + waitMs))
  }
}

/** The reason with which `close` aborts signals. */
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
