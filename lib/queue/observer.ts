import type { DispatchObserver, MessageFacts } from '../delivery/types.js'
import { attemptDiagnostics } from './diagnostics.js'
import { type EventSource, notify, notifyError } from './events.js'
import type { RecentDurations } from './recent-durations.js'
import type { Settlements } from './settlements.js'
import type { AttemptDiagnostics, MessageEvent } from './types.js'

export interface ObserverParts<R> {
  readonly emitter: EventSource
  readonly directory: string
  readonly settlements: Settlements<R>
  readonly sendDurations: RecentDurations
  /** A message does not wait any more. */
  readonly roomChanged: () => void
}

/** Turns what delivery reports into events, settlements and figures. */
export function observeDispatch<R>(parts: ObserverParts<R>): DispatchObserver<R> {
  const { emitter, directory, settlements, sendDurations, roomChanged } = parts
  return {
    attempt(facts) {
      if (!attemptDiagnostics.hasSubscribers) return
      attemptDiagnostics.publish({
        directory,
        ...messageOf(facts),
        mayHaveBeenSent: facts.mayHaveBeenSent,
      } satisfies AttemptDiagnostics)
    },
    delivered(facts) {
      const { id, attempts, at, result, ms } = facts
      sendDurations.add(ms)
      settlements.settle({
        id,
        state: 'delivered',
        attempts,
        at,
        ...(result !== undefined && { result }),
      })
      roomChanged()
      if (emitter.listenerCount('delivered') > 0)
        notify(emitter, 'delivered', {
          ...messageOf(facts),
          // A getter is not followed where an event is printed: a response has the URL, and with it a bot's token.
          get result() {
            return result
          },
          ms,
        })
    },
    retry(facts) {
      const { error, delayMs, dueAt, mayHaveBeenSent } = facts
      notify(emitter, 'retry', { ...messageOf(facts), error, delayMs, dueAt, mayHaveBeenSent })
    },
    rateLimited(facts) {
      const { error, scope, target, delayMs, dueAt } = facts
      notify(emitter, 'rateLimited', { ...messageOf(facts), error, scope, target, delayMs, dueAt })
    },
    dead(facts) {
      const { id, attempts, at, reason, recorded } = facts
      settlements.settle({
        id,
        state: 'dead',
        attempts,
        at,
        deadReason: reason,
        ...(recorded !== undefined && { lastError: recorded }),
      })
      roomChanged()
      const error = 'error' in facts ? { error: facts.error } : {}
      notify(emitter, 'dead', { ...messageOf(facts), reason, ...error })
    },
    cancelled(facts) {
      const { id, attempts, mayHaveBeenSent, at } = facts
      settlements.settle({ id, state: 'cancelled', attempts, at })
      roomChanged()
      notify(emitter, 'cancelled', { ...messageOf(facts), mayHaveBeenSent })
    },
    halted({ scope, target, reason, since, probeAt }) {
      notify(emitter, 'halted', { scope, target, ...(reason !== undefined && { reason }), since, probeAt })
    },
    resumed({ scope, target }) {
      notify(emitter, 'resumed', { scope, target })
    },
    idle({ pending }) {
      notify(emitter, 'idle', { pending })
    },
    error(error) {
      notifyError(emitter, error)
    },
  }
}

function messageOf({ id, channel, sequence, attempts }: MessageFacts): MessageEvent {
  return { id, channel, sequence, attempts }
}
