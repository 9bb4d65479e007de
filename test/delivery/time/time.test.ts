import t from 'tap'
import { Harness, open, retry, uncharged } from '../fixtures/harness.js'

t.test(
  'a scheduled message holds up no other until it is due, and then has the place of its sequence',
  async t => {
    const h = new Harness()
    const gate = open()
    h.answer('m2', gate.answer)
    h.add('a', { deliverAt: h.clock.wall() + 10_000 })
    h.add('a')
    h.add('a')
    await h.pass(9_000)
    t.same(h.ids, ['m2'])
    await h.pass(1_000)
    gate.succeed()
    await h.pass()
    t.same(h.ids, ['m2', 'm1', 'm3'])
  },
)

t.test('a scheduled message is sent when it is due, not a millisecond earlier', async t => {
  const h = new Harness()
  h.add('a', { deliverAt: h.clock.wall() + 3_600_000 })
  await h.pass(3_599_999)
  t.same(h.ids, [])
  await h.pass(1)
  t.same(h.ids, ['m1'])
})

t.test(
  'a scheduled message comes sooner if the wall clock is set forward, and later if it is set back',
  async t => {
    for (const [jump, wait] of [
      [1_800_000, 1_800_000],
      [-1_800_000, 5_400_000],
    ] as const) {
      const h = new Harness()
      h.add('a', { deliverAt: h.clock.wall() + 3_600_000 })
      await h.pass()
      h.clock.jumpWall(jump)
      await h.pass(wait - 1)
      t.same(h.ids, [])
      await h.pass(60_000)
      t.same(h.ids, ['m1'])
    }
  },
)

t.test(
  'a message that was due and attempted stays due when the wall clock is set back over a restart',
  async t => {
    const h = new Harness()
    h.answer('m1', retry)
    h.add('a', { deliverAt: h.clock.wall() + 1_000 })
    await h.pass(1_000)
    h.clock.jumpWall(-3_600_000)
    const after = await h.crash()
    await after.pass(1_000)
    t.same(after.ids, ['m1'])
  },
)

t.test(
  'a message past its time to live is dead as expired and never sent, and the next one goes on',
  async t => {
    const h = new Harness()
    h.add('a', { expiresAt: h.clock.wall() })
    h.add('a', { expiresAt: h.clock.wall() + 1 })
    await h.pass()
    t.same(h.ids, ['m2'])
    t.match(h.of('dead'), [{ id: 'm1', reason: 'expired', attempts: 0 }])
  },
)

t.test('the time to live of a message is judged before every attempt', async t => {
  const h = new Harness()
  h.answer('m1', retry)
  h.add('a', { expiresAt: h.clock.wall() + 2_500 })
  await h.pass(60_000)
  t.same(h.times(), [0, 1_000])
  t.match(h.of('dead'), [{ reason: 'expired', attempts: 2 }])
})

t.test('none of 110 messages that are 15 hours old with a time to live of an hour is sent', async t => {
  const before = new Harness({ idle: true })
  for (let i = 0; i < 110; i++) before.add(`chat${i % 7}`, { expiresAt: before.clock.wall() + 3_600_000 })
  const h = await before.crash({}, 15 * 3_600_000)
  await h.pass()
  t.same(h.ids, [])
  t.equal(h.of('dead').filter(e => e.reason === 'expired').length, 110)
})

t.test('a retry is not due a millisecond early', async t => {
  const h = new Harness({ retry: [7, 1_000.5, 333] })
  h.answer('m1', retry)
  h.add('a')
  await h.pass(7)
  t.same(h.times(), [0, 7])
  await h.pass(1_000)
  t.same(h.times(), [0, 7])
  await h.pass(1)
  t.same(h.times(), [0, 7, 1_008])
  await h.pass(332)
  t.equal(h.times().length, 3)
  await h.pass(1)
  t.equal(h.times().length, 4)
})

t.test('a timer that fires early does not bring a retry forward', async t => {
  const h = new Harness()
  h.answer('m1', retry, 'ok')
  const setTimeout = h.clock.setTimeout.bind(h.clock)
  h.clock.setTimeout = (callback, delayMs) => setTimeout(callback, Math.max(delayMs - 1, 0.25))
  h.add('a')
  await h.pass(999)
  t.equal(h.sent.length, 1)
  await h.pass(2)
  t.equal(h.sent.length, 2)
  t.ok(h.times()[1]! >= 1_000)
})

