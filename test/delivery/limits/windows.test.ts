import t from 'tap'
import type { Rate } from '../../../lib/delivery/types.js'
import { Harness, limited, open, type Sent } from '../fixtures/harness.js'

const TELEGRAM_GROUP: Rate[] = [
  { count: 1, perMs: 1_000 },
  { count: 20, perMs: 60_000 },
]

/** The most that a platform counts within any `perMs`. */
function most(sent: readonly Pick<Sent, 'at'>[], perMs: number): number {
  const times = sent.map(({ at }) => at)
  return Math.max(0, ...times.map(from => times.filter(at => at >= from && at < from + perMs).length))
}

t.test(
  'a place in a rate window comes free perMs after its attempt ended, however long that took',
  async t => {
    const h = new Harness({ rateLimit: { perChannel: { count: 1, perMs: 1_000 } } })
    const gate = open()
    h.answer('m1', gate.answer)
    h.add('a')
    h.add('a')
    await h.pass(700)
    gate.succeed()
    await h.pass(999)
    t.equal(h.sent.length, 1)
    await h.pass(1)
    t.same(h.times(), [0, 1_700])
  },
)

t.test('the place of an attempt that timed out comes free perMs after the abort and its grace', async t => {
  const h = new Harness({
    groups: { 'tg:*': { rateLimit: { count: 1, perMs: 1_000 } } },
    sendTimeoutMs: 5_000,
    abortGraceMs: 2_000,
  })
  h.answer('tg:1', () => new Promise(() => {}))
  h.add('tg:1')
  h.add('tg:2')
  await h.pass(7_999)
  t.same(h.ids, ['m1'])
  await h.pass(1)
  t.same(h.ids, ['m1', 'm2'])
})

t.test('a failed attempt takes a place in a rate window, and a question of onAmbiguous none', async t => {
  const question = open()
  const h = new Harness({
    rateLimit: { global: { count: 2, perMs: 60_000 } },
    retry: { jitter: 0 },
    onAmbiguous: () => question.answer() as Promise<'sent'>,
  })
  h.answer('m1', { kind: 'ambiguous' })
  h.add('a')
  await h.pass(60_000)
  t.equal(h.sent.length, 1)
  // The question is put: two places are free all the same.
  for (const channel of ['b', 'c', 'd']) h.add(channel)
  await h.pass()
  t.same(h.ids, ['m1', 'm2', 'm3'])
})

t.test('a rate with a burst sends that many in a row and the rest at intervals', async t => {
  const h = new Harness({ rateLimit: { global: { count: 10, perMs: 10_000, burst: 3 } } })
  for (let i = 0; i < 20; i++) h.add(`c${i}`)
  await h.pass(9_000)
  t.same(h.times(), [0, 0, 0, 1_000, 2_000, 3_000, 4_000, 5_000, 6_000, 7_000])
  await h.pass(1_000)
  t.equal(h.sent.length, 13)
})

t.test('rates of one a second and twenty a minute are kept across crashes and closes', async t => {
  const options = { channelOptions: () => ({ rateLimit: TELEGRAM_GROUP }) }
  let h = new Harness(options)
  const { clock } = h
  const startedAt = clock.monotonic()
  const sent: { at: number }[] = []
  const endLife = () => sent.push(...h.sent.map(({ at }) => ({ at: at + h.startedAt - startedAt })))
  for (let i = 0; i < 200; i++) h.add('tg:-100')
  for (const [i, ms] of [500, 7_300, 41_000, 100, 20_000, 59_900, 61_000, 1_500, 33_000].entries()) {
    await h.pass(ms)
    if (i % 3 === 2) {
      const closing = h.dispatcher.close(1_000)
      await h.pass()
      await closing
    }
    endLife()
    h = await h.crash(options, i * 100)
  }
  await h.pass(600_000)
  endLife()
  t.ok(sent.length >= 190, `${sent.length}`)
  t.equal(most(sent, 1_000), 1)
  t.equal(most(sent, 60_000), 20)
})

t.test('a restart neither empties nor prolongs a rate window of a day', async t => {
  const DAY = 86_400_000
  const options = { rateLimit: { global: { count: 3, perMs: DAY } } }
  let h = new Harness(options)
  const { clock } = h
  for (let i = 0; i < 9; i++) h.add('a')
  await h.pass(3_600_000)
  t.equal(h.sent.length, 3)
  h = await h.crash(options, 3_600_000)
  await h.pass(3_600_000)
  t.equal(h.sent.length, 0)
  h = await h.crash(options, 3_600_000)
  // A sixtieth of a day late at most.
  await h.pass(DAY - 4 * 3_600_000)
  t.equal(h.sent.length, 0)
  await h.pass(DAY / 60 + 10_000)
  t.equal(h.sent.length, 3)
  const closing = h.dispatcher.close(1_000)
  await h.pass()
  await closing
  const closedAt = clock.monotonic()
  h = await h.crash(options, DAY / 2)
  await h.pass(DAY / 2 - DAY / 60)
  t.equal(h.sent.length, 0)
  await h.pass(DAY / 30 + 10_000)
  t.equal(h.sent.length, 3)
  t.ok(clock.monotonic() - closedAt < DAY + DAY / 20)
})

