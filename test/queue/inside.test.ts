/** Inside which `send` a caller runs is told by asynchronous storage, which every promise of the process carries. */
import { executionAsyncResource } from 'node:async_hooks'
import t from 'tap'
import type { OutboundQueue } from '../../lib/index.js'
import { openQueue } from './fixtures/open-queue.js'

/** How many storages the work under way carries; Node 24 keeps them elsewhere, as one. */
function carried(): number {
  const names = Object.getOwnPropertySymbols(executionAsyncResource()).map(({ description }) => description)
  return names.filter(name => name === 'kResourceStore').length
}

t.test('promises carry the same amount of context however many queues a process has', async t => {
  const counts: number[] = []
  for (let i = 0; i < 8; i += 1) {
    const queue = await openQueue<number>(t, {
      send: () => {
        counts.push(carried())
      },
    })
    await queue.enqueue({ channel: 'chat', payload: i })
    await queue.drain()
  }
  t.equal(counts.length, 8)
  t.equal(counts.at(-1), counts[0])
})

t.test(
  'a drain inside a send does not wait for that send, also through the send of another queue',
  async t => {
    let first: OutboundQueue<string> | undefined
    let second: OutboundQueue<string> | undefined
    second = await openQueue<string>(t, {
      send: async () => {
        await first!.drain()
      },
    })
    first = await openQueue<string>(t, {
      send: async ({ payload }) => {
        await second!.enqueue({ channel: 'chat', payload })
        await second!.drain()
      },
    })
    await first.enqueue({ id: 'm', channel: 'chat', payload: 'x' })
    t.match(await first.settled('m'), { state: 'delivered' })
    t.match(second.stats(), { pending: 0 })
  },
)

t.test('queues that enqueue to one another endlessly keep no context of finished sends', async t => {
  const depth: number[] = []
  const queues: OutboundQueue<number>[] = []
  const done = new Promise<void>(resolve => {
    const send =
      (to: number) =>
      async ({ payload }: { payload: number }) => {
        const store = Object.getOwnPropertySymbols(executionAsyncResource())
          .filter(({ description }) => description === 'kResourceStore')
          .map(symbol => (executionAsyncResource() as Record<symbol, unknown>)[symbol])
        depth.push(...store.map(entries => (Array.isArray(entries) ? entries.length : 0)))
        if (payload === 0) resolve()
        else await queues[to]!.enqueue({ channel: 'chat', payload: payload - 1 })
      }
    const opened = Promise.all([
      openQueue<number>(t, { send: send(1) }),
      openQueue<number>(t, { send: send(0) }),
    ])
    opened.then(async both => {
      queues.push(...both)
      await both[0].enqueue({ channel: 'chat', payload: 40 })
    }, t.threw)
  })
  await done
  t.ok(Math.max(0, ...depth) <= 2, `${Math.max(0, ...depth)} attempts at most`)
})

t.test('promises carry no context while no send runs', async t => {
  const queue = await openQueue<number>(t, { send: async () => {} })
  await queue.enqueue({ channel: 'chat', payload: 1 })
  await queue.drain()
  await new Promise(resolve => setImmediate(resolve))
  let during = -1
  await Promise.resolve().then(() => {
    during = carried()
  })
  t.equal(during, 0)
})

t.test('a send that ends does not end the context of other running sends', async t => {
  let drained = false
  let release = (): void => {}
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  const queue: OutboundQueue<string> = await openQueue<string>(t, {
    send: async ({ payload }) => {
      if (payload === 'short') return
      await released
      drained = await queue.drain({ signal: AbortSignal.timeout(5_000) }).then(
        () => true,
        () => false,
      )
    },
  })
  await queue.enqueue({ id: 'long', channel: 'one', payload: 'long' })
  await queue.enqueue({ id: 'short', channel: 'other', payload: 'short' })
  await queue.settled('short')
  release()
  await queue.settled('long')
  t.ok(drained, 'it did not wait for itself')
})
