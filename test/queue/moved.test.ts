/** A channel that gets another name, by the verdict `moved` or by `move`. */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import {
  type Delivery,
  type OutboundQueue,
  type QueueOptions,
  QueueReader,
  type Verdict,
} from '../../lib/index.js'
import { memoryQueue } from '../../lib/testing/memory-queue.js'
import { gate, macrotask, openQueue, temporaryDirectory } from './fixtures/open-queue.js'

class Moved extends Error {
  readonly to: string

  constructor(to: string) {
    super(`it moved to ${to}`)
    this.to = to
  }
}
const classify = (error: unknown): Verdict | undefined =>
  error instanceof Moved ? { kind: 'moved', channel: error.to } : undefined

/** A queue whose receiver has moved: by channel, where to. What arrives is noted with its channel. */
async function moving(t: Test, moved: Record<string, string>, options: QueueOptions<unknown, unknown> = {}) {
  const directory = temporaryDirectory(t)
  const arrived: string[] = []
  const send = ({ channel, id }: Delivery<unknown>): void => {
    const to = moved[channel]
    if (to !== undefined) throw new Moved(to)
    arrived.push(`${channel} ${id}`)
  }
  const open = (more: QueueOptions<unknown, unknown> = {}) =>
    openQueue(t, { send, classify, ...options, ...more }, directory)
  return { directory, arrived, open }
}

const fill = async (queue: Pick<OutboundQueue, 'enqueue'>, ...names: string[]): Promise<void> => {
  for (const name of names) await queue.enqueue({ channel: name[0]!, id: name, payload: null })
}

t.test(
  'a channel that moved goes on under its new name, each message in the order of the enqueues',
  async t => {
    const { arrived, open } = await moving(t, { a: 'b' })
    const queue = await open()
    const events: unknown[] = []
    queue.on('moved', event => events.push(event))
    queue.on('delivered', ({ id, channel, attempts }) => events.push([id, channel, attempts]))
    await queue.pause()
    await fill(queue, 'a1', 'b2', 'a3', 'b4')
    await queue.pause('b')
    await queue.resume('a')
    await queue.resume('*')
    await queue.drain()
    t.strictSame(
      arrived.filter(one => one.includes('a')),
      ['b a1', 'b a3'],
    )
    t.strictSame(events[0], { from: 'a', to: 'b' })
    t.strictSame(
      events.filter(event => Array.isArray(event) && event[0].startsWith('a')),
      [
        ['a1', 'b', 2],
        ['a3', 'b', 1],
      ],
      'the attempt that was answered so counts; one answer is enough for all',
    )
    t.match(await queue.enqueue({ channel: 'a', id: 'a5', payload: null }), { channel: 'b' })
    await queue.drain()
    t.equal(arrived.at(-1), 'b a5', 'what is enqueued to the old name goes along')
  },
)

t.test('both channels merge by order key, also after a restart', async t => {
  const { arrived, open } = await moving(t, {})
  let queue = await open()
  await queue.pause()
  await fill(queue, 'a1', 'b2', 'a3', 'b4', 'a5')
  await queue.move('a', 'b')
  const listed: string[] = []
  for await (const { id, channel } of queue.list()) listed.push(`${channel} ${id}`)
  t.strictSame(listed, ['b a1', 'b b2', 'b a3', 'b b4', 'b a5'])
  t.match(queue.stats({ channel: 'b' }), { pending: 5 })
  t.match(queue.stats({ channel: 'a' }), { pending: 5 }, 'a former name selects the channel')
  await queue.close()
  queue = await open()
  await queue.drain()
  t.strictSame(arrived, ['b a1', 'b b2', 'b a3', 'b b4', 'b a5'])
})

t.test('a reader sees messages, halts and pauses under the new name', async t => {
  const { directory, open } = await moving(t, {}, { send: () => Promise.reject(new Error('no')) })
  const queue = await open({ classify: () => ({ kind: 'permanent' }), onDead: 'halt' })
  await fill(queue, 'a1', 'a2')
  await queue.drain()
  await queue.pause('a', { durable: true })
  await queue.move('a', 'b')
  t.match(queue.stats(), {
    halted: [{ scope: 'b' }],
    paused: [{ scope: 'b' }],
    haltedCount: 1,
    pausedCount: 1,
  })
  await queue.close()
  const reader = await QueueReader.open(directory)
  t.match(await reader.get('a1'), { channel: 'b', state: 'dead' })
  t.match(await reader.get('a2'), { channel: 'b', state: 'pending' })
  t.match(await reader.stats(), { halted: [{ scope: 'b' }], paused: [{ scope: 'b' }] })
})