t.test('after a close, attempts count in their rate windows from when they ended', async t => {
  const options = { rateLimit: { global: { count: 1, perMs: 60_000 } } }
  let h = new Harness(options)
  h.add('a')
  h.add('b')
  await h.pass(500)
  const closing = h.dispatcher.close(1_000)
  await h.pass()
  await closing
  h = await h.crash(options, 40_000)
  // Twenty seconds are left, and the clocks of two lives may part by one.
  await h.pass(20_499)
  t.equal(h.sent.length, 0)
  await h.pass(1)
  t.equal(h.sent.length, 1)
})

t.test('attempts under way at a crash count in their rate windows as ended at the opening', async t => {
  const options = { rateLimit: { global: { count: 1, perMs: 60_000 } } }
  let h = new Harness(options)
  h.answer('a', () => new Promise(() => {}))
  h.add('a')
  h.add('b')
  await h.pass(10_000)
  h = await h.crash(options, 20_000)
  await h.pass(59_999)
  t.equal(h.sent.length, 0)
  await h.pass(1)
  t.equal(h.sent.length, 1)
})

t.test(
  'every rate window is full at an opening if an earlier life may have sent without a record',
  async t => {
    const options = { rateLimit: { perChannel: { count: 5, perMs: 60_000 } } }
    const first = new Harness(options)
    for (let i = 0; i < 5; i++) first.add('a')
    const disk = first.kill()
    disk.uncountedBefore = first.time.now()
    const h = new Harness({ ...options, store: disk, clock: first.clock })
    await h.pass(59_999)
    t.equal(h.sent.length, 0)
    await h.pass(1)
    t.equal(h.sent.length, 5)
  },
)

t.test('a message that may have been sent without a record takes one place in a rate window', async t => {
  const options = { rateLimit: { perChannel: { count: 2, perMs: 60_000 } } }
  const first = new Harness({ ...options, idle: true })
  const [ref] = [first.add('a'), first.add('a'), first.add('a')]
  // As an opening does that misses the end of the log.
  const at = first.time.now()
  const facts = { at, attempts: 0, firstAttemptAt: 0, triedMs: 0, mayHaveBeenSent: true }
  first.store.record(ref, { kind: 'interrupted', ...facts })
  let h = await first.crash(options, 30_000)
  await h.pass()
  t.equal(h.sent.length, 1)
  // It counts from when it was found, however often that is.
  h = await h.crash(options, 29_000)
  await h.pass()
  t.equal(h.sent.length, 0)
  await h.pass(60_000)
  t.equal(h.sent.length, 2)
})

t.test('a changed rate begins with the places recorded under the earlier one', async t => {
  const rate = (count: number, perMs: number) => ({ rateLimit: { global: { count, perMs } } })
  let h = new Harness(rate(10, 60_000))
  for (let i = 0; i < 40; i++) h.add(`c${i}`)
  await h.pass()
  t.equal(h.sent.length, 10)
  h = await h.crash(rate(12, 60_000), 2_000)
  await h.pass()
  t.equal(h.sent.length, 2, 'of the same length')
  h = await h.crash(rate(12, 30_000), 10_000)
  await h.pass()
  t.equal(h.sent.length, 0, 'a shorter one')
  await h.pass(31_000)
  t.equal(h.sent.length, 12)
  h = await h.crash(rate(15, 120_000), 2_000)
  await h.pass()
  t.equal(h.sent.length, 3, 'a longer one')
})

t.test('a suspend never shortens a rate window', async t => {
  const h = new Harness({ rateLimit: { global: { count: 1, perMs: 60_000 } } })
  for (let i = 0; i < 9; i++) h.add('a')
  await h.pass(10_000)
  h.clock.suspend(30_000)
  h.time.look()
  // 40 s have passed; two of these are not believed.
  await h.pass(21_999)
  h.add('b')
  await h.pass()
  t.equal(h.sent.length, 1)
  // A suspend is noticed within a minute.
  await h.pass(60_000)
  t.equal(h.sent.length, 2)
  h.clock.suspend(3_600_000)
  h.time.look()
  await h.pass(60_000)
  t.equal(h.sent.length, 3)
})

t.test('a step of the wall clock neither ends nor prolongs a rate window', async t => {
  const h = new Harness({ rateLimit: { global: { count: 1, perMs: 60_000 } } })
  for (let i = 0; i < 9; i++) h.add('a')
  await h.pass(10_000)
  h.clock.jumpWall(3_600_000)
  h.time.look()
  await h.pass(49_999)
  t.equal(h.sent.length, 1)
  h.clock.jumpWall(-7_200_000)
  h.time.look()
  await h.pass(1)
  t.equal(h.sent.length, 2)
})

const topics = (channel: string) => ({
  rateKey: channel.split('/')[0]!,
  rateLimit: { count: 2, perMs: 10_000 },
})

