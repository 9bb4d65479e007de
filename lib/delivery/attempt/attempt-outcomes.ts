import type {
  AliveProgress,
  DeadReason,
  MessageRef,
  MessageStore,
  Outcome,
  Progress,
  RecordedError,
} from '../../store/message-store.js'
import type { QueueTime } from '../../store/queue-time.js'
import { isOutage } from '../classify/outage.js'
import type { DispatcherOptions } from '../dispatcher-options.js'
import { reasonText, recordedError } from '../errors/recorded-error.js'
import type { Haltable } from '../holds/halts.js'
import type { Reporter } from '../reporter.js'
import { type Decision, decideRetry } from '../retry/decide-retry.js'
import type { Scheduler } from '../schedule/scheduler.js'
import { DeliveryFlag } from '../tables/message-columns.js'
import type { RefMap } from '../tables/ref-map.js'
import type { Timers } from '../time/timers.js'
import type { TriedTime } from '../time/tried-time.js'
import type { Clock, Failure, MessageView, Verdict } from '../types.js'
import type { Attempt } from './attempt.js'
import { ChannelClosings } from './channel-closings.js'
import type { ChannelMoves } from './channel-moves.js'
import { MAX_COUNTED, mergeOldest } from './delivered-counts.js'
import type { OutcomeWriter } from './outcome-writer.js'
import type { ResultKeeper } from './result-keeper.js'

/** Totals since the start. */
export interface Counters {
  delivered: number
  /** By channel: see `delivered-counts.ts`. */
  readonly deliveredBy: Map<string, number>
  retried: number
  rateLimited: number
  dead: number
}

export interface AttemptOutcomesContext {
  readonly store: MessageStore
  readonly scheduler: Scheduler
  readonly outcomeWriter: OutcomeWriter
  readonly reporter: Reporter
  readonly timers: Timers
  readonly time: QueueTime
  readonly clock: Clock
  readonly tried: TriedTime
  readonly counters: Counters
  readonly options: Pick<DispatcherOptions<unknown>, 'maxRetryAfterMs'>
  readonly view: (ref: MessageRef, attempt: Attempt) => MessageView<unknown>
  readonly moves: ChannelMoves
  /** Undefined: what `send` returned is not kept. */
  readonly resultKeeper: ResultKeeper | undefined
  /** Attempts under way, by message. */
  readonly attempts: RefMap<Attempt>
  /** Called when an attempt has given its turn back. */
  readonly ended: () => void
}

/** Why a message becomes a dead letter, and its progress until then. */
interface Death {
  reason: DeadReason
  attempts: number
  firstAttemptAt: number
  triedMs: number
  mayHaveBeenSent: boolean
  error?: unknown
  recorded?: RecordedError
}

/** Ends an attempt: records its outcome, reports it, and gives its turn back. */
export class AttemptOutcomes {
  readonly #context: AttemptOutcomesContext
  readonly #closings: ChannelClosings

