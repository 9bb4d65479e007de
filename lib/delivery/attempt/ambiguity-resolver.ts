import type { MessageStore } from '../../store/message-store.js'
import type { QueueTime } from '../../store/queue-time.js'
import { reasonText, recordedError } from '../errors/recorded-error.js'
import type { Scheduler } from '../schedule/scheduler.js'
import { DeliveryFlag } from '../tables/message-columns.js'
import type { Timers } from '../time/timers.js'
import type { Answer, Clock, Delivery, Failure, MessageView } from '../types.js'
import type { Attempt } from './attempt.js'
import type { AttemptOutcomes } from './attempt-outcomes.js'
import { Call } from './call.js'
import type { EnclosingAttempts } from './enclosing-attempts.js'

const ANSWERS: readonly unknown[] = ['sent', 'not-sent', 'unknown', 'dead-letter'] satisfies Answer[]

export interface AmbiguityContext {
  readonly store: MessageStore
  readonly scheduler: Scheduler
  readonly attemptOutcomes: AttemptOutcomes
  readonly timers: Timers
  readonly time: QueueTime
  readonly clock: Clock
  readonly view: (attempt: Attempt) => MessageView<unknown>
  /** Builds `attempt.delivery`. False: it could not, and the turn is over. */
  readonly prepare: (attempt: Attempt) => boolean
  readonly enclosing: EnclosingAttempts
}

type Ask = (delivery: Delivery<unknown> & { lastAttemptAt: number }) => Answer | Promise<Answer>

/** Decides what happens to a message that may have been sent, before it is sent again. */
export class AmbiguityResolver {
  readonly #context: AmbiguityContext

  constructor(context: AmbiguityContext) {
    this.#context = context
  }

  /** True: the attempt goes on. Otherwise its turn is over. */
  async resolve(attempt: Attempt): Promise<boolean> {
    const { onAmbiguous, backoff } = attempt.policy
    if (onAmbiguous === 'dead-letter') return this.#isAccepted(attempt) || this.#bury(attempt, 'ambiguous')
    if (onAmbiguous !== 'resend') return this.#takeAnswer(attempt) || this.#ask(attempt, onAmbiguous)
    if (attempt.isOpen) return this.#mayGoOn(attempt)
    // An earlier life may have been allowed more attempts than this one.
    return backoff.allows(attempt.before.attempts) || this.#bury(attempt, 'attempts')
  }

