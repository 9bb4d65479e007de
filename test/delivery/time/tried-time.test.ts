import t from 'tap'
import { type Answer, Harness, limited, open, uncharged } from '../fixtures/harness.js'

const HOUR_MS = 3_600_000
const down: Answer = uncharged

/** Waits of 1, 2, 4, 4, 4 … s; dead once it was tried for 10 s: at 11 s, where nothing else happens. */
const retry = { giveUpAfterMs: 10_000, maxDelayMs: 4_000, jitter: 0 }
const isDead = (h: Harness) => h.of('dead').some(({ reason }) => reason === 'attempts')

t.test('a message that keeps failing is dead once it was tried for giveUpAfterMs', async t => {
  const h = new Harness({ retry })
  h.answer('m1', down)
  h.add('a')
  await h.pass(10_999)
  t.notOk(isDead(h))
  await h.pass(1)
  t.ok(isDead(h))
  t.same(h.times(), [0, 1_000, 3_000, 7_000, 11_000])
})

t.test('time without a process does not count as tried', async t => {
  const before = new Harness()
  before.answer('m1', down)
  before.add('a')
  await before.pass()
  const h = await before.crash({}, 25 * HOUR_MS)
  h.answer('m1', down, 'ok')
  await h.pass(10_000)
  t.match(h.of('retry'), [{ attempts: 0 }], 'the network is not up yet')
  t.same(h.of('dead'), [])
  t.match(h.of('delivered'), [{ id: 'm1' }])
})

t.test('time tried in earlier lives counts towards giveUpAfterMs', async t => {
  let h = new Harness({ retry })
  h.answer('m1', down)
  h.add('a')
  await h.pass(7_000)
  for (let life = 0; life < 3; life++) {
    h = await h.crash({ retry }, 25 * HOUR_MS)
    h.answer('m1', down)
    await h.pass()
    t.notOk(isDead(h), 'it is due at once, and was tried for 7 s')
  }
  await h.pass(4_000)
  t.ok(isDead(h))
})

t.test('every outcome of a live message contains the time it was tried', async t => {
  const h = new Harness({ retry, sendTimeoutMs: 60_000 })
  const first = open()
  h.answer('m1', first.answer, limited(5_000), down)
  h.add('a')
  await h.pass(500)
  first.fail(Object.assign(new Error('down'), { code: 'ECONNREFUSED' }))
  await h.pass(20_000)
  const sums = h.store.outcomes.map(o => [o.kind, 'triedMs' in o ? o.triedMs : undefined])
  t.same(sums.slice(0, 8), [
    ['attempt', 0],
    ['retry', 500],
    ['attempt', 1_500],
    ['rate-limited', 1_500],
    ['attempt', 1_500],
    ['retry', 1_500],
    ['attempt', 3_500],
    ['retry', 3_500],
  ])
})

/** What keeps messages from being attempted, for as long as the function takes. */
const hindrances: Readonly<Record<string, (h: Harness) => Promise<void>>> = {
  'a suspend': async h => h.clock.suspend(25 * HOUR_MS),
  'a pause of everything': async h => {
    h.dispatcher.pause()
    await h.pass(25 * HOUR_MS)
    h.dispatcher.resume()
  },
  'a pause of its channel': async h => {
    h.dispatcher.pause('tg:1')
    await h.pass(25 * HOUR_MS)
    h.dispatcher.resume()
  },
  'a halt of its group': async h => {
    h.answer('tg:2', { kind: 'halt', scope: 'group', afterMs: Infinity }, 'ok')
    h.add('tg:2')
    await h.pass(25 * HOUR_MS)
    h.dispatcher.resume()
  },
  'a halt of everything': async h => {
    h.answer('b', { kind: 'halt', scope: 'global', afterMs: Infinity }, 'ok')
    h.add('b')
    await h.pass(25 * HOUR_MS)
    h.dispatcher.resume()
  },
  'a wait of its group': async h => {
    h.answer('tg:2', limited(25 * HOUR_MS, 'group'), 'ok')
    h.add('tg:2')
    await h.pass(25 * HOUR_MS)
  },
  'a wait of global scope': async h => {
    h.answer('b', limited(25 * HOUR_MS, 'global'), 'ok')
    h.add('b')
    await h.pass(25 * HOUR_MS)
  },
}

