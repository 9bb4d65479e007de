import t from 'tap'
import { type Append, FinishedRecords } from '../../../lib/log/commit/append.js'
import { WaqError } from '../../../lib/log/errors/waq-error.js'
import { nextTurn } from '../../../lib/log/runtime/real-time.js'
import type { LogStore } from '../../../lib/store/log-store.js'
import { MemoryDisk } from '../fixtures/memory-logs.js'
import { enqueueOne, message, NOW, openStore, outcomeOf, REJECT, refOf } from '../fixtures/messages.js'

const abortError = { name: 'AbortError', code: 'ABORT_ERR' }

t.test('messages get sequences in the order of the calls, without waiting for each other', async t => {
  const disk = new MemoryDisk()
  disk.messages.held = true
  const store = await openStore(disk)
  const enqueued = [
    store.enqueue([message()], REJECT),
    store.enqueue([message({ id: 'given' })], REJECT),
    store.enqueue([message(), message({ id: 'other' })], REJECT),
    store.enqueue([message()], REJECT),
  ]
  t.equal(disk.messages.nextSequence, 6, 'all were appended before anything was awaited')
  disk.messages.flush()
  t.strictSame(
    (await Promise.all(enqueued)).map(list => list.map(({ sequence }) => sequence)),
    [[1], [2], [3, 4], [5]],
  )
})

t.test('each new durable message is announced in sequence order, after its enqueue resolved', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk)
  const events: string[] = []
  store.onAppended = ref => events.push(`appended ${store.sequence(ref)}`)
  await Promise.all([
    store.enqueue([message(), message()], REJECT).then(() => events.push('resolved 1 and 2')),
    store.enqueue([message()], REJECT).then(() => events.push('resolved 3')),
  ])
  await nextTurn()
  t.strictSame(events, ['resolved 1 and 2', 'resolved 3', 'appended 1', 'appended 2', 'appended 3'])
})

t.test('a receipt names the message, and its ref reads it back', async t => {
  const disk = new MemoryDisk()
  for (const cacheBytes of [0, 1024 * 1024]) {
    const store = await openStore(disk, { cacheBytes })
    const payload = { text: 'hello', at: new Date(NOW) }
    const [, enqueued] = await store.enqueue(
      [
        message(),
        message({ channel: 'c', payload, headers: { a: 'b' }, deliverAt: NOW + 1, expiresAt: NOW + 2 }),
      ],
      REJECT,
    )
    const { id, sequence } = enqueued!
    t.match(enqueued, { channel: 'c', duplicate: false, state: 'pending' })
    t.strictSame(await store.read(refOf(store, enqueued)), {
      id,
      channel: 'c',
      payload,
      headers: { a: 'b' },
      sequence,
      enqueuedAt: NOW,
      deliverAt: NOW + 1,
      expiresAt: NOW + 2,
      replaces: undefined,
    })
  }
  t.ok(disk.messages.reads > 0, 'without a cache it is read from the log')
})

t.test('an enqueue whose append fails rejects and leaves no trace', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk)
  disk.messages.failNext = new WaqError('WAQ_IO', 'the disk said no', { indeterminate: true })
  await t.rejects(store.enqueue([message({ id: 'again' })], REJECT), {
    code: 'WAQ_IO',
    indeterminate: true,
    ids: ['again'],
    message: /the disk said no/,
  })
  t.equal(await store.find('again'), undefined)
  t.strictSame([...store.live()], [])
  const [second] = await store.enqueue([message({ id: 'again' })], REJECT)
  t.match(second, { duplicate: false, sequence: 2 })
})

t.test('a look-up in the tick of the receipt finds the message', async t => {
  const looks: Record<string, (store: LogStore) => unknown> = {
    find: store => store.find('a'),
    bySequence: store => store.bySequence(1),
    live: store => [...store.live()][0],
    pendingCount: store => store.pendingCount,
    pendingBytes: store => store.pendingBytes,
    stats: store => store.stats().pending,
    oldestPendingAt: store => store.stats().oldestPendingAt,
  }
  for (const [name, look] of Object.entries(looks)) {
    const store = await openStore(new MemoryDisk())
    const told: number[] = []
    store.onAppended = ref => told.push(store.sequence(ref))
    const seen = await store.enqueue([message({ id: 'a' })], REJECT).then(() => {
      t.same(told, [], `${name}: the receipt comes first`)
      return look(store)
    })
    t.notOk(seen === undefined || seen === null || (name.startsWith('pending') && seen === 0), name)
    t.same(told, [1], name)
    await nextTurn()
    t.same(told, [1], `${name}: once`)
  }
})

