/**
 * The error that an aborted call rejects with, as everywhere in Node: `name` "AbortError", `code`
 * "ABORT_ERR", the signal's reason as `cause`.
 */
export class AbortError extends Error {
  override readonly name = 'AbortError'
  readonly code = 'ABORT_ERR'

  constructor(signal: AbortSignal) {
    super('The operation was aborted', { cause: signal.reason })
  }
}

/** As `signal.throwIfAborted`, with an `AbortError`. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AbortError(signal)
}

/**
 * Settles as `promise`, or rejects with an `AbortError` as soon as the signal aborts; `promise` itself goes
 * on.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise<T>((resolve, reject) => {
    if (signal.aborted) {
      reject(new AbortError(signal))
      return
    }
    const leave = onAbort(signal, () => reject(new AbortError(signal)))
    promise.then(resolve, reject).finally(leave)
  })
}

/** The callbacks on each signal that has our listener. */
const listening = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls back once, when the signal aborts, unless the returned function was called first.
 *
 * All calls given the same signal share one listener: an `EventTarget` walks its whole list to add or remove
 * one, and warns of the eleventh.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let callbacks = listening.get(signal)
  if (callbacks === undefined) {
    callbacks = new Set()
    listening.set(signal, callbacks)
    signal.addEventListener('abort', aborted, { once: true })
  }
  callbacks.add(callback)
  return () => {
    if (!callbacks.delete(callback) || callbacks.size > 0) return
    listening.delete(signal)
    signal.removeEventListener('abort', aborted)
  }
}

function aborted(this: AbortSignal): void {
  const callbacks = listening.get(this)
  listening.delete(this)
  for (const callback of callbacks ?? []) callback()
}
