import t from 'tap'
import { Harness, open, type Sent } from '../fixtures/harness.js'
import { revoked } from '../fixtures/revoked.js'

t.test('send is given the message, its attempt and a signal', async t => {
  const h = new Harness()
  h.add('a', { id: 'x', payload: { text: 'hi' } })
  await h.pass()
  const { delivery } = h.sent[0] as Sent
  t.match(delivery, {
    id: 'x',
    channel: 'a',
    payload: { text: 'hi' },
    headers: {},
    sequence: 1,
    attempt: 1,
    mayHaveBeenSent: false,
  })
  t.equal(delivery.signal.aborted, false)
  t.equal(delivery.signal, delivery.signal)
})

t.test('the result of a delivery is the value that send returns, undefined included', async t => {
  for (const result of [undefined, null, 0, 'x', { ok: true, status: 200 }]) {
    const h = new Harness()
    h.answer('m1', () => result)
    h.add('a')
    await h.pass()
    t.match(h.of('delivered'), [{ id: 'm1' }])
    t.same(h.of('delivered')[0]?.result, result)
  }
})

t.test('a send that throws, rejects, or throws something that is no error is a failed attempt', async t => {
  for (const fail of [
    () => {
      throw new Error('x')
    },
    () => Promise.reject(new Error('x')),
    () => Promise.reject(undefined),
    () => {
      throw null
    },
    () => {
      throw revoked()
    },
  ]) {
    const h = new Harness()
    h.answer('m1', fail, 'ok')
    h.add('a')
    await h.pass(1_000)
    t.equal(h.of('retry').length, 1)
    t.equal(h.of('delivered').length, 1)
  }
})

t.test('a send that settles twice counts once', async t => {
  const h = new Harness()
  h.answer('m1', () => ({
    // biome-ignore lint/suspicious/noThenProperty: a thenable that breaks its promise is the point.
    then: (ok: (v: unknown) => void, no: (e: unknown) => void) => {
      ok('first')
      no(new Error('second'))
      ok('third')
    },
  }))
  h.add('a')
  await h.pass()
  t.match(h.of('delivered'), [{ result: 'first' }])
  t.same(h.store.kinds(), ['attempt', 'delivered'])
})

t.test('a Response whose ok is false is classified, and its body may name the wait', async t => {
  const h = new Harness()
  h.answer(
    'm1',
    () =>
      Promise.resolve(
        new Response(
          JSON.stringify({
            ok: false,
            error_code: 429,
            description: 'Too Many Requests: retry after 7',
            parameters: { retry_after: 7 },
          }),
          { status: 429 },
        ),
      ),
    'ok',
  )
  h.answer('m2', () =>
    Promise.resolve(new Response('no such chat', { status: 404, statusText: 'Not Found' })),
  )
  h.answer('m3', () => ({ ok: false, error: 'channel_not_found' }))
  h.add('a')
  h.add('b')
  h.add('c')
  await h.pass(7_000)
  t.match(h.of('rateLimited'), [{ id: 'm1', delayMs: 7_000 }])
  t.match(
    h.of('dead').sort((x, y) => String(x.id).localeCompare(String(y.id))),
    [
      { id: 'm2', reason: 'permanent', recorded: { message: /404 Not Found: no such chat/ } },
      { id: 'm3', reason: 'permanent', recorded: { message: /channel_not_found/ } },
    ],
  )
  t.same(h.times('m1'), [0, 7_000])
})

t.test('a refusal whose body never ends is judged by its status, in bounded time', async t => {
  const h = new Harness({ sendTimeoutMs: 2_000 })
  const body = new ReadableStream({ pull: () => new Promise(() => {}) })
  h.answer('m1', () => new Response(body, { status: 400 }))
  h.add('a')
  await h.pass(2_000)
  t.match(h.of('dead'), [{ id: 'm1', reason: 'permanent' }])
})

t.test(
  'after sendTimeoutMs the signal is aborted, and the channel stays occupied until send settles',
  async t => {
    const h = new Harness({ sendTimeoutMs: 5_000, abortGraceMs: 3_000 })
    const gate = open()
    h.answer('m1', gate.answer, 'ok')
    h.add('a')
    h.add('a')
    await h.pass()
    const { signal } = h.sent[0]!.delivery
    await h.pass(4_999)
    t.equal(signal.aborted, false)
    await h.pass(1)
    t.equal(signal.aborted, true)
    t.match(signal.reason, { name: 'TimeoutError', message: /5000 ms \(sendTimeoutMs\)/ })
    await h.pass(1_000)
    t.equal(h.sent.length, 1)
    gate.succeed()
    await h.pass()
    t.match(h.of('delivered'), [{ id: 'm1', attempts: 1 }, { id: 'm2' }])
  },
)

