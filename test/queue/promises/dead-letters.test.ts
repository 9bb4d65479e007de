import t from 'tap'
import { type MessageView, SendError } from '../../../lib/index.js'
import { once, World } from './fixtures/world.js'

const AGE_MS = 3_600_000
const permanent = { kind: 'permanent' } as const

async function deadIds(world: World): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of world.queue.list({ state: 'dead' })) ids.push(id)
  return ids
}

/** So many dead letters of a chat, one after another. */
async function bury(world: World, chat: string, ...ids: string[]): Promise<void> {
  world.replies.set(chat, permanent)
  for (const id of ids) {
    await world.enqueue(`${chat}/${id}`)
    await world.queue.settled(`${chat}/${id}`)
    await world.clock.advance(1)
  }
}

/** Lets retention do what it wants to do. */
async function retained(world: World, done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await world.clock.advance(1)
}

t.test('dead letters beyond maxCount are purged, the oldest first, and stay gone', async t => {
  const world = await World.open(t, { deadLetters: { maxCount: 3 } })
  await bury(world, 'chat', '1', '2', '3', '4', '5')
  await retained(world, async () => (await deadIds(world)).length <= 3)
  t.strictSame(await deadIds(world), ['chat/3', 'chat/4', 'chat/5'])
  await world.restart()
  t.strictSame(await deadIds(world), ['chat/3', 'chat/4', 'chat/5'])
  t.match(await world.queue.settled('chat/1'), { state: 'dead' }, 'the dedupe window still knows them')
  const again = await world.queue.enqueue({ id: 'chat/1', channel: 'chat', payload: 'chat/1' })
  t.match(again, { duplicate: true, state: 'dead' })
})

t.test('dead letters older than maxAgeMs are purged, also those that aged while no process ran', async t => {
  const world = await World.open(t, { deadLetters: { maxAgeMs: AGE_MS } })
  await bury(world, 'chat', 'old')
  await world.pass(AGE_MS / 2)
  await bury(world, 'chat', 'young')
  await world.pass(AGE_MS / 2 - 10)
  t.strictSame(await deadIds(world), ['chat/old', 'chat/young'])
  await world.pass(10)
  await retained(world, async () => (await deadIds(world)).length <= 1)
  t.strictSame(await deadIds(world), ['chat/young'])
  await world.restart({ afterMs: AGE_MS })
  await retained(world, async () => (await deadIds(world)).length === 0)
  t.match(world.queue.stats(), { dead: 0 })
})

t.test('a redriven dead letter is not purged, and has a new age when it dies again', async t => {
  const world = await World.open(t, { deadLetters: { maxCount: 2 } })
  await bury(world, 'chat', '1', '2')
  await world.queue.retryDead({ id: 'chat/1' })
  await world.queue.settled('chat/1')
  await bury(world, 'chat', '3')
  await retained(world, async () => (await deadIds(world)).length <= 2)
  t.strictSame(await deadIds(world), ['chat/1', 'chat/3'])
})

t.test('with maxCount 0 no dead letter is kept, and each is announced', async t => {
  const world = await World.open(t, { deadLetters: { maxCount: 0 } })
  world.replies.set('chat', permanent)
  const told: [string, string][] = []
  world.queue.on('dead', ({ id, reason }) => told.push([id, reason]))
  const parts = ['1', '2', '3'].map(id => ({ id, channel: 'chat', payload: id }))
  await world.queue.enqueue(parts, { failTogether: true })
  for (const { id } of parts) await world.queue.settled(id)
  await retained(world, async () => (await deadIds(world)).length === 0)
  t.strictSame(told.toSorted(), [
    ['1', 'permanent'],
    ['2', 'predecessor'],
    ['3', 'predecessor'],
  ])
})

t.test('thousands of dead letters are purged in batches, and deliveries go on meanwhile', async t => {
  const world = await World.open(t)
  const messages = Array.from({ length: 1_700 }, (_, index) => ({
    id: `alert ${index}`,
    channel: `chat ${index % 50}`,
    payload: null,
    ttlMs: 1,
  }))
  world.queue.pause()
  await world.queue.enqueue(messages)
  await world.clock.advance(10)
  world.queue.resume()
  await retained(world, async () => world.queue.stats().dead === messages.length)
  await world.restart({ deadLetters: { maxAgeMs: AGE_MS, maxCount: 100 } })
  await world.enqueue('other/1')
  t.match(await world.queue.settled('other/1'), { state: 'delivered' })
  await retained(world, async () => world.queue.stats().dead === 100)
})

