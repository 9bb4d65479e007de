import t from 'tap'
import { runExample, scratchDirectory } from './fixtures/run.js'
import { standIn } from './fixtures/stand-in.js'

t.test('discord-notify sends the lines in order, each under a nonce of its own', async t => {
  let refused = false
  const discord = await standIn(t, () => {
    if (refused) return { body: { id: '1' } }
    refused = true
    return {
      status: 429,
      headers: { 'retry-after': '0.01' },
      body: { message: 'limited', retry_after: 0.01, global: false },
    }
  })
  const run = runExample(t, 'discord-notify', {
    args: ['777'],
    env: { DISCORD_TOKEN: 'secret', DISCORD_API: discord.url, OUTBOX: scratchDirectory(t) },
    input: 'one\n\ntwo\nthree\n',
  })
  t.equal(await run.ended(), 0, run.errors)
  t.equal(run.errors, '')
  const bodies = discord.requests.map(({ body }) => JSON.parse(body))
  t.strictSame(
    bodies.map(({ content }) => content),
    ['one', 'one', 'two', 'three'],
  )
  t.equal(bodies[0].nonce, bodies[1].nonce, 'the same in both attempts')
  t.equal(new Set(bodies.map(({ nonce }) => nonce)).size, 3)
  t.ok(bodies.every(({ enforce_nonce }) => enforce_nonce))
  t.ok(discord.requests.every(({ path }) => path === '/v10/channels/777/messages'))
  t.ok(discord.requests.every(({ headers }) => headers.authorization === 'Bot secret'))
})

t.test('slack-notify prints the time stamp of the message that it delivered', async t => {
  const slack = await standIn(t, () => ({ body: { ok: true, ts: '1700000000.000100' } }))
  const run = runExample(t, 'slack-notify', {
    args: ['C1', 'The backup is done'],
    env: { SLACK_TOKEN: 'xoxb-1', SLACK_API_URL: `${slack.url}/api/`, OUTBOX: scratchDirectory(t) },
  })
  t.equal(await run.ended(), 0, run.errors)
  t.equal(run.output, 'delivered as 1700000000.000100\n')
  const [request] = slack.requests
  t.equal(request?.path, '/api/chat.postMessage')
  t.match(Object.fromEntries(new URLSearchParams(request?.body)), {
    channel: 'C1',
    text: 'The backup is done',
  })
})

t.test('slack-notify fails with the reason if Slack refuses the message', async t => {
  const slack = await standIn(t, () => ({ body: { ok: false, error: 'channel_not_found' } }))
  const run = runExample(t, 'slack-notify', {
    args: ['C1', 'Hello'],
    env: { SLACK_TOKEN: 'xoxb-1', SLACK_API_URL: `${slack.url}/api/`, OUTBOX: scratchDirectory(t) },
  })
  t.equal(await run.ended(), 1)
  t.match(run.errors, /not delivered \(permanent\): .*channel_not_found/)
})
