import { channel } from 'node:diagnostics_channel'
import t from 'tap'
import { type OutboundMessage, OutboundQueue, SendError } from '../../lib/index.js'
import { macrotask, openQueue, temporaryDirectory } from './fixtures/open-queue.js'

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of items) all.push(item)
  return all
}

const idsIn = async (queue: OutboundQueue) => (await collect(queue.list())).map(({ id }) => id)

t.test('a receipt has the id, channel, sequence and state of its message', async t => {
  const queue = await openQueue(t)
  const first = await queue.enqueue({ channel: 'chat', payload: { text: 'hi' } })
  const second = await queue.enqueue({ channel: 'chat', payload: 'ho', id: 'mine' })
  t.match(first, { id: /^[0-9a-f-]{36}$/, channel: 'chat', sequence: 1, duplicate: false, state: 'pending' })
  t.same(second, { id: 'mine', channel: 'chat', sequence: 2, duplicate: false, state: 'pending' })
})

t.test('a message or list that throws while it is read is refused as an invalid message', async t => {
  const queue = await openQueue(t)
  const revoked = (target: object): never => {
    const { proxy, revoke } = Proxy.revocable(target, {})
    revoke()
    return proxy as never
  }
  const throwing = (target: object): never =>
    new Proxy(target, {
      get() {
        throw new Error('secret')
      },
    }) as never
  const all = [revoked({}), revoked([]), throwing([]), [revoked({})], [throwing({ channel: 'c' })]] as never[]
  for (const [index, input] of all.entries()) {
    await t.rejects(queue.enqueue(input), { name: 'WaqError', code: 'WAQ_INVALID_MESSAGE' }, `${index}`)
  }
  t.same(await idsIn(queue), [])
})

t.test('a message is stored as it was at the call, whatever is changed afterwards', async t => {
  const queue = await openQueue(t)
  const payload = { list: ['a'], bytes: Buffer.from('abc') }
  const headers = { trace: '1' }
  const enqueued = queue.enqueue({ channel: 'chat', payload, id: 'm', headers })
  payload.list.push('b')
  payload.bytes.fill(0)
  headers.trace = '2'
  await enqueued
  t.match(await queue.get('m'), {
    payload: { list: ['a'], bytes: Buffer.from('abc') },
    headers: { trace: '1' },
  })
})

t.test('messages are enqueued in the order of the calls, awaited or not', async t => {
  const queue = await openQueue(t)
  const ids = Array.from({ length: 500 }, (_, index) => `m${index}`)
  await Promise.all(ids.map(id => queue.enqueue({ channel: 'chat', payload: null, id })))
  t.same(await idsIn(queue), ids)
})

t.test('a known id is not enqueued twice: the first receipt comes back', async t => {
  const queue = await openQueue(t)
  const message = { channel: 'chat', payload: { text: 'hi' }, id: 'order-17' }
  const [first, meanwhile] = await Promise.all([queue.enqueue(message), queue.enqueue(message)])
  const later = await queue.enqueue({ ...message, headers: { retried: 'yes' } })
  t.equal(first.duplicate, false)
  t.same(meanwhile, { ...first, duplicate: true })
  t.same(later, { ...first, duplicate: true })
  t.equal(queue.stats().enqueued, 1)
  t.same(await idsIn(queue), ['order-17'])
})

t.test('an id with another payload or channel is a conflict, or keeps the first message', async t => {
  const queue = await openQueue(t)
  await queue.enqueue({ channel: 'chat', payload: 'first words', id: 'answer' })
  for (const other of [
    { channel: 'chat', payload: 'other words', id: 'answer' },
    { channel: 'elsewhere', payload: 'first words', id: 'answer' },
  ]) {
    await t.rejects(queue.enqueue(other), { code: 'WAQ_ID_CONFLICT', ids: ['answer'], indeterminate: false })
    t.match(await queue.enqueue(other, { onConflict: 'keep-first' }), { channel: 'chat', duplicate: true })
  }
  t.match(await queue.get('answer'), { payload: 'first words' })
})

t.test('the messages of a list are contiguous, with receipts in their order', async t => {
  const queue = await openQueue(t)
  const list = (name: string) =>
    [1, 2, 3].map(part => ({ channel: 'chat', payload: part, id: `${name}${part}` }))
  const [first, second] = await Promise.all([queue.enqueue(list('a')), queue.enqueue(list('b'))])
  t.same(
    [...first, ...second].map(({ sequence }) => sequence),
    [1, 2, 3, 4, 5, 6],
  )
  t.same(await idsIn(queue), ['a1', 'a2', 'a3', 'b1', 'b2', 'b3'])
  t.same(await queue.enqueue([]), [])
})

