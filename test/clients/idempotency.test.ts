import { REST } from '@discordjs/rest'
import t from 'tap'
import { classifyError, idempotencyKey } from '../../lib/index.js'
import { openQueue } from '../queue/fixtures/open-queue.js'
import { clients } from './fixtures/clients.js'
import { discord } from './fixtures/discord.js'
import { PlatformServer, textOf } from './fixtures/platform.js'
import { webhook } from './fixtures/webhook.js'

t.test('every attempt at a message tells Discord the same nonce, of the length that it takes', async t => {
  const server = await PlatformServer.start(t, discord)
  const queue = await openQueue(t, {
    retry: [0, 0],
    send: clients['@discordjs/rest 2']!.connect(server.url, 60_000),
  })
  await queue.enqueue({ id: 'a', channel: 'discord:bot:1', payload: { text: textOf('server error') } })
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
    send: clients['fetch, its response returned']!.connect(server.url, 60_000),
  })
  await queue.enqueue({ id: 'a', channel: 'webhook', payload: { text: textOf('gateway timeout') } })
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
  "Discord's client forgets its token after a 401: its next message halts too, and does not die",
  async t => {
    const server = await PlatformServer.start(t, discord)
    const rest = new REST({ api: server.url, version: '10', retries: 0 }).setToken('revoked')
    const post = () =>
      rest.post('/channels/1/messages', { body: { content: textOf('unauthorized') } }).then(
        () => t.fail('it was refused'),
        error => classifyError(error).kind,
      )
    t.strictSame([await post(), await post()], ['halt', 'halt'])
    t.equal(server.taken.length, 1, 'the second did not get as far as the server')
  },
)
