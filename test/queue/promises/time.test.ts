import t from 'tap'
import { once, World } from './fixtures/world.js'

const HOUR_MS = 3_600_000
const retry = { kind: 'retry' } as const

t.test(
  'none of 110 messages that are 15 hours old with a time to live of an hour is sent, and all are listed as expired',
  async t => {
    const world = await World.open(t)
    world.queue.pause()
    const ids = Array.from({ length: 110 }, (_, index) => `alert ${index}`)
    await world.queue.enqueue(
      ids.map((id, index) => ({ id, channel: `chat ${index % 7}`, payload: id, ttlMs: HOUR_MS })),
    )
    await world.restart({ afterMs: 15 * HOUR_MS })
    t.match(world.queue.recovery, { pending: 110, expired: 110 })
    await world.settle()
    t.strictSame(world.sent, [])
    const listed: string[] = []
    for await (const view of world.queue.list({ state: 'dead', reason: 'expired' })) {
      t.match(view, { attempts: 0, deadReason: 'expired', payload: view.id })
      listed.push(view.id)
    }
    t.strictSame(listed, ids)
    t.match(world.queue.stats(), { pending: 0, dead: 110 })
  },
)

t.test(
  'after a 429 with 30 s nothing is sent to that chat for 30 s, also across a restart, and others go on',
  async t => {
    const world = await World.open(t)
    world.replies.set('limited/1', { kind: 'rate-limited', afterMs: 30_000 })
    const told = once<{ dueAt: number }>(world.queue, 'rateLimited')
    await world.enqueue('limited/1', 'limited/2')
    const { dueAt } = await told
    world.replies.clear()
    await world.restart({ afterMs: 12_000 })
    await world.enqueue('limited/3', 'other/1')
    await world.pass(17_999)
    t.strictSame(world.ids, ['limited/1', 'other/1'], 'not a millisecond early')
    await world.pass(1)
    t.strictSame(world.ids.slice(2), ['limited/1', 'limited/2', 'limited/3'])
    t.equal(world.sent[2]?.at, dueAt)
    t.match(world.sent[2], { attempt: 1 }, 'and it cost no attempt')
  },
)

t.test('a 429 for the whole bot stops its group only, also across a restart', async t => {
  const groups = { 'telegram:*': {}, 'slack:*': {} }
  const world = await World.open(t, { groups })
  world.replies.set('telegram:1/1', { kind: 'rate-limited', afterMs: 30_000, scope: 'group' })
  const told = once(world.queue, 'rateLimited')
  await world.enqueue('telegram:1/1')
  await told
  world.replies.clear()
  await world.enqueue('telegram:2/1', 'slack:1/1')
  await world.restart({ afterMs: 10_000 })
  await world.pass(19_999)
  t.strictSame(world.ids, ['telegram:1/1', 'slack:1/1'])
  await world.pass(1)
  t.strictSame(world.ids.slice(2).sort(), ['telegram:1/1', 'telegram:2/1'])
})

t.test('a retry is not due a millisecond early', async t => {
  const world = await World.open(t, { retry: { jitter: 0 } })
  world.replies.set('chat/1', retry)
  const first = once(world.queue, 'retry')
  await world.enqueue('chat/1')
  await first
  for (const [index, delayMs] of [1_000, 2_000, 4_000, 8_000].entries()) {
    await world.pass(delayMs - 1)
    t.equal(world.count('chat/1'), index + 1, `not within ${delayMs - 1} ms`)
    const next = once(world.queue, 'retry')
    await world.clock.advance(1)
    await next
    t.equal(world.count('chat/1'), index + 2, `after ${delayMs} ms`)
  }
})

t.test('a restart neither resets the backoff nor causes a burst', async t => {
  const world = await World.open(t, { retry: { jitter: 0 } })
  for (const chat of ['a', 'b', 'c']) world.replies.set(chat, retry)
  await world.enqueue('a/1', 'b/1', 'c/1')
  await world.pass(7_000)
  t.equal(world.sent.length, 12, 'each at 0, 1, 3 and 7 s')
  // The fourth failed at 7 s: the fifth comes 8 s later, whatever happens to the process.
  await world.restart({ afterMs: 3_000 })
  await world.pass(4_998)
  t.equal(world.count('a/1'), 4)
  await world.pass(2)
  t.equal(world.count('a/1'), 5)
})

