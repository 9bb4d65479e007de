import fc from 'fast-check'
import t from 'tap'
import { ChannelNames } from '../../../lib/store/index/channel-names.js'
import { MessageIndex } from '../../../lib/store/index/message-index.js'
import type { MessageRef } from '../../../lib/store/message-store.js'
import { hashId, hashSequence } from '../../../lib/store/tables/id-hash.js'
import { PagedColumns } from '../../../lib/store/tables/paged-columns.js'
import { RefTable } from '../../../lib/store/tables/ref-table.js'
import { NOW, outcomeOf } from '../fixtures/messages.js'

function add(index: MessageIndex, sequence: number, channel = `channel ${sequence % 100}`): MessageRef {
  const facts = {
    id: `id ${sequence}`,
    channel,
    enqueuedAt: NOW,
    deliverAt: 0,
    expiresAt: Number.POSITIVE_INFINITY,
  }
  return index.add(sequence, facts, undefined, 1, sequence, 100)
}

t.test('a message keeps its priority through every state', async t => {
  const index = new MessageIndex()
  const facts = { channel: 'c', enqueuedAt: NOW, deliverAt: 0, expiresAt: Number.POSITIVE_INFINITY }
  let sequence = 0
  for (const priority of [undefined, -8, -1, 0, 7]) {
    sequence += 1
    const ref = index.add(sequence, { ...facts, id: `id ${sequence}`, priority }, undefined, 1, 64, 100)
    for (const kind of ['attempt', 'interrupted', 'retry', 'dead', 'redriven'] as const) {
      index.apply(ref, outcomeOf(kind))
      t.equal(index.table.priority(ref), priority, kind)
    }
    t.equal(index.counts().pending, 1)
    remove(index, ref)
  }
  t.equal(index.prioritized.count, 0)
})

function remove(index: MessageIndex, ref: MessageRef): void {
  index.leave(ref)
  index.delete(ref)
}

t.test(
  '100,000 messages are found by sequence and id, and their refs are reused once they are gone',
  async t => {
    const count = 100_000
    const index = new MessageIndex()
    const refs: MessageRef[] = []
    for (let sequence = 1; sequence <= count; sequence += 1) refs.push(add(index, sequence))
    t.equal(Math.max(...refs.slice(-1000)), count - 1, 'refs are dense')
    let found = 0
    for (let sequence = 1; sequence <= count; sequence += 1) {
      const ref = index.bySequence(sequence)
      if (ref === refs[sequence - 1] && index.candidates(`id ${sequence}`).includes(ref!)) found += 1
    }
    t.equal(found, count)
    t.equal(index.bySequence(count + 1), undefined)

    for (const [i, ref] of refs.entries()) if (i % 2 === 0) remove(index, ref)
    t.equal(index.table.size, count / 2)
    t.equal(index.bySequence(1), undefined)
    t.strictSame(index.candidates('id 1'), [])
    let kept = 0
    for (let sequence = 2; sequence <= count; sequence += 2) {
      if (index.bySequence(sequence) === refs[sequence - 1]) kept += 1
    }
    t.equal(kept, count / 2)

    let highest = 0
    for (let sequence = count + 1; sequence <= count * 1.5; sequence += 1) {
      highest = Math.max(highest, add(index, sequence))
    }
    t.equal(highest, count - 2, 'no ref beyond those that were freed')
    t.equal([...index.live()].length, count)
  },
)

t.test('a reused ref remembers nothing of its predecessor', async t => {
  const index = new MessageIndex()
  const facts = { id: 'a', channel: 'c', enqueuedAt: NOW, deliverAt: NOW + 5, expiresAt: NOW + 9 }
  const first = index.add(1, facts, { index: 0, count: 2 }, 1, 1, 10)
  for (const kind of ['attempt', 'retry', 'dead', 'redriven'] as const) index.apply(first, outcomeOf(kind))
  remove(index, first)
  const ref = add(index, 7)
  t.equal(ref, first)
  t.strictSame(
    {
      standing: index.table.state(ref),
      attempts: index.table.attempts(ref),
      dueAt: index.table.dueAt(ref),
      firstAttemptAt: index.table.progress(ref).firstAttemptAt,
      lastOutcomeAt: index.table.lastOutcomeAt(ref),
      mayHaveBeenSent: index.table.mayHaveBeenSent(ref),
      ackSegment: index.table.ackSegment(ref),
      expiresAt: index.table.expiresAt(ref),
      orderKey: index.orderKey(ref),
      deliverAt: index.deliverAt(ref),
      together: index.together(ref),
      errors: index.errors(ref),
    },
    {
      standing: 'pending',
      attempts: 0,
      dueAt: 0,
      firstAttemptAt: 0,
      lastOutcomeAt: 0,
      mayHaveBeenSent: false,
      ackSegment: undefined,
      expiresAt: Number.POSITIVE_INFINITY,
      orderKey: 7,
      deliverAt: 0,
      together: undefined,
      errors: [],
    },
  )
})

