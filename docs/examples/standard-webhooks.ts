/**
 * Outgoing webhooks as https://www.standardwebhooks.com describes them: each event goes to every endpoint, signed,
 * under an id that stays the same in every attempt.
 *
 *     WEBHOOK_ENDPOINTS='{"shop":{"url":"https://…","secret":"whsec_…"}}' node standard-webhooks.js order.paid '{"order":7}'
 */
import { createHmac } from 'node:crypto'
import { type Delivery, OutboundQueue, SendError } from 'waq'

interface Event {
  type: string
  timestamp: string
  data: unknown
}

interface Endpoint {
  url: string
  secret: string
}

// Looked up when a message is sent, and never put into it: a payload lies on disk, and outlives a changed secret.
const endpoints: Record<string, Endpoint> = JSON.parse(process.env.WEBHOOK_ENDPOINTS ?? '{}')

async function post({ id, channel, payload, signal }: Delivery<Event>) {
  const endpoint = endpoints[channel.slice('webhook:'.length)]
  if (endpoint === undefined) throw new SendError('the endpoint was removed', { kind: 'permanent' })
  const timestamp = Math.floor(Date.now() / 1_000).toString()
  const body = JSON.stringify(payload)
  const response = await fetch(endpoint.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': sign(endpoint.secret, `${id}.${timestamp}.${body}`),
    },
    body,
    redirect: 'manual',
    signal,
  })
  // Whatever becomes of the rest, the event was taken.
  if (response.ok) response.body?.cancel().catch(() => {})
  // The queue reads its status: 2xx is delivered, 410 Gone dead at once, 429 waits as told, 500 is tried again.
  return response
}

function sign(secret: string, text: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  return `v1,${createHmac('sha256', key).update(text).digest('base64')}`
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const queue = await OutboundQueue.open(process.env.OUTBOX ?? './outbox', {
  send: post,
  retry: [5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR],
  // An endpoint that hangs holds up its own events only.
  sendTimeoutMs: 20 * SECOND,
})
queue.on('dead', ({ id, channel, reason }) => console.error(`${channel}: ${id} was given up (${reason})`))

const [type = 'test', data = '{}'] = process.argv.slice(2)
const event: Event = { type, timestamp: new Date().toISOString(), data: JSON.parse(data) }
// One list: after a crash either all endpoints are told of the event, or the caller knows that none is.
await queue.enqueue(Object.keys(endpoints).map(name => ({ channel: `webhook:${name}`, payload: event })))

// Waits for retries too. When it is stopped earlier, the next run goes on.
await queue.drain()
await queue.close()
