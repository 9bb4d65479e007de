/**
 * A receiver's maintenance: what is for it waits, however often this program restarts, and nothing else does. The pause is
 * durable; one that is not would end with the process.
 *
 *     node pauses.js ./outbox pause 'webhook:billing:*'
 *     node pauses.js ./outbox send webhook:billing:invoices http://localhost:8080/invoices 'invoice 17'
 *     node pauses.js ./outbox resume 'webhook:billing:*'
 *
 * While the program runs, `waq pause` and `waq resume` do the same from outside.
 */
import { OutboundQueue } from 'waq'

interface Notice {
  url: string
  text: string
}

const [directory = './outbox', action = '', channel = '', url = '', text = ''] = process.argv.slice(2)
const queue = await OutboundQueue.open<Notice>(directory, {
  send: ({ payload, id, signal }) =>
    fetch(payload.url, {
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'idempotency-key': id },
      body: payload.text,
      signal,
    }),
})

if (action === 'pause') await queue.pause(channel, { durable: true })
if (action === 'resume') await queue.resume(channel)
if (action === 'send') await queue.enqueue({ channel, payload: { url, text } })

// Resolves once only paused messages are left: those of other channels are sent.
await queue.drain()
const { paused, pending, oldestUnpausedMs } = queue.stats()
for (const { scope, since } of paused)
  console.log(`${scope} is paused since ${new Date(since).toISOString()}`)
console.log(`${pending} waiting${oldestUnpausedMs === null ? '' : ', and not only for a pause'}`)
await queue.close()
