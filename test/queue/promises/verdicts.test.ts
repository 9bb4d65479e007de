import t from 'tap'
import { once, World } from './fixtures/world.js'

const HOUR_MS = 3_600_000

t.test('an absent adapter costs no attempt, and its backlog is sent when it is back', async t => {
  const world = await World.open(t, { groups: { 'telegram:*': {} } })
  let ready = false
  for (const chat of ['telegram:1', 'telegram:2']) {
    world.replies.set(chat, () => {
      if (!ready) throw new Error('The Telegram adapter is not configured.')
    })
  }
  const halted: { target: string; reason?: string }[] = []
  world.queue.on('halted', halt => halted.push(halt))
  await world.enqueue('telegram:1/1', 'telegram:1/2', 'telegram:2/1')
  await world.settle()
  t.strictSame(
    halted.map(({ target }) => target),
    ['telegram:1', 'telegram:2', 'telegram:'],
  )
  t.match(halted[2], { reason: /not configured/ })
  await world.pass((10 * HOUR_MS) / 60)
  await world.restart({ afterMs: 5 * HOUR_MS })
  await world.settle()
  for (const id of ['telegram:1/1', 'telegram:1/2', 'telegram:2/1']) {
    t.match(await world.queue.get(id), { state: 'pending', attempts: 0, mayHaveBeenSent: false }, id)
  }
  t.match(world.queue.stats(), { pending: 3, dead: 0, haltedCount: 3 })
  ready = true
  world.sent.length = 0
  await world.pass(60_000)
  t.strictSame(world.ids.toSorted(), ['telegram:1/1', 'telegram:1/2', 'telegram:2/1'])
  t.ok(world.sent.every(({ attempt }) => attempt === 1))
})

t.test('a halted group is probed with one message at a time', async t => {
  const world = await World.open(t, { groups: { 'slack:*': {} } })
  const chats = Array.from({ length: 20 }, (_, index) => `slack:${index}`)
  for (const chat of chats) world.replies.set(chat, { kind: 'halt', reason: 'token revoked' })
  world.queue.pause('slack:*')
  await world.enqueue(...chats.map(chat => `${chat}/1`))
  world.queue.resume('slack:*')
  await world.settle()
  const atFirst = world.sent.length
  await world.pass(59_999)
  t.equal(world.sent.length, atFirst, 'those under way at once when it halted, and no more')
  await world.pass(5 * 60_000)
  t.equal(world.sent.length, atFirst + 5, 'one a minute')
})

t.test('a message refused with 400 is dead after one attempt, and stays dead across restarts', async t => {
  const world = await World.open(t)
  const refused = Object.assign(new Error('Bad Request: message is too long'), { status: 400 })
  world.replies.set('chat/1', refused)
  await world.enqueue('chat/1', 'chat/2')
  t.match(await world.queue.settled('chat/1'), { state: 'dead', deadReason: 'permanent', attempts: 1 })
  for (let life = 0; life < 3; life++) await world.restart({ afterMs: HOUR_MS })
  await world.pass(2 * HOUR_MS)
  t.strictSame(world.ids, ['chat/1', 'chat/2'])
  t.match(await world.queue.get('chat/1'), {
    state: 'dead',
    deadReason: 'permanent',
    attempts: 1,
    lastError: { name: 'Error', message: 'HTTP 400: Bad Request: message is too long', code: '400' },
  })
})

t.test(
  "with onDead 'halt' a dead letter stops its chat until it is resumed, also across a restart",
  async t => {
    const world = await World.open(t, { onDead: 'halt' })
    world.replies.set('chat/1', { kind: 'permanent' })
    await world.enqueue('chat/1', 'chat/2')
    await world.queue.settled('chat/1')
    await world.restart({ afterMs: 24 * HOUR_MS })
    await world.pass(2 * HOUR_MS)
    t.strictSame(world.ids, ['chat/1'])
    world.queue.resume('chat')
    await world.settle()
    t.strictSame(world.ids, ['chat/1', 'chat/2'])
    await world.restart()
    await world.enqueue('chat/3')
    await world.settle()
    t.strictSame(world.ids, ['chat/1', 'chat/2', 'chat/3'], 'a resume is remembered')
  },
)

t.test('a halt that waits for a resume costs no attempt and no time to give up', async t => {
  const world = await World.open(t, { retry: { giveUpAfterMs: HOUR_MS } })
  world.replies.set('chat/1', { kind: 'halt', reason: 'revoked', afterMs: Infinity })
  const halted = once(world.queue, 'halted')
  await world.enqueue('chat/1')
  t.match(await halted, { probeAt: Infinity })
  await world.pass(2 * HOUR_MS)
  t.equal(world.sent.length, 1)
  world.replies.clear()
  world.queue.resume('chat')
  await world.settle()
  t.match(world.sent, [{ attempt: 1 }, { attempt: 1 }])
})

t.test('a send aborted by a close is charged and leaves doubt', async t => {
  const world = await World.open(t)
  world.replies.set(
    'chat/1',
    ({ signal }) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
      ),
  )
  await world.enqueue('chat/1')
  await world.settle()
  t.equal(world.sent.length, 1)
  await world.close()
  world.replies.clear()
  await world.restart()
  t.match(world.queue.recovery, { inDoubt: 1 })
  await world.pass(1_000)
  t.match(world.sent, [{ attempt: 1 }, { attempt: 2, mayHaveBeenSent: true }])
})

t.test('a receiver that limits with a wait of 0 is not asked again at once', async t => {
  const world = await World.open(t)
  const limited = { status: 429, headers: { 'retry-after': '0' } }
  world.replies.set('chat/1', Object.assign(new Error('Too Many Requests'), limited))
  await world.enqueue('chat/1')
  await world.pass(10_000)
  t.strictSame(
    world.sent.map(({ at }) => at - world.sent[0]!.at),
    [0, 1_000, 3_000, 7_000],
  )
  t.match(await world.queue.get('chat/1'), { state: 'pending', attempts: 0 })
})

t.test('a rate limit of global scope stops every chat, and the event says so', async t => {
  const world = await World.open(t)
  world.replies.set('a', { kind: 'rate-limited', afterMs: 5_000, scope: 'global' })
  const told = once(world.queue, 'rateLimited')
  await world.enqueue('a/1')
  t.match(await told, { scope: 'global', target: '', delayMs: 5_000 })
  world.replies.clear()
  await world.enqueue('b/1', 'c/1')
  await world.clock.advance(4_999)
  t.strictSame(world.ids, ['a/1'])
  await world.clock.advance(1)
  await world.settle()
  t.strictSame(world.ids.toSorted(), ['a/1', 'a/1', 'b/1', 'c/1'])
})
