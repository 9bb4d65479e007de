import type { DeadReason, Scope } from '../../store/message-store.js'
import type { Failure, OnAmbiguous, Verdict } from '../types.js'
import type { Backoff } from './backoff.js'

/** How long a halt lasts before its probe, where the verdict does not say. */
const PROBE_AFTER_MS = 60_000

/** A failed attempt, with all that decides about what follows. */
export interface FailedSend {
  readonly verdict: Verdict
  readonly backoff: Backoff<unknown>
  readonly onAmbiguous: OnAmbiguous<unknown>
  readonly maxRetryAfterMs: number
  /** Charged attempts before this one. */
  readonly attemptsBefore: number
  /** Before this attempt, an earlier one's outcome was unknown. */
  readonly mayHaveBeenSentBefore: boolean
  /** Of `TriedTime`, this attempt included. */
  readonly triedMs: number
  /** This attempt was a probe: a failure that is known not to have arrived costs nothing. */
  readonly isProbe: boolean
  /** Counts this failure in, and returns how many there were, charged or not. */
  readonly countFailure: () => number
  readonly failure: (attempt: number) => Failure<unknown>
}

/** What follows from a failure. */
export type Decision =
  | {
      kind: 'retry'
      charged: boolean
      attempts: number
      mayHaveBeenSent: boolean
      delayMs: number
      /** The receiver said so; otherwise it is the backoff's. */
      told: boolean
      /** No attempts are left; the message waits only for what the receiver says of it. */
      givenUp: boolean
    }
  | {
      kind: 'rate-limited'
      attempts: number
      mayHaveBeenSent: boolean
      delayMs: number
      told: boolean
      scope: Scope
    }
  | { kind: 'dead'; attempts: number; mayHaveBeenSent: boolean; reason: DeadReason }
  | {
      kind: 'halt'
      /** Undefined: it begins at its channel, and may widen. */
      scope: Scope | undefined
      reason: string | undefined
      afterMs: number
      /** The verdict named `afterMs`. */
      told: boolean
    }
  | { kind: 'delivered' }

/** The table of verdicts, in `docs/delivery.md` for users. */
export function decideRetry(facts: FailedSend): Decision {
  const { verdict, attemptsBefore, mayHaveBeenSentBefore } = facts
  switch (verdict.kind) {
    case 'retry':
      return judgeRetry(facts, verdict)
    case 'rate-limited':
      return judgeRateLimited(facts, verdict)
    case 'permanent':
      return {
        kind: 'dead',
        attempts: attemptsBefore + 1,
        mayHaveBeenSent: mayHaveBeenSentBefore,
        reason: 'permanent',
      }
    case 'halt':
      return {
        kind: 'halt',
        scope: verdict.scope,
        reason: verdict.reason,
        afterMs: Math.max(verdict.afterMs ?? PROBE_AFTER_MS, 1),
        told: verdict.afterMs !== undefined,
      }
    case 'ambiguous':
      return judgeAmbiguous(facts)
    case 'delivered':
      return { kind: 'delivered' }
  }
}

function judgeRetry(facts: FailedSend, verdict: Verdict & { kind: 'retry' }): Decision {
  const charged = (verdict.charged ?? true) && !facts.isProbe
  const attempts = facts.attemptsBefore + (charged ? 1 : 0)
  const mayHaveBeenSent = facts.mayHaveBeenSentBefore
  const delayMs = nextDelayMs(facts, charged, attempts)
  if (delayMs === undefined) return { kind: 'dead', attempts, mayHaveBeenSent, reason: 'attempts' }
  const retry = { kind: 'retry', charged, attempts, mayHaveBeenSent, givenUp: false } as const
  return verdict.afterMs === undefined
    ? { ...retry, delayMs, told: false }
    : { ...retry, delayMs: Math.min(verdict.afterMs, facts.maxRetryAfterMs), told: true }
}

function judgeRateLimited(facts: FailedSend, verdict: Verdict & { kind: 'rate-limited' }): Decision {
  const { attemptsBefore: attempts, mayHaveBeenSentBefore: mayHaveBeenSent } = facts
  const dead: Decision = { kind: 'dead', attempts, mayHaveBeenSent, reason: 'attempts' }
  const scope = verdict.scope ?? 'channel'
  // A wait of 0 says no more than none: asked again at once, and again, a receiver that limits would only
  // limit longer.
  if (verdict.afterMs !== undefined && verdict.afterMs > 0) {
    // What a receiver tells is no failure of the message: the backoff does not grow by it.
    if (facts.backoff.isTooLate({ charged: false, triedMs: facts.triedMs })) return dead
    const delayMs = Math.min(verdict.afterMs, facts.maxRetryAfterMs)
    return { kind: 'rate-limited', attempts, mayHaveBeenSent, delayMs, told: true, scope }
  }
  const delayMs = nextDelayMs(facts, false, attempts)
  if (delayMs === undefined) return dead
  return { kind: 'rate-limited', attempts, mayHaveBeenSent, delayMs, told: false, scope }
}

function judgeAmbiguous(facts: FailedSend): Decision {
  // Also a probe's: what may have been sent is sent `maxAttempts` times at most.
  const charged = true
  const attempts = facts.attemptsBefore + 1
  if (facts.onAmbiguous === 'dead-letter') {
    return { kind: 'dead', attempts, mayHaveBeenSent: true, reason: 'ambiguous' }
  }
  const delayMs = nextDelayMs(facts, charged, attempts)
  if (delayMs !== undefined) {
    return { kind: 'retry', charged, attempts, mayHaveBeenSent: true, delayMs, told: false, givenUp: false }
  }
  if (facts.onAmbiguous === 'resend')
    return { kind: 'dead', attempts, mayHaveBeenSent: true, reason: 'attempts' }
  // The receiver may know that the last attempt arrived: it is asked before the message is given up.
  const lastDelayMs = facts.backoff.lastDelayMs()
  return {
    kind: 'retry',
    charged,
    attempts,
    mayHaveBeenSent: true,
    delayMs: lastDelayMs,
    told: false,
    givenUp: true,
  }
}

function nextDelayMs(facts: FailedSend, charged: boolean, attempts: number): number | undefined {
  return facts.backoff.delayMs({
    charged,
    attempts,
    failures: facts.countFailure(),
    triedMs: facts.triedMs,
    failure: () => facts.failure(facts.attemptsBefore + 1),
  })
}