t.test('a list with one invalid message is refused whole', async t => {
  const queue = await openQueue(t)
  await t.rejects(
    queue.enqueue([
      { channel: 'chat', payload: 1, id: 'good' },
      { channel: 'chat', payload: () => 1, id: 'bad' },
    ]),
    { code: 'WAQ_INVALID_MESSAGE', message: /^messages\[1\]\.payload is a function/ },
  )
  await queue.enqueue({ channel: 'chat', payload: 1, id: 'taken' })
  await t.rejects(
    queue.enqueue([
      { channel: 'chat', payload: 1, id: 'good' },
      { channel: 'chat', payload: 2, id: 'taken' },
    ]),
    { code: 'WAQ_ID_CONFLICT' },
  )
  t.same(await idsIn(queue), ['taken'])
})

t.test('enqueue with invalid arguments rejects and never throws', async t => {
  const queue = await openQueue(t)
  const bad: [message: unknown, options: unknown, code: string][] = [
    [undefined, undefined, 'WAQ_INVALID_MESSAGE'],
    [null, undefined, 'WAQ_INVALID_MESSAGE'],
    ['text', undefined, 'WAQ_INVALID_MESSAGE'],
    [{ channel: '', payload: 1 }, undefined, 'WAQ_INVALID_MESSAGE'],
    [[undefined], undefined, 'WAQ_INVALID_MESSAGE'],
    // biome-ignore lint/suspicious/noSparseArray: it is what is tested
    [[, { channel: 'c', payload: 1 }], undefined, 'WAQ_INVALID_MESSAGE'],
    [{ channel: 'c', payload: 1 }, { onConflict: 'x' }, 'WAQ_INVALID_OPTION'],
    [{ channel: 'c', payload: 1 }, 5, 'WAQ_INVALID_OPTION'],
    [new Array(100_001), undefined, 'WAQ_INVALID_MESSAGE'],
  ]
  for (const [message, options, code] of bad) {
    let returned: Promise<unknown> | undefined
    t.doesNotThrow(() => {
      returned = queue.enqueue(message as OutboundMessage, options as undefined)
    })
    await t.rejects(returned!, { code })
  }
  t.same(await idsIn(queue), [])
})

t.test('a message above maxMessageBytes is refused as too large', async t => {
  const queue = await openQueue(t, { limits: { maxMessageBytes: 1_000 } })
  await t.rejects(queue.enqueue({ channel: 'chat', payload: 'x'.repeat(2_000), id: 'big' }), {
    code: 'WAQ_TOO_LARGE',
    ids: ['big'],
  })
  await t.rejects(queue.enqueue({ channel: 'chat', payload: 'x'.repeat(990), id: 'big' }), {
    code: 'WAQ_TOO_LARGE',
    message: /takes more than 1000 bytes, which is limits\.maxMessageBytes/,
  })
  const headers = { large: 'x'.repeat(990) }
  await t.rejects(queue.enqueue({ channel: 'chat', payload: 1, headers }), { code: 'WAQ_TOO_LARGE' })
  await queue.enqueue({ channel: 'chat', payload: 'x'.repeat(800), id: 'fits' })
  t.same(await idsIn(queue), ['fits'])
})

t.test('a list above maxListBytes is refused, naming the first message beyond', async t => {
  const queue = await openQueue(t, { limits: { maxMessageBytes: 600, maxListBytes: 1_000 } })
  const before = queue.stats().liveBytes
  let wasRead = false
  const unread = {
    get channel() {
      wasRead = true
      return 'chat'
    },
    payload: 1,
  }
  const part = { channel: 'chat', payload: 'x'.repeat(400) }
  await t.rejects(queue.enqueue([part, part, part, unread]), {
    code: 'WAQ_TOO_LARGE',
    indeterminate: false,
    message: /list of 4 messages takes more than 1000 bytes, which is limits\.maxListBytes: messages\[2\]/,
  })
  t.equal(wasRead, false)
  // One message too large of its own is told as such.
  await t.rejects(queue.enqueue([{ channel: 'chat', payload: 'x'.repeat(700) }]), {
    code: 'WAQ_TOO_LARGE',
    message: /maxMessageBytes/,
  })
  t.match(queue.stats(), { pending: 0, liveBytes: before })
  t.same((await queue.enqueue([part, part])).length, 2)
  await t.rejects(OutboundQueue.open('never', { limits: { maxListBytes: 2 ** 31 } }), {
    code: 'WAQ_INVALID_OPTION',
    message: /maxListBytes .* to 1,073,741,824/,
  })
})

