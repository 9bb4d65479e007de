import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import t from 'tap'
import { OutboundQueue, type QueueOptions, SendError } from '../../lib/index.js'
import { gate, macrotask, openQueue, temporaryDirectory } from './fixtures/open-queue.js'

t.test('OutboundQueue cannot be constructed other than by open', async t => {
  const Constructor = OutboundQueue as unknown as new () => OutboundQueue
  t.throws(() => new Constructor(), { message: /Use OutboundQueue\.open/ })
})

t.test('an opening checks its arguments before it touches the disk', async t => {
  const directory = temporaryDirectory(t)
  const bad: [unknown, unknown, RegExp][] = [
    [undefined, {}, /directory must be a path.*got undefined/],
    ['', {}, /got the string ""/],
    ['a\0b', {}, /got the string "a\\u0000b"/],
    [new URL('file:///tmp'), {}, /got an URL/],
    [directory, { concurency: 1 }, /Did you mean `concurrency`/],
    [directory, null, /got null/],
  ]
  for (const [path, options, message] of bad) {
    await t.rejects(OutboundQueue.open(path as string, options as QueueOptions), {
      code: 'WAQ_INVALID_OPTION',
      message,
    })
  }
  t.equal(existsSync(directory), false)
})

t.test('the wait for the lock is reported apart from the duration of the opening', async t => {
  const directory = temporaryDirectory(t)
  const first = await openQueue(t, {}, directory)
  t.equal(first.recovery.lockWaitMs, 0)
  const begun = performance.now()
  const opening = openQueue(t, { lock: { waitMs: 60_000 } }, directory)
  await setTimeout(100)
  await first.close()
  const { lockWaitMs, durationMs } = (await opening).recovery
  const tookMs = performance.now() - begun
  t.ok(lockWaitMs > 0)
  t.ok(durationMs > 0)
  t.ok(lockWaitMs + durationMs <= tookMs, `${lockWaitMs} + ${durationMs} of ${tookMs} ms`)
})

t.test('the first attempt comes after the caller of open could add listeners', async t => {
  const directory = temporaryDirectory(t)
  const first = await openQueue(t, {}, directory)
  await first.enqueue({ channel: 'chat', payload: 1 })
  await first.close()
  let sent = false
  const second = await openQueue(
    t,
    {
      send: () => {
        sent = true
      },
    },
    directory,
  )
  t.equal(sent, false)
  await once(second, 'delivered')
  t.equal(sent, true)
})

t.test('a queue without send accepts and keeps messages, and start makes it deliver', async t => {
  const queue = await openQueue<number>(t)
  await queue.enqueue({ channel: 'chat', payload: 1, id: 'm' })
  t.same(await queue.drain(), { remaining: 1 })
  queue.start(() => {})
  t.match(await queue.settled('m'), { state: 'delivered' })
})

t.test('a second start of delivery is refused', async t => {
  const given = await openQueue(t, { send: () => {} })
  t.throws(() => given.start(() => {}), { code: 'WAQ_INVALID_OPTION', message: /delivery began already/ })
  const later = await openQueue(t)
  t.throws(() => later.start('x' as never), {
    code: 'WAQ_INVALID_OPTION',
    message: /send must be a function/,
  })
  later.start(() => {})
  t.throws(() => later.start(() => {}), { code: 'WAQ_INVALID_OPTION' })
})

t.test('a second opening of a directory is refused while it has an owner', async t => {
  const directory = temporaryDirectory(t)
  const queue = await openQueue(t, {}, directory)
  await t.rejects(OutboundQueue.open(directory), { code: 'WAQ_LOCKED', owner: { pid: process.pid } })
  await queue.close()
  const next = await openQueue(t, {}, directory)
  t.equal(next.directory, queue.directory)
})

t.test('every method of a closed queue rejects with WAQ_CLOSED', async t => {
  const queue = await openQueue(t)
  await queue.close()
  await queue.close({ graceMs: 5 })
  const closed = { code: 'WAQ_CLOSED' }
  await t.rejects(queue.enqueue({ channel: 'chat', payload: 1 }), closed)
  await t.rejects(queue.get('a'), closed)
  await t.rejects(queue.cancel('a'), closed)
  await t.rejects(queue.settled('a'), closed)
  await t.rejects(queue.drain(), closed)
  await t.rejects(queue.retryDead({ all: true }), closed)
  await t.rejects(queue.purgeDead({ all: true }), closed)
  t.throws(() => queue.start(() => {}), closed)
  t.throws(() => queue.list(), closed)
  await t.rejects(queue.pause(), closed)
  await t.rejects(queue.resume(), closed)
})

t.test('await using closes the queue', async t => {
  const directory = temporaryDirectory(t)
  let queue: OutboundQueue
  {
    await using opened = await OutboundQueue.open(directory)
    queue = opened
    await queue.enqueue({ channel: 'chat', payload: 1 })
  }
  await t.rejects(queue.enqueue({ channel: 'chat', payload: 1 }), { code: 'WAQ_CLOSED' })
})