t.test('a look-up on the announcement of a settlement finds the message settled', async t => {
  const looks: Record<string, (store: LogStore) => unknown> = {
    find: store => (store.find('a') as { ref?: unknown } | undefined)?.ref,
    bySequence: store => store.bySequence(1),
    live: store => [...store.live()][0],
    pendingCount: store => store.pendingCount || undefined,
    pendingBytes: store => store.pendingBytes || undefined,
  }
  for (const [name, look] of Object.entries(looks)) {
    const store = await openStore(new MemoryDisk())
    const ref = await enqueueOne(store, { id: 'a', idGiven: true })
    const found = await new Promise(resolve => {
      store.record(ref, outcomeOf('delivered'), {
        written: () => resolve({ seen: look(store), again: store.find('a') }),
        refused: resolve,
      })
    })
    t.match(found, { seen: undefined, again: { settled: { id: 'a', state: 'delivered' } } }, name)
  }
})

t.test('the id of a message is known as settled in the tick of its settlement', async t => {
  const facts = { id: 'a', idGiven: true, payload: 'hello' }
  const store = await openStore(new MemoryDisk())
  const ref = await enqueueOne(store, facts)
  const again = await new Promise<Promise<unknown>>(resolve => {
    store.record(ref, outcomeOf('delivered'), {
      written: () => resolve(Promise.resolve(store.enqueue([message(facts)], REJECT))),
      refused: resolve,
    })
  })
  t.match(again, [{ id: 'a', duplicate: true, state: 'delivered' }])
})

t.test('a message sent at once equals the one that a restart would read', async t => {
  const payload = {
    text: 'é',
    bytes: Buffer.from('abc'),
    at: new Date(NOW),
    none: undefined,
    list: [1n, null],
  }
  const facts = { id: 'a', channel: 'c', payload, headers: { a: 'b' }, deliverAt: NOW, expiresAt: NOW + 2 }
  const disk = new MemoryDisk()
  const store = await openStore(disk)
  const ref = await enqueueOne(store, facts)
  const first = await store.read(ref)
  t.strictSame(first, await (await openStore(disk, { cacheBytes: 0 })).read(ref))
  first.headers.a = 'changed'
  ;(first.payload as typeof payload).bytes[0] = 0
  t.strictSame(await store.read(ref), await (await openStore(disk, { cacheBytes: 0 })).read(ref))
})

t.test('the error of a refused list names all of its ids', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk)
  disk.messages.failNext = new WaqError('WAQ_DISK_FULL', 'full')
  await t.rejects(store.enqueue([message({ id: 'a' }), message({ id: 'b' })], REJECT), {
    code: 'WAQ_DISK_FULL',
    indeterminate: false,
    ids: ['a', 'b'],
  })
})

t.test('an enqueue with an aborted signal writes nothing', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk)
  const signal = AbortSignal.abort(new Error('not wanted'))
  await t.rejects(store.enqueue([message()], { ...REJECT, signal }), {
    ...abortError,
    cause: { message: 'not wanted' },
  })
  t.equal(disk.messages.nextSequence, 1)
})

t.test('a signal withdraws an enqueue until a byte is written', async t => {
  const disk = new MemoryDisk()
  disk.messages.held = true
  const store = await openStore(disk)
  const controller = new AbortController()
  const withdrawn = store.enqueue([message({ id: 'w' })], { ...REJECT, signal: controller.signal })
  controller.abort()
  await t.rejects(withdrawn, abortError)
  disk.messages.flush()
  t.strictSame([...store.live()], [])
  t.strictSame(disk.messages.frames(), [])

  disk.messages.held = false
  t.match(await store.enqueue([message({ id: 'w' })], REJECT), [{ duplicate: false }])
})