t.test('halts and durable pauses go along, and end under the new name for good', async t => {
  const { arrived, open } = await moving(t, {})
  let queue = await open({
    classify: () => ({ kind: 'permanent' }),
    onDead: 'halt',
    send: () => Promise.reject(new Error('no')),
  })
  await fill(queue, 'a1', 'a2')
  await queue.drain()
  await queue.pause('a', { durable: true })
  await queue.move('a', 'b')
  await queue.close()
  queue = await open()
  await queue.drain()
  t.match(queue.stats(), { halted: [{ scope: 'b' }], paused: [{ scope: 'b', durable: true }] })
  t.strictSame(arrived, [])
  await queue.resume('a')
  await queue.drain()
  t.strictSame(arrived, ['b a2'])
  await queue.close()
  queue = await open()
  t.match(queue.stats(), { haltedCount: 0, pausedCount: 0 })
})

t.test('a pause of a prefix holds a channel whose new name it matches', async t => {
  const { arrived, open } = await moving(t, {})
  const queue = await open()
  await queue.pause()
  await fill(queue, 'a1')
  await queue.pause('b*')
  await queue.move('a', 'b')
  await queue.resume('a')
  queue.pause('*')
  t.match(queue.stats(), { paused: [{ scope: '*' }, { scope: 'b*' }] })
  t.strictSame(arrived, [])
})

t.test('what a receiver told goes along, also after a restart, and ends by hand for good', async t => {
  const memory = await memoryQueue<null>({
    send: ({ channel }) => {
      if (channel === 'a') throw new Error('slow')
      arrived += 1
    },
    classify: () => ({ kind: 'rate-limited', afterMs: 60_000 }),
  })
  t.teardown(() => memory.close())
  let arrived = 0
  await memory.queue.pause('b')
  await memory.queue.enqueue({ channel: 'b', payload: null })
  await memory.queue.enqueue({ channel: 'a', payload: null })
  await memory.advance(1_000)
  await memory.queue.move('a', 'b')
  await memory.queue.resume('b')
  await memory.advance(10_000)
  t.equal(arrived, 0, 'what was there before waits, too')
  await memory.crash()
  await memory.reopen()
  await memory.advance(10_000)
  t.equal(arrived, 0)
  t.equal(await memory.queue.retryNow({ all: true }), 2)
  await memory.advance(0)
  t.equal(arrived, 2)
  await memory.crash()
  await memory.reopen()
  await memory.queue.enqueue({ channel: 'a', payload: null })
  await memory.advance(0)
  t.equal(arrived, 3)
})

t.test('a power loss during the first attempt under the new name leaves the move', async t => {
  let memory: Awaited<ReturnType<typeof memoryQueue<null>>> | undefined
  const sent: string[] = []
  memory = await memoryQueue<null>({
    send: ({ channel, id }) => {
      sent.push(`${channel} ${id}`)
      if (channel === 'a') throw new Moved('b')
      if (sent.length === 3) memory!.crash({ power: true })
    },
    classify,
  })
  t.teardown(() => memory.close())
  await memory.queue.enqueue([
    { channel: 'b', id: 'b0', payload: null },
    { channel: 'a', id: 'a1', payload: null },
    { channel: 'a', id: 'a2', payload: null },
  ])
  await memory.advance(10)
  const queue = await memory.reopen()
  t.strictSame(sent, ['b b0', 'a a1', 'b a1'])
  t.match(await queue.get('a2'), { channel: 'b' })
  await memory.advance(60_000)
  t.equal(sent.at(-1), 'b a2')
})

t.test('moves follow each other, and a message goes at last where the last one leads', async t => {
  const { arrived, open } = await moving(t, { a: 'b', b: 'c', c: 'd', d: 'e' })
  let queue = await open()
  await fill(queue, 'a1')
  await queue.drain()
  t.strictSame(arrived, ['e a1'])
  await queue.close()
  queue = await open()
  await fill(queue, 'a2', 'b3', 'c4')
  await queue.drain()
  t.strictSame(arrived, ['e a1', 'e a2', 'e b3', 'e c4'], 'each name leads there at once')
})

