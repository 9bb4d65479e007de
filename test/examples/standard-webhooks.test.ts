import { createHmac } from 'node:crypto'
import t from 'tap'
import { runExample, scratchDirectory } from './fixtures/run.js'
import { type Request, standIn } from './fixtures/stand-in.js'

const secret = `whsec_${Buffer.from('a secret of 24 bytes, yes').toString('base64')}`

/** As a receiver checks it: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
function isSigned({ headers, body }: Request): boolean {
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  return headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
}

t.test('each endpoint gets the signed event, under the same id also after a kill', async t => {
  const outbox = scratchDirectory(t)
  const env = (url: string) => ({
    OUTBOX: outbox,
    WEBHOOK_ENDPOINTS: JSON.stringify({
      shop: { url: `${url}/shop`, secret },
      gone: { url: `${url}/gone`, secret },
    }),
  })
  const args = ['order.paid', '{"order":7}']
  const deaf = await standIn(t, ({ path }) => (path === '/gone' ? { status: 410 } : undefined))
  const first = runExample(t, 'standard-webhooks', { args, env: env(deaf.url) })
  const [unanswered] = await deaf.received(1, ({ path }) => path === '/shop')
  first.process.kill('SIGKILL')
  await first.ended()

  const server = await standIn(t, ({ path }) => (path === '/gone' ? { status: 410 } : {}))
  const second = runExample(t, 'standard-webhooks', {
    args: ['order.sent', '{"order":7}'],
    env: env(server.url),
  })
  t.equal(await second.ended(), 0, second.errors)
  const shop = server.requests.filter(({ path }) => path === '/shop')
  t.strictSame(
    shop.map(({ body }) => JSON.parse(body).type),
    ['order.paid', 'order.sent'],
  )
  t.equal(shop[0]?.headers['webhook-id'], unanswered?.headers['webhook-id'])
  t.ok([unanswered!, ...server.requests].every(isSigned))
  t.match(second.errors, /webhook:gone: .* was given up \(permanent\)/)
})