t.test('dead letters are selected by id, channel, prefix, reason and age', async t => {
  const world = await World.open(t)
  await bury(world, 'telegram:1', 'a')
  await bury(world, 'telegram:2', 'b')
  world.queue.pause('slack:1')
  await world.queue.enqueue({ id: 'late', channel: 'slack:1', payload: null, ttlMs: 1 })
  await world.clock.advance(1_000)
  world.queue.resume('slack:1')
  await world.queue.settled('late')
  const left = () => deadIds(world)
  t.equal(await world.queue.purgeDead({ channel: 'telegram:1', reason: 'expired' }), 0, 'all must fit')
  t.equal(await world.queue.purgeDead({ reason: 'expired', deadForMs: 1 }), 0, 'not long enough')
  await world.clock.advance(5)
  t.equal(await world.queue.purgeDead({ reason: 'expired', deadForMs: 1 }), 1)
  t.strictSame(await left(), ['telegram:1/a', 'telegram:2/b'])
  t.equal(await world.queue.purgeDead({ id: ['telegram:1/a', 'telegram:1/a', 'unknown'] }), 1)
  t.equal(await world.queue.purgeDead({ channel: 'telegram:*' }), 1)
  t.equal(await world.queue.purgeDead({ all: true }), 0)
  await world.restart()
  t.strictSame(await left(), [])
  for (const select of [{}, { all: false }, { id: 'a', all: true }, { deadForMs: 1 }, null]) {
    await t.rejects(world.queue.purgeDead(select as never), { code: 'WAQ_INVALID_OPTION' })
    await t.rejects(world.queue.retryDead(select as never), { code: 'WAQ_INVALID_OPTION' })
  }
})

t.test('a redriven message gets new attempts and time to live, and keeps mayHaveBeenSent', async t => {
  const world = await World.open(t, { retry: [1_000], ttlMs: 60_000 })
  world.replies.set('chat/1', { kind: 'ambiguous' })
  await world.enqueue('chat/1')
  await world.pass(1_000)
  t.match(await world.queue.get('chat/1'), { state: 'dead', deadReason: 'attempts', attempts: 2 })
  await world.pass(AGE_MS)
  const before = world.sent.length
  t.equal(await world.queue.retryDead({ all: true }), 1)
  await world.settle()
  t.match(world.sent.slice(before), [{ attempt: 1, mayHaveBeenSent: true }])
  world.replies.clear()
  await world.pass(1_000)
  t.match(await world.queue.settled('chat/1'), { state: 'delivered', attempts: 2 })
})

t.test(
  'the history of the last attempts is kept across a restart, bounded and without credentials',
  async t => {
    const world = await World.open(t, { retry: Array.from({ length: 7 }, () => 1_000) })
    let attempt = 0
    world.replies.set('chat/1', () => {
      attempt++
      const url = 'https://api.telegram.org/bot123456:AAsecretsecretsecretsecretsecretsecret/sendMessage'
      throw Object.assign(
        new SendError(`attempt ${attempt}: POST ${url}: ${'x'.repeat(5_000)}`, { kind: 'retry' }),
        {
          code: 'E_TEST',
        },
      )
    })
    await world.enqueue('chat/1')
    await world.pass(7_000)
    await world.restart()
    const view = (await world.queue.get('chat/1')) as MessageView
    t.match(view, { state: 'dead', attempts: 8, deadReason: 'attempts', lastError: view.history.at(-1) })
    t.strictSame(
      view.history.map(({ message }) => /^attempt \d/.exec(message)?.[0]),
      ['attempt 4', 'attempt 5', 'attempt 6', 'attempt 7', 'attempt 8'],
    )
    for (const { name, message, code, at } of view.history) {
      t.match({ name, code }, { name: 'SendError', code: 'E_TEST' })
      t.notMatch(message, /secret/)
      t.ok(message.length <= 500)
      t.ok(at > 0)
    }
  },
)

t.test('each cause of death has its own reason', async t => {
  const world = await World.open(t, { retry: [], onAmbiguous: 'dead-letter' })
  world.replies
    .set('attempts', { kind: 'retry' })
    .set('permanent', permanent)
    .set('ambiguous', { kind: 'ambiguous' })
  world.queue.pause('expired')
  await world.queue.enqueue({ id: 'expired/1', channel: 'expired', payload: null, ttlMs: 1 })
  await world.clock.advance(5)
  world.queue.resume('expired')
  await world.enqueue('attempts/1', 'ambiguous/1')
  await world.queue.enqueue(
    ['permanent/1', 'predecessor'].map(id => ({ id, channel: 'permanent', payload: null })),
    { failTogether: true },
  )
  const reasons: Record<string, string> = {}
  for (const id of ['attempts/1', 'permanent/1', 'ambiguous/1', 'expired/1', 'predecessor']) {
    reasons[id] = String((await world.queue.settled(id)).deadReason)
    for await (const view of world.queue.list({ reason: reasons[id] as never })) t.equal(view.id, id)
  }
  t.strictSame(reasons, {
    'attempts/1': 'attempts',
    'permanent/1': 'permanent',
    'ambiguous/1': 'ambiguous',
    'expired/1': 'expired',
    predecessor: 'predecessor',
  })
})

t.test('a purge that selects nothing resolves', async t => {
  const world = await World.open(t)
  t.equal(await world.queue.retryDead({ all: true }), 0)
  const idle = once(world.queue, 'idle')
  await world.enqueue('chat/1')
  t.match(await idle, { pending: 0 })
})
