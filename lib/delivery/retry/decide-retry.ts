import type { DeadReason, Scope } from '../../store/message-store.js'
import type { Failure, OnAmbiguous, Verdict } from '../types.js'
import type { Backoff } from './backoff.js'

/** How long a halt lasts before its probe, if the verdict does not say. */
const PROBE_AFTER_MS = 60_000

/** A failed attempt, with everything that decides what follows. */
export interface FailedSend {
  readonly verdict: Verdict
  readonly backoff: Backoff<unknown>
  readonly onAmbiguous: OnAmbiguous<unknown>
  readonly maxRetryAfterMs: number
  /** Charged attempts before this one. */
  readonly attemptsBefore: number
  /** The outcome of an earlier attempt is unknown. */
  readonly mayHaveBeenSentBefore: boolean
  /** By `TriedTime`, including this attempt. */
  readonly triedMs: number
  /** This attempt was a probe: it costs nothing if it is known not to have arrived. */
  readonly isProbe: boolean
  /** Counts this failure; returns the failures so far, charged or not. */
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
      /** The receiver asked for this wait; otherwise it is the backoff's. */
      told: boolean
      /** No attempts are left; the message waits only to ask the receiver about it. */
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

/** Implements the table of verdicts in `docs/delivery.md`. */
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
    case 'moved':
      // At once, under the new name.
      return judgeRetry(facts, { kind: 'retry', afterMs: 0 })
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
  // A wait of 0 counts as none: a receiver that is asked again at once, and again, would only limit longer.
  if (verdict.afterMs !== undefined && verdict.afterMs > 0) {
    // A wait that the receiver asks for is not the message's failure: the backoff does not grow.
    if (facts.backoff.isTooLate({ charged: false, triedMs: facts.triedMs })) return dead
    const delayMs = Math.min(verdict.afterMs, facts.maxRetryAfterMs)
    return { kind: 'rate-limited', attempts, mayHaveBeenSent, delayMs, told: true, scope }
  }
  const delayMs = nextDelayMs(facts, false, attempts)
  if (delayMs === undefined) return dead
  return { kind: 'rate-limited', attempts, mayHaveBeenSent, delayMs, told: false, scope }
}

function judgeAmbiguous(facts: FailedSend): Decision {
  // Even for a probe: a message that may have been sent is sent `maxAttempts` times at most.
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
