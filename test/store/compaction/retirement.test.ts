import t from 'tap'
import type { Append } from '../../../lib/log/commit/append.js'
import { WaqError } from '../../../lib/log/errors/waq-error.js'
import type { LogStore } from '../../../lib/store/log-store.js'
import type { MessageRef } from '../../../lib/store/message-store.js'
import { MemoryDisk } from '../fixtures/memory-logs.js'
import { enqueueOne, FakeClock, message, openStore, outcomeOf, REJECT } from '../fixtures/messages.js'

/**
 * Retirement runs in the background, some time after what sets a segment free, behind immediates and promises: some turns
 * of the loop let it finish.
 */
async function background(store: LogStore): Promise<void> {
  store.stats()
  for (let i = 0; i < 10; i += 1) await new Promise(resolve => setImmediate(resolve))
}

/** Three messages a segment, and outcomes likewise. */
function smallSegments(): MemoryDisk {
  const disk = new MemoryDisk()
  disk.messages.segmentFrames = 3
  disk.acks.segmentFrames = 3
  return disk
}

async function enqueueMany(store: LogStore, count: number): Promise<MessageRef[]> {
  const refs: MessageRef[] = []
  for (let i = 0; i < count; i += 1) refs.push(await enqueueOne(store))
  return refs
}

async function settle(store: LogStore, refs: readonly MessageRef[]): Promise<void> {
  for (const ref of refs) await store.record(ref, outcomeOf('delivered')).written
}

const noWindow = { dedupe: { windowMs: 0, maxIds: 0 } }

t.test(
  'a sealed message segment is retired when its last message is settled, after a sync of the acks',
  async t => {
    const disk = smallSegments()
    const store = await openStore(disk)
    const refs = await enqueueMany(store, 4)
    await settle(store, refs.slice(0, 2))
    await background(store)
    t.strictSame(disk.messages.retired, [])
    await settle(store, refs.slice(2, 3))
    await background(store)
    t.strictSame(disk.messages.retired, [1])
    t.strictSame(disk.events, ['sync messages', 'sync acks', 'retire messages 1'])
  },
)

t.test('the segment that is written to is retired only after it was sealed', async t => {
  const disk = smallSegments()
  const store = await openStore(disk)
  await settle(store, await enqueueMany(store, 3))
  await background(store)
  t.strictSame(disk.messages.retired, [])
  await enqueueMany(store, 1)
  await background(store)
  t.strictSame(disk.messages.retired, [1])
})

t.test('a segment that a compaction sealed leaves when its last message is settled', async t => {
  const disk = smallSegments()
  const store = await openStore(disk)
  const [ref] = await enqueueMany(store, 1)
  await store.compact()
  // Its first outcome begins an ack segment, which is a reason of its own to look.
  await store.record(ref!, outcomeOf('attempt')).written
  await background(store)
  t.strictSame(disk.messages.retired, [])
  await settle(store, [ref!])
  await background(store)
  t.equal(disk.messages.retired.length, 1)
})

t.test('a dead letter keeps its segment', async t => {
  const disk = smallSegments()
  const store = await openStore(disk)
  const refs = await enqueueMany(store, 4)
  await store.record(refs[0]!, outcomeOf('dead')).written
  await settle(store, refs.slice(1, 3))
  await background(store)
  t.strictSame(disk.messages.retired, [])
  await store.record(refs[0]!, outcomeOf('purged')).written
  await background(store)
  t.strictSame(disk.messages.retired, [1])
})

t.test(
  'an ack segment is retired when its messages are gone and the dedupe window does not need it',
  async t => {
    const disk = smallSegments()
    const clock = new FakeClock()
    const store = await openStore(disk, { dedupe: { windowMs: 1000, maxIds: 100 } }, clock)
    await settle(store, await enqueueMany(store, 6))
    await enqueueMany(store, 1)
    await background(store)
    t.strictSame(disk.messages.retired, [1, 2])
    t.strictSame(disk.acks.retired, [], 'the window needs the ids')
    clock.time += 1000
    await store.record((await enqueueMany(store, 1))[0]!, outcomeOf('attempt')).written
    await enqueueMany(store, 3)
    await background(store)
    t.strictSame(disk.acks.retired, [1, 2])
  },
)

t.test('an ack segment is retired when its ids are beyond the limit of the dedupe window', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, { dedupe: { windowMs: 1_000_000, maxIds: 3 } })
  await settle(store, await enqueueMany(store, 9))
  await enqueueMany(store, 1)
  await background(store)
  t.strictSame(disk.acks.retired, [1, 2])
})

