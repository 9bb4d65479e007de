import t from 'tap'
import { WaqError } from '../../../lib/log/errors/waq-error.js'
import type { StoreEnqueueOptions } from '../../../lib/store/types.js'
import { MemoryDisk } from '../fixtures/memory-logs.js'
import {
  enqueueOne,
  FakeClock,
  message,
  openStore,
  outcomeOf,
  progress,
  REJECT,
  refOf,
} from '../fixtures/messages.js'

const KEEP_FIRST: StoreEnqueueOptions = { onConflict: 'keep-first' }
const PAYLOAD = { text: 'hello' }

const given = (id: string, payload: unknown = PAYLOAD, channel = 'c') => message({ id, payload, channel })

t.test('a live id is not enqueued twice: the first receipt comes back with its state', async t => {
  for (const cacheBytes of [0, 1024 * 1024]) {
    const disk = new MemoryDisk()
    const store = await openStore(disk, { cacheBytes })
    const [first] = await store.enqueue([given('a')], REJECT)
    t.match(await store.enqueue([given('a')], REJECT), [
      { id: 'a', channel: 'c', sequence: 1, duplicate: true, state: 'pending' },
    ])
    store.record(refOf(store, first), outcomeOf('attempt'))
    t.match(await store.enqueue([given('a')], REJECT), [{ duplicate: true, state: 'sending' }])
    await store.record(refOf(store, first), outcomeOf('dead')).written
    t.match(await store.enqueue([given('a')], REJECT), [{ duplicate: true, state: 'dead' }])
    t.equal(disk.messages.frames().length, 1)
  }
})

t.test('a list that dies together may be enqueued again, and may contain an id twice', async t => {
  const part = (id: string) => message({ id, payload: PAYLOAD, channel: 'c', together: true })
  for (const cacheBytes of [0, 1024 * 1024]) {
    const disk = new MemoryDisk()
    const store = await openStore(disk, { cacheBytes })
    await store.enqueue([part('a'), part('b'), part('a')], REJECT)
    t.match(await store.enqueue([part('a'), part('b')], REJECT), [{ duplicate: true }, { duplicate: true }])
    t.equal(disk.messages.frames().length, 2)
  }
})

t.test('a duplicate of a message in doubt is reported as pending', async t => {
  const disk = new MemoryDisk()
  const before = await openStore(disk)
  const [first] = await before.enqueue([given('a')], REJECT)
  await before.record(refOf(before, first), outcomeOf('attempt')).written
  await before.close()
  const store = await openStore(disk)
  t.match(await store.enqueue([given('a')], REJECT), [{ duplicate: true, state: 'pending' }])
})

t.test('a settled id is not enqueued again within the window, also after a restart', async t => {
  const states = { delivered: 'delivered', cancelled: 'cancelled', purged: 'dead' } as const
  for (const kind of ['delivered', 'cancelled', 'purged'] as const) {
    for (const cacheBytes of [0, 1024 * 1024]) {
      const disk = new MemoryDisk()
      const before = await openStore(disk, { cacheBytes })
      const [first] = await before.enqueue([given('a')], REJECT)
      await before.record(refOf(before, first), outcomeOf(kind)).written
      const duplicate = { id: 'a', channel: 'c', sequence: 1, duplicate: true, state: states[kind] }
      const [again] = await before.enqueue([given('a')], REJECT)
      t.strictSame(again, duplicate)
      await before.close()

      const store = await openStore(disk, { cacheBytes })
      t.strictSame(await store.enqueue([given('a')], REJECT), [duplicate])
      await t.rejects(store.enqueue([given('a', 'other')], REJECT), { code: 'WAQ_ID_CONFLICT' })
      t.equal(disk.messages.frames().length, 1)
    }
  }
})

t.test('the same id with another payload or channel is a conflict, and nothing changes', async t => {
  for (const cacheBytes of [0, 1024 * 1024]) {
    const disk = new MemoryDisk()
    const store = await openStore(disk, { cacheBytes })
    await store.enqueue([given('a')], REJECT)
    await t.rejects(store.enqueue([given('a', { text: 'other' })], REJECT), {
      code: 'WAQ_ID_CONFLICT',
      ids: ['a'],
      indeterminate: false,
      message: /"a".*payload/,
    })
    await t.rejects(store.enqueue([given('a', PAYLOAD, 'd')], REJECT), {
      code: 'WAQ_ID_CONFLICT',
      message: /"a".*"c".*"d"/,
    })
    await t.rejects(store.enqueue([given('b'), given('a', 'other')], REJECT), { code: 'WAQ_ID_CONFLICT' })
    t.equal(await store.find('b'), undefined, 'a refused list changes nothing')
    t.equal(disk.messages.frames().length, 1)
  }
})

