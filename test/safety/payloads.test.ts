import { channel as diagnosticsChannel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { inspect } from 'node:util'
import t from 'tap'
import { SendError, WaqError } from '../../lib/index.js'
import { renderPrometheus } from '../../lib/queue/metrics.js'
import { openQueue } from '../queue/fixtures/open-queue.js'

const SECRET = 'correct horse battery staple'

t.test('a payload that attacks prototypes is read back as data, or refused', async t => {
  const hostile = JSON.parse(
    '{"constructor":{"prototype":{"polluted":true}},"toJSON":"x","hasOwnProperty":1,"a":{"prototype":{"polluted":true}}}',
  )
  const queue = await openQueue(t, { send: ({ payload }) => payload })
  await queue.enqueue({ id: 'm', channel: 'c', payload: hostile })
  const { result } = await queue.settled('m')
  t.equal(JSON.stringify(result), JSON.stringify(hostile))
  t.equal(Object.getPrototypeOf(result), Object.prototype)
  t.equal(({} as { polluted?: boolean }).polluted, undefined)
  for (const text of ['{"__proto__":{"polluted":true}}', '[{"a":{"__proto__":[]}}]']) {
    await t.rejects(queue.enqueue({ channel: 'c', payload: JSON.parse(text) }), {
      code: 'WAQ_INVALID_MESSAGE',
    })
  }
  t.equal(({} as { polluted?: boolean }).polluted, undefined)
  const headers = JSON.parse('{"__proto__":"x","constructor":"y"}')
  await queue.enqueue({ channel: 'c', payload: 1, headers }).catch(error => t.match(error, { code: /^WAQ_/ }))
  t.equal(({} as { polluted?: boolean }).polluted, undefined)
})

t.test('a channel named like a property of objects works like any other', async t => {
  const queue = await openQueue(t, { send: ({ payload }) => payload })
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype']
  for (const name of names) await queue.enqueue({ id: name, channel: name, payload: name })
  for (const name of names) t.match(await queue.settled(name), { state: 'delivered', result: name })
})

t.test('no error of a refused message contains any of its payload', async t => {
  const queue = await openQueue(t, { limits: { maxMessageBytes: 1_000, maxPendingMessages: 1 } })
  await queue.enqueue({ id: 'known', channel: 'c', payload: { secret: SECRET } })
  const cycle: Record<string, unknown> = { secret: SECRET }
  cycle.again = cycle
  const refused = [
    { secret: SECRET, callback: () => SECRET },
    new Map([[SECRET, SECRET]]),
    cycle,
    { text: SECRET.repeat(100) },
    Symbol(SECRET),
    {
      get secret() {
        throw new Error(SECRET)
      },
    },
  ]
  const errors: unknown[] = []
  for (const payload of refused)
    await queue.enqueue({ channel: 'c', payload }).catch(error => errors.push(error))
  await queue.enqueue({ id: 'known', channel: 'c', payload: SECRET }).catch(error => errors.push(error))
  await queue.enqueue({ channel: 'c', payload: { secret: SECRET } }).catch(error => errors.push(error))
  t.equal(errors.length, refused.length + 2)
  for (const error of errors) {
    t.type(error, WaqError)
    t.notMatch(inspect(error, { depth: 10, showHidden: true }), SECRET)
    t.notMatch(JSON.stringify(error), SECRET)
  }
})

t.test('a refused response is printed without its URL, headers and body', async t => {
  const token = '123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw'
  const response = Object.defineProperty(
    Response.json(
      { ok: false, description: 'chat not found', echo: SECRET },
      {
        status: 400,
        headers: { 'set-cookie': SECRET },
      },
    ),
    'url',
    { value: `https://api.telegram.org/bot${token}/sendMessage`, enumerable: true },
  )
  const queue = await openQueue(t, { send: () => response })
  const dead = once(queue, 'dead')
  await queue.enqueue({ channel: 'c', payload: { text: SECRET } })
  const [{ error }] = await dead
  t.match(error, { message: /chat not found/, status: 400, body: { ok: false }, response })
  const printed = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify({ ...error })
  t.match(printed, 'chat not found')
  t.notMatch(printed, token)
  t.notMatch(printed, SECRET)
})

t.test('a printed event does not contain the result of send', async t => {
  const queue = await openQueue(t, { send: () => ({ url: `https://api.telegram.org/bot${SECRET}` }) })
  const delivered = once(queue, 'delivered')
  await queue.enqueue({ channel: 'c', payload: { text: SECRET } })
  const [event] = await delivered
  t.match(event.result.url, SECRET)
  t.match(inspect(event), /channel: 'c'.*ms:/s)
  t.notMatch(JSON.stringify(event) + JSON.stringify({ ...event }), SECRET)
  t.notMatch(inspect(event, { depth: 10, showHidden: true }), SECRET)
})

t.test(
  'no event, diagnostics or figure contains payloads, and no recorded error contains credentials',
  async t => {
    const token = '123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw'
    const told: unknown[] = []
    for (const name of ['waq:enqueue', 'waq:attempt']) {
      const listener = (message: unknown) => told.push(message)
      diagnosticsChannel(name).subscribe(listener)
      t.teardown(() => diagnosticsChannel(name).unsubscribe(listener))
    }
    const queue = await openQueue<{ text: string }>(t, {
      send({ channel, attempt, signal }) {
        signal.throwIfAborted()
        if (channel === 'fine') return undefined
        if (channel === 'halted') throw new SendError('not configured', { kind: 'halt' })
        if (attempt === 1) throw Object.assign(new Error('limited'), { status: 429 })
        throw new SendError(`POST https://api.telegram.org/bot${token}/sendMessage?token=${token} failed`, {
          kind: 'permanent',
        })
      },
    })
    for (const name of [
      'delivered',
      'retry',
      'rateLimited',
      'dead',
      'halted',
      'resumed',
      'idle',
      'error',
    ] as const)
      queue.on(name, (event: unknown) => told.push(name, event))
    for (const channel of ['fine', 'halted', 'failing'])
      await queue.enqueue({ id: channel, channel, payload: { text: SECRET } })
    await queue.settled('fine')
    queue.pause()
    told.push(queue.stats(), renderPrometheus(queue, { haltedScopes: true }), queue.recovery)
    t.ok(told.length > 5)
    t.notMatch(inspect(told, { depth: 10, showHidden: true }), SECRET)

    queue.resume('failing')
    const { lastError } = (await queue.get('failing')) ?? {}
    t.notMatch(JSON.stringify(lastError ?? {}), token)
    for await (const { history, lastError } of queue.list({ payloads: false })) {
      t.notMatch(JSON.stringify([history, lastError ?? null]), token)
    }
  },
)