t.test(
  'the outcome of a live message stays, though all the others of its segment are not needed',
  async t => {
    const disk = smallSegments()
    const store = await openStore(disk, noWindow)
    const refs = await enqueueMany(store, 7)
    await store.record(refs[6]!, outcomeOf('retry')).written
    await settle(store, refs.slice(0, 6))
    await store.record(refs[6]!, outcomeOf('attempt')).written
    await background(store)
    t.strictSame(disk.messages.retired, [1, 2])
    t.strictSame(disk.acks.retired, [1, 2], 'a later outcome of it stands in the third')
    await store.close()
    const again = await openStore(disk, noWindow)
    t.strictSame(
      [...again.live()].map(ref => [again.sequence(ref), again.state(ref)]),
      [[7, 'in-doubt']],
    )
  },
)

t.test('an ack segment is retired after the outcomes that replace its own were synced', async t => {
  const disk = smallSegments()
  const store = await openStore(disk)
  const [ref] = await enqueueMany(store, 1)
  for (const kind of ['attempt', 'retry', 'attempt', 'dead'] as const)
    await store.record(ref!, outcomeOf(kind)).written
  await background(store)
  t.strictSame(disk.events, ['sync acks', 'retire acks 1'])
})

t.test('a halted channel keeps the segment of its halt until it is resumed', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, noWindow)
  const refs = await enqueueMany(store, 4)
  await store.record(refs[0]!, { ...outcomeOf('dead'), haltsChannel: true }).written
  await store.record(refs[0]!, outcomeOf('purged')).written
  await settle(store, refs.slice(1))
  await enqueueMany(store, 3)
  await background(store)
  t.strictSame(disk.messages.retired, [1])
  t.strictSame(disk.acks.retired, [], 'the halt stands in the first one')
  await store.recordResumed('telegram:bot:1', 0).written
  const refsAgain = await enqueueMany(store, 3)
  await settle(store, refsAgain.slice(0, 1))
  await background(store)
  t.ok(disk.acks.retired.includes(1))
  await store.close()
  t.strictSame([...(await openStore(disk, noWindow)).haltedChannels()], [])
})

t.test('an append that is not accepted yet keeps its segment', async t => {
  const disk = smallSegments()
  const store = await openStore(disk)
  const refs = await enqueueMany(store, 2)
  // The log has written the third and sealed the segment, but not said so.
  disk.messages.held = true
  const accepted: (() => void)[] = []
  const append = disk.messages.append.bind(disk.messages)
  disk.messages.append = appended => {
    const accept = appended.accepted.bind(appended)
    appended.accepted = (segment, offset) => accepted.push(() => accept(segment, offset))
    return append(appended)
  }
  const third = store.enqueue([message()], REJECT)
  disk.messages.flush()
  disk.messages.begin()
  await settle(store, refs)
  await background(store)
  t.strictSame(disk.messages.retired, [])
  for (const accept of accepted) accept()
  t.match(await third, [{ sequence: 3 }])
  t.equal([...store.live()].length, 1)
})

t.test('an opening retires segments whose messages settled in an earlier life', async t => {
  const disk = smallSegments()
  disk.messages.failRetire = new WaqError('WAQ_IO', 'not now')
  const before = await openStore(disk, noWindow)
  const errors: WaqError[] = []
  before.onError(error => errors.push(error))
  await settle(before, await enqueueMany(before, 3))
  await enqueueMany(before, 1)
  await background(before)
  t.match(errors, [{ code: 'WAQ_IO', message: /not now/ }], 'a failure is told, and stops nothing')
  await before.close()
  const store = await openStore(disk, noWindow)
  await background(store)
  t.strictSame(disk.messages.retired, [1])
  t.strictSame(disk.acks.retired, [1])
  t.equal([...store.live()].length, 1)
})

t.test('the next sequence still rises after every message was settled and forgotten', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, noWindow)
  await settle(store, await enqueueMany(store, 30))
  await enqueueMany(store, 1)
  await background(store)
  await store.close()
  const again = await openStore(disk, noWindow)
  const [enqueued] = await again.enqueue([message()], REJECT)
  t.equal(enqueued!.sequence, 32, 'no sequence is given twice')
  t.ok(disk.messages.segments().length <= 2)
  t.ok(disk.acks.segments().length <= 2)
})

/** Opens once more, lets retirement run, closes: what an opening takes for needed must be what is needed. */
async function openAndClose(disk: MemoryDisk, options = {}, clock = new FakeClock()): Promise<void> {
  const store = await openStore(disk, options, clock)
  await background(store)
  await store.close()
}

t.test('after a restart the ids of the dedupe window keep their outcomes', async t => {
  const disk = smallSegments()
  const before = await openStore(disk)
  await settle(before, [await enqueueOne(before, { id: 'a' }), ...(await enqueueMany(before, 2))])
  await enqueueMany(before, 1)
  await background(before)
  await before.close()
  t.strictSame(disk.messages.retired, [1])
  await openAndClose(disk)
  const store = await openStore(disk)
  t.match(await store.find('a'), { settled: { state: 'delivered' } })
})