t.test('channels with one rate key share their windows, and take turns', async t => {
  const h = new Harness({ channelOptions: topics })
  for (let i = 0; i < 3; i++) {
    for (const channel of ['tg:1/a', 'tg:1/b', 'tg:1/c', 'tg:2/a']) h.add(channel)
  }
  await h.pass()
  t.same(
    h.sent.map(({ channel }) => channel),
    ['tg:1/a', 'tg:1/b', 'tg:2/a', 'tg:2/a'],
  )
  await h.pass(10_000)
  t.same(
    h.sent.slice(4).map(({ channel }) => channel),
    ['tg:1/c', 'tg:1/a', 'tg:2/a'],
  )
  await h.pass(100_000)
  t.equal(h.sent.length, 12)
  t.equal(
    most(
      h.sent.filter(({ channel }) => channel.startsWith('tg:1')),
      10_000,
    ),
    2,
  )
  t.equal(h.dispatcher.stats().channels, 0)
  t.equal(h.dispatcher.stats().nextDueAt, null, 'nothing is left to remember')
})

t.test('channels with one rate key share their limits across groups', async t => {
  const h = new Harness({
    channelOptions: () => ({ rateKey: 'chat', rateLimit: { count: 1, perMs: 1_000 } }),
    groups: { 'a:*': { concurrency: 1 }, 'b:*': { concurrency: 1 } },
  })
  const gate = open()
  h.answer('a:1', gate.answer)
  for (const channel of ['a:1', 'b:1', 'c', 'a:2']) h.add(channel)
  await h.pass(5_000)
  t.same(h.ids, ['m1'])
  gate.succeed()
  await h.pass(1_000)
  t.same(h.ids, ['m1', 'm2'])
  await h.pass(2_000)
  t.same(h.ids, ['m1', 'm2', 'm3', 'm4'])
})

t.test('the strictest of different rates for one rate key holds', async t => {
  const h = new Harness({
    channelOptions: channel => ({
      rateKey: 'chat',
      rateLimit: channel === 'a' ? { count: 5, perMs: 10_000 } : { count: 2, perMs: 10_000 },
    }),
  })
  h.add('b')
  await h.pass()
  for (let i = 0; i < 5; i++) h.add('a')
  await h.pass()
  t.equal(h.sent.length, 2)
})

t.test('a rate that a channel adds to its rate key begins with the places of the other channels', async t => {
  for (const [first, second] of [
    [
      { count: 5, perMs: 10_000 },
      { count: 2, perMs: 10_000 },
    ],
    [
      { count: 50, perMs: 3_600_000 },
      { count: 2, perMs: 10_000 },
    ],
    [
      { count: 5, perMs: 8_000 },
      { count: 2, perMs: 10_000 },
    ],
  ] as const) {
    const h = new Harness({
      channelOptions: channel => ({ rateKey: 'chat', rateLimit: channel.startsWith('a') ? first : second }),
    })
    const gate = open()
    h.answer('a2', gate.answer)
    await h.pass(1)
    h.add('a1')
    h.add('a2')
    await h.pass(500)
    for (let i = 0; i < 20; i++) h.add('b')
    await h.pass(5_000)
    t.equal(h.sent.length, 2, 'one that ended and one that is under way take its places')
    gate.succeed()
    await h.pass(200_000)
    t.equal(h.sent.length, 22)
    t.equal(most(h.sent, second.perMs), 2)
  }
})

t.test('a wait of one channel holds all channels with its rate key, also after a restart', async t => {
  const options = { channelOptions: topics, groups: { 'tg:*': {} } }
  let h = new Harness(options)
  h.answer('m1', limited(30_000), 'ok')
  h.add('tg:1/a')
  await h.pass()
  t.match(h.of('rateLimited'), [{ scope: 'channel', target: 'tg:1', delayMs: 30_000 }])
  for (const channel of ['tg:1/b', 'tg:2/a']) h.add(channel)
  await h.pass(10_000)
  t.same(h.ids, ['m1', 'm3'])
  h = await h.crash(options)
  h.add('tg:1/c')
  await h.pass(19_999)
  t.equal(h.sent.length, 0)
  await h.pass(1)
  t.equal(h.sent.length, 2)
})

t.test('ten thousand channels with one rate key cost no more work than their turns', async t => {
  const channels = 10_000
  const h = new Harness({
    concurrency: 1_000,
    channelOptions: () => ({ rateKey: 'bot', rateLimit: { count: 100, perMs: 1_000 } }),
  })
  for (let i = 0; i < channels; i++) h.add(`c${i}`)
  await h.pass(100_000)
  t.equal(h.sent.length, channels)
  t.equal(h.times().filter((at, i, all) => i >= 100 && at - all[i - 100]! < 1_000).length, 0)
  t.same(
    h.sent.map(({ sequence }) => sequence),
    Array.from({ length: channels }, (_, i) => i + 1),
  )
  t.ok(h.clock.delays.length < 500, `${h.clock.delays.length} timers`)
})