t.test('a clock set back an hour neither stalls sends nor causes a burst', async t => {
  const world = await World.open(t, { retry: { initialDelayMs: 10_000, jitter: 0 } })
  world.replies.set('chat/1', retry)
  const first = once(world.queue, 'retry')
  await world.enqueue('chat/1')
  await first
  world.clock.jumpWall(-HOUR_MS)
  await world.pass(9_999)
  t.equal(world.count('chat/1'), 1, 'not early')
  await world.pass(1)
  t.equal(world.count('chat/1'), 2, 'not late: this life waits by a clock that no one sets')
  // The same across a restart: the wait as it was decided is the longest that is left.
  world.clock.jumpWall(-HOUR_MS)
  await world.restart()
  await world.pass(19_999)
  t.equal(world.count('chat/1'), 2)
  await world.pass(1)
  t.equal(world.count('chat/1'), 3)
})

t.test('a clock set forward an hour sends no retry early and none twice', async t => {
  const world = await World.open(t, { retry: { initialDelayMs: 10_000, jitter: 0 } })
  world.replies.set('chat/1', retry)
  const first = once(world.queue, 'retry')
  await world.enqueue('chat/1')
  await first
  world.clock.jumpWall(HOUR_MS)
  await world.settle()
  t.equal(world.count('chat/1'), 1)
  // The life that saw the step has recorded it: no hour has passed for the next one either.
  await world.restart()
  await world.pass(9_999)
  t.equal(world.count('chat/1'), 1)
  await world.pass(1)
  t.equal(world.count('chat/1'), 2)
  await world.settle()
  t.equal(world.count('chat/1'), 2)
})

t.test("a message scheduled for next month waits across restarts, longer than a timer's maximum", async t => {
  const monthMs = 30 * 24 * HOUR_MS
  const world = await World.open(t)
  const deliverAt = world.clock.wall() + monthMs
  await world.queue.enqueue({ id: 'chat/later', channel: 'chat', payload: null, deliverAt })
  await world.enqueue('chat/now')
  await world.settle()
  await world.restart({ afterMs: monthMs - 20_000 })
  t.strictSame(world.ids, ['chat/now'], 'it holds no place in its chat')
  await world.pass(19_999)
  t.strictSame(world.ids, ['chat/now'])
  await world.pass(1)
  t.strictSame(world.ids, ['chat/now', 'chat/later'])
})

t.test('the time to live of a scheduled message counts from its due time', async t => {
  const world = await World.open(t)
  const message = { channel: 'chat', payload: null, delayMs: 10_000, ttlMs: 5_000 }
  await world.queue.enqueue({ ...message, id: 'in time' })
  await world.pass(14_000)
  t.strictSame(world.ids, ['in time'])
  world.queue.pause('chat')
  await world.queue.enqueue({ ...message, id: 'too late' })
  await world.pass(15_000)
  world.queue.resume()
  await world.settle()
  t.match(await world.queue.get('too late'), { state: 'dead', deadReason: 'expired', attempts: 0 })
})

t.test('a message is dead by giveUpAfterMs across restarts, though its attempts are not charged', async t => {
  const world = await World.open(t, { retry: { giveUpAfterMs: HOUR_MS } })
  world.replies.set('chat/1', { kind: 'retry', charged: false })
  await world.enqueue('chat/1')
  await world.pass(HOUR_MS - 400_000)
  t.match(await world.queue.get('chat/1'), { state: 'pending', attempts: 0 })
  await world.restart()
  // What was left of a wait at the restart is not counted: no one knows how much of it was lived.
  await world.pass(400_000 + 300_000 + 300_000)
  t.match(await world.queue.get('chat/1'), { state: 'dead', deadReason: 'attempts', attempts: 0 })
})
