import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import t from 'tap'
import { type Delivery, type OutboundQueue, SendError } from '../../lib/index.js'
import { gate, macrotask, openQueue, temporaryDirectory } from './fixtures/open-queue.js'

t.test('send gets a message with all of its fields', async t => {
  const seen: Delivery<unknown>[] = []
  const queue = await openQueue(t, {
    send: delivery => {
      seen.push(delivery)
      return 'sent'
    },
  })
  const payload = { text: 'hi', at: new Date(5), bytes: new Uint8Array([1]), big: 2n ** 63n }
  await queue.enqueue({ channel: 'chat', payload, id: 'm', headers: { trace: '1' } })
  t.match(await queue.settled('m'), { id: 'm', state: 'delivered', attempts: 1, result: 'sent' })
  t.equal(seen.length, 1)
  t.match(seen[0], {
    id: 'm',
    channel: 'chat',
    payload,
    headers: { trace: '1' },
    sequence: 1,
    attempt: 1,
    mayHaveBeenSent: false,
  })
  t.equal(seen[0]!.signal.aborted, false)
})

t.test('messages of a channel are sent one by one in order, while other channels go on', async t => {
  const sent: Record<string, unknown[]> = {}
  const underWay = new Set<string>()
  let most = 0
  const queue = await openQueue<number>(t, {
    async send({ channel: name, payload }) {
      t.notOk(underWay.has(name), 'its channel is free')
      underWay.add(name)
      most = Math.max(most, underWay.size)
      await macrotask()
      sent[name] = [...(sent[name] ?? []), payload]
      underWay.delete(name)
    },
  })
  const names = ['a', 'b', 'c', 'd']
  const numbers = Array.from({ length: 50 }, (_, index) => index)
  await Promise.all(numbers.flatMap(payload => names.map(name => queue.enqueue({ channel: name, payload }))))
  t.same(await queue.drain(), { remaining: 0 })
  for (const name of names) t.same(sent[name], numbers)
  t.equal(most, names.length)
  t.match(queue.stats(), { pending: 0, sending: 0, enqueued: 200, delivered: 200, channels: 0 })
})

t.test('messages left at a close are sent in order after a reopening, before new ones', async t => {
  const directory = temporaryDirectory(t)
  const first = await openQueue<number>(t, {}, directory)
  for (let payload = 0; payload < 20; payload += 1)
    await first.enqueue({ channel: `c${payload % 2}`, payload })
  await first.close()

  const sent: Record<string, number[]> = { c0: [], c1: [] }
  const second = await openQueue<number>(
    t,
    { send: ({ channel: name, payload }) => void sent[name]!.push(payload) },
    directory,
  )
  t.match(second.recovery, { pending: 20, inDoubt: 0, dead: 0, tornBytes: 0, corrupt: [] })
  await second.enqueue({ channel: 'c0', payload: 100 })
  await second.drain()
  t.same(sent, { c0: [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 100], c1: [1, 3, 5, 7, 9, 11, 13, 15, 17, 19] })
  await second.close()

  const third = await openQueue(t, {}, directory)
  t.match(third.recovery, { pending: 0, inDoubt: 0, dead: 0 })
})

t.test('a message that fails is retried, and the messages behind it wait', async t => {
  const calls: string[] = []
  const queue = await openQueue<string>(t, {
    send({ payload, attempt }) {
      calls.push(`${payload}${attempt}`)
      if (payload === 'a' && attempt < 3) throw new SendError('busy', { kind: 'retry' })
    },
  })
  const retries: unknown[] = []
  queue.on('retry', event => retries.push(event))
  await queue.enqueue([
    { channel: 'chat', payload: 'a', id: 'a' },
    { channel: 'chat', payload: 'b', id: 'b' },
  ])
  t.match(await queue.settled('b'), { state: 'delivered' })
  t.same(calls, ['a1', 'a2', 'a3', 'b1'])
  t.match(retries, [
    { id: 'a', channel: 'chat', sequence: 1, attempts: 1, delayMs: 0, error: { message: 'busy' } },
    { id: 'a', attempts: 2 },
  ])
  t.match(await queue.settled('a'), { state: 'delivered', attempts: 3 })
})

t.test('a message that fails too often is a dead letter, and its channel goes on', async t => {
  const queue = await openQueue<string>(t, {
    retry: [0, 0],
    send({ payload }) {
      if (payload === 'bad') throw new SendError('refused', { kind: 'retry' })
    },
  })
  const died = once(queue, 'dead')
  await queue.enqueue({ channel: 'chat', payload: 'bad', id: 'bad' })
  await queue.enqueue({ channel: 'chat', payload: 'good', id: 'good' })
  t.match(await queue.settled('bad'), {
    state: 'dead',
    attempts: 3,
    deadReason: 'attempts',
    lastError: { name: 'SendError', message: 'refused' },
  })
  t.match(await died, [
    { id: 'bad', channel: 'chat', attempts: 3, reason: 'attempts', error: { message: 'refused' } },
  ])
  t.match(await queue.settled('good'), { state: 'delivered' })
  t.match(await queue.get('bad'), {
    state: 'dead',
    deadReason: 'attempts',
    attempts: 3,
    history: [{ message: 'refused' }, { message: 'refused' }, { message: 'refused' }],
  })
  t.equal(queue.stats().dead, 1)
  t.match(await queue.settled('bad'), { state: 'dead', deadReason: 'attempts' }, 'known later too')
})