t.test('with keep-first the first message of an id stays, whatever the second one contains', async t => {
  const store = await openStore(new MemoryDisk())
  const [first] = await store.enqueue([given('a')], KEEP_FIRST)
  t.match(await store.enqueue([given('a', 'other', 'd')], KEEP_FIRST), [
    { id: 'a', channel: 'c', sequence: 1, duplicate: true },
  ])
  t.match(await store.read(refOf(store, first)), { payload: PAYLOAD })
  await store.record(refOf(store, first), outcomeOf('delivered')).written
  t.match(await store.enqueue([given('a', 'other', 'd')], KEEP_FIRST), [
    { channel: 'c', duplicate: true, state: 'delivered' },
  ])
})

t.test('known ids in a list come back as duplicates, and the other messages are appended', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk)
  await store.enqueue([given('a')], REJECT)
  const enqueued = await store.enqueue([message(), given('a'), given('b')], REJECT)
  t.match(enqueued, [
    { sequence: 2, duplicate: false },
    { sequence: 1, duplicate: true },
    { sequence: 3, duplicate: false },
  ])
  t.equal(disk.messages.frames().length, 3)
})

t.test('an id that stands twice in one list is enqueued once', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk)
  t.match(await store.enqueue([given('a'), message(), given('a')], REJECT), [
    { sequence: 1, duplicate: false },
    { sequence: 2, duplicate: false },
    { sequence: 1, duplicate: true },
  ])
  await t.rejects(store.enqueue([given('b'), given('b', 'other')], REJECT), { code: 'WAQ_ID_CONFLICT' })
  t.equal(disk.messages.frames().length, 2)
})

t.test('a duplicate of a message that is being written waits for it', async t => {
  const disk = new MemoryDisk()
  disk.messages.held = true
  const store = await openStore(disk)
  const first = store.enqueue([given('a')], REJECT)
  const second = store.enqueue([given('a')], REJECT)
  const conflicting = store.enqueue([given('a', 'other')], REJECT)
  let settled = false
  second.finally(() => {
    settled = true
  })
  await new Promise(resolve => setImmediate(resolve))
  t.equal(settled, false)
  disk.messages.flush()
  t.match(await first, [{ sequence: 1, duplicate: false }])
  t.match(await second, [{ sequence: 1, duplicate: true }])
  await t.rejects(conflicting, { code: 'WAQ_ID_CONFLICT' })
  t.equal(disk.messages.frames().length, 1)
})

t.test('exactly one duplicate of a message whose write failed is written itself', async t => {
  const disk = new MemoryDisk()
  disk.messages.held = true
  const store = await openStore(disk)
  const first = store.enqueue([given('a')], REJECT)
  const others = [store.enqueue([given('a')], REJECT), store.enqueue([given('a')], REJECT)]
  disk.messages.failNext = new WaqError('WAQ_DISK_FULL', 'full')
  disk.messages.held = false
  disk.messages.flush()
  await t.rejects(first, { code: 'WAQ_DISK_FULL' })
  const receipts = (await Promise.all(others)).map(([receipt]) => receipt!)
  t.strictSame(
    receipts.map(({ sequence, duplicate }) => [sequence, duplicate]),
    [
      [2, false],
      [2, true],
    ],
  )
})

t.test('the duplicate of a withdrawn message is written itself', async t => {
  const disk = new MemoryDisk()
  disk.messages.held = true
  const store = await openStore(disk)
  const controller = new AbortController()
  const first = store.enqueue([given('a')], { ...REJECT, signal: controller.signal })
  const second = store.enqueue([given('a')], REJECT)
  await new Promise(resolve => setImmediate(resolve))
  disk.messages.held = false
  controller.abort()
  await t.rejects(first, { name: 'AbortError' })
  t.match(await second, [{ duplicate: false }])
})

t.test("a signal ends a duplicate's wait for the message that is being written", async t => {
  const disk = new MemoryDisk()
  disk.messages.held = true
  const store = await openStore(disk)
  const first = store.enqueue([given('a')], REJECT)
  const controller = new AbortController()
  const second = store.enqueue([given('a')], { ...REJECT, signal: controller.signal })
  controller.abort()
  await t.rejects(second, { name: 'AbortError' })
  disk.messages.flush()
  t.match(await first, [{ duplicate: false }])
})