  constructor(context: AttemptOutcomesContext) {
    this.#context = context
    this.#closings = new ChannelClosings({
      ...context,
      withdraw: attempt => this.withdraw(attempt),
      takeAlong: (ref, sequence) => this.#takeAlong(ref, sequence),
    })
  }

  /** `send` resolved, or the receiver said that it was sent. */
  delivered(attempt: Attempt, result: unknown, ms: number): void {
    attempt.shows = 'up'
    this.#recordDelivered(attempt, attemptsAfter(attempt), result, ms)
    this.#context.scheduler.succeeded(attempt.channel)
    if (attempt.probes.length > 0) this.#liftProbes(attempt)
    this.end(attempt, false)
  }

  /** An attempt succeeded after its grace was over, before its message was sent again. */
  deliveredLate(attempt: Attempt, result: unknown): void {
    const { store, scheduler, attempts, timers } = this.#context
    const { ref } = attempt
    const next = attempts.get(ref)
    this.#recordDelivered(attempt, store.attempts(ref), result, timers.now() - attempt.startedAt)
    if (scheduler.brakes.size > 0) scheduler.brakes.answered(attempt.channel)
    scheduler.succeeded(attempt.channel)
    if (next !== undefined) this.end(next, false)
    else {
      scheduler.leave(ref)
      this.#context.ended()
    }
  }

  /** `send` failed, or `schema` or `parse` before it. `verdict`: what the error means. */
  failed(attempt: Attempt, error: unknown, said: Verdict): void {
    const verdict = said.kind === 'moved' ? this.#context.moves.judge(attempt, said) : said
    const recorded = recordedError(error, this.#context.clock.wall())
    if (attempt.phase === 'sending') this.look(attempt, error, verdict, recorded)
    const decision = this.#decide(attempt, error, verdict)
    if (verdict.kind === 'moved') this.#moved(attempt, verdict.channel)
    else if (verdict.kind === 'permanent' && verdict.scope === 'channel') {
      recorded.message = explained(recorded, verdict.reason)
      this.#closings.close(attempt, recorded.message)
    }
    switch (decision.kind) {
      case 'retry':
        this.retry(attempt, { ...decision, error, recorded })
        break
      case 'rate-limited':
        this.#rateLimited(attempt, decision, error, recorded)
        break
      case 'dead':
        if (verdict.kind === 'permanent') recorded.message = explained(recorded, verdict.reason)
        this.dead(attempt, {
          ...decision,
          firstAttemptAt: attempt.firstAttemptAt,
          triedMs: this.#triedMs(attempt),
          error,
          recorded,
        })
        break
      case 'halt':
        this.#halted(attempt, decision, error, recorded)
        break
      case 'delivered':
        this.delivered(attempt, undefined, this.#context.timers.now() - attempt.startedAt)
    }
  }

  /** Before the outcome of the attempt, so that its message is in the new channel next. */
  #moved(attempt: Attempt, to: string): void {
    const { scheduler, moves } = this.#context
    this.#liftProbes(attempt)
    if (scheduler.brakes.size > 0) scheduler.brakes.answered(attempt.channel)
    // Another attempt of the channel was told so before.
    if (attempt.channel.successor === undefined) moves.move(attempt.channel.target, to)
  }

  /**
   * What a failure shows about the receiver: an answer means that it is up; a timeout or an outage error,
   * that it is down.
   */
  look(attempt: Attempt, error: unknown, { kind }: Verdict, { message }: RecordedError): void {
    const isAnswer = kind !== 'retry' && kind !== 'ambiguous'
    // A client that is aborted at the timeout may throw an error of its own.
    const isDown = !isAnswer && (attempt.cancellation.isCancelled || isOutage(error))
    attempt.shows = isAnswer ? 'up' : isDown ? 'down' : undefined
    attempt.failure = message
  }

  /** Tries the message, or asks about it, again after `delayMs`. */
  retry(
    attempt: Attempt,
    retry: {
      attempts: number
      charged: boolean
      mayHaveBeenSent: boolean
      delayMs: number
      /** The receiver asked for this wait, so it does not count as time tried. */
      told: boolean
      givenUp: boolean
      error: unknown
      recorded: RecordedError
    },
  ): void {
    const { scheduler, timers, time, tried, counters, reporter } = this.#context
    const { error, recorded, attempts, mayHaveBeenSent, charged } = retry
    const { ref } = attempt
    const delayMs = Math.ceil(retry.delayMs)
    const dueAt = timers.after(delayMs)
    if (retry.givenUp) scheduler.columns.mark(ref, DeliveryFlag.givenUp)
    scheduler.columns.unmark(ref, DeliveryFlag.outage | DeliveryFlag.outageOver)
    if (attempt.shows === 'down' && !retry.told) scheduler.columns.mark(ref, DeliveryFlag.outage)
    counters.retried++
    const progress = this.#alive(attempt, attempts, mayHaveBeenSent)
    this.#record(attempt, { kind: 'retry', ...progress, dueAt, error: recorded }, () =>
      reporter.tell('retry', {
        ...facts(attempt, attempts),
        error,
        recorded,
        charged,
        delayMs,
        dueAt: time.onWall(dueAt),
        mayHaveBeenSent,
      }),
    )
    if (!retry.told) tried.rests(ref, scheduler.openTimeOf(scheduler.present(attempt.channel)), delayMs)
    this.#liftProbes(attempt)
    this.end(attempt, true)
  }

  /** The sender is broken: the message goes back to its state before this attempt. */
  #halted(
    attempt: Attempt,
    decision: Decision & { kind: 'halt' },
    error: unknown,
    recorded: RecordedError,
  ): void {
    const { scheduler, tried } = this.#context
    const { channel, before, ref } = attempt
    if (this.#isAloneTooLong(attempt, decision)) {
      this.dead(attempt, { ...before, reason: 'attempts', error, recorded })
      return
    }
    const { attempts, firstAttemptAt, triedMs, mayHaveBeenSent } = before
    const progress = { ...this.#progress(attempts, mayHaveBeenSent), firstAttemptAt, triedMs }
    this.#record(attempt, { kind: 'released', ...progress, error: recorded })
    const { scope, afterMs, told } = decision
    const reason = explained(recorded, decision.reason ?? recorded.name)
    const holder = scheduler.halt(channel, scope, { reason, afterMs, told })
    if (channel.halt?.ownTime !== undefined) tried.rests(ref, channel.halt.ownTime, Infinity)
    this.#liftProbes(attempt, scope === undefined ? [channel, holder] : [holder])
    this.end(attempt, true)
  }

  /**
   * Whether this message has used up its time by keeping its channel halted while others of the group get
   * through.
   */
  #isAloneTooLong(
    { channel, probes, policy, before, delivery }: Attempt,
    { scope }: Decision & { kind: 'halt' },
  ): boolean {
    // Its payload was refused before `send`: nothing was tried, and only a new schema helps.
    if (delivery === undefined) return false
    const [halt] = probes
    if (probes.length !== 1 || halt!.holder !== channel || scope === 'group' || scope === 'global')
      return false
    if (halt!.ownTime === undefined || halt!.ownTime.read() === 0) return false
    return policy.backoff.isTooLate({ charged: false, triedMs: before.triedMs })
  }

  /** Makes the message of this attempt a dead letter. */
  dead(attempt: Attempt, death: Death): void {
    const { scheduler } = this.#context
    const haltsChannel = attempt.policy.onDead === 'halt'
    this.#recordDead(attempt.ref, attempt.channel.target, attempt.sequence, attempt.id, death, haltsChannel)
    if (haltsChannel) {
      const reason = `message ${attempt.id} is a dead letter (${death.reason})`
      scheduler.halts.halt(scheduler.present(attempt.channel), { reason, afterMs: Infinity, kept: true })
    }
    this.#takeAlong(attempt.ref, attempt.sequence)
    this.#liftProbes(attempt)
    this.end(attempt, false)
  }

  /** The queue closes while `send` runs: the message is in doubt, and the attempt is charged. */
  interrupted(attempt: Attempt): void {
    const progress = this.#alive(attempt, attemptsAfter(attempt), true)
    this.#record(attempt, { kind: 'interrupted', ...progress })
    this.end(attempt, true)
  }

  /** The queue closes after "attempt n" was recorded but before `send` was called, so it leaves no doubt. */
  unsent(attempt: Attempt): void {
    const { clock, timers } = this.#context
    const { attempts, firstAttemptAt, triedMs, mayHaveBeenSent } = attempt.before
    const error = recordedError(new Error('The queue was closed before send was called.'), clock.wall())
    const progress = { ...this.#progress(attempts, mayHaveBeenSent), firstAttemptAt, triedMs }
    this.#record(attempt, { kind: 'retry', ...progress, dueAt: timers.now(), error })
    this.end(attempt, true)
  }

  /** Ends an attempt that has recorded nothing yet, and whose message is settled or dead. */
  withdraw(attempt: Attempt): void {
    this.end(attempt, false)
    // `onAmbiguous` need not answer now.
    attempt.cancellation.cancel(new Error('The message was cancelled.'))
    attempt.call?.abandon()
  }

  /** Gives the turn back. `again`: the message still waits. */
  end(attempt: Attempt, again: boolean): void {
    if (attempt.phase === 'over') return
    const sent = attempt.phase === 'sending'
    attempt.phase = 'over'
    this.#context.attempts.delete(attempt.ref)
    if (!again && this.#context.moves.any) this.#context.moves.forget(attempt)
    this.#context.scheduler.finish(attempt, { sent, again })
    this.#context.ended()
  }

  #decide(attempt: Attempt, error: unknown, verdict: Verdict): Decision {
    const { scheduler, options, view } = this.#context
    const { ref, policy, before } = attempt
    return decideRetry({
      verdict,
      backoff: policy.backoff,
      onAmbiguous: policy.onAmbiguous,
      maxRetryAfterMs: options.maxRetryAfterMs,
      attemptsBefore: before.attempts,
      mayHaveBeenSentBefore: before.mayHaveBeenSent,
      triedMs: this.#triedMs(attempt),
      isProbe: attempt.isProbe,
      countFailure: () => scheduler.columns.countFailure(ref),
      failure: (number): Failure<unknown> => ({ attempt: number, error, message: view(ref, attempt) }),
    })
  }

  #rateLimited(
    attempt: Attempt,
    decision: Decision & { kind: 'rate-limited' },
    error: unknown,
    recorded: RecordedError,
  ): void {
    const { scheduler, timers, time, tried, counters, reporter } = this.#context
    const { attempts, mayHaveBeenSent } = decision
    const holder = scheduler.waiterOf(decision.scope, attempt.channel)
    const delayMs = Math.ceil(decision.delayMs)
    const dueAt = timers.after(delayMs)
    const open = scheduler.openTimeOf(scheduler.present(attempt.channel))
    scheduler.block(holder, dueAt, !decision.told)
    counters.rateLimited++
    const { scope, target } = holder
    const progress = this.#alive(attempt, attempts, mayHaveBeenSent)
    const outcome: Outcome = {
      kind: 'rate-limited',
      ...progress,
      dueAt,
      scope,
      target,
      error: recorded,
    }
    this.#record(attempt, outcome, () =>
      reporter.tell('rateLimited', {
        ...facts(attempt, attempts),
        error,
        recorded,
        scope,
        target,
        delayMs,
        dueAt: time.onWall(dueAt),
      }),
    )
    tried.rests(attempt.ref, open, delayMs)
    this.#liftProbes(attempt)
    this.end(attempt, true)
  }

  /** The later parts of a `failTogether` list die with this one: half an answer is worse than none. */
  #takeAlong(ref: MessageRef, first: number): void {
    const { store, scheduler } = this.#context
    const together = store.together(ref)
    if (together === undefined) return
    for (let sequence = first + 1; sequence < together.firstSequence + together.count; sequence++) {
      const part = store.bySequence(sequence)
      if (part === undefined) continue
      const underWay = this.#context.attempts.get(part)
      if (scheduler.waits(part)) scheduler.leave(part)
      else if (underWay?.phase === 'preparing') this.end(underWay, false)
      else continue
      const { attempts, firstAttemptAt, triedMs, mayHaveBeenSent } = store.progress(part)
      const death = { reason: 'predecessor', attempts, firstAttemptAt, triedMs, mayHaveBeenSent } as const
      this.#recordDead(part, store.channel(part), sequence, undefined, death)
    }
  }

  #recordDelivered(attempt: Attempt, attempts: number, result: unknown, ms: number): void {
    const { counters, outcomeWriter, reporter, time, resultKeeper } = this.#context
    const { mayHaveBeenSent } = attempt.before
    const at = time.now()
    counters.delivered++
    const { deliveredBy } = counters
    const { target } = attempt.channel
    deliveredBy.set(target, (deliveredBy.get(target) ?? 0) + 1)
    if (deliveredBy.size > MAX_COUNTED) mergeOldest(deliveredBy)
    const kept = resultKeeper?.keep(attempt.id, result)
    const outcome = { kind: 'delivered', at, attempts, mayHaveBeenSent } as const
    outcomeWriter.record(
      attempt.ref,
      kept === undefined ? outcome : { ...outcome, result: kept.packed },
      () =>
        reporter.tell('delivered', {
          ...facts(attempt, attempts),
          result,
          ...(kept !== undefined && { kept: kept.value }),
          ms,
          at: time.onWall(at),
        }),
    )
  }

  /** `id` undefined: not read yet. */
  #recordDead(
    ref: MessageRef,
    channel: string,
    sequence: number,
    id: string | undefined,
    { reason, attempts, firstAttemptAt, triedMs, mayHaveBeenSent, error, recorded }: Death,
    haltsChannel = false,
  ): void {
    const { outcomeWriter, reporter, counters, time } = this.#context
    const progress = this.#progress(attempts, mayHaveBeenSent)
    counters.dead++
    const outcome: Outcome = {
      kind: 'dead',
      ...progress,
      firstAttemptAt,
      triedMs,
      reason,
      haltsChannel,
      ...(recorded && { error: recorded }),
    }
    const tell = (id: string) => {
      const what = { id, channel, sequence, attempts, reason, at: time.onWall(progress.at) }
      reporter.tell('dead', recorded === undefined ? what : { ...what, error, recorded })
    }
    // Read before it is a dead letter, which may be purged at once.
    const known = id ?? this.#idOf(ref)
    outcomeWriter.record(ref, outcome, () => {
      if (typeof known === 'string') tell(known)
      else void known.then(tell)
    })
  }

  /** '' if the message cannot be read. */
  async #idOf(ref: MessageRef): Promise<string> {
    try {
      return (await this.#context.store.read(ref)).id
    } catch {
      return ''
    }
  }

  #record(attempt: Attempt, outcome: Outcome, written?: () => void): void {
    this.#context.outcomeWriter.record(attempt.ref, outcome, written)
  }

  #progress(attempts: number, mayHaveBeenSent: boolean): Progress {
    return { at: this.#context.time.now(), attempts, mayHaveBeenSent }
  }

  /** As `#progress`, for a message that stays alive after this attempt. */
  #alive(attempt: Attempt, attempts: number, mayHaveBeenSent: boolean): AliveProgress {
    const { firstAttemptAt } = attempt
    const triedMs = this.#triedMs(attempt)
    return { ...this.#progress(attempts, mayHaveBeenSent), firstAttemptAt, triedMs }
  }

  #triedMs(attempt: Attempt): number {
    return attempt.triedMs(this.#context.clock.monotonic())
  }

  /** Any outcome of a probe but the same halt again shows that the sender works. */
  #liftProbes(attempt: Attempt, halted: readonly Haltable[] = []): void {
    if (attempt.phase !== 'sending') return
    for (const halt of attempt.probes) {
      if (!halted.includes(halt.holder) && halt.holder.halt === halt)
        this.#context.scheduler.halts.lift(halt.holder)
    }
  }
}

/** The number of attempts, with this one if `send` was called. */
function attemptsAfter({ phase, before }: Attempt): number {
  return phase === 'sending' ? before.attempts + 1 : before.attempts
}

function facts(attempt: Attempt, attempts: number) {
  return { id: attempt.id, channel: attempt.channel.target, sequence: attempt.sequence, attempts }
}

/** Joins a verdict's reason and the platform's words; if one contains the other, that one alone. */
function explained({ message }: RecordedError, reason = ''): string {
  const text = reasonText(reason)
  // "HTTP 403" adds nothing to "403: Forbidden".
  const [, status] = /^HTTP (\d{3})$/.exec(text) ?? []
  if (message.includes(status ?? text)) return message
  return text.includes(message) ? text : reasonText(`${text}: ${message}`)
}
