/** The verdict `permanent` for a whole channel: what waits there dies with one record. */
import t, { type Test } from 'tap'
import { type Delivery, type OutboundMessage, type QueueOptions, QueueReader } from '../../lib/index.js'
import { gate, macrotask, openQueue, temporaryDirectory } from './fixtures/open-queue.js'

class Blocked extends Error {}
const classify: QueueOptions['classify'] = error =>
  error instanceof Blocked ? { kind: 'permanent', scope: 'channel', reason: 'blocked' } : undefined

/** A queue whose receivers of these channels have blocked the sender. */
async function blocking(t: Test, blocked: readonly string[], options: QueueOptions<unknown, unknown> = {}) {
  const directory = temporaryDirectory(t)
  const arrived: string[] = []
  const state = { blocked: new Set(blocked) }
  const send = ({ channel, id }: Delivery<unknown>): void => {
    if (state.blocked.has(channel)) throw new Blocked('bot was blocked by the user')
    arrived.push(id)
  }
  const open = (more: QueueOptions<unknown, unknown> = {}) =>
    openQueue(t, { send, classify, ...options, ...more }, directory)
  return { directory, arrived, state, open }
}

const message = (id: string, more: Partial<OutboundMessage> = {}): OutboundMessage => {
  return { channel: id[0]!, id, payload: null, ...more }
}

t.test('what waits in the channel dies with the message, with one event', async t => {
  const { arrived, state, open } = await blocking(t, ['a'])
  const queue = await open()
  const events: unknown[] = []
  queue.on('closed', event => events.push(event))
  queue.on('dead', ({ id, reason }) => events.push([id, reason]))
  await queue.pause()
  for (const id of ['a1', 'a2', 'b3', 'a4']) await queue.enqueue(message(id))
  await queue.enqueue(message('a5', { delayMs: 60_000 }))
  const settled = queue.settled('a4')
  await queue.resume()
  t.match(await settled, { state: 'dead', deadReason: 'channel', attempts: 0 })
  await queue.drain()
  t.strictSame(events, [
    { channel: 'a', count: 3, reason: 'bot was blocked by the user' },
    ['a1', 'permanent'],
  ])
  t.match(queue.stats(), { dead: 4, deadLettered: 4, pending: 0 })
  const dead: string[] = []
  for await (const { id } of queue.list({ state: 'dead', reason: 'channel' })) dead.push(id)
  t.strictSame(dead, ['a2', 'a4', 'a5'])
  t.strictSame(arrived, ['b3'])
  state.blocked.clear()
  await queue.enqueue(message('a6'))
  await queue.drain()
  t.strictSame(arrived, ['b3', 'a6'], 'a later enqueue is ordinary')
})

t.test('its dead letters stay dead after a restart, and are redriven or purged one by one', async t => {
  const { directory, arrived, state, open } = await blocking(t, ['a'])
  let queue = await open()
  await queue.pause()
  for (const id of ['a1', 'a2', 'a3', 'a4']) await queue.enqueue(message(id))
  await queue.resume()
  await queue.drain()
  await queue.pause('a')
  await queue.enqueue(message('a5'))
  await queue.close()
  const reader = await QueueReader.open(directory)
  t.match(await reader.stats(), { dead: 4, pending: 1 })
  t.match(await reader.get('a3'), { state: 'dead', deadReason: 'channel', attempts: 0 })
  t.match(await reader.get('a5'), { state: 'pending' })
  state.blocked.clear()
  queue = await open()
  t.match(queue.recovery, { dead: 4, pending: 1 })
  t.equal(await queue.retryDead({ id: 'a3' }), 1)
  t.equal(await queue.purgeDead({ id: 'a2' }), 1)
  await queue.drain()
  t.strictSame(arrived.toSorted(), ['a3', 'a5'])
  await queue.close()
  queue = await open()
  t.match(queue.stats(), { dead: 2, pending: 0 })
  t.match(await queue.settled('a3'), { state: 'delivered' })
  await queue.compact()
  await queue.close()
  queue = await open()
  t.match(queue.stats(), { dead: 2, pending: 0 })
  t.match(await queue.get('a4'), { state: 'dead', deadReason: 'channel' })
})

