import t from 'tap'
import { OutboundQueue } from '../../lib/index.js'
import { freePort } from './fixtures/free-port.js'
import { runExample, scratchDirectory } from './fixtures/run.js'
import { standIn } from './fixtures/stand-in.js'

t.test('every message that the service answered with 202 is on disk when it is stopped', async t => {
  const OUTBOX = `${scratchDirectory(t)}/outbox`
  const receiver = await standIn(t, () => ({ status: 503 }))
  const port = await freePort()
  const run = runExample(t, 'service', { env: { OUTBOX, PORT: `${port}`, RECEIVER_URL: receiver.url } })
  await run.printed('listening')
  const post = async (body: unknown, key: string) => {
    const response = await fetch(`http://127.0.0.1:${port}/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: await response.json() }
  }
  const message = { channel: 'chat-1', payload: { text: 'Hello' } }
  t.match(await post(message, 'order-7'), { status: 202, body: { id: 'order-7', duplicate: false } })
  t.match(await post(message, 'order-7'), { status: 202, body: { id: 'order-7', duplicate: true } })
  t.match(await post({ ...message, channel: 'chat-2' }, 'order-7'), {
    status: 409,
    body: { code: 'WAQ_ID_CONFLICT' },
  })
  t.match(await post({ payload: 1 }, 'order-8'), { status: 400, body: { code: 'WAQ_INVALID_MESSAGE' } })
  await receiver.received(1)
  const looked = await fetch(`http://127.0.0.1:${port}/messages/order-7`)
  t.equal(looked.status, 200)
  t.equal((await fetch(`http://127.0.0.1:${port}/messages/unknown`)).status, 404)
  run.process.kill('SIGTERM')
  t.equal(await run.ended(), 0, run.errors)

  const after = await OutboundQueue.open(OUTBOX)
  t.teardown(() => after.close())
  t.match(await after.get('order-7'), { channel: 'chat-1', payload: { text: 'Hello' } })
})
