import type { DispatchObserver, MessageFacts } from '../../delivery/types.js'
import type { AttemptDiagnostics, MessageEvent } from '../types.js'
import type { RecentDurations } from '../view/recent-durations.js'
import { attemptDiagnostics } from './diagnostics.js'
import { type EventSource, notify, notifyError } from './events.js'
import { unprinted } from './printing.js'
import type { Settlements } from './settlements.js'

export interface ObserverParts<R> {
  readonly emitter: EventSource
  readonly directory: string
  readonly settlements: Settlements<R>
  readonly sendDurations: RecentDurations
  /** Called when messages settled that are not told one by one. */
  readonly settledUntold: () => void
  /** Called when a message stops waiting. */
  readonly roomChanged: () => void
}

/** Turns the reports of delivery into events, settlements and figures. */
export function observeDispatch<R>(parts: ObserverParts<R>): DispatchObserver<R> {
  const { emitter, directory, settlements, sendDurations, roomChanged, settledUntold } = parts
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
      const kept = 'kept' in facts ? (facts.kept as R | undefined) : result
      sendDurations.add(ms)
      settlements.settle({
        id,
        state: 'delivered',
        attempts,
        at,
        ...(kept !== undefined && { result: kept }),
      })
      roomChanged()
      if (emitter.listenerCount('delivered') === 0) return
      const event = { ...messageOf(facts), ms }
      notify(emitter, 'delivered', unprinted(event, { result }, {}))
    },
    retry(facts) {
      const { error, delayMs, dueAt, mayHaveBeenSent } = facts
      const event = { ...messageOf(facts), delayMs, dueAt, mayHaveBeenSent }
      notify(emitter, 'retry', unprinted(event, { error }, { error: facts.recorded }))
    },
    rateLimited(facts) {
      const { error, scope, target, delayMs, dueAt } = facts
      const event = { ...messageOf(facts), scope, target, delayMs, dueAt }
      notify(emitter, 'rateLimited', unprinted(event, { error }, { error: facts.recorded }))
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
      const event = { ...messageOf(facts), reason }
      const { error } = facts
      notify(
        emitter,
        'dead',
        'error' in facts
          ? unprinted<typeof event, { error?: unknown }>(event, { error }, { error: recorded })
          : event,
      )
    },
    cancelled(facts) {
      const { id, attempts, mayHaveBeenSent, at } = facts
      settlements.settle({ id, state: 'cancelled', attempts, at })
      roomChanged()
      if (emitter.listenerCount('cancelled') > 0)
        notify(emitter, 'cancelled', { ...messageOf(facts), mayHaveBeenSent })
    },
    replaced(facts) {
      const { id, attempts, by, at } = facts
      settlements.settle({ id, state: 'replaced', attempts, at, replacedBy: by.id })
      roomChanged()
      if (emitter.listenerCount('replaced') > 0)
        notify(emitter, 'replaced', { ...messageOf(facts), by: by.id })
    },
    closed({ channel, count, reason }) {
      settledUntold()
      roomChanged()
      notify(emitter, 'closed', { channel, count, ...(reason !== undefined && { reason }) })
    },
    moved({ from, to }) {
      notify(emitter, 'moved', { from, to })
    },
    halted({ scope, target, reason, since, probeAt }) {
      notify(emitter, 'halted', { scope, target, ...(reason !== undefined && { reason }), since, probeAt })
    },
    resumed({ scope, target }) {
      notify(emitter, 'resumed', { scope, target })
    },
    braked({ scope, target, reason, since }) {
      notify(emitter, 'braked', { scope, target, ...(reason !== undefined && { reason }), since })
    },
    unbraked({ scope, target }) {
      notify(emitter, 'unbraked', { scope, target })
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