t.test('its record outlasts compaction while it is the last outcome of a message', async t => {
  const { state, open } = await blocking(t, ['a'])
  let queue = await open()
  await queue.pause()
  for (const id of ['a1', 'a2', 'a3']) await queue.enqueue(message(id))
  await queue.resume()
  await queue.drain()
  state.blocked.clear()
  for (let n = 0; n < 3; n++) {
    await queue.enqueue(message(`b${n}`))
    await queue.drain()
    await queue.compact()
    await queue.close()
    queue = await open()
    t.match(queue.stats(), { dead: 3, pending: 0 })
  }
  t.equal(await queue.retryDead({ all: true }), 3)
  await queue.drain()
  await queue.compact()
  await queue.close()
  queue = await open()
  t.match(queue.stats(), { dead: 0, pending: 0 })
})

t.test('an attempt under way beside it keeps its own outcome', async t => {
  const gates = new Map<string, ReturnType<typeof gate<void>>>()
  const { open } = await blocking(t, [], {
    channelOptions: () => ({ ordered: false, concurrency: 2 }),
    send: async ({ id }) => {
      const held = gate<void>()
      gates.set(id, held)
      await held.opened
      if (id === 'a1') throw new Blocked('blocked')
    },
  })
  const queue = await open()
  await queue.enqueue(['a1', 'a2', 'a3'].map(id => message(id)))
  while (gates.size < 2) await macrotask()
  gates.get('a1')!.open()
  t.match(await queue.settled('a3'), { state: 'dead', deadReason: 'channel' })
  gates.get('a2')!.open()
  t.match(await queue.settled('a2'), { state: 'delivered' })
})

t.test('the later parts of a list that fails together die with one that dies with its channel', async t => {
  const { arrived, open } = await blocking(t, ['a'])
  const queue = await open()
  for (const channel of ['a', 'b', 'c']) await queue.pause(channel)
  await queue.enqueue(message('a0'))
  await queue.enqueue([message('c1'), message('a2'), message('b3')], { failTogether: true })
  await queue.enqueue(message('b4'))
  await queue.resume('a')
  await queue.drain()
  await queue.resume()
  await queue.drain()
  t.match(await queue.settled('a2'), { state: 'dead', deadReason: 'channel' })
  t.match(await queue.settled('b3'), { state: 'dead', deadReason: 'predecessor' })
  t.strictSame(arrived.toSorted(), ['b4', 'c1'])
})

t.test('what has an outcome already, and what is in doubt, dies as it stood', async t => {
  const { directory, open } = await blocking(t, ['a'], { dedupe: { windowMs: 1 } })
  const stuck = gate()
  let begun = 0
  let queue = await open({
    channelOptions: () => ({ ordered: false, concurrency: 2 }),
    send: () => {
      begun += 1
      return stuck.opened
    },
    sendTimeoutMs: 60_000,
  })
  await queue.enqueue(['a1', 'a2', 'a3'].map(id => message(id)))
  while (begun < 2) await macrotask()
  await queue.close({ graceMs: 0 })
  stuck.open()
  queue = await open()
  t.match(queue.recovery, { inDoubt: 2, pending: 1 })
  const events: unknown[] = []
  queue.on('closed', ({ count }) => events.push(count))
  queue.on('dead', ({ id, reason }) => events.push([id, reason]))
  await queue.drain()
  t.strictSame(events, [2, ['a1', 'permanent']])
  t.match(await queue.get('a2'), { deadReason: 'channel', mayHaveBeenSent: true })
  await queue.close()
  const reader = await QueueReader.open(directory)
  t.match(await reader.stats(), { dead: 3, inDoubt: 0, pending: 0 })
})

t.test('a channel that moved dies whole, by whatever name its messages were enqueued', async t => {
  const { open } = await blocking(t, ['b'])
  let queue = await open()
  await queue.pause()
  for (const id of ['a1', 'b2', 'a3']) await queue.enqueue(message(id))
  await queue.move('a', 'b')
  await queue.resume()
  await queue.drain()
  t.match(queue.stats(), { dead: 3 })
  await queue.close()
  queue = await open({ send: () => {} })
  t.match(queue.recovery, { dead: 3, pending: 0 })
  await queue.move('b', 'c')
  t.match(await queue.get('a3'), { channel: 'c', deadReason: 'channel' })
  await queue.enqueue(message('a4'))
  await queue.drain()
  t.match(await queue.settled('a4'), { state: 'delivered' })
})

t.test('dead letters of a closed channel are purged as the retention says', async t => {
  const { open } = await blocking(t, ['a'], { deadLetters: { maxCount: 1 } })
  const queue = await open()
  await queue.pause()
  for (const id of ['a1', 'a2', 'a3']) await queue.enqueue(message(id))
  await queue.resume()
  await queue.drain()
  while (queue.stats().dead > 1) await macrotask()
  t.match(queue.stats(), { dead: 1 })
})
