import { AsyncLocalStorage } from 'node:async_hooks'
import type { Send } from '../delivery/types.js'

/** Which send some code runs within; a property of the call chain, and nothing else can tell. */
interface SendContext {
  readonly queue: object
  readonly sequence: number
}

const contexts = new AsyncLocalStorage<SendContext>()

/** `send`, so that `sequenceBeingSent` answers within it. */
export function withSendContext<P, R>(queue: object, send: Send<P, R>): Send<P, R> {
  return delivery => contexts.run({ queue, sequence: delivery.sequence }, send, delivery)
}

/** The message whose `send` the caller runs within, if it does: `close` must not wait for that one. */
export function sequenceBeingSent(queue: object): number | undefined {
  const context = contexts.getStore()
  return context?.queue === queue ? context.sequence : undefined
}