for (const [name, hinder] of Object.entries(hindrances)) {
  t.test(`the time of ${name} does not count as tried`, async t => {
    const options = {
      retry: {
        giveUpAfterMs: 24 * HOUR_MS,
        initialDelayMs: 30 * HOUR_MS,
        maxDelayMs: 30 * HOUR_MS,
        jitter: 0,
      },
      groups: { 'tg:*': {} },
      maxRetryAfterMs: 100 * HOUR_MS,
    }
    const h = new Harness(options)
    h.answer('m1', down)
    h.add('tg:1')
    await h.pass(HOUR_MS)
    await hinder(h)
    // 30 hours of its own wait, 25 of which nothing could be attempted.
    await h.pass(4 * HOUR_MS + 60_000)
    t.same(h.of('dead'), [], 'it was tried for five hours')
    t.equal(h.sent.filter(({ id }) => id === 'm1').length, 2)
    await h.pass(31 * HOUR_MS)
    t.match(h.of('dead'), [{ id: 'm1', reason: 'attempts' }], 'and then for a day')
  })
}

t.test('time that a message waits for its turn does not count as tried', async t => {
  const h = new Harness({ retry, concurrency: 1, sendTimeoutMs: HOUR_MS })
  const other = open()
  h.answer('m1', down, down, 'ok')
  h.answer('b', other.answer)
  h.add('a')
  await h.pass(500)
  h.add('b')
  await h.pass(HOUR_MS / 2)
  other.succeed()
  await h.pass(5_000)
  t.match(h.of('delivered'), [{ channel: 'b' }, { id: 'm1' }])
})

t.test('a receiver that limits for days kills no message', async t => {
  const h = new Harness({ retry })
  h.answer('m1', down, ...Array.from({ length: 30 }, () => limited(4 * HOUR_MS)), 'ok')
  h.add('a')
  await h.pass(121 * HOUR_MS)
  t.match(h.of('delivered'), [{ id: 'm1' }])
})

t.test('a wait that a failure names does not count as tried', async t => {
  const h = new Harness({ retry })
  h.answer(
    'm1',
    ...Array.from({ length: 30 }, () => ({ kind: 'retry', charged: false, afterMs: HOUR_MS }) as const),
    'ok',
  )
  h.add('a')
  await h.pass(31 * HOUR_MS)
  t.match(h.of('delivered'), [{ id: 'm1' }])
})

t.test('waits for a receiver that limits without naming a wait count as tried', async t => {
  const h = new Harness({ retry })
  h.answer('m1', limited())
  h.add('a')
  await h.pass(11_000)
  t.same(h.times(), [0, 1_000, 3_000, 7_000, 11_000])
  t.ok(isDead(h))
})

t.test('time in which a receiver hangs counts as tried', async t => {
  const h = new Harness({
    retry: { ...retry, maxAttempts: Infinity },
    sendTimeoutMs: 3_000,
    abortGraceMs: 1_000,
  })
  h.answer('m1', () => {
    h.underWay.delete('a')
    return new Promise(() => {})
  })
  h.add('a')
  await h.pass(60_000)
  t.same(h.times(), [0, 5_000, 11_000], 'attempts of 4 s, and waits of 1 and 2 s')
  t.ok(isDead(h))
})

t.test(
  'an attempt counts as tried for its timeout at most, if the monotonic clock counts a suspend',
  async t => {
    const h = new Harness({ retry, sendTimeoutMs: 3_000, abortGraceMs: 1_000 })
    const hanging = open()
    h.answer('m1', hanging.answer, 'ok')
    h.add('a')
    await h.pass()
    const { monotonic } = h.clock
    let sleptMs = 0
    h.clock.monotonic = () => monotonic.call(h.clock) + sleptMs
    sleptMs = HOUR_MS
    hanging.fail(Object.assign(new Error('reset'), { code: 'ECONNRESET' }))
    await h.pass()
    t.match(h.store.outcomes.at(-1), { kind: 'retry', triedMs: 4_000 })
  },
)

t.test('a redriven dead letter has its whole giveUpAfterMs again', async t => {
  const h = new Harness({ retry })
  h.answer('m1', down)
  const ref = h.add('a')
  await h.pass(11_000)
  t.ok(isDead(h))
  await h.dispatcher.redrive([ref], 'original')
  await h.pass(10_000)
  t.equal(h.of('dead').length, 1)
})
