/** `replaces`: the newest message of a key takes the place of an older one that waits. */
import t from 'tap'
import type { OutboundMessage, OutboundQueue, QueueOptions } from '../../lib/index.js'
import { memoryQueue } from '../../lib/testing/memory-queue.js'
import { gate, openQueue, temporaryDirectory } from './fixtures/open-queue.js'

const edit = (id: string, more: Partial<OutboundMessage> = {}): OutboundMessage => ({
  channel: 'chat',
  id,
  payload: id,
  replaces: 'edit',
  ...more,
})

/** A queue whose sends are noted, and wait for `gate` if one is given. */
async function noting(t: Parameters<typeof openQueue>[0], options: QueueOptions<unknown, unknown> = {}) {
  const sent: string[] = []
  const directory = temporaryDirectory(t)
  const send = ({ id }: { id: string }) => void sent.push(id)
  const queue = await openQueue(t, { send, ...options }, directory)
  return { queue, sent, directory }
}

t.test('a message that waits is replaced by the next one with its key, in its place', async t => {
  const { queue, sent } = await noting(t)
  await queue.pause()
  const events: unknown[] = []
  queue.on('replaced', event => events.push(event))
  await queue.enqueue(edit('a'))
  await queue.enqueue({ channel: 'chat', id: 'other', payload: null })
  const receipt = await queue.enqueue(edit('b'))
  t.match(receipt, { id: 'b', duplicate: false, state: 'pending' })
  t.match(await queue.settled('a'), { state: 'replaced', attempts: 0, replacedBy: 'b' })
  t.strictSame(events, [{ id: 'a', channel: 'chat', sequence: 1, attempts: 0, by: 'b' }])
  t.match(queue.stats(), { pending: 2 })
  await queue.resume()
  await queue.drain()
  t.strictSame(sent, ['b', 'other'], 'it took the place of the first')
})

t.test('only a message of the same channel and key is replaced', async t => {
  const { queue, sent } = await noting(t)
  await queue.pause()
  await queue.enqueue(edit('a'))
  await queue.enqueue(edit('b', { replaces: 'another' }))
  await queue.enqueue(edit('c', { channel: 'elsewhere' }))
  await queue.enqueue({ channel: 'chat', id: 'd', payload: null })
  await queue.resume()
  await queue.drain()
  t.strictSame([...sent].sort(), ['a', 'b', 'c', 'd'])
})

