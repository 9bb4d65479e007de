/**
 * An HTTP service that owns a queue for its lifetime: other programs hand it messages, and get 202 when one is on disk.
 *
 *     RECEIVER_URL=https://… PORT=8080 node service.js
 *     curl -d '{"channel":"chat-1","payload":{"text":"Hello"}}' -H 'content-type: application/json' \
 *       -H 'idempotency-key: order-7' localhost:8080/messages
 */
import Fastify from 'fastify'
import { OutboundQueue, WaqError, type WaqErrorCode } from 'waq'
import { webhookSender } from './webhook.js'

interface NewMessage {
  channel: string
  payload: unknown
}

const queue = await OutboundQueue.open(process.env.OUTBOX ?? './outbox', {
  send: webhookSender(process.env.RECEIVER_URL ?? 'http://localhost:9000/'),
  limits: { maxPendingMessages: 100_000 },
})

const app = Fastify({ logger: true })
// The queue goes last: requests that are being answered may still enqueue.
app.addHook('onClose', () => queue.close())

const STATUS: Partial<Record<WaqErrorCode, number>> = {
  WAQ_INVALID_MESSAGE: 400,
  WAQ_ID_CONFLICT: 409,
  WAQ_TOO_LARGE: 413,
  WAQ_FULL: 503,
  WAQ_DISK_FULL: 507,
  WAQ_CLOSED: 503,
}
app.setErrorHandler((error, _request, reply) => {
  if (!(error instanceof WaqError)) throw error
  // An indeterminate one may be on disk: the caller repeats it with the same key, and it is sent once.
  return reply
    .code(STATUS[error.code] ?? 500)
    .send({ code: error.code, message: error.message, indeterminate: error.indeterminate })
})

app.post<{ Body: NewMessage }>('/messages', async ({ body, headers }, reply) => {
  const key = headers['idempotency-key']
  const receipt = await queue.enqueue({ ...body, id: typeof key === 'string' ? key : undefined })
  return reply.code(202).send(receipt)
})

app.get<{ Params: { id: string } }>('/messages/:id', async ({ params }, reply) => {
  const message = await queue.get(params.id)
  if (message === undefined) return reply.code(404).send()
  return reply.send({ state: message.state, attempts: message.attempts, lastError: message.lastError })
})

for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => app.close())
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 8080) })
