/**
 * Traces of OpenTelemetry through a queue: the context of an enqueue travels in the message's headers, also across a
 * restart, and every attempt has a span that is linked to it. A link and not a parent: an attempt may come hours later,
 * and there may be ten.
 */
import {
  context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import type { Delivery, OutboundMessage, OutboundQueue, Receipt, Send } from 'waq'

/** The platform, the part of a channel before its first colon: channels may name people. */
const destinationOf = (channel: string): string => channel.split(':', 1)[0]!

/** By the semantic conventions for messaging (https://opentelemetry.io/docs/specs/semconv/messaging/). */
const attributesOf = (channel: string, operation: 'publish' | 'send') => ({
  'messaging.system': 'waq',
  'messaging.operation.name': operation,
  'messaging.destination.name': destinationOf(channel),
})

async function within<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    span.recordException(error instanceof Error ? error : String(error))
    span.setStatus({ code: SpanStatusCode.ERROR })
    throw error
  } finally {
    span.end()
  }
}

/** Enqueues in a span of its own, and puts that span's context into the headers. */
export function enqueueTraced<P>(
  queue: OutboundQueue<P>,
  tracer: Tracer,
  message: OutboundMessage<P>,
): Promise<Receipt> {
  const { channel } = message
  const options = { kind: SpanKind.PRODUCER, attributes: attributesOf(channel, 'publish') }
  return tracer.startActiveSpan(`publish ${destinationOf(channel)}`, options, span =>
    within(span, async () => {
      const headers = { ...message.headers }
      propagation.inject(context.active(), headers)
      const receipt = await queue.enqueue({ ...message, headers })
      span.setAttribute('messaging.message.id', receipt.id)
      return receipt
    }),
  )
}

/** A `send` with a span for each attempt: `fetch` and clients that are instrumented continue it. */
export function sendTraced<P, R>(tracer: Tracer, send: Send<P, R>): Send<P, Promise<R>> {
  return async (delivery: Delivery<P>) => {
    const { id, channel, attempt, headers, mayHaveBeenSent } = delivery
    const origin = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers))
    const links: Link[] = origin === undefined ? [] : [{ context: origin }]
    const attributes = {
      ...attributesOf(channel, 'send'),
      'messaging.message.id': id,
      'waq.attempt': attempt,
      'waq.may_have_been_sent': mayHaveBeenSent,
    }
    const options = { kind: SpanKind.CONSUMER, root: true, links, attributes }
    return tracer.startActiveSpan(`send ${destinationOf(channel)}`, options, span =>
      within(span, async () => await send(delivery)),
    )
  }
}