t.test('close waits for running sends', async t => {
  const { opened, open } = gate()
  const began = gate()
  const queue = await openQueue<number>(t, {
    async send() {
      began.open()
      await opened
    },
  })
  await queue.enqueue({ channel: 'chat', payload: 1, id: 'm' })
  const settled = queue.settled('m')
  await began.opened
  const closed = queue.close()
  open()
  await closed
  t.match(await settled, { state: 'delivered' })
})

t.test(
  'an enqueue under way during a close is either acknowledged and stored, or refused and absent',
  async t => {
    const directory = temporaryDirectory(t)
    const queue = await openQueue<number>(t, {}, directory)
    const enqueued = Array.from({ length: 20 }, (_, payload) =>
      queue.enqueue({ channel: 'chat', payload, id: `m${payload}` }),
    )
    const results = Promise.allSettled(enqueued)
    await queue.close()
    const acknowledged: string[] = []
    for (const result of await results) {
      if (result.status === 'fulfilled') acknowledged.push(result.value.id)
      else t.match(result.reason, { code: 'WAQ_CLOSED' })
    }
    const second = await openQueue<number>(t, {}, directory)
    const found: string[] = []
    for await (const { id } of second.list()) found.push(id)
    t.same(found, acknowledged)
  },
)

t.test('a send that outlasts the grace of a close is aborted, and its message in doubt', async t => {
  const directory = temporaryDirectory(t)
  const began = gate()
  let aborted = false
  const first = await openQueue<number>(
    t,
    {
      async send({ signal }) {
        began.open()
        await once(signal, 'abort')
        aborted = true
        throw signal.reason
      },
    },
    directory,
  )
  await first.enqueue({ channel: 'chat', payload: 1, id: 'm' })
  await began.opened
  await first.close({ graceMs: 0 })
  t.equal(aborted, true)

  const deliveries: { attempt: number; mayHaveBeenSent: boolean }[] = []
  const second = await openQueue<number>(
    t,
    { send: ({ attempt, mayHaveBeenSent }) => void deliveries.push({ attempt, mayHaveBeenSent }) },
    directory,
  )
  t.match(second.recovery, { inDoubt: 1 })
  t.match(await second.settled('m'), { state: 'delivered' })
  t.match(deliveries, [{ mayHaveBeenSent: true }])
})

t.test('close from within send does not wait for that send', async t => {
  const closed = gate()
  const queue: OutboundQueue<number> = await openQueue<number>(t, {
    async send() {
      await queue.close()
      closed.open()
    },
  })
  await queue.enqueue({ channel: 'chat', payload: 1 })
  await closed.opened
  await t.rejects(queue.enqueue({ channel: 'chat', payload: 1 }), { code: 'WAQ_CLOSED' })
})

t.test('close with an invalid grace is refused, and the queue stays open', async t => {
  const queue = await openQueue(t)
  await t.rejects(queue.close({ graceMs: -1 }), { code: 'WAQ_INVALID_OPTION', message: /graceMs/ })
  await t.rejects(queue.close({ grace: 1 } as object), { message: /Did you mean `graceMs`/ })
  await queue.enqueue({ channel: 'chat', payload: 1 })
})

t.test('an aborted drain rejects, and the queue goes on delivering', async t => {
  const { opened, open } = gate()
  const queue = await openQueue<number>(t, { send: () => opened })
  await queue.enqueue({ channel: 'chat', payload: 1, id: 'm' })
  const controller = new AbortController()
  const drained = queue.drain({ signal: controller.signal })
  await macrotask()
  controller.abort(new Error('enough'))
  await t.rejects(drained, { name: 'AbortError', cause: { message: 'enough' } })
  await t.rejects(queue.drain({ signal: AbortSignal.abort() }), { name: 'AbortError' })
  open()
  t.match(await queue.settled('m'), { state: 'delivered' })
})

t.test('a channel halted by a dead letter is still halted after a reopening', async t => {
  const directory = temporaryDirectory(t)
  const options: QueueOptions<string> = {
    onDead: 'halt',
    send({ payload }) {
      if (payload === 'bad') throw new SendError('no', { kind: 'permanent' })
    },
  }
  const first = await openQueue<string>(t, options, directory)
  const halted = once(first, 'halted')
  await first.enqueue({ channel: 'chat', payload: 'bad' })
  await first.enqueue({ channel: 'chat', payload: 'behind', id: 'behind' })
  await halted
  await first.close()
  const second = await openQueue<string>(t, options, directory)
  t.same(await second.drain(), { remaining: 1 })
  second.resume('chat')
  t.match(await second.settled('behind'), { state: 'delivered' })
})