t.test('a signal that aborts after bytes were written does not withdraw an enqueue', async t => {
  const disk = new MemoryDisk()
  disk.messages.held = true
  const store = await openStore(disk)
  disk.messages.withdraw = () => false
  const controller = new AbortController()
  const enqueued = store.enqueue([message()], { ...REJECT, signal: controller.signal })
  controller.abort()
  disk.messages.flush()
  t.match(await enqueued, [{ duplicate: false, sequence: 1 }])
})

t.test('an empty list gets no receipts and no sequence', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk)
  t.strictSame(await store.enqueue([], REJECT), [])
  t.equal(disk.messages.nextSequence, 1)
})

t.test('a closed store refuses to enqueue', async t => {
  const store = await openStore(new MemoryDisk())
  await store.close()
  await store.close()
  await t.rejects(store.enqueue([message()], REJECT), { code: 'WAQ_CLOSED' })
})

t.test('a store that lost its lock refuses to enqueue and records nothing', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk)
  const ref = await enqueueOne(store)
  const lost = new WaqError('WAQ_LOCK_LOST', 'another process took over')
  const told: WaqError[] = []
  store.onLost(error => told.push(error))
  disk.lose(lost)
  t.strictSame(told, [lost])
  await t.rejects(store.enqueue([message()], REJECT), { code: 'WAQ_LOCK_LOST' })
  await t.rejects(store.record(ref, outcomeOf('attempt')).written, { code: 'WAQ_LOCK_LOST' })
  t.equal(disk.acks.frames().length, 0)
})

t.test('a message that was written again to another segment is read from there', async t => {
  const disk = new MemoryDisk()
  disk.messages.held = true
  const store = await openStore(disk, { cacheBytes: 0 })
  const appends: Append[] = []
  const append = disk.messages.append.bind(disk.messages)
  disk.messages.append = appended => {
    appends.push(appended)
    return append(appended)
  }
  const first = message({ payload: 'first' })
  const second = message({ payload: 'second' })
  const enqueued = store.enqueue([first, second], REJECT)
  disk.messages.flush()
  const refs = (await enqueued).map(each => refOf(store, each))

  // The same list once more, behind another message, in a new segment; the first copy is void.
  disk.messages.begin()
  const place = { segment: 0, offset: 0 }
  append(new FinishedRecords(1, [message().record], { accepted() {}, failed() {} }))
  const again = {
    accepted: (segment: number, offset: number) => Object.assign(place, { segment, offset }),
    failed() {},
  }
  append(new FinishedRecords(1, [first.record, second.record], again))
  disk.messages.flush()
  disk.messages.remove([1, 2])
  appends[0]!.moved(place.segment, place.offset)
  t.match(await store.read(refs[0]!), { payload: 'first' })
  t.match(await store.read(refs[1]!), { payload: 'second' })
})

t.test('the counts and bytes of a store follow its messages', async t => {
  const store = await openStore(new MemoryDisk())
  const encoded = [message(), message({ deliverAt: NOW + 1000 }), message({ enqueuedAt: NOW - 500 })]
  const bytes = encoded.reduce((sum, { record }) => sum + record.length, 0)
  const refs = (await store.enqueue(encoded, REJECT)).map(each => refOf(store, each))
  t.match(store.stats(), {
    pending: 3,
    sending: 0,
    dead: 0,
    pendingBytes: bytes,
    liveBytes: bytes,
    oldestPendingAt: NOW - 500,
  })
  await store.record(refs[2]!, outcomeOf('attempt')).written
  t.match(store.stats(), { pending: 2, sending: 1, oldestPendingAt: NOW })
  await store.record(refs[2]!, outcomeOf('dead')).written
  t.match(store.stats(), {
    pending: 2,
    sending: 0,
    dead: 1,
    pendingBytes: bytes - encoded[2]!.record.length,
    liveBytes: bytes,
  })
  await store.record(refs[2]!, outcomeOf('redriven')).written
  t.match(store.stats(), { pending: 3, dead: 0, pendingBytes: bytes })
  for (const ref of refs) await store.record(ref, outcomeOf('delivered')).written
  t.match(store.stats(), { pending: 0, pendingBytes: 0, liveBytes: 0, oldestPendingAt: undefined })
})
