import t from 'tap'
import { Harness, limited } from '../fixtures/harness.js'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const YEAR_MS = 365 * 24 * HOUR_MS

for (const stepMs of [YEAR_MS, -YEAR_MS]) {
  const way = stepMs > 0 ? 'a year ahead' : 'a year back'

  t.test(`a wall clock set ${way} expires no message`, async t => {
    const h = new Harness({ idle: true })
    h.add('a', { expiresAt: h.clock.wall() + HOUR_MS })
    h.add('b', { expiresAt: h.clock.wall() + 2 * HOUR_MS })
    h.clock.jumpWall(stepMs)
    await h.pass(HOUR_MS)
    h.start()
    await h.pass()
    t.same(h.ids, ['m2'])
    t.match(h.of('dead'), [{ id: 'm1', reason: 'expired' }], 'an hour passed')
  })

  t.test(`a wall clock set ${way} neither ends nor prolongs a wait`, async t => {
    const h = new Harness()
    h.answer('m1', limited(HOUR_MS), 'ok')
    h.add('a')
    await h.pass()
    h.clock.jumpWall(stepMs)
    await h.pass(HOUR_MS - 1)
    t.equal(h.sent.length, 1)
    await h.pass(1)
    t.equal(h.sent.length, 2)
  })

  t.test(`a wall clock set ${way} does not change a delay`, async t => {
    const h = new Harness()
    h.add('a', { deliverAt: h.clock.wall() + HOUR_MS, delayed: true })
    await h.pass()
    h.clock.jumpWall(stepMs)
    await h.pass(HOUR_MS - 1)
    t.same(h.ids, [])
    await h.pass(1)
    t.same(h.ids, ['m1'])
  })
}

t.test('an appointment that a step of the wall clock makes due keeps its whole time to live', async t => {
  for (const waitMs of [50 * MINUTE_MS, 70 * MINUTE_MS]) {
    const h = new Harness()
    const deliverAt = h.clock.wall() + 24 * HOUR_MS
    h.add('a', { deliverAt, expiresAt: deliverAt + HOUR_MS })
    h.dispatcher.pause('a')
    await h.pass(MINUTE_MS)
    h.clock.jumpWall(YEAR_MS)
    // The step is noticed within a minute.
    await h.pass(MINUTE_MS)
    await h.pass(waitMs)
    h.dispatcher.resume()
    await h.pass()
    if (waitMs < HOUR_MS) t.same(h.ids, ['m1'])
    else t.match(h.of('dead'), [{ reason: 'expired' }])
  }
})

t.test('an appointment that fell due during a suspend is as old as the wall clock says', async t => {
  const h = new Harness()
  const deliverAt = h.clock.wall() + HOUR_MS
  h.add('a', { deliverAt, expiresAt: deliverAt + HOUR_MS })
  await h.pass()
  h.clock.suspend(8 * HOUR_MS)
  await h.pass(MINUTE_MS)
  t.same(h.ids, [])
  t.match(h.of('dead'), [{ reason: 'expired' }])
})

t.test('messages that fell due during a suspend are sent within a minute', async t => {
  const h = new Harness({ maxRetryAfterMs: 24 * HOUR_MS })
  h.answer('m1', limited(8 * HOUR_MS), 'ok')
  h.add('a')
  h.answer('m2', limited(9 * HOUR_MS), 'ok')
  h.add('b')
  await h.pass(MINUTE_MS)
  h.clock.suspend(8 * HOUR_MS)
  await h.pass(MINUTE_MS)
  t.same(h.ids, ['m1', 'm2', 'm1'])
})

t.test('a message enqueued right after a suspend has its whole time to live', async t => {
  const h = new Harness()
  h.answer('m1', limited(24 * HOUR_MS))
  h.add('a')
  await h.pass(1_000)
  h.clock.suspend(8 * HOUR_MS)
  h.add('b', { expiresAt: h.clock.wall() + HOUR_MS })
  await h.pass(MINUTE_MS)
  t.same(h.ids, ['m1', 'm2'])
})