  /**
   * An attempt still open when an earlier life ended counts as failed, and its backoff runs from when it
   * began. So a message that kills its process does not do so again at once, nor for ever.
   */
  #mayGoOn(attempt: Attempt): boolean {
    const { store, attemptOutcomes, time } = this.#context
    const { ref, before } = attempt
    const { attempts } = before
    if (attempts === 0) return true
    const error = cutShort(attempt)
    const now = time.now()
    const failedAt = Math.min(store.lastOutcomeAt(ref), now)
    const delayMs = this.#delayMs(attempt, error)
    if (delayMs === undefined) return this.#bury(attempt, 'attempts', error)
    const remainingMs = failedAt + delayMs - now
    if (remainingMs <= 0) return true
    attemptOutcomes.retry(attempt, {
      attempts,
      charged: true,
      mayHaveBeenSent: true,
      delayMs: remainingMs,
      told: false,
      givenUp: false,
      error,
      recorded: recordedError(error, time.wall()),
    })
    return false
  }

  /** The backoff after the last attempt of an earlier life; undefined: no attempt is left. */
  #delayMs(attempt: Attempt, error: Error): number | undefined {
    const { before, policy } = attempt
    const { attempts, triedMs } = before
    return policy.backoff.delayMs({
      charged: true,
      attempts,
      failures: attempts,
      triedMs,
      failure: (): Failure<unknown> => ({ attempt: attempts, error, message: this.#context.view(attempt) }),
    })
  }

  /** A person who redrives a dead letter that may have been sent accepts a duplicate. */
  #isAccepted({ ref, before, isOpen }: Attempt): boolean {
    const { columns } = this.#context.scheduler
    if (before.attempts === 0 && before.firstAttemptAt === 0 && !isOpen)
      columns.mark(ref, DeliveryFlag.doubtAccepted)
    return columns.hasMark(ref, DeliveryFlag.doubtAccepted)
  }

  /** Uses up the answer of this message's last turn. False: there is none. */
  #takeAnswer(attempt: Attempt): boolean {
    const { columns } = this.#context.scheduler
    const { ref } = attempt
    if (!columns.hasMark(ref, DeliveryFlag.asked)) return false
    if (columns.hasMark(ref, DeliveryFlag.notSent))
      attempt.before = { ...attempt.before, mayHaveBeenSent: false }
    columns.unmark(ref, DeliveryFlag.asked | DeliveryFlag.notSent)
    return true
  }

  async #ask(attempt: Attempt, ask: Ask): Promise<boolean> {
    const { store, scheduler, timers, time, clock, prepare, enclosing, attemptOutcomes } = this.#context
    const { ref, cancellation, policy } = attempt
    if (!prepare(attempt)) return false
    this.#recall(attempt)
    const delivery = {
      ...attempt.delivery!,
      attempt: Math.max(attempt.before.attempts, 1),
      lastAttemptAt: time.onWall(store.lastOutcomeAt(ref)),
    }
    attempt.phase = 'asking'
    attempt.tryingSince = clock.monotonic()
    attempt.mostTriedMs = policy.sendTimeoutMs
    scheduler.yieldSlot(attempt)
    scheduler.pump()
    const call = new Call(() => enclosing.run(attempt, ask, delivery), {
      timers,
      cancellation,
      timeoutMs: policy.sendTimeoutMs,
      graceMs: 0,
      timeoutError: () =>
        new DOMException(
          `onAmbiguous did not answer within ${policy.sendTimeoutMs} ms (sendTimeoutMs).`,
          'TimeoutError',
        ),
    })
    attempt.call = call
    const result = await call.result
    enclosing.ended()
    // Meanwhile closed, lost, cancelled or delivered late.
    if ((attempt.phase as string) === 'over' || result.kind === 'abandoned') return false
    if (result.kind !== 'returned') return this.#askAgain(attempt, result.error)
    switch (result.value) {
      case 'sent':
        attemptOutcomes.delivered(attempt, undefined, 0)
        return false
      case 'dead-letter':
        return this.#bury(attempt, 'ambiguous')
      case 'not-sent':
      case 'unknown':
        return this.#sendAgain(attempt, result.value === 'not-sent')
      default:
        return this.#askAgain(
          attempt,
          new TypeError(`onAmbiguous answered ${reasonText(String(result.value))}; ${EXPECTED}.`),
        )
    }
  }

  /** Finds out whether an earlier life had used up the attempts, which is not on disk. */
  #recall(attempt: Attempt): void {
    if (!attempt.isRecovered || attempt.before.attempts === 0) return
    const isOver = this.#delayMs(attempt, cutShort(attempt)) === undefined
    if (isOver) this.#context.scheduler.columns.mark(attempt.ref, DeliveryFlag.givenUp)
  }

  /** Queues the message for a slot to send, if it has an attempt left. */
  #sendAgain(attempt: Attempt, notSent: boolean): false {
    const { scheduler, attemptOutcomes } = this.#context
    const { ref } = attempt
    if (notSent) attempt.before = { ...attempt.before, mayHaveBeenSent: false }
    if (scheduler.columns.hasMark(ref, DeliveryFlag.givenUp)) return this.#bury(attempt, 'attempts')
    scheduler.columns.mark(ref, notSent ? DeliveryFlag.asked | DeliveryFlag.notSent : DeliveryFlag.asked)
    attemptOutcomes.end(attempt, true)
    return false
  }

  /** `onAmbiguous` failed, not the message: it is asked again later, at no cost in attempts. */
  #askAgain(attempt: Attempt, error: unknown): false {
    const { scheduler, attemptOutcomes, clock, view } = this.#context
    const { ref, before, policy } = attempt
    const { attempts } = before
    const recorded = recordedError(error, clock.wall())
    attemptOutcomes.look(attempt, error, { kind: 'ambiguous' }, recorded)
    if (policy.backoff.isTooLate({ charged: false, triedMs: attempt.triedMs(clock.monotonic()) })) {
      return this.#bury(attempt, 'ambiguous', error)
    }
    const delayMs =
      policy.backoff.delayMs({
        charged: false,
        attempts: 0,
        failures: scheduler.columns.countFailure(ref),
        triedMs: 0,
        failure: (): Failure<unknown> => ({ attempt: attempts, error, message: view(attempt) }),
      }) ?? policy.backoff.lastDelayMs()
    const givenUp = scheduler.columns.hasMark(ref, DeliveryFlag.givenUp)
    attemptOutcomes.retry(attempt, {
      attempts,
      charged: false,
      mayHaveBeenSent: true,
      delayMs,
      told: false,
      givenUp,
      error,
      recorded,
    })
    return false
  }

  #bury(attempt: Attempt, reason: 'ambiguous' | 'attempts', error?: unknown): false {
    const recorded =
      error === undefined ? {} : { error, recorded: recordedError(error, this.#context.clock.wall()) }
    this.#context.attemptOutcomes.dead(attempt, {
      reason,
      ...attempt.before,
      ...recorded,
    })
    return false
  }
}

function cutShort({ before: { attempts } }: Attempt): Error {
  return new Error(`The process ended during attempt ${attempts}; whether it was sent is unknown.`)
}

const EXPECTED = `it must answer with one of ${ANSWERS.join(', ')}`