t.test('a message that is being sent, or was attempted, is not replaced', async t => {
  const { opened, open } = gate()
  const sent: string[] = []
  const queue = await openQueue(t, {
    send: async ({ id, attempt }) => {
      sent.push(`${id}${attempt}`)
      if (id === 'a') await opened
      if (id === 'b' && attempt === 1) throw Object.assign(new Error('busy'), { status: 500 })
    },
    retry: [50],
  })
  await queue.enqueue(edit('a'))
  while (sent.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
  await queue.enqueue(edit('b'))
  open()
  while (sent.length < 2) await new Promise(resolve => setTimeout(resolve, 5))
  await queue.enqueue(edit('c'))
  await queue.drain()
  t.strictSame(sent, ['a1', 'b1', 'b2', 'c1'])
  t.equal((await queue.settled('b')).state, 'delivered')
})

t.test('of many enqueued at once the newest is sent, behind none of the others', async t => {
  const { queue, sent } = await noting(t)
  await queue.pause()
  await queue.enqueue({ channel: 'chat', id: 'first', payload: null })
  await Promise.all(Array.from({ length: 200 }, (_, i) => queue.enqueue(edit(`e${i}`))))
  t.equal((await queue.settled('e198')).state, 'replaced')
  t.match(queue.stats(), { pending: 2 })
  await queue.resume()
  await queue.drain()
  t.strictSame(sent, ['first', 'e199'])
})

t.test('in one list a later message replaces an earlier one', async t => {
  const { queue, sent } = await noting(t)
  await queue.enqueue([edit('a'), { channel: 'chat', id: 'x', payload: null }, edit('b')])
  await queue.drain()
  t.strictSame(sent, ['b', 'x'])
  t.equal((await queue.settled('a')).state, 'replaced')
})

t.test('a repeated call with the id of a replaced message is its duplicate', async t => {
  const { queue } = await noting(t)
  await queue.pause()
  await queue.enqueue(edit('a'))
  await queue.enqueue(edit('b'))
  await queue.settled('a')
  t.match(await queue.enqueue(edit('a')), { id: 'a', sequence: 1, duplicate: true, state: 'replaced' })
  t.match(queue.stats(), { pending: 1 }, 'and replaces nothing')
  await t.rejects(queue.enqueue(edit('a', { payload: 'changed' })), { code: 'WAQ_ID_CONFLICT' })
})

t.test('what waited across a restart is replaced, in its place, and that holds', async t => {
  const directory = temporaryDirectory(t)
  const first = await openQueue(t, {}, directory)
  await first.enqueue([edit('a'), { channel: 'chat', id: 'x', payload: null }])
  await first.close()
  const second = await openQueue(t, { advanced: { cacheBytes: 0 } }, directory)
  await second.enqueue(edit('b'))
  t.match(await second.settled('a'), { state: 'replaced', replacedBy: 'b' })
  await second.close()
  const sent: string[] = []
  const third = await openQueue(t, { send: ({ id }) => void sent.push(id) }, directory)
  t.match(third.recovery, { pending: 2 })
  t.match(await third.settled('a'), { state: 'replaced' }, 'known after a restart')
  await third.drain()
  t.strictSame(sent, ['b', 'x'])
})

t.test('a message that is to be replaced is not attempted while the newer one is written', async t => {
  const { queue, sent } = await noting(t)
  await queue.pause()
  await queue.enqueue(edit('a'))
  const enqueued = queue.enqueue(edit('b'))
  await queue.resume()
  await enqueued
  await queue.drain()
  t.strictSame(sent, ['b'])
})

t.test('where the newer message is withdrawn or refused, the older one goes on', async t => {
  const { queue, sent } = await noting(t)
  await queue.pause()
  await queue.enqueue(edit('a'))
  const aborting = new AbortController()
  const withdrawn = queue.enqueue(edit('b'), { signal: aborting.signal })
  const kept = queue.enqueue(edit('c', { replaces: 'other' }))
  await Promise.resolve()
  aborting.abort()
  await t.rejects(withdrawn, { name: 'AbortError' })
  await kept
  await queue.resume()
  await queue.drain()
  t.strictSame(sent, ['a', 'c'])
})

t.test('where one of three is withdrawn, the last replaces the first', async t => {
  const { queue, sent } = await noting(t)
  await queue.pause()
  await queue.enqueue(edit('a'))
  const aborting = new AbortController()
  const withdrawn = queue.enqueue(edit('b'), { signal: aborting.signal })
  const last = queue.enqueue(edit('c'))
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
  aborting.abort()
  const [second] = await Promise.allSettled([withdrawn, last])
  await queue.resume()
  await queue.drain()
  t.strictSame(sent, ['c'])
  t.equal(second.status, 'rejected', 'it was withdrawn in time')
  t.match(await queue.settled('a'), { state: 'replaced', replacedBy: 'c' })
})

t.test('a full queue takes a message that replaces another, and no other', async t => {
  const { queue, sent } = await noting(t, { limits: { maxPendingMessages: 2 } })
  await queue.pause()
  await queue.enqueue([edit('a'), { channel: 'chat', id: 'x', payload: null }])
  await t.rejects(queue.enqueue(edit('y', { replaces: 'unknown' })), { code: 'WAQ_FULL' })
  await queue.enqueue(edit('b'))
  await t.rejects(queue.enqueue([edit('c'), edit('y', { replaces: 'unknown' })]), { code: 'WAQ_FULL' })
  await queue.enqueue(edit('d'))
  await queue.resume()
  await queue.drain()
  t.strictSame(sent, ['d', 'x'])
})

t.test('what is scheduled, or waits out of turn, is replaced too', async t => {
  const { queue, sent } = await noting(t)
  await queue.pause()
  await queue.enqueue(edit('later', { delayMs: 600_000 }))
  await queue.enqueue(edit('now'))
  await queue.resume()
  t.match(await queue.drain(), { remaining: 0 })
  t.strictSame(sent, ['now'])
  await queue.enqueue(edit('other', { delayMs: 600_000 }))
  await queue.enqueue(edit('newest', { delayMs: 600_000 }))
  t.match(await queue.drain(), { remaining: 1 })
})

t.test('a replaced message is withdrawn by none, and one withdrawn before is not replaced', async t => {
  const { queue, sent } = await noting(t)
  await queue.pause()
  await queue.enqueue(edit('a'))
  const newer = queue.enqueue(edit('b'))
  t.equal(await queue.cancel('a'), true, 'while the newer one is written it still waits')
  await newer
  t.equal((await queue.settled('a')).state, 'cancelled')
  await queue.enqueue(edit('c'))
  t.equal(await queue.cancel('b'), false)
  await queue.resume()
  await queue.drain()
  t.strictSame(sent, ['c'])
})

t.test('below fsync a replacement waits for the device, and no power loss leaves neither', async t => {
  for (const durability of ['os', { syncEveryMs: 60_000 }] as const) {
    const { queue, sent } = await noting(t, { durability })
    await queue.pause()
    await queue.enqueue(edit('a'))
    await queue.enqueue([edit('b'), { channel: 'chat', id: 'x', payload: null }])
    await queue.enqueue(edit('c'))
    await queue.resume()
    await queue.drain()
    t.strictSame(sent, ['c', 'x'])
    t.ok(queue.stats().syncs > 0)
  }
})

t.test('a dead letter that had replaced another one is retried in the place it had', async t => {
  let broken = true
  const { queue, sent } = await noting(t, {
    send: ({ id }) => {
      if (broken && id === 'b') throw Object.assign(new Error('no'), { status: 400 })
      sent.push(id)
    },
  })
  await queue.pause()
  await queue.enqueue(edit('a'))
  await queue.enqueue({ channel: 'chat', id: 'x', payload: null, delayMs: 1 })
  await queue.enqueue(edit('b'))
  await queue.resume()
  await queue.drain()
  broken = false
  await queue.pause()
  await queue.enqueue({ channel: 'chat', id: 'y', payload: null })
  t.equal(await queue.retryDead({ id: 'b' }), 1)
  await queue.resume()
  await queue.drain()
  t.strictSame(sent, ['x', 'b', 'y'])
})

t.test('replaced ids take at most a tenth of the remembered ones', async t => {
  const directory = temporaryDirectory(t)
  const options = { dedupe: { maxIds: 100 } }
  const states = async (queue: OutboundQueue): Promise<string> => {
    const known = await Promise.all(
      ['delivered', 'e0', 'e30', 'e48'].map(id =>
        queue.settled(id).then(
          ({ state }) => state,
          ({ code }) => code,
        ),
      ),
    )
    return known.join()
  }
  const queue = await openQueue(t, { send: () => {}, ...options }, directory)
  await queue.enqueue({ channel: 'c', id: 'delivered', payload: null })
  await queue.drain()
  await queue.pause()
  for (let i = 0; i < 50; i++) await queue.enqueue(edit(`e${i}`))
  // What this process settled lately it also knows by itself.
  await queue.close()
  const again = await openQueue(t, options, directory)
  t.equal(await states(again), 'delivered,WAQ_NOT_FOUND,WAQ_NOT_FOUND,replaced')
  for (let i = 50; i < 80; i++) await again.enqueue(edit(`e${i}`))
  await again.close()
  const last = await openQueue(t, options, directory)
  t.equal(await states(last), 'delivered,WAQ_NOT_FOUND,WAQ_NOT_FOUND,WAQ_NOT_FOUND')
})

t.test(
  'edits behind a limit of one a second leave once a second, the newest last, and take bounded space',
  async t => {
    const sent: number[] = []
    const memory = await memoryQueue<number>({
      rateLimit: { perChannel: { count: 1, perMs: 1_000 } },
      send: ({ payload }) => void sent.push(payload),
      // Some 60 bytes each: segments of a few hundred edits.
      advanced: { segmentBytes: 16_384 },
      dedupe: { maxIds: 1_000 },
    })
    t.teardown(() => memory.close())
    let version = 0
    const edits = async (seconds: number, everyMs = 100): Promise<void> => {
      for (let moment = 0; moment < (seconds * 1_000) / everyMs; moment++) {
        await Promise.all(
          Array.from({ length: 10 }, () =>
            memory.queue.enqueue({ channel: 'chat', payload: ++version, replaces: 'edit' }),
          ),
        )
        await memory.advance(everyMs)
      }
    }
    await edits(1, 10)
    await memory.advance(1_000)
    t.strictSame([sent.length, sent.at(-1)], [2, 1_000], '1,000 within a second')
    await edits(4)
    const { diskBytes, pending } = memory.queue.stats()
    t.ok(pending <= 2, `${pending} wait`)
    await edits(16)
    await memory.advance(1_000)
    t.ok(sent.length <= 2 + 22, `${sent.length - 2} of 2,000 edits in 20 s`)
    t.equal(sent.at(-1), version, 'the newest is the last')
    const after = memory.queue.stats().diskBytes
    t.ok(after - diskBytes < 100_000, `${diskBytes} bytes after 5 s, ${after} after 21 s`)
  },
)

t.test('replaces is refused where it is no key, and in a list that fails together', async t => {
  const { queue } = await noting(t)
  for (const replaces of ['', 1, 'x'.repeat(257), null] as unknown as string[]) {
    await t.rejects(queue.enqueue(edit('a', { replaces })), {
      code: 'WAQ_INVALID_MESSAGE',
      message: /message\.replaces/,
    })
  }
  await t.rejects(queue.enqueue([edit('a')], { failTogether: true }), {
    code: 'WAQ_INVALID_MESSAGE',
    message: /messages\[0\]\.replaces/,
  })
})
