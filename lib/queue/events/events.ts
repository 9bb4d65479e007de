import { EventEmitter } from 'node:events'
import { reasonText } from '../../delivery/errors/recorded-error.js'
import { WaqError } from '../../log/errors/waq-error.js'
import type { QueueEvents } from '../types.js'
import { className } from '../validation/quote.js'
import { printsPublicly } from './printing.js'

type EventName = keyof QueueEvents

/** The part of an emitter used here; every queue has it, whatever its payloads. */
export interface EventSource {
  listenerCount(name: EventName): number
  // biome-ignore lint/complexity/noBannedTypes: it is the type that EventEmitter gives its listeners
  rawListeners(name: EventName | typeof EventEmitter.errorMonitor): Function[]
}

/**
 * Calls each listener of an event separately. Unlike with `emit`, a listener that throws stops neither the
 * others nor the queue: its error or rejection is reported as `error`.
 */
export function notify<N extends EventName>(
  emitter: EventSource,
  name: N,
  argument: QueueEvents[N][0],
): void {
  callListeners(emitter, name, argument, error => notifyError(emitter, listenerFailure(name, error)))
}

/** Reports an error as the event `error`, or as a process warning if no one listens or a listener fails. */
export function notifyError(emitter: EventSource, error: Error): void {
  printsPublicly(error)
  callListeners(emitter, EventEmitter.errorMonitor, error, () => {})
  if (emitter.listenerCount('error') === 0) {
    warn(error)
    return
  }
  callListeners(emitter, 'error', error, failure => {
    warn(error)
    warn(listenerFailure('error', failure))
  })
}

function callListeners(
  emitter: EventSource,
  name: EventName | typeof EventEmitter.errorMonitor,
  argument: unknown,
  onFailure: (error: unknown) => void,
): void {
  // A copy, with the wrappers of `once`, which remove themselves.
  for (const listener of emitter.rawListeners(name)) {
    try {
      const returned: unknown = Reflect.apply(listener, emitter, [argument])
      if (isThenable(returned)) returned.then(undefined, onFailure)
    } catch (error) {
      onFailure(error)
    }
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  )
}

/** The error that says which listener failed. */
export function listenerFailure(event: string, cause: unknown): Error {
  const detail =
    cause instanceof Error ? reasonText(cause.message) : `something other than an Error was thrown`
  return new Error(`A listener of the event "${event}" failed: ${detail}`, { cause })
}

function warn(error: Error): void {
  const code = error instanceof WaqError ? error.code : undefined
  const kind = code ?? className(error) ?? 'Error'
  // waq's own texts contain paths and ids, but no text of other errors.
  const message = error instanceof WaqError ? error.message : reasonText(error.message)
  process.emitWarning(`${kind}: ${message}`, {
    type: 'WaqWarning',
    ...(code === undefined ? {} : { code }),
    detail: 'A queue reported this error, and its event "error" has no listener.',
  })
}