t.test('a ref of a settled message is refused', async t => {
  const index = new MessageIndex()
  const ref = add(index, 1)
  remove(index, ref)
  t.throws(() => index.table.state(ref), /settled/)
})

t.test('each outcome changes the state of its message at once', async t => {
  const expected = {
    attempt: 'sending',
    interrupted: 'in-doubt',
    retry: 'pending',
    'rate-limited': 'pending',
    released: 'pending',
    dead: 'dead',
    redriven: 'pending',
    // Until it is written, a settled message counts as it did.
    delivered: 'pending',
    cancelled: 'pending',
    purged: 'pending',
  } as const
  for (const [kind, standing] of Object.entries(expected)) {
    const index = new MessageIndex()
    const ref = add(index, 1)
    index.apply(ref, outcomeOf(kind as keyof typeof expected))
    t.equal(index.table.state(ref), standing, kind)
  }
})

t.test('the hash table of refs finds its entries after any adding and removing', async t => {
  // Hashes that collide a lot: 40 keys on 8 slots of one shard.
  const hashOf = (ref: MessageRef): number => ref % 8
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 39 }), { maxLength: 200, size: 'max' }), toggles => {
        const table = new RefTable(hashOf)
        const model = new Set<number>()
        for (const key of toggles) {
          const ref = key as MessageRef
          if (model.delete(key)) table.delete(ref)
          else {
            model.add(key)
            table.add(ref)
          }
        }
        const keys = Array.from({ length: 40 }, (_, key) => key as MessageRef)
        const found = keys.filter(key => table.find(hashOf(key), candidate => candidate === key) === key)
        t.strictSame(new Set(found), model)
        t.equal(table.size, model.size)
      }),
      { numRuns: 100 },
    ),
  )
  t.throws(() => new RefTable(hashOf).delete(1 as MessageRef), /does not hold/)
})

t.test('two ids with one hash are both found as candidates', async t => {
  const index = new MessageIndex()
  const first = add(index, 1)
  const facts = { channel: 'c', enqueuedAt: NOW, deliverAt: 0, expiresAt: NOW, together: undefined }
  const second = index.add(2, { id: 'id 1', ...facts }, undefined, 1, 1, 1)
  t.strictSame(new Set(index.candidates('id 1')), new Set([first, second]))
})

t.test('hashes of ids have 32 bits, are stable and spread over the shards', async t => {
  const shards = new Set<number>()
  const sequenceShards = new Set<number>()
  for (let i = 0; i < 10_000; i += 1) {
    const { low, high } = hashId(`telegram:${i}`)
    const again = hashId(`telegram:${i}`)
    if (again.low !== low || again.high !== high) t.fail('not stable')
    if (low !== low >>> 0 || high !== high >>> 0) t.fail('not an unsigned number of 32 bits')
    shards.add(low >>> 24)
    sequenceShards.add(hashSequence(i) >>> 24)
  }
  t.equal(shards.size, 256)
  t.equal(sequenceShards.size, 256)
  t.not(hashSequence(1), hashSequence(1 + 2 ** 32), 'the upper half counts too')
})

t.test('paged columns reuse released rows, the latest first', async t => {
  const columns = new PagedColumns(
    () => ({ next: new Uint32Array(1024) }),
    page => page.next,
  )
  const rows = Array.from({ length: 3000 }, () => columns.allocate())
  t.strictSame(
    rows,
    Array.from({ length: 3000 }, (_, row) => row),
  )
  columns.release(5)
  columns.release(2000)
  t.equal(columns.size, 2998)
  t.strictSame([columns.allocate(), columns.allocate(), columns.allocate()], [2000, 5, 3000])
})

t.test('a channel name is kept once, as long as a message waits in it', async t => {
  const names = new ChannelNames()
  const a = names.acquire('a')
  const b = names.acquire('b')
  t.equal(names.acquire('a'), a)
  t.not(a, b)
  names.release(a)
  t.equal(names.name(a), 'a')
  names.release(a)
  t.equal(names.size, 1)
  t.equal(names.name(b), 'b')
})

t.test('channel names that come and go use about as many numbers as there were names at once', async t => {
  const names = new ChannelNames()
  const kept = names.acquire('kept')
  let highest = 0
  for (let index = 0; index < 10_000; index++) {
    const number = names.acquire(`chat ${index}`)
    if (names.name(number) !== `chat ${index}`) t.fail(`number ${number} is ${names.name(number)}`)
    highest = Math.max(highest, number)
    names.release(number)
  }
  t.ok(highest < 2_000, `the highest was ${highest}`)
  t.equal(names.size, 1)
  t.equal(names.acquire('kept'), kept)
  t.equal(names.name(kept), 'kept')
})