t.test('after a restart a halt keeps its outcome though its dead letter is gone', async t => {
  const disk = smallSegments()
  const before = await openStore(disk, noWindow)
  const refs = await enqueueMany(before, 4)
  await before.record(refs[0]!, { ...outcomeOf('dead'), haltsChannel: true }).written
  await before.record(refs[0]!, outcomeOf('purged')).written
  await settle(before, refs.slice(1, 3))
  await background(before)
  await before.close()
  t.strictSame(disk.messages.retired, [1])
  await openAndClose(disk, noWindow)
  const store = await openStore(disk, noWindow)
  t.equal([...store.haltedChannels()].length, 1)
  t.strictSame(disk.acks.retired, [2], 'the second one held nothing but settled messages')
})

t.test('after a restart a resume stays as long as the halt that it ends', async t => {
  const disk = smallSegments()
  const before = await openStore(disk, noWindow)
  const refs = await enqueueMany(before, 4)
  // The first ack segment: a halt, and an outcome that is still needed.
  await before.record(refs[3]!, outcomeOf('retry')).written
  await before.record(refs[0]!, { ...outcomeOf('dead'), haltsChannel: true }).written
  await before.record(refs[0]!, outcomeOf('purged')).written
  await before.recordResumed('telegram:bot:1', 0).written
  await settle(before, refs.slice(1, 3))
  await background(before)
  await before.close()
  await openAndClose(disk, noWindow)
  const store = await openStore(disk, noWindow)
  t.strictSame([...store.haltedChannels()], [])
  t.ok(disk.acks.segments().some(({ id }) => id === 1))
})

t.test('after a restart, a wait for a group keeps its outcome while it lasts', async t => {
  const disk = smallSegments()
  const before = await openStore(disk, noWindow)
  const refs = await enqueueMany(before, 4)
  await before.record(refs[0]!, outcomeOf('rate-limited')).written
  await before.record(refs[0]!, outcomeOf('cancelled')).written
  await settle(before, refs.slice(1, 3))
  await background(before)
  await before.close()
  t.strictSame(disk.messages.retired, [1])
  await openAndClose(disk, noWindow)
  const clock = new FakeClock()
  const store = await openStore(disk, noWindow, clock)
  t.equal([...store.pendingLimits()].length, 1)
  await store.close()
  clock.time += 9000
  await openAndClose(disk, noWindow, clock)
  t.ok(disk.acks.retired.includes(1))
})

t.test(
  'after a restart an outcome is no longer needed once a later one of its message is written',
  async t => {
    const disk = smallSegments()
    const before = await openStore(disk, noWindow)
    const refs = await enqueueMany(before, 3)
    for (const ref of refs) await before.record(ref, outcomeOf('retry')).written
    await before.close()
    const store = await openStore(disk, noWindow)
    for (const ref of store.live()) await store.record(ref, outcomeOf('attempt')).written
    await enqueueMany(store, 1)
    await background(store)
    t.strictSame(disk.acks.retired, [1])
  },
)

/** Remembers a log's appends. */
function appendsOf(log: MemoryDisk['acks']): Append[] {
  const appends: Append[] = []
  const append = log.append.bind(log)
  log.append = appended => {
    appends.push(appended)
    return append(appended)
  }
  return appends
}

t.test('the outcome of a settled message stays while a second copy of the message counts', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, noWindow)
  const appends = appendsOf(disk.messages)
  const refs = await enqueueMany(store, 6)
  await settle(store, refs.slice(0, 3))
  // The first one was written again to the second segment, where others are alive.
  appends[0]!.moved(2, 500)
  await background(store)
  t.strictSame(disk.messages.retired, [1])
  await store.record(refs[3]!, outcomeOf('retry')).written
  await background(store)
  t.strictSame(disk.acks.retired, [])
  await settle(store, refs.slice(3))
  await enqueueMany(store, 1)
  await background(store)
  t.strictSame(disk.messages.retired, [1, 2])
  t.strictSame(disk.acks.retired, [1, 2])
})

t.test('a second copy of an outcome stays as long as the first one counts', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, noWindow)
  const appends = appendsOf(disk.acks)
  const refs = await enqueueMany(store, 7)
  await store.record(refs[6]!, outcomeOf('retry')).written
  await settle(store, refs.slice(0, 2))
  appends[0]!.moved(2, 64)
  await settle(store, refs.slice(2, 6))
  await background(store)
  t.strictSame(disk.messages.retired, [1, 2])
  t.strictSame(disk.acks.retired, [], 'the only whole copy may be in the second one')
  await store.record(refs[6]!, outcomeOf('retry')).written
  await enqueueMany(store, 3)
  await background(store)
  t.strictSame(disk.acks.retired, [1, 2])
})