t.test('an id is forgotten at the end of its window, also after a restart', async t => {
  const disk = new MemoryDisk()
  const clock = new FakeClock()
  const store = await openStore(disk, { dedupe: { windowMs: 1000, maxIds: 10 } }, clock)
  await store.record(await enqueueOne(store, { id: 'a' }), { kind: 'delivered', ...progress() }).written
  clock.time += 999
  t.match(await store.find('a'), { settled: { id: 'a' } })
  clock.time += 1
  t.equal(await store.find('a'), undefined)
  await store.close()
  const later = await openStore(disk, { dedupe: { windowMs: 1000, maxIds: 10 } }, clock)
  t.equal(await later.find('a'), undefined)
  t.match(await later.enqueue([given('a', 'another')], REJECT), [{ duplicate: false }])
})

t.test('the oldest ids beyond the limit are forgotten first, also after a restart', async t => {
  const disk = new MemoryDisk()
  const dedupe = { windowMs: 86_400_000, maxIds: 2 }
  const store = await openStore(disk, { dedupe })
  const refs = []
  for (const id of ['a', 'b', 'c']) refs.push(await enqueueOne(store, { id }))
  for (const ref of [refs[2]!, refs[0]!, refs[1]!]) await store.record(ref, outcomeOf('delivered')).written
  const known = async (opened: typeof store) =>
    Promise.all(['a', 'b', 'c'].map(async id => (await opened.find(id)) !== undefined))
  t.strictSame(
    await known(store),
    [true, true, false],
    'the first settled is forgotten, not the first enqueued',
  )
  await store.close()
  t.strictSame(await known(await openStore(disk, { dedupe })), [true, true, false])
})

t.test('a message that cannot be read when it settles is reported, and stays settled', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk, { cacheBytes: 0 })
  const errors: WaqError[] = []
  store.onError(error => errors.push(error))
  const ref = await enqueueOne(store, { id: 'a' })
  disk.messages.read = async () => {
    throw new WaqError('WAQ_CORRUPT', 'bad bytes')
  }
  await store.record(ref, outcomeOf('delivered')).written
  t.match(errors, [{ code: 'WAQ_CORRUPT' }])
  t.strictSame([...store.live()], [])
  await store.close()
  t.strictSame([...(await openStore(disk)).live()], [], 'and the message stays settled')
})

t.test('a message that is settled while its id is read is a settled duplicate', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk, { cacheBytes: 0 })
  const ref = await enqueueOne(store, { id: 'a', channel: 'c', payload: PAYLOAD })
  const again = store.enqueue([given('a')], REJECT)
  store.record(ref, outcomeOf('delivered'))
  t.match(await again, [{ duplicate: true, sequence: 1 }])
  t.equal(disk.messages.frames().length, 1)
})

t.test('a look-up of an id does not return a message that reused the ref meanwhile', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk, { cacheBytes: 0 })
  const ref = await enqueueOne(store, { id: 'a' })
  await store.record(ref, outcomeOf('delivered')).written
  t.equal(await enqueueOne(store, { id: 'b' }), ref, 'the ref is used again')

  const read = disk.messages.read.bind(disk.messages)
  let answer = (): void => {}
  let held = true
  disk.messages.read = async (segment, offset) => {
    const record = await read(segment, offset)
    if (held) {
      held = false
      await new Promise<void>(resolve => {
        answer = resolve
      })
    }
    return record
  }
  const slow = store.find('b')
  await new Promise(resolve => setImmediate(resolve))
  await store.record(ref, outcomeOf('delivered')).written
  t.equal(await enqueueOne(store, { id: 'c' }), ref)
  answer()
  t.match(await slow, { settled: { id: 'b', state: 'delivered' } })
})

t.test('an aborted enqueue does not let later ones overtake earlier ones', async t => {
  const disk = new MemoryDisk()
  disk.messages.held = true
  const store = await openStore(disk)
  const writing = store.enqueue([given('a', PAYLOAD, 'elsewhere')], REJECT)
  // Waits for 'a', with a fresh message of channel c behind it.
  const list = store.enqueue([given('a', PAYLOAD, 'elsewhere'), given('first')], REJECT)
  const controller = new AbortController()
  const abandoned = store.enqueue([given('second')], { ...REJECT, signal: controller.signal })
  controller.abort()
  await t.rejects(abandoned, { name: 'AbortError' })
  const last = store.enqueue([given('third')], REJECT)
  await new Promise(resolve => setImmediate(resolve))
  disk.messages.held = false
  disk.messages.flush()
  await writing
  const [, first] = await list
  const [third] = await last
  t.ok(first!.sequence < third!.sequence)
})