t.test('a send that never settles is ambiguous when its grace is over', async t => {
  const h = new Harness({ sendTimeoutMs: 5_000, abortGraceMs: 3_000 })
  h.answer('m1', () => new Promise(() => {}), 'ok')
  h.underWay.set = () => h.underWay
  h.add('a')
  h.add('b')
  await h.pass(7_999)
  t.equal(h.of('retry').length, 0)
  await h.pass(1)
  t.match(h.of('retry'), [
    { id: 'm1', mayHaveBeenSent: true, attempts: 1, recorded: { name: 'TimeoutError' } },
  ])
  await h.pass(1_000)
  t.same(
    h.sent.filter(s => s.id === 'm1').map(s => [s.at, s.attempt, s.mayHaveBeenSent]),
    [
      [0, 1, false],
      [9_000, 2, true],
    ],
  )
})

t.test('a late success before the next attempt is a delivery', async t => {
  const h = new Harness({ sendTimeoutMs: 5_000, abortGraceMs: 0 })
  const gate = open()
  h.answer('m1', gate.answer)
  h.add('a')
  h.add('a')
  await h.pass(5_500)
  t.equal(h.of('retry').length, 1)
  gate.succeed()
  await h.pass()
  t.match(h.of('delivered'), [{ id: 'm1', attempts: 1, result: 'ok' }, { id: 'm2' }])
  await h.pass(1e7)
  t.equal(h.sent.length, 2)
  t.match(await h.dispatcher.drain(), { remaining: 0 })
})

t.test('a success after the next attempt began changes nothing', async t => {
  const h = new Harness({ sendTimeoutMs: 5_000, abortGraceMs: 0 })
  const first = open()
  const second = open()
  h.underWay.set = () => h.underWay
  h.answer('m1', first.answer, second.answer)
  h.add('a')
  await h.pass(6_000)
  t.equal(h.sent.length, 2)
  first.succeed()
  await h.pass()
  t.equal(h.of('delivered').length, 0)
  second.succeed()
  await h.pass()
  t.match(h.of('delivered'), [{ id: 'm1', attempts: 2 }])
})

t.test('send may call add, cancel, pause, resume and drain of its dispatcher', async t => {
  const h = new Harness()
  const results: unknown[] = []
  h.answer('m1', async () => {
    const added = h.add('a')
    h.add('b')
    results.push(await h.cancel(added), await h.cancel(h.store.bySequence(1)!))
    h.dispatcher.pause('b')
    h.dispatcher.resume('b')
    return 'ok'
  })
  h.add('a')
  await h.pass()
  t.same(results.slice(0, 2), [true, false])
  t.same(
    h.of('cancelled').map(e => e.id),
    ['m2'],
  )
  t.match(
    h
      .of('delivered')
      .map(e => e.id)
      .sort(),
    ['m1', 'm3'],
  )
})

t.test('a drain inside send does not wait for that send', async t => {
  const h = new Harness()
  let remaining = -1
  h.answer('m1', async () => {
    await null
    ;({ remaining } = await h.dispatcher.drain())
    return 'ok'
  })
  h.add('a')
  h.add('b')
  await h.pass()
  t.equal(remaining, 1)
  t.equal(h.of('delivered').length, 2)
})

t.test('listeners may call the dispatcher, and one that throws is reported and stops nothing', async t => {
  const h = new Harness()
  const events = h.events
  const push = events.push.bind(events)
  let added = 0
  events.push = seen => {
    if (seen.event === 'delivered' && added++ < 3) {
      h.add('a')
      throw new Error('listener')
    }
    return push(seen)
  }
  h.add('a')
  await h.pass()
  t.equal(h.sent.length, 4)
  t.equal(h.of('error').length, 3)
})

t.test('a second start of the dispatcher is refused', async t => {
  const h = new Harness()
  t.throws(() => h.start(), { code: 'WAQ_INVALID_OPTION' })
})

t.test('the first attempt comes one macrotask after start', async t => {
  const h = new Harness({ idle: true })
  h.add('a')
  h.start()
  for (let i = 0; i < 50; i++) await null
  t.same(h.ids, [])
  await h.pass()
  t.same(h.ids, ['m1'])
})