t.test('a list of retry delays allows one attempt more than delays', async t => {
  const h = new Harness({ retry: [100, 200] })
  h.answer('m1', retry)
  h.add('a')
  await h.pass(1e7)
  t.same(h.times(), [0, 100, 300])
  t.match(h.of('dead'), [{ reason: 'attempts', attempts: 3 }])
})

t.test('a retry function gets the failure and decides about the delay', async t => {
  const told: unknown[] = []
  const h = new Harness({
    retry: ({ attempt, error, message }) => {
      told.push([attempt, (error as Error).message, message.id, message.payload, message.channel])
      return attempt < 3 ? attempt * 10 : undefined
    },
  })
  h.answer('m1', retry)
  h.add('a', { payload: { text: 'hi' } })
  await h.pass(1e6)
  t.same(h.times(), [0, 10, 30])
  t.same(told[0], [1, 'told to be retry', 'm1', { text: 'hi' }, 'a'])
  t.match(h.of('dead'), [{ reason: 'attempts', attempts: 3 }])
})

t.test('a retry function that fails is reported, and the default backoff is used', async t => {
  for (const broken of [
    () => Number.NaN,
    () => -1,
    () => {
      throw new Error('oops')
    },
  ]) {
    const h = new Harness({ retry: broken })
    h.answer('m1', retry, 'ok')
    h.add('a')
    await h.pass(1_000)
    t.match(h.of('error'), [{ error: { message: /retry function/ } }])
    t.same(h.times(), [0, 1_000])
  }
})

t.test('the backoff has a maximum and jitter', async t => {
  const low = new Harness({ retry: { maxDelayMs: 3_000, jitter: 0.5 }, random: () => 0 })
  low.answer('m1', retry)
  low.add('a')
  await low.pass(6_000)
  t.same(low.times(), [0, 500, 1_500, 3_000, 4_500, 6_000])
})

for (const jump of [-3_600_000, 3_600_000]) {
  t.test(
    `a wall clock set ${jump < 0 ? 'back' : 'forward'} an hour neither stalls sends nor causes a burst`,
    async t => {
      const h = new Harness({ rateLimit: { perChannel: { count: 1, perMs: 500 } } })
      h.answer('a', uncharged)
      for (let i = 0; i < 3; i++) h.add('b')
      h.add('a')
      await h.pass(100)
      h.clock.jumpWall(jump)
      await h.pass(9_900)
      t.same(h.times('m4'), [0, 1_000, 3_000, 7_000])
      t.same(
        h.sent.filter(s => s.channel === 'b').map(s => s.at),
        [0, 500, 1_000],
      )
      const after = await h.crash()
      after.answer('a', uncharged)
      await after.pass(60_000)
      t.ok(after.sent.length >= 1 && after.sent.length <= 7, `${after.sent.length} sends in a minute`)
    },
  )
}

t.test("a wait longer than a timer's maximum is waited in pieces", async t => {
  const month = 30 * 86_400_000
  const h = new Harness({ maxRetryAfterMs: 2 * month })
  h.answer('m1', { kind: 'retry', afterMs: month }, 'ok')
  h.add('a')
  h.add('b', { deliverAt: h.clock.wall() + 2 * month })
  await h.pass(month - 1)
  t.equal(h.sent.length, 1)
  await h.pass(1)
  t.equal(h.sent.length, 2)
  t.ok(h.clock.delays.every(delay => delay >= 1 && delay <= 2 ** 31 - 1))
  const alone = new Harness({ maxRetryAfterMs: 2 * month })
  alone.answer('m1', { kind: 'retry', afterMs: month }, 'ok')
  alone.add('a')
  await alone.pass(month - 1)
  t.equal(alone.sent.length, 1)
  await alone.pass(1)
  t.equal(alone.sent.length, 2)
  t.ok(alone.clock.delays.every(delay => delay <= 2 ** 31 - 1))
})

t.test('no timer of delivery keeps the process alive', async t => {
  const h = new Harness()
  const gate = open()
  h.answer('m1', gate.answer, 'ok')
  h.add('a')
  await h.pass()
  t.equal(h.clock.timerCount, 1)
  t.equal(h.clock.keepsAlive, false)
  gate.fail(Object.assign(new Error('down'), { code: 'ECONNREFUSED' }))
  await h.pass()
  t.equal(h.clock.timerCount, 1)
  t.equal(h.clock.keepsAlive, false)
  const drained = h.dispatcher.drain()
  t.equal(h.clock.keepsAlive, false)
  await h.pass(1_000)
  t.same(await drained, { remaining: 0 })
  t.equal(h.clock.keepsAlive, false)
})
