import t from 'tap'
import { gate, macrotask, openQueue } from '../fixtures/open-queue.js'

const message = (id: string, channel = 'chat') => ({ id, channel, payload: null })

t.test('a send that throws fails its attempt, and one that returns anything or nothing delivers', async t => {
  const queue = await openQueue(t, {
    retry: [],
    send: ({ id }) => {
      if (id === 'throws') throw new Error('at once')
      return id === 'value' ? 42 : undefined
    },
  })
  await queue.enqueue([message('throws'), message('nothing'), message('value')])
  t.match(await queue.settled('throws'), {
    state: 'dead',
    deadReason: 'attempts',
    lastError: { message: 'at once' },
  })
  t.match(await queue.settled('nothing'), { state: 'delivered' })
  t.match(await queue.settled('value'), { state: 'delivered', result: 42 })
})

t.test(
  'a send that never settles occupies its chat until timeout and grace are over, and no other chat',
  async t => {
    let calls = 0
    const queue = await openQueue(t, {
      sendTimeoutMs: 30,
      abortGraceMs: 30,
      concurrency: 2,
      send: ({ channel }) => (channel === 'stuck' && calls++ === 0 ? new Promise(() => {}) : undefined),
    })
    await queue.enqueue([message('first', 'stuck'), message('second', 'stuck'), message('other', 'other')])
    t.match(await queue.settled('other'), { state: 'delivered' })
    t.match(await queue.settled('first'), { state: 'delivered', attempts: 2 })
    t.match(await queue.settled('second'), { state: 'delivered', attempts: 1 })
  },
)

t.test('a send that settles twice counts once', async t => {
  const events: string[] = []
  const queue = await openQueue(t, {
    send: () => ({
      // biome-ignore lint/suspicious/noThenProperty: that is what is tested
      then(resolve: (value: unknown) => void, reject: (error: Error) => void) {
        resolve('first')
        resolve('second')
        reject(new Error('third'))
      },
    }),
  })
  for (const name of ['delivered', 'retry', 'dead', 'error'] as const) queue.on(name, () => events.push(name))
  await queue.enqueue(message('a'))
  t.match(await queue.settled('a'), { state: 'delivered', result: 'first' })
  await queue.drain()
  t.strictSame(events, ['delivered'])
})

t.test('send may call enqueue, cancel, pause, resume, list, drain and close of its queue', async t => {
  const sent: string[] = []
  const ended = gate()
  const queue = await openQueue(t, {
    send: async ({ id }) => {
      sent.push(id)
      if (id !== 'a') return
      await queue.enqueue([message('b'), message('c'), message('d')])
      t.equal(await queue.cancel('c'), true)
      t.equal(await queue.cancel('a'), false, 'what is being sent cannot be withdrawn')
      queue.pause('chat')
      t.match(await queue.get('a'), { state: 'sending' })
      t.strictSame(await queue.drain(), { remaining: 3 })
      queue.resume('chat')
      ended.open()
    },
  })
  await queue.enqueue(message('a'))
  await ended.opened
  await queue.settled('d')
  t.strictSame(sent, ['a', 'b', 'd'])
})

t.test('a close inside send does not wait for that send, whose message is delivered or in doubt', async t => {
  const closed = gate()
  const queue = await openQueue(t, {
    send: async () => {
      await queue.close()
      closed.open()
    },
  })
  await queue.enqueue(message('a'))
  await closed.opened
  const again = await openQueue(t, {}, queue.directory)
  const { messages, pending, inDoubt } = again.recovery
  t.equal(messages, 1)
  t.equal(pending + inDoubt, 1)
})

t.test('listeners may call every method of their queue', async t => {
  const sent: string[] = []
  const queue = await openQueue(t, { send: ({ id }) => void sent.push(id) })
  const done = gate()
  queue.on('delivered', async ({ id }) => {
    if (id === 'a') {
      queue.pause('held')
      await queue.enqueue([message('b'), message('c', 'held')])
      return
    }
    t.equal(await queue.cancel('c'), true)
    await queue.close()
    done.open()
  })
  await queue.enqueue(message('a'))
  await done.opened
  t.equal(sent.includes('a') && sent.includes('b'), true)
  await t.rejects(queue.enqueue(message('d')), { code: 'WAQ_CLOSED' })
})

t.test('a listener that throws or rejects is reported, and deliveries go on', async t => {
  const queue = await openQueue(t, { send: () => undefined })
  const errors: string[] = []
  queue.on('error', error => errors.push(error.message))
  queue.on('delivered', () => {
    throw new Error('threw')
  })
  queue.on('delivered', async () => {
    throw new Error('rejected')
  })
  const seen: string[] = []
  queue.on('delivered', ({ id }) => seen.push(id))
  await queue.enqueue([message('a'), message('b')])
  await queue.drain()
  await macrotask()
  t.strictSame(seen, ['a', 'b'])
  t.equal(errors.filter(text => text.includes('threw')).length, 2)
  t.equal(errors.filter(text => text.includes('rejected')).length, 2)
})

t.test('a pause holds everything, a chat or a prefix, and each is resumed by itself', async t => {
  const sent: string[] = []
  const queue = await openQueue(t, { send: ({ id }) => void sent.push(id) })
  queue.pause('telegram:*')
  queue.pause('slack:1')
  await queue.enqueue([
    message('t1', 'telegram:1'),
    message('t2', 'telegram:2'),
    message('s1', 'slack:1'),
    message('s2', 'slack:2'),
  ])
  t.strictSame(await queue.drain(), { remaining: 3 })
  t.strictSame(sent, ['s2'])
  queue.resume('telegram:*')
  t.strictSame(await queue.drain(), { remaining: 1 })
  t.strictSame(sent.toSorted(), ['s2', 't1', 't2'])
  queue.pause()
  queue.resume('slack:1')
  await queue.enqueue(message('s3', 'slack:3'))
  t.strictSame(await queue.drain(), { remaining: 2 }, 'everything is paused still')
  queue.resume()
  t.strictSame(await queue.drain(), { remaining: 0 })
})

t.test('drain waits for retries but not for schedules, and can be aborted', async t => {
  let failures = 2
  const queue = await openQueue(t, {
    retry: [5, 5],
    send: ({ id }) => {
      if (id === 'retried' && failures-- > 0) throw new Error('again')
    },
  })
  await queue.enqueue([message('retried'), { ...message('later', 'other'), delayMs: 3_600_000 }])
  t.strictSame(await queue.drain(), { remaining: 1 })
  t.match(await queue.settled('retried'), { state: 'delivered', attempts: 3 })
  const held = gate()
  const slow = await openQueue(t, { send: () => held.opened })
  await slow.enqueue(message('held'))
  const controller = new AbortController()
  const aborted = slow.drain({ signal: controller.signal })
  controller.abort(new Error('enough'))
  await t.rejects(aborted, { name: 'AbortError', cause: { message: 'enough' } })
  held.open()
})

t.test('close waits for running sends within its grace', async t => {
  const began = gate()
  const held = gate()
  const queue = await openQueue(t, {
    send: () => {
      began.open()
      return held.opened
    },
  })
  await queue.enqueue([message('a'), message('b')])
  await began.opened
  const closing = queue.close()
  held.open()
  await closing
  const again = await openQueue(t, {}, queue.directory)
  t.match(again.recovery, { pending: 1, inDoubt: 0 }, 'the first was delivered; the second was never begun')
})