t.test('a payload is read once, so that a getter cannot change it later', async t => {
  const queue = await openQueue(t)
  let reads = 0
  const payload = {
    get text(): unknown {
      reads += 1
      if (reads > 1) throw new Error('changed')
      return 'fine'
    },
  }
  const { id } = await queue.enqueue({ channel: 'chat', payload })
  t.same((await queue.get(id))?.payload, { text: 'fine' })
})

t.test('a getter that enqueues while a payload is read enqueues a message of its own', async t => {
  const queue = await openQueue(t)
  let inner: Promise<unknown> | undefined
  const payload = {
    before: 'b'.repeat(300),
    get text(): string {
      inner = queue.enqueue({ channel: 'chat', payload: { text: 'inner' }, id: 'inner' })
      return 'outer'
    },
    after: 'a'.repeat(300),
  }
  await queue.enqueue({ channel: 'chat', payload, id: 'outer' })
  await inner
  t.same((await queue.get('inner'))?.payload, { text: 'inner' })
  const outer = { before: 'b'.repeat(300), text: 'outer', after: 'a'.repeat(300) }
  t.same((await queue.get('outer'))?.payload, outer)
})

t.test('messages enqueued while a list is read do not change the list', async t => {
  for (const failTogether of [true, false]) {
    const directory = temporaryDirectory(t)
    const inner: Promise<unknown>[] = []
    const queue = await openQueue(
      t,
      {
        channelOptions: name => {
          if (name !== 'chat' || inner.length > 0) return undefined
          const news = ['n1', 'n2'].map(id => ({ channel: 'admin', id, payload: null }))
          inner.push(queue.enqueue(news, { failTogether: !failTogether }))
          return undefined
        },
      },
      directory,
    )
    const payload = {
      get text(): string {
        inner.push(queue.enqueue({ channel: 'admin', id: 'n3', payload: null }))
        return 'text'
      },
    }
    const list = ['o1', 'o2', 'o3'].map(id => ({ channel: 'chat', id, payload }))
    list.splice(1, 2, { ...list[1]!, payload: { text: '' } }, { ...list[2]!, payload: { text: '' } })
    await queue.enqueue(list, { failTogether })
    await Promise.all(inner)
    await queue.close()

    const refuses = ({ id }: { id: string }) => {
      if (id.endsWith('1')) throw new SendError('no', { kind: 'permanent' })
    }
    const again = await openQueue(t, { send: refuses }, directory)
    await again.drain()
    const dead = await collect(again.list({ state: 'dead' }))
    const expected = failTogether ? ['n1', 'o1', 'o2', 'o3'] : ['n1', 'n2', 'o1']
    t.strictSame(dead.map(({ id }) => id).sort(), expected, `failTogether: ${failTogether}`)
  }
})

t.test('an aborted signal withdraws an enqueue before a byte is written', async t => {
  const queue = await openQueue(t)
  const reason = new Error('user left')
  await t.rejects(queue.enqueue({ channel: 'chat', payload: 1 }, { signal: AbortSignal.abort(reason) }), {
    name: 'AbortError',
    cause: reason,
  })
  t.same(await idsIn(queue), [])
})

t.test('an aborted enqueue either rejects and leaves nothing, or is acknowledged', async t => {
  const queue = await openQueue(t)
  const outcomes = await Promise.all(
    Array.from({ length: 50 }, async (_, index) => {
      const controller = new AbortController()
      const enqueued = queue.enqueue(
        { channel: 'chat', payload: index, id: `m${index}` },
        { signal: controller.signal },
      )
      if (index % 2 === 1) await macrotask()
      controller.abort()
      return enqueued.then(
        ({ id }) => id,
        (error: Error) => {
          t.equal(error.name, 'AbortError')
          return undefined
        },
      )
    }),
  )
  const accepted = outcomes.filter(id => id !== undefined)
  t.same((await idsIn(queue)).toSorted(), accepted.toSorted())
})

t.test('a full queue refuses new messages and answers duplicates', async t => {
  const queue = await openQueue(t, { limits: { maxPendingMessages: 2 } })
  const enqueue = (id: string) => queue.enqueue({ channel: 'chat', payload: id, id })
  await Promise.all([enqueue('a'), enqueue('b')])
  await t.rejects(enqueue('c'), { code: 'WAQ_FULL', ids: ['c'], message: /holds 2 messages/ })
  await t.rejects(queue.enqueue({ channel: 'chat', payload: 1 }), { code: 'WAQ_FULL' })
  t.match(await enqueue('a'), { duplicate: true })
  await t.rejects(queue.enqueue(['x', 'y', 'z'].map(id => ({ channel: 'chat', payload: 1, id }))), {
    code: 'WAQ_TOO_LARGE',
  })
  t.equal(await queue.cancel('a'), true)
  t.match(await enqueue('c'), { duplicate: false })
})

