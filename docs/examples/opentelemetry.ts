import type { OutboundQueue } from 'waq'

/** What is needed of a meter of `@opentelemetry/api`; `metrics.getMeter('waq')` has it. */
interface Meter {
  createCounter(name: string, options: Options): { add(value: number, attributes: Attributes): void }
  createHistogram(name: string, options: Options): { record(value: number, attributes: Attributes): void }
  createObservableCounter(name: string, options: Options): Observable
  createObservableGauge(name: string, options: Options): Observable
}
interface Observable {
  addCallback(callback: (result: { observe(value: number, attributes?: Attributes): void }) => void): void
}
type Options = { description: string; unit: string }
type Attributes = Record<string, string>

/**
 * Feeds a meter with what happens in a queue, by the semantic conventions for messaging
 * (https://opentelemetry.io/docs/specs/semconv/messaging/). The destination is the platform, the part of a channel
 * before its first colon: channels may name people, and are too many for labels.
 */
export function observe<P, R>(queue: OutboundQueue<P, R>, meter: Meter): void {
  const sent = meter.createCounter('messaging.client.sent.messages', {
    description: 'Attempts to send a message.',
    unit: '{message}',
  })
  const duration = meter.createHistogram('messaging.client.operation.duration', {
    description: 'How long it took to send a message.',
    unit: 's',
  })
  const attributes = (channel: string, error?: string): Attributes => ({
    'messaging.system': 'waq',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': channel.split(':', 1)[0]!,
    ...(error !== undefined && { 'error.type': error }),
  })
  queue.on('delivered', ({ channel, ms }) => {
    sent.add(1, attributes(channel))
    duration.record(ms / 1000, attributes(channel))
  })
  queue.on('retry', ({ channel, error }) => sent.add(1, attributes(channel, errorType(error))))
  queue.on('rateLimited', ({ channel }) => sent.add(1, attributes(channel, 'rate_limited')))
  queue.on('dead', ({ channel, reason, error }) => {
    // One that expired, or died with its predecessor, was not attempted.
    if (error !== undefined) sent.add(1, attributes(channel, reason))
  })

  const messages = meter.createObservableGauge('waq.messages', {
    description: 'Messages in the queue, by how they stand.',
    unit: '{message}',
  })
  messages.addCallback(result => {
    const { pending, sending, dead } = queue.stats()
    for (const [state, count] of Object.entries({ pending, sending, dead })) {
      result.observe(count, { 'waq.message.state': state })
    }
  })
  meter
    .createObservableGauge('waq.oldest_pending', {
      description: 'Age of the oldest message that is due.',
      unit: 's',
    })
    .addCallback(result => result.observe((queue.stats().oldestPendingMs ?? 0) / 1000))
  meter
    .createObservableCounter('waq.enqueued', { description: 'Messages accepted.', unit: '{message}' })
    .addCallback(result => result.observe(queue.stats().enqueued))
}

function errorType(error: unknown): string {
  return error instanceof Error ? error.name : '_OTHER'
}