t.test('a dead letter is retried with new attempts, or purged', async t => {
  let refuse = true
  const queue = await openQueue<string>(t, {
    send() {
      if (refuse) throw new SendError('no', { kind: 'permanent' })
      return 'yes'
    },
  })
  for (const id of ['a', 'b', 'c']) await queue.enqueue({ channel: 'chat', payload: id, id })
  await queue.drain()
  t.equal(queue.stats().dead, 3)
  t.equal(await queue.retryDead({ id: 'unknown' }), 0)
  t.equal(await queue.retryDead({ reason: 'expired' }), 0)
  refuse = false
  t.equal(await queue.retryDead({ id: ['a', 'a'] }), 1)
  t.match(await queue.settled('a'), { state: 'delivered', attempts: 1, result: 'yes' })
  t.equal(await queue.purgeDead({ channel: 'ch*', reason: 'permanent' }), 2)
  t.equal(await queue.purgeDead({ all: true }), 0)
  t.match(await queue.settled('b'), { state: 'dead' })
  t.equal(queue.stats().dead, 0)
})

t.test('a halt keeps the backlog until a resume', async t => {
  let broken = true
  const sent: string[] = []
  const queue = await openQueue<string>(t, {
    send({ payload }) {
      if (broken) throw new SendError('token revoked', { kind: 'halt', reason: 'auth', afterMs: Infinity })
      sent.push(payload)
    },
  })
  const halted = once(queue, 'halted')
  await queue.enqueue({ channel: 'chat', payload: 'a' })
  await queue.enqueue({ channel: 'chat', payload: 'b' })
  t.match(await halted, [{ scope: 'channel', target: 'chat', reason: 'auth', probeAt: Infinity }])
  t.same(await queue.drain(), { remaining: 2 })
  t.match(queue.stats(), { haltedCount: 1, halted: [{ scope: 'chat', reason: 'auth' }], pending: 2 })
  broken = false
  const resumed = once(queue, 'resumed')
  queue.resume()
  t.match(await resumed, [{ scope: 'channel', target: 'chat' }])
  t.same(await queue.drain(), { remaining: 0 })
  t.same(sent, ['a', 'b'])
})

t.test('a payload that parse refuses halts its channel and is not charged', async t => {
  const queue = await openQueue(t, {
    parse(payload): { text: string } {
      if (typeof payload !== 'object') throw new Error('written by version 1')
      return payload as { text: string }
    },
    send: ({ payload }) => payload.text,
  })
  const halted = once(queue, 'halted')
  await queue.enqueue({ channel: 'chat', payload: 'old' as unknown as { text: string }, id: 'm' })
  await halted
  t.match(await queue.get('m'), { state: 'pending', attempts: 0 })
})

t.test('a paused queue holds every message, and a paused prefix those of its channels', async t => {
  const sent: string[] = []
  const queue = await openQueue<string>(t, { send: ({ payload }) => void sent.push(payload) })
  queue.pause()
  await queue.enqueue({ channel: 'a:1', payload: 'a' })
  t.same(await queue.drain(), { remaining: 1 })
  queue.pause('b:*')
  queue.resume()
  t.same(await queue.drain(), { remaining: 0 })
  queue.pause('b:*')
  await queue.enqueue({ channel: 'b:1', payload: 'b' })
  await queue.enqueue({ channel: 'a:1', payload: 'c' })
  t.same(await queue.drain(), { remaining: 1 })
  queue.resume('b:*')
  t.same(await queue.drain(), { remaining: 0 })
  t.same(sent, ['a', 'c', 'b'])
})

t.test('a scheduled message waits for its time, and drain counts it as remaining', async t => {
  const queue = await openQueue<string>(t, { send: () => {} })
  await queue.enqueue({ channel: 'chat', payload: 'later', id: 'later', delayMs: 1_000_000 })
  await queue.enqueue({ channel: 'chat', payload: 'now', id: 'now' })
  t.match(await queue.settled('now'), { state: 'delivered' })
  t.same(await queue.drain(), { remaining: 1 })
  const view = await queue.get('later')
  t.equal(view?.nextAttemptAt, view!.enqueuedAt + 1_000_000)
})

