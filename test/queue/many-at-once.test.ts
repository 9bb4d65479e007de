import { createHook } from 'node:async_hooks'
import t from 'tap'
import type { OutboundQueue } from '../../lib/index.js'
import { WaitingLine } from '../../lib/queue/intake/waiting-line.js'
import { onAbort } from '../../lib/store/abort-error.js'
import { openQueue } from './fixtures/open-queue.js'

/** How many promises come into being until this is done: what is quadratic in what is asked makes four times as many. */
async function promisesOf(work: () => Promise<unknown>): Promise<number> {
  let count = 0
  const hook = createHook({
    init: (_, type) => {
      if (type === 'PROMISE') count += 1
    },
  })
  hook.enable()
  try {
    await work()
  } finally {
    hook.disable()
  }
  return count
}

const all = <T>(count: number, each: (id: string) => Promise<T>): Promise<PromiseSettledResult<T>[]> =>
  Promise.allSettled(Array.from({ length: count }, (_, n) => each(`m${n}`)))

const works: Record<string, (queue: OutboundQueue, count: number) => Promise<unknown>> = {
  enqueue: (queue, count) => all(count, id => queue.enqueue({ id: `new-${id}`, channel: id, payload: 1 })),
  get: (queue, count) => all(count, id => queue.get(id)),
  cancel: (queue, count) => all(count, id => queue.cancel(id)),
  drain: (queue, count) => all(count, () => queue.drain()),
  settled: async (queue, count) => {
    const settled = all(count, id => queue.settled(id))
    await queue.get('m0')
    queue.start(() => {})
    queue.resume()
    await settled
  },
  'settled, aborted': async (queue, count) => {
    const controller = new AbortController()
    const settled = all(count, id => queue.settled(id, { signal: controller.signal }))
    await queue.get('m0')
    controller.abort()
    await settled
  },
  'retryDead and purgeDead': async (queue, count) => {
    queue.start(() => {
      throw Object.assign(new Error('no'), { status: 400 })
    })
    const dead = all(count, id => queue.settled(id))
    queue.resume()
    await dead
    queue.pause()
    await all(count, id => (id.endsWith('1') ? queue.retryDead({ id }) : queue.purgeDead({ id })))
  },
}

for (const [name, work] of Object.entries(works)) {
  t.test(`concurrent calls of ${name} cost the same each, however many they are`, async t => {
    const counts: number[] = []
    for (const count of [200, 400]) {
      // Nothing is in memory: each message is read, which is when they wait for each other.
      const queue = await openQueue(t, { advanced: { cacheBytes: 0, autoCompact: false }, concurrency: 8 })
      queue.pause()
      await all(count, id => queue.enqueue({ id, channel: `chat:${id}`, payload: 1 }))
      counts.push(await promisesOf(() => work(queue, count)))
      await queue.close({ graceMs: 0 })
    }
    const [once, twice] = counts as [number, number]
    t.ok(twice < 2.6 * once, `${once} promises, and ${twice} for twice as many`)
  })
}

t.test('messages in memory are found and cancelled without a wait for the disk', async t => {
  const queue = await openQueue(t)
  queue.pause()
  await all(200, id => queue.enqueue({ id, channel: `chat:${id}`, payload: 1 }))
  const got = await promisesOf(() => all(200, id => queue.get(id)))
  t.ok(got < 16 * 200, `get: ${got / 200} promises each`)
  const cancelled = await promisesOf(() => all(200, id => queue.cancel(id)))
  t.ok(cancelled < 2 * 200, `cancel: ${cancelled / 200} promises each`)
})

t.test('a signal has one listener for all calls it was given to, and none after they end', async t => {
  const { signal } = new AbortController()
  let listeners = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...given: Parameters<typeof addEventListener>) => {
    listeners += 1
    return addEventListener.apply(signal, given)
  }
  signal.removeEventListener = (...given: Parameters<typeof removeEventListener>) => {
    listeners -= 1
    return removeEventListener.apply(signal, given)
  }
  const queue = await openQueue(t, { limits: { maxPendingMessages: 100, whenFull: 'wait' } })
  const enqueues = Array.from({ length: 200 }, (_, n) =>
    queue.enqueue({ channel: 'c', payload: n, id: `m${n}` }, { signal }),
  )
  t.equal(listeners, 1)
  await Promise.all(enqueues.slice(0, 100))
  const settles = Array.from({ length: 100 }, (_, n) => queue.settled(`m${n}`, { signal }))
  await Promise.all(Array.from({ length: 100 }, () => queue.drain({ signal })))
  t.equal(listeners, 1)
  queue.start(() => {})
  await Promise.all([...enqueues, ...settles])
  t.equal(listeners, 0)
})

t.test('an abort notifies each waiter once, and none that left', async t => {
  const controller = new AbortController()
  const calls: string[] = []
  const leaveFirst = onAbort(controller.signal, () => calls.push('first'))
  onAbort(controller.signal, () => calls.push('second'))
  const leaveThird = onAbort(controller.signal, () => calls.push('third'))
  leaveFirst()
  leaveFirst()
  controller.abort()
  t.same(calls, ['second', 'third'])
  leaveThird()
  const late = new AbortController()
  const leave = onAbort(late.signal, () => calls.push('gone'))
  leave()
  onAbort(late.signal, () => calls.push('late'))
  late.abort()
  t.same(calls, ['second', 'third', 'late'])
})

t.test('a waiting line serves its members in order, and any may leave', async t => {
  const line = new WaitingLine<string>()
  const leave = ['a', 'b', 'c', 'd'].map(name => line.join(name))
  leave[1]!()
  const served: (string | undefined)[] = [line.first]
  leave[0]!()
  served.push(line.first)
  leave[3]!()
  leave[2]!()
  served.push(line.first)
  line.join('e')
  t.same([...served, line.first], ['a', 'c', undefined, 'e'])
})
