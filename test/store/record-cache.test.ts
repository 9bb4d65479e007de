import t from 'tap'
import { RecordCache } from '../../lib/store/record-cache.js'
import { MemoryDisk } from './fixtures/memory-logs.js'
import { enqueueOne, openStore, outcomeOf } from './fixtures/messages.js'

t.test('the newest records are kept, within the limit', async t => {
  const cache = new RecordCache(10_000)
  for (let sequence = 1; sequence <= 100; sequence += 1) {
    cache.set(sequence, Buffer.alloc(1000))
    t.ok(cache.bytes <= 10_000)
  }
  t.equal(cache.get(1), undefined)
  t.ok(cache.get(100))
  t.ok(cache.get(95))
})

t.test('reading does not make a record newer', async t => {
  const cache = new RecordCache(3000)
  cache.set(1, Buffer.alloc(1000))
  cache.set(2, Buffer.alloc(1000))
  cache.get(1)
  cache.set(3, Buffer.alloc(1000))
  t.equal(cache.get(1), undefined)
  t.ok(cache.get(2))
})

t.test('a record larger than the limit is not kept, and pushes nothing out', async t => {
  const cache = new RecordCache(3000)
  cache.set(1, Buffer.alloc(1000))
  cache.set(2, Buffer.alloc(5000))
  t.equal(cache.get(2), undefined)
  t.ok(cache.get(1))
})

t.test('what is deleted gives its bytes back, and setting twice counts once', async t => {
  const cache = new RecordCache(10_000)
  cache.set(1, Buffer.alloc(1000))
  const once = cache.bytes
  cache.set(1, Buffer.alloc(1000))
  t.equal(cache.bytes, once)
  cache.delete(1)
  cache.delete(1)
  t.equal(cache.bytes, 0)
  t.equal(cache.get(1), undefined)
})

t.test('a limit of 0 keeps nothing', async t => {
  const cache = new RecordCache(0)
  cache.set(1, Buffer.alloc(0))
  t.equal(cache.get(1), undefined)
})

t.test('as many records as fit are all kept, wherever their sequences begin', async t => {
  for (const first of [1, 60, 2 ** 31 - 500, 2 ** 32 + 7, 2 ** 52]) {
    const cache = new RecordCache(1024 * 1024)
    for (let at = 0; at < 1_000; at += 1) cache.set(first + at, Buffer.of(at & 0xff))
    for (let at = 0; at < 1_000; at += 1) t.same(cache.get(first + at), Buffer.of(at & 0xff))
  }
})

t.test('of more than fit, the oldest are gone and the newest are there', async t => {
  const cache = new RecordCache(100_000)
  for (let sequence = 1; sequence <= 5_000; sequence += 1) cache.set(sequence, Buffer.alloc(144, sequence))
  const kept = Array.from({ length: 5_000 }, (_, at) => at + 1).filter(each => cache.get(each) !== undefined)
  t.same(
    kept,
    Array.from({ length: 250 }, (_, at) => 4_751 + at),
  )
  t.equal(cache.bytes, 100_000)
})

t.test('sequences far from each other never answer for one another', async t => {
  const cache = new RecordCache(64 * 1024)
  for (let far = 0; far < 50; far += 1) {
    cache.set(1 + far * 2 ** 20, Buffer.of(far))
    t.same(cache.get(1 + far * 2 ** 20), Buffer.of(far), 'the newest is there')
    t.equal(cache.get(1 + (far + 1) * 2 ** 20), undefined)
  }
})

t.test(
  'a message that was just enqueued is read without the log, and a settled one leaves the cache',
  async t => {
    const disk = new MemoryDisk()
    const store = await openStore(disk)
    const ref = await enqueueOne(store, { payload: 'hot' })
    t.match(await store.read(ref), { payload: 'hot' })
    await store.record(ref, outcomeOf('delivered')).written
    t.equal(disk.messages.reads, 0)
  },
)

t.test('a settled message makes room for others', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk, { cacheBytes: 3000 })
  const payload = 'x'.repeat(1000)
  const first = await enqueueOne(store, { payload })
  await store.record(await enqueueOne(store, { payload }), outcomeOf('delivered')).written
  await enqueueOne(store, { payload })
  await store.read(first)
  t.equal(disk.messages.reads, 0)
})

t.test('what was read from the log is kept, so that settling it reads nothing', async t => {
  const disk = new MemoryDisk()
  const before = await openStore(disk)
  await enqueueOne(before, { payload: 'cold' })
  await before.close()
  const store = await openStore(disk)
  const [ref] = store.live()
  await store.read(ref!)
  await store.record(ref!, outcomeOf('delivered')).written
  t.equal(disk.messages.reads, 1)
})

t.test('what is read shares nothing with what is read next', async t => {
  const store = await openStore(new MemoryDisk())
  const ref = await enqueueOne(store, { payload: { list: [1] } })
  const first = await store.read(ref)
  ;(first.payload as { list: number[] }).list.push(2)
  t.match((await store.read(ref)).payload, { list: [1] })
})
