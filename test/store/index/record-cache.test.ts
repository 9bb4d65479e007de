import fc from 'fast-check'
import t from 'tap'
import { RecordCache } from '../../../lib/store/index/record-cache.js'
import { MemoryDisk } from '../fixtures/memory-logs.js'
import { enqueueOne, message, openStore, outcomeOf } from '../fixtures/messages.js'

t.test('the cache keeps the newest records within its limit', async t => {
  const cache = new RecordCache(10_000)
  for (let sequence = 1; sequence <= 100; sequence += 1) {
    cache.set(sequence, Buffer.alloc(1000))
    t.ok(cache.bytes <= 10_000)
  }
  t.equal(cache.get(1), undefined)
  t.ok(cache.get(100))
  t.ok(cache.get(95))
})

t.test('reading a record from the cache does not make it newer', async t => {
  const cache = new RecordCache(3000)
  cache.set(1, Buffer.alloc(1000))
  cache.set(2, Buffer.alloc(1000))
  cache.set(3, Buffer.alloc(1000))
  cache.get(1)
  cache.set(4, Buffer.alloc(1000))
  t.equal(cache.get(1), undefined)
  t.ok(cache.get(2))
})

t.test('a record larger than the cache is not kept and evicts no other', async t => {
  const cache = new RecordCache(3000)
  cache.set(1, Buffer.alloc(1000))
  cache.set(2, Buffer.alloc(5000))
  t.equal(cache.get(2), undefined)
  t.ok(cache.get(1))
})

t.test('a record deleted from the cache makes room, and one set twice counts once', async t => {
  const cache = new RecordCache(40_000)
  cache.set(1, Buffer.alloc(1000, 1))
  const once = cache.bytes
  for (let again = 0; again < 100; again += 1) cache.set(1, Buffer.alloc(1000, again))
  t.equal(cache.bytes, once)
  t.same(cache.get(1), Buffer.alloc(1000, 99))
  for (let sequence = 2; sequence <= 100; sequence += 1) {
    cache.set(sequence, Buffer.alloc(1000))
    cache.delete(sequence)
    cache.delete(sequence)
    t.equal(cache.get(sequence), undefined)
    t.ok(cache.get(1))
  }
})

t.test('a message keeps no other’s memory alive: its record is copied when its buffer is full', async t => {
  const cache = new RecordCache(1024 * 1024)
  const first = message({ payload: 'first' })
  cache.add(1, first)
  t.equal(cache.latest(1), first)
  const large = message({ payload: 'x'.repeat(1024 * 1024) })
  t.equal(cache.latest(1), undefined)
  t.strictSame(cache.get(1), first.record)
  t.not(cache.get(1)!.buffer, first.record.buffer)
  cache.add(2, large)
  const second = message({ payload: 'second' })
  cache.add(3, first)
  t.equal(cache.latest(3), undefined, 'one whose buffer is full already')
  cache.add(4, second)
  t.equal(cache.latest(4), second)
  cache.delete(1)
  t.equal(cache.get(1), undefined)
})

t.test('after any setting, deleting and reading the cache returns only records that were set', async t => {
  const property = fc.property(
    fc.constantFrom(1_000, 10_000, 20_000, 1_000_000),
    fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.nat({ max: 400 }), fc.boolean()), {
      maxLength: 500,
      size: 'max',
    }),
    (limit, steps) => {
      const cache = new RecordCache(limit)
      const model = new Map<number, Buffer>()
      for (const [i, [sequence, length, deletes]] of steps.entries()) {
        if (deletes) {
          cache.delete(sequence)
          model.delete(sequence)
        } else {
          const record = Buffer.alloc(length, i + 1)
          cache.set(sequence, record)
          model.set(sequence, record)
        }
        if (cache.bytes > limit) return false
        // A wrong one stays there until it is looked for.
        if (i % 16 !== 0 && i < steps.length - 1) continue
        for (let at = 1; at <= 300; at += 1) {
          const cached = cache.get(at)
          if (cached !== undefined && !model.get(at)?.equals(cached)) return false
        }
      }
      return true
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 400 }))
})

t.test('a cache with a limit of 0 keeps no record', async t => {
  const cache = new RecordCache(0)
  cache.set(1, Buffer.alloc(0))
  t.equal(cache.get(1), undefined)
})

t.test('the cache keeps all records that fit, wherever their sequences begin', async t => {
  for (const first of [1, 60, 2 ** 31 - 500, 2 ** 32 + 7, 2 ** 52]) {
    const cache = new RecordCache(1024 * 1024)
    for (let at = 0; at < 1_000; at += 1) cache.set(first + at, Buffer.of(at & 0xff))
    for (let at = 0; at < 1_000; at += 1) t.same(cache.get(first + at), Buffer.of(at & 0xff))
  }
})

t.test('the cache evicts the oldest of more records than fit and keeps the newest', async t => {
  const cache = new RecordCache(100_000)
  for (let sequence = 1; sequence <= 5_000; sequence += 1) cache.set(sequence, Buffer.alloc(400, sequence))
  const kept = Array.from({ length: 5_000 }, (_, at) => at + 1).filter(each => cache.get(each) !== undefined)
  t.same(
    kept,
    Array.from({ length: kept.length }, (_, at) => 5_001 - kept.length + at),
  )
  // All but a page and what is left over in the others.
  t.ok(kept.length > 0.85 * (100_000 / 400), `${kept.length}`)
  t.ok(cache.bytes <= 100_000)
})

t.test('the cache never returns a record of another, far sequence', async t => {
  const cache = new RecordCache(64 * 1024)
  for (let far = 0; far < 50; far += 1) {
    cache.set(1 + far * 2 ** 20, Buffer.of(far))
    t.same(cache.get(1 + far * 2 ** 20), Buffer.of(far), 'the newest is there')
    t.equal(cache.get(1 + (far + 1) * 2 ** 20), undefined)
  }
})

t.test('a message that was just enqueued is read from the cache, and a settled one leaves it', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk)
  const ref = await enqueueOne(store, { payload: 'hot' })
  t.match(await store.read(ref), { payload: 'hot' })
  await store.record(ref, outcomeOf('delivered')).written
  t.equal(disk.messages.reads, 0)
})

t.test('a settled message makes room in the cache', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk, { cacheBytes: 3000 })
  const payload = 'x'.repeat(1000)
  const first = await enqueueOne(store, { payload })
  await store.record(await enqueueOne(store, { payload }), outcomeOf('delivered')).written
  await enqueueOne(store, { payload })
  await store.read(first)
  t.equal(disk.messages.reads, 0)
})

t.test('a record read from the log is cached, so that settling its message reads nothing', async t => {
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

t.test('records that are read one after the other share no memory', async t => {
  const bytes = await openStore(new MemoryDisk())
  const binary = await enqueueOne(bytes, { payload: Buffer.from('binary') })
  const read = (await bytes.read(binary)).payload as Uint8Array
  await bytes.record(binary, outcomeOf('delivered')).written
  await enqueueOne(bytes, { payload: Buffer.from('BINARY') })
  t.same(Buffer.from(read), Buffer.from('binary'))

  const store = await openStore(new MemoryDisk())
  const ref = await enqueueOne(store, { payload: { list: [1] } })
  const first = await store.read(ref)
  ;(first.payload as { list: number[] }).list.push(2)
  t.match((await store.read(ref)).payload, { list: [1] })
})