t.test('a message that moved to where it is already, or a fifth time, is permanent', async t => {
  const { arrived, open } = await moving(t, { a: 'a', b: 'c', c: 'b' })
  const queue = await open()
  const moves: unknown[] = []
  queue.on('moved', ({ from, to }) => moves.push(`${from}${to}`))
  await fill(queue, 'a1', 'b2')
  await queue.drain()
  t.match(await queue.get('a1'), { state: 'dead', deadReason: 'permanent', attempts: 1 })
  t.match(await queue.get('b2'), { state: 'dead', deadReason: 'permanent', attempts: 5, channel: 'b' })
  t.strictSame(moves, ['bc', 'cb', 'bc', 'cb'])
  t.strictSame(arrived, [])
})

t.test('each move costs an attempt', async t => {
  const { open } = await moving(
    t,
    { a: 'b', b: 'c', c: 'd' },
    { retry: { maxAttempts: 2, initialDelayMs: 0 } },
  )
  const queue = await open()
  await fill(queue, 'a1')
  await queue.drain()
  t.match(await queue.get('a1'), { state: 'dead', deadReason: 'attempts', attempts: 2, channel: 'c' })
})

t.test('attempts under the old name end before one under the new name begins', async t => {
  const gates = new Map<string, ReturnType<typeof gate<void>>>()
  const begun: string[] = []
  const queue = await openQueue(t, {
    channelOptions: channel => (channel === 'u' ? { ordered: false, concurrency: 2 } : {}),
    send: async ({ channel, id }) => {
      begun.push(`${channel} ${id}`)
      const held = gate<void>()
      gates.set(id, held)
      await held.opened
    },
  })
  await fill(queue, 'u1', 'u2', 'u3', 'v4')
  while (begun.length < 3) await macrotask()
  t.strictSame(begun.toSorted(), ['u u1', 'u u2', 'v v4'])
  await queue.move('u', 'v')
  gates.get('v4')!.open()
  await queue.settled('v4')
  t.match(queue.stats({ channel: 'v' }), { sending: 2, pending: 1 })
  gates.get('u2')!.open()
  await queue.settled('u2')
  t.match(queue.stats({ channel: 'v' }), { sending: 1, pending: 1 }, 'one is still under way')
  gates.get('u1')!.open()
  await queue.settled('u1')
  while (begun.length < 4) await macrotask()
  t.equal(begun.at(-1), 'v u3')
  gates.get('u3')!.open()
  await queue.drain()
})

t.test('an attempt under the old name that fails later goes on under the new one', async t => {
  const held = gate<void>()
  const begun: string[] = []
  const queue = await openQueue(t, {
    send: async ({ channel, id }) => {
      begun.push(`${channel} ${id}`)
      if (begun.length > 1) return
      await held.opened
      throw Object.assign(new Error('busy'), { status: 503 })
    },
  })
  await fill(queue, 'a1', 'a2', 'b3')
  while (begun.length === 0) await macrotask()
  await queue.pause('b')
  await queue.move('a', 'b')
  held.open()
  await macrotask()
  await queue.resume('b')
  await queue.drain()
  t.strictSame(
    begun.filter(one => !one.endsWith('b3')),
    ['a a1', 'b a1', 'b a2'],
  )
})

t.test('a channel that is moved back has its own name again, also after a restart', async t => {
  const { arrived, open } = await moving(t, {})
  let queue = await open()
  await queue.pause()
  await fill(queue, 'a1', 'b2', 'a3')
  await queue.move('a', 'b')
  await queue.move('b', 'a')
  await queue.close()
  queue = await open()
  await fill(queue, 'a4', 'b5')
  await queue.drain()
  t.strictSame(arrived, ['a a1', 'a b2', 'a a3', 'a a4', 'a b5'])
})

