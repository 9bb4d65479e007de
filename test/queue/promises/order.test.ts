import t from 'tap'
import { macrotask } from '../fixtures/open-queue.js'
import { once, World } from './fixtures/world.js'

const retry = { kind: 'retry' } as const

t.test('a chat in backoff does not delay another', async t => {
  const world = await World.open(t, { concurrency: 1 })
  world.replies.set('stuck', retry)
  const first = once(world.queue, 'retry')
  await world.enqueue('stuck/1', 'stuck/2')
  await first
  await world.enqueue('other/1', 'other/2')
  await world.settle()
  t.strictSame(world.ids, ['stuck/1', 'other/1', 'other/2'])
  await world.pass(1_000)
  t.strictSame(
    world.ids.slice(3),
    ['stuck/1'],
    'it comes again when its time has come, still the first of its chat',
  )
})

t.test('a later message never overtakes an earlier live one of its chat', async t => {
  const world = await World.open(t)
  let failures = 3
  world.replies.set('chat/1', () => {
    if (failures-- > 0) throw new Error('reset')
  })
  await world.enqueue('chat/1')
  for (let number = 2; number <= 5; number++) {
    await world.pass(700)
    await world.enqueue(`chat/${number}`)
  }
  await world.pass(60_000)
  t.strictSame(world.ids, ['chat/1', 'chat/1', 'chat/1', 'chat/1', 'chat/2', 'chat/3', 'chat/4', 'chat/5'])
})

t.test('a later message never overtakes an earlier recovered one of its chat', async t => {
  const world = await World.open(t, { retry: { initialDelayMs: 60_000, jitter: 0 } })
  world.replies.set('chat/1', retry)
  const first = once(world.queue, 'retry')
  await world.enqueue('chat/1', 'chat/2')
  await first
  await world.restart({ afterMs: 30_000 })
  // A live one joins those that were recovered, while the first of them still waits for its retry.
  await world.enqueue('chat/3')
  await world.pass(29_000)
  t.equal(world.ids.length, 1, 'nothing of this chat before its first message is due')
  world.replies.clear()
  await world.pass(1_000)
  t.strictSame(world.ids, ['chat/1', 'chat/1', 'chat/2', 'chat/3'])
})

t.test('a live message never overtakes an untouched backlog of its chat', async t => {
  const world = await World.open(t)
  world.queue.pause()
  await world.enqueue(...Array.from({ length: 50 }, (_, index) => `chat/${index}`))
  await world.restart()
  await world.enqueue('chat/last')
  await world.settle()
  t.strictSame(world.ids, [...Array.from({ length: 50 }, (_, index) => `chat/${index}`), 'chat/last'])
})

t.test('a redriven dead letter goes before or behind the waiting messages of its chat, as asked', async t => {
  for (const [place, order] of [
    ['original', ['a', 'a', 'b', 'c']],
    ['last', ['a', 'b', 'c', 'a']],
  ] as const) {
    const world = await World.open(t)
    world.replies.set('a', { kind: 'permanent' })
    await world.queue.enqueue({ id: 'a', channel: 'chat', payload: null })
    await world.queue.settled('a')
    world.replies.clear()
    world.queue.pause('chat')
    await world.queue.enqueue(['b', 'c'].map(id => ({ id, channel: 'chat', payload: null })))
    t.equal(await world.queue.retryDead({ id: 'a' }, { place }), 1)
    await world.restart()
    await world.settle()
    t.strictSame(world.ids, order, place)
  }
})

t.test('with ordered: false other messages pass one that waits for its retry', async t => {
  const world = await World.open(t, { channelOptions: () => ({ ordered: false }) })
  world.replies.set('chat/1', retry)
  await world.enqueue('chat/1', 'chat/2', 'chat/3')
  await world.settle()
  await macrotask()
  t.strictSame(world.ids, ['chat/1', 'chat/2', 'chat/3'])
  world.replies.clear()
  await world.pass(1_000)
  t.strictSame(world.ids.slice(3), ['chat/1'])
})
