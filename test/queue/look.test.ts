import t from 'tap'
import { type ListFilter, type MessageView, type OutboundQueue, SendError } from '../../lib/index.js'
import { gate, macrotask, openQueue, temporaryDirectory } from './fixtures/open-queue.js'

async function idsOf(items: AsyncIterable<MessageView>): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of items) ids.push(id)
  return ids
}

/** Three dead letters in `dead:*`, then five pending messages. */
async function filledQueue(t: Parameters<typeof openQueue>[0]): Promise<OutboundQueue<string>> {
  const queue = await openQueue<string>(t, {
    send({ payload }) {
      throw new SendError(
        'no',
        payload === 'halt' ? { kind: 'halt', afterMs: Infinity } : { kind: 'permanent' },
      )
    },
  })
  for (const id of ['d1', 'd2', 'd3']) await queue.enqueue({ channel: `dead:${id}`, payload: id, id })
  await queue.drain()
  for (const id of ['p1', 'p2', 'p3', 'p4', 'p5']) {
    await queue.enqueue({ channel: `live:${id}`, payload: 'halt', id, delayMs: 1_000_000 })
  }
  return queue
}

t.test('list yields the messages that fit its filter, by sequence', async t => {
  const queue = await filledQueue(t)
  const all = ['d1', 'd2', 'd3', 'p1', 'p2', 'p3', 'p4', 'p5']
  const cases: [ListFilter | undefined, string[]][] = [
    [undefined, all],
    [{ state: 'dead' }, ['d1', 'd2', 'd3']],
    [{ state: ['pending', 'sending'] }, all.slice(3)],
    [{ state: 'sending' }, []],
    [{ channel: 'live:p2' }, ['p2']],
    [{ channel: 'live:*' }, all.slice(3)],
    [{ reason: 'permanent' }, ['d1', 'd2', 'd3']],
    [{ reason: 'expired' }, []],
    [{ after: 2, limit: 2 }, ['d3', 'p1']],
    [{ limit: 0 }, []],
  ]
  for (const [filter, ids] of cases) t.same(await idsOf(queue.list(filter)), ids, JSON.stringify(filter))
})

t.test('a view shows the state of its message', async t => {
  const queue = await filledQueue(t)
  const dead = await queue.get('d1')
  t.match(dead, {
    id: 'd1',
    channel: 'dead:d1',
    sequence: 1,
    state: 'dead',
    payload: 'd1',
    headers: {},
    attempts: 1,
    mayHaveBeenSent: false,
    deadReason: 'permanent',
    lastError: { name: 'SendError', message: 'no' },
  })
  t.ok(dead!.diedAt! >= dead!.enqueuedAt)
  t.notOk(Object.hasOwn(dead!, 'nextAttemptAt'))
  t.notOk(Object.hasOwn(dead!, 'expiresAt'))
  t.equal(await queue.get('unknown'), undefined)
})

t.test('list leaves payloads out on request', async t => {
  const queue = await filledQueue(t)
  for await (const view of queue.list({ payloads: false })) t.notOk(Object.hasOwn(view, 'payload'))
})

t.test('list yields no message enqueued after its call, and none that has settled meanwhile', async t => {
  const queue = await filledQueue(t)
  const iterator = queue.list()[Symbol.asyncIterator]()
  t.match(await iterator.next(), { value: { id: 'd1' } })
  await queue.enqueue({ channel: 'live:new', payload: 'x', id: 'new', delayMs: 1_000_000 })
  await queue.purgeDead({ id: 'd2' })
  await queue.cancel('p1')
  const rest: string[] = []
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) rest.push(next.value.id)
  t.same(rest, ['d3', 'p2', 'p3', 'p4', 'p5'])
})

t.test('list with an invalid filter throws at the call', async t => {
  const queue = await openQueue(t)
  t.throws(() => queue.list({ state: 'delivered' as 'dead' }), { code: 'WAQ_INVALID_OPTION' })
})

t.test('settled() resolves when its message settles', async t => {
  const { opened, open } = gate()
  const queue = await openQueue<string, string>(t, {
    send: async () => {
      await opened
      return 'result'
    },
  })
  await queue.enqueue({ channel: 'chat', payload: 'x', id: 'm' })
  const both = Promise.all([queue.settled('m'), queue.settled('m')])
  open()
  const [first, second] = await both
  t.match(first, { id: 'm', state: 'delivered', attempts: 1, result: 'result' })
  t.same(second, first)
})

t.test('a settled message is remembered after a reopening, without its result', async t => {
  const directory = temporaryDirectory(t)
  const first = await openQueue<string, string>(t, { send: () => 'result' }, directory)
  await first.enqueue({ channel: 'chat', payload: 'x', id: 'm' })
  const before = await first.settled('m')
  await first.close()
  const second = await openQueue<string, string>(t, {}, directory)
  const { result, ...rest } = before
  t.equal(result, 'result')
  t.same(await second.settled('m'), rest)
  t.match(await second.enqueue({ channel: 'chat', payload: 'x', id: 'm' }), {
    duplicate: true,
    state: 'delivered',
    sequence: 1,
  })
})

t.test('settled() of an unknown id rejects with WAQ_NOT_FOUND', async t => {
  const queue = await openQueue(t)
  await t.rejects(queue.settled('unknown'), { code: 'WAQ_NOT_FOUND', ids: ['unknown'] })
  await t.rejects(queue.settled(''), { code: 'WAQ_INVALID_OPTION' })
  await t.rejects(queue.settled('a', { timeout: 5 } as object), { code: 'WAQ_INVALID_OPTION' })
})

t.test('settled() ends with an abort or with the close', async t => {
  const queue = await openQueue(t)
  await queue.enqueue({ channel: 'chat', payload: 'x', id: 'm' })
  const reason = new Error('enough')
  await t.rejects(queue.settled('m', { signal: AbortSignal.abort(reason) }), {
    name: 'AbortError',
    cause: reason,
  })
  const controller = new AbortController()
  const aborted = queue.settled('m', { signal: controller.signal })
  await macrotask()
  controller.abort(reason)
  await t.rejects(aborted, { name: 'AbortError', cause: reason })
  const waiting = t.rejects(queue.settled('m'), { code: 'WAQ_CLOSED' })
  await macrotask()
  await queue.close()
  await waiting
})

t.test('stats() counts the messages and the space of a queue', async t => {
  const queue = await filledQueue(t)
  const stats = queue.stats()
  t.match(stats, {
    pending: 5,
    sending: 0,
    dead: 3,
    enqueued: 8,
    delivered: 0,
    retried: 0,
    oldestPendingMs: null,
    haltedCount: 0,
    halted: [],
  })
  t.ok(stats.diskBytes >= stats.liveBytes && stats.liveBytes > 0)
  t.ok(stats.segments >= 1 && stats.syncs >= 1)
  for (const figure of [stats.enqueueMs, stats.syncMs, stats.sendMs]) {
    t.ok(figure.p50 <= figure.p99 && figure.p99 <= figure.max)
  }
  t.ok(stats.enqueueMs.max > 0)
  t.match(stats.crc, /^(native|js)$/)
})