t.test('concurrent enqueues do not exceed the limit together', async t => {
  const queue = await openQueue(t, { limits: { maxPendingMessages: 10 } })
  const results = await Promise.allSettled(
    Array.from({ length: 30 }, (_, index) => queue.enqueue({ channel: 'chat', payload: index })),
  )
  t.equal(results.filter(({ status }) => status === 'fulfilled').length, 10)
  t.equal(queue.stats().pending, 10)
})

t.test("with whenFull 'wait' messages wait for room in the order of the calls", async t => {
  const sent: unknown[] = []
  const queue = await openQueue(t, { limits: { maxPendingMessages: 3, whenFull: 'wait' } })
  const all = Array.from({ length: 50 }, (_, index) => queue.enqueue({ channel: 'chat', payload: index }))
  await Promise.all(all.slice(0, 3))
  t.equal(queue.stats().pending, 3)
  queue.start(({ payload }) => {
    sent.push(payload)
  })
  await Promise.all(all)
  await queue.drain()
  t.same(
    sent,
    Array.from({ length: 50 }, (_, index) => index),
  )
})

t.test('an enqueue that waits for room ends with an abort or with the close', async t => {
  const queue = await openQueue(t, { limits: { maxPendingMessages: 1, whenFull: 'wait' } })
  await queue.enqueue({ channel: 'chat', payload: 1 })
  const controller = new AbortController()
  const aborted = queue.enqueue({ channel: 'chat', payload: 2 }, { signal: controller.signal })
  const waiting = queue.enqueue({ channel: 'chat', payload: 3 })
  controller.abort()
  await t.rejects(aborted, { name: 'AbortError' })
  const rejected = t.rejects(waiting, { code: 'WAQ_CLOSED' })
  await queue.close()
  await rejected
})

t.test('a message gets the time to live of its channel or queue when it is enqueued', async t => {
  const queue = await openQueue(t, {
    ttlMs: 1_000_000,
    channelOptions: name => (name === 'short' ? { ttlMs: 1_000 } : undefined),
  })
  for (const [channelName, id] of [
    ['short', 'a'],
    ['other', 'b'],
  ] as const) {
    await queue.enqueue({ channel: channelName, payload: 1, id })
  }
  const lifetimes = (await collect(queue.list())).map(({ enqueuedAt, expiresAt }) => expiresAt! - enqueuedAt)
  t.same(lifetimes, [1_000, 1_000_000])
})

t.test('messages of a channel whose channelOptions fail are refused', async t => {
  const queue = await openQueue(t, {
    channelOptions: () => {
      throw new Error('no such chat')
    },
  })
  await t.rejects(queue.enqueue({ channel: 'chat', payload: 1 }), {
    code: 'WAQ_INVALID_OPTION',
    cause: { message: 'no such chat' },
  })
})

t.test('each accepted message is published to the diagnostics channel', async t => {
  const queue = await openQueue(t)
  const published: unknown[] = []
  const subscriber = (message: unknown) => published.push(message)
  channel('waq:enqueue').subscribe(subscriber)
  await queue.enqueue({ channel: 'chat', payload: 'private', id: 'm' })
  await queue.enqueue({ channel: 'chat', payload: 'private', id: 'm' })
  channel('waq:enqueue').unsubscribe(subscriber)
  await queue.enqueue({ channel: 'chat', payload: 'private', id: 'n' })
  t.same(published, [{ directory: queue.directory, id: 'm', channel: 'chat', sequence: 1 }])
})

t.test('a diagnostics subscriber finds a published message and can cancel it', async t => {
  const queue = await openQueue(t)
  const found: unknown[] = []
  const subscriber = (message: unknown) => {
    const { id } = message as { id: string }
    found.push(queue.get(id), queue.cancel(id))
  }
  channel('waq:enqueue').subscribe(subscriber)
  t.teardown(() => channel('waq:enqueue').unsubscribe(subscriber))
  await queue.enqueue({ channel: 'chat', payload: 1, id: 'm' })
  t.match(await Promise.all(found), [{ id: 'm' }, true])
})

t.test('a closed queue refuses to enqueue', async t => {
  const directory = temporaryDirectory(t)
  const queue = await OutboundQueue.open(directory)
  await queue.close()
  await t.rejects(queue.enqueue({ channel: 'chat', payload: 1 }), {
    code: 'WAQ_CLOSED',
    message: `The queue in ${queue.directory} is closed.`,
  })
})
