import { REST } from '@discordjs/rest'
import t from 'tap'
import { discordSender } from '../../docs/examples/discord.js'
import { resendSender } from '../../docs/examples/resend.js'
import { svixSender } from '../../docs/examples/svix.js'
import { webhookSender } from '../../docs/examples/webhook.js'
import { classifyError, idempotencyKey } from '../../lib/index.js'
import { openQueue } from '../queue/fixtures/open-queue.js'
import type { TextDelivery } from './fixtures/client.js'
import { PlatformServer, textOf } from './fixtures/platform-server.js'
import { discord } from './fixtures/platforms/discord.js'
import { resend } from './fixtures/platforms/resend.js'
import { svix } from './fixtures/platforms/svix.js'
import { webhook } from './fixtures/platforms/webhook.js'

t.test('every attempt at a message tells Discord the same nonce, of the length that it takes', async t => {
  const server = await PlatformServer.start(t, discord)
  const queue = await openQueue(t, {
    retry: [0, 0],
    send: discordSender({ token: 'secret', api: server.url }),
  })
  await queue.enqueue({ id: 'a', channel: 'discord:bot:1', payload: { text: textOf('500') } })
  t.match(await queue.settled('a'), { state: 'dead', attempts: 3 })
  const bodies = server.taken.map(({ body }) => JSON.parse(body))
  t.equal(bodies.length, 3)
  for (const { nonce, enforce_nonce } of bodies) {
    t.equal(nonce, idempotencyKey('a', 25))
    t.equal(nonce.length, 25)
    t.equal(enforce_nonce, true)
  }
})

t.test('every attempt at a message tells a webhook the same id', async t => {
  const server = await PlatformServer.start(t, webhook)
  const queue = await openQueue(t, {
    retry: [0, 0],
    send: webhookSender(server.url),
  })
  await queue.enqueue({ id: 'a', channel: 'webhook', payload: { text: textOf('504') } })
  t.match(await queue.settled('a'), { state: 'dead', attempts: 3 })
  t.strictSame(
    server.taken.map(({ headers }) => [headers['webhook-id'], headers['idempotency-key']]),
    [
      ['a', 'a'],
      ['a', 'a'],
      ['a', 'a'],
    ],
  )
})

t.test(
  'every attempt at a message tells Svix and Resend the same key, which their clients would not',
  async t => {
    const eventOf = (delivery: TextDelivery) => ({ eventType: 'test', payload: delivery.payload })
    const services = {
      svix: {
        platform: svix,
        connect: (serverUrl: string) => {
          const send = svixSender({ token: 'testsk_a.eu', serverUrl })
          return (delivery: TextDelivery) => send({ ...delivery, payload: eventOf(delivery) })
        },
      },
      resend: {
        platform: resend,
        connect: (baseUrl: string) => {
          const send = resendSender({ key: 're_test', baseUrl })
          const mail = { from: 'a@example.com', to: 'b@example.com', subject: 'Test' }
          return (delivery: TextDelivery) => send({ ...delivery, payload: { ...mail, ...delivery.payload } })
        },
      },
    }
    for (const [name, { platform, connect }] of Object.entries(services)) {
      const server = await PlatformServer.start(t, platform)
      const queue = await openQueue<{ text: string }>(t, { retry: [0, 0], send: connect(server.url) })
      await queue.enqueue({ id: 'a', channel: `${name}:app`, payload: { text: textOf('500') } })
      t.match(await queue.settled('a'), { state: 'dead', attempts: 3 })
      const keys = server.taken.map(({ headers }) => headers['idempotency-key'])
      t.strictSame(keys, Array(3).fill(idempotencyKey('a')), name)
    }
  },
)

t.test(
  "Discord's client forgets its token after a 401: its next message halts too, and does not die",
  async t => {
    const server = await PlatformServer.start(t, discord)
    const rest = new REST({ api: server.url, version: '10', retries: 0 }).setToken('revoked')
    const post = () =>
      rest.post('/channels/1/messages', { body: { content: textOf('401') } }).then(
        () => t.fail('it was refused'),
        error => classifyError(error).kind,
      )
    t.strictSame([await post(), await post()], ['halt', 'halt'])
    t.equal(server.taken.length, 1, 'the second did not get as far as the server')
  },
)