t.test('one id is one message by either name of its channel', async t => {
  const { open } = await moving(t, {})
  const queue = await open()
  await queue.enqueue({ channel: 'a', id: 'x', payload: 1 })
  await queue.drain()
  await queue.move('a', 'b')
  t.match(await queue.enqueue({ channel: 'b', id: 'x', payload: 1 }), { duplicate: true })
  t.match(await queue.enqueue({ channel: 'a', id: 'x', payload: 1 }), { duplicate: true })
  await t.rejects(queue.enqueue({ channel: 'c', id: 'x', payload: 1 }), { code: 'WAQ_ID_CONFLICT' })
})

t.test('the newest of a key is replaced by either name of its channel', async t => {
  const { arrived, open } = await moving(t, {})
  const queue = await open()
  await queue.pause()
  await queue.enqueue({ channel: 'a', id: 'one', payload: 1, replaces: 'k' })
  await queue.enqueue({ channel: 'b', id: 'two', payload: 1, replaces: 'k' })
  await queue.move('a', 'b')
  await queue.enqueue({ channel: 'a', id: 'three', payload: 1, replaces: 'k' })
  t.match(await queue.settled('two'), { state: 'replaced', replacedBy: 'three' })
  await queue.resume()
  await queue.drain()
  t.strictSame(arrived, ['b one', 'b three'])
})

t.test('the options of a channel are those of its new name', async t => {
  const asked: string[] = []
  const queue = await openQueue(t, {
    send: () => Promise.reject(new Error('no')),
    classify: () => ({ kind: 'permanent' }),
    channelOptions: channel => {
      asked.push(channel)
      return channel === 'b' ? { ttlMs: 5_000 } : {}
    },
  })
  await queue.move('a', 'b')
  const { id } = await queue.enqueue({ channel: 'a', payload: null })
  const { expiresAt, enqueuedAt } = (await queue.get(id))!
  t.equal(expiresAt, enqueuedAt + 5_000)
  await queue.drain()
  t.notOk(asked.includes('a'))
})

t.test('a name leads to its channel while a message bears it, and as long as ids are remembered', async t => {
  const memory = await memoryQueue<null>({ dedupe: { windowMs: 3_600_000 } })
  t.teardown(() => memory.close())
  await memory.queue.pause()
  await memory.queue.move('a', 'b')
  const { id } = await memory.queue.enqueue({ channel: 'a', payload: null })
  await memory.advance(7_200_000)
  await memory.queue.compact()
  t.match(await memory.queue.get(id), { channel: 'b' }, 'a message waits that bears it')
  await memory.queue.cancel(id)
  await memory.queue.compact()
  await memory.reopen()
  await memory.queue.pause()
  t.match(await memory.queue.enqueue({ channel: 'a', payload: null }), { channel: 'a' })
})

t.test('without a `classify` of its own nothing moves a channel', async t => {
  const { open } = await moving(t, {})
  const error = Object.assign(new Error('Bad Request: group chat was upgraded to a supergroup chat'), {
    error_code: 400,
    parameters: { migrate_to_chat_id: -1001 },
    response: { ok: false, error_code: 400, parameters: { migrate_to_chat_id: -1001 } },
  })
  const queue = await open({ send: () => Promise.reject(error), classify: () => undefined })
  await fill(queue, 'a1')
  await queue.drain()
  t.match(await queue.get('a1'), { state: 'dead', channel: 'a' })
})

t.test('a channel must be named as in enqueue', async t => {
  const queue = await openQueue(t)
  for (const wrong of ['', 7, 'x'.repeat(513), '\ud800'])
    await t.rejects(queue.move(wrong as string, 'b'), { code: 'WAQ_INVALID_OPTION' })
  await t.rejects(queue.move('a', undefined as unknown as string), { code: 'WAQ_INVALID_OPTION' })
  const errors: Error[] = []
  const verdicts = ['', 7, 'x'.repeat(513), '\ud800']
  const other = await openQueue<unknown, unknown>(t, {
    send: () => Promise.reject(new Error('no')),
    classify: () =>
      verdicts.length > 0 ? ({ kind: 'moved', channel: verdicts.pop() } as Verdict) : undefined,
  })
  other.on('error', error => errors.push(error))
  await fill(other, 'a1')
  while (errors.length < 4) await sleep(1)
  t.match(errors[0]?.message, /classify returned/)
  t.match(await other.get('a1'), { channel: 'a' })
  await other.cancel('a1')
})