t.test('a message past its time to live is a dead letter and never sent', async t => {
  const sent: unknown[] = []
  const queue = await openQueue<string>(t)
  await queue.enqueue({ channel: 'chat', payload: 'stale', id: 'm', deliverAt: 1_000, ttlMs: 1 })
  queue.start(({ payload }) => void sent.push(payload))
  t.match(await queue.settled('m'), { state: 'dead', deadReason: 'expired' })
  t.same(sent, [])
})

t.test('with failTogether a part that dies takes the later parts of its list along', async t => {
  const queue = await openQueue<number>(t, {
    send({ payload }) {
      if (payload === 2) throw new SendError('no', { kind: 'permanent' })
    },
  })
  const parts = [1, 2, 3].map(payload => ({ channel: 'chat', payload, id: `part${payload}` }))
  await queue.enqueue(parts, { failTogether: true })
  t.match(await queue.settled('part1'), { state: 'delivered' })
  t.match(await queue.settled('part2'), { state: 'dead', deadReason: 'permanent' })
  t.match(await queue.settled('part3'), { state: 'dead', deadReason: 'predecessor' })
})

t.test('a cancelled message is not sent', async t => {
  const queue = await openQueue<string>(t)
  const cancelled = once(queue, 'cancelled')
  await queue.enqueue({ channel: 'chat', payload: 'x', id: 'm' })
  const settled = queue.settled('m')
  t.equal(await queue.cancel('m'), true)
  t.match(await cancelled, [{ id: 'm', channel: 'chat', attempts: 0 }])
  t.match(await settled, { id: 'm', state: 'cancelled' })
  t.equal(await queue.cancel('m'), false)
  t.equal(await queue.cancel('unknown'), false)
  await t.rejects(queue.cancel(5 as unknown as string), { code: 'WAQ_INVALID_OPTION' })
  queue.start(() => t.fail('sent'))
  await queue.drain()
})

t.test('a message that is being sent cannot be cancelled', async t => {
  const { opened, open } = gate()
  const queue = await openQueue<string>(t, { send: () => opened })
  await queue.enqueue({ channel: 'chat', payload: 'x', id: 'm' })
  await macrotask()
  await macrotask()
  while ((await queue.get('m'))?.state !== 'sending') await macrotask()
  t.equal(await queue.cancel('m'), false)
  open()
  t.match(await queue.settled('m'), { state: 'delivered' })
})

t.test('a message enqueued from within send is sent after it', async t => {
  const sent: number[] = []
  const queue: OutboundQueue<number> = await openQueue<number>(t, {
    async send({ payload }) {
      sent.push(payload)
      if (payload < 3) await queue.enqueue({ channel: 'chat', payload: payload + 1 })
    },
  })
  await queue.enqueue({ channel: 'chat', payload: 1 })
  await queue.drain()
  t.same(sent, [1, 2, 3])
})

t.test('the event idle comes when nothing is left to send', async t => {
  const queue = await openQueue<number>(t, { send: () => {} })
  const idle = once(queue, 'idle')
  await queue.enqueue({ channel: 'chat', payload: 1 })
  t.same(await idle, [{ pending: 0 }])
})

t.test('each attempt is published to the diagnostics channel', async t => {
  const published: unknown[] = []
  const subscriber = (message: unknown) => published.push(message)
  channel('waq:attempt').subscribe(subscriber)
  t.teardown(() => channel('waq:attempt').unsubscribe(subscriber))
  const queue = await openQueue<string>(t, { send: () => {} })
  await queue.enqueue({ channel: 'chat', payload: 'private', id: 'm' })
  await queue.settled('m')
  t.match(published, [
    { directory: queue.directory, id: 'm', channel: 'chat', sequence: 1, mayHaveBeenSent: false },
  ])
  t.notMatch(JSON.stringify(published), /private/)
})

t.test('a listener that throws or rejects is reported, and delivery goes on', async t => {
  const errors: Error[] = []
  const queue = await openQueue<number>(t, { send: () => {} })
  queue.on('error', error => errors.push(error))
  queue.on('delivered', () => {
    throw new Error('sync listener')
  })
  queue.on('delivered', async () => {
    throw new Error('async listener')
  })
  for (let payload = 0; payload < 3; payload += 1) await queue.enqueue({ channel: 'chat', payload })
  t.same(await queue.drain(), { remaining: 0 })
  await macrotask()
  t.equal(queue.stats().delivered, 3)
  t.equal(errors.length, 6)
  t.match(errors[0], { message: /"delivered" failed: sync listener/ })
})

t.test('the event delivered has the result of send', async t => {
  const queue = await openQueue<number, { messageId: number }>(t, { send: async () => ({ messageId: 7 }) })
  const delivered = once(queue, 'delivered')
  await queue.enqueue({ channel: 'chat', payload: 1, id: 'm' })
  const [event] = await delivered
  t.match(event, { id: 'm', channel: 'chat', sequence: 1, attempts: 1, result: { messageId: 7 } })
  t.ok(event.ms >= 0)
})
