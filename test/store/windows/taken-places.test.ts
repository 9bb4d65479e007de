import t from 'tap'
import type { CorruptRange } from '../../../lib/log/types.js'
import type { LogStore } from '../../../lib/store/log-store.js'
import type { LimitUsage } from '../../../lib/store/message-store.js'
import { decodeOutcomes } from '../../../lib/store/record/settled-block.js'
import { background, smallSegments } from '../fixtures/compactions.js'
import { MemoryDisk } from '../fixtures/memory-logs.js'
import { enqueueOne, FakeClock, NOW, openStore, outcomeOf, progress } from '../fixtures/messages.js'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

const taken = (facts: Partial<LimitUsage> = {}): LimitUsage => ({
  scope: 'channel',
  target: 'chat',
  perMs: DAY_MS,
  open: 0,
  ends: [NOW - 5_000, 3],
  ...facts,
})

/** Of this window, after a restart. */
const endsOf = (store: LogStore, perMs = DAY_MS): readonly number[] | undefined =>
  store.takenPlaces('channel', 'chat').find(places => places.perMs === perMs)?.ends

const framesOf = (disk: MemoryDisk): string[] =>
  disk.acks
    .frames()
    .flatMap(({ type, data, sequence }) =>
      decodeOutcomes(type, data, sequence).map(({ record }) => record.kind),
    )

/** So many messages come and go. */
async function traffic(store: LogStore, count: number, at = NOW): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    const ref = await enqueueOne(store)
    await store.record(ref, { ...outcomeOf('attempt'), ...progress({ at }) }).written
    await store.record(ref, { ...outcomeOf('delivered'), ...progress({ at }) }).written
  }
}

t.test('the next life knows the last record of each rate window', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk)
  store.recordPlaces(taken({ ends: [NOW - 9_000, 1] }))
  store.recordPlaces(taken({ scope: 'group', target: 'tg:' }))
  store.recordPlaces(taken({ perMs: MINUTE_MS }))
  store.recordPlaces(taken({ ends: [NOW - 9_000, 1, NOW - 4_000, 2] }))
  await store.syncOutcomes()
  const again = await openStore(disk, {}, Object.assign(new FakeClock(), { time: NOW + 10_000 }))
  // The clocks of two lives may part by a second unseen.
  t.same(endsOf(again), [NOW - 8_000, 1, NOW - 3_000, 2])
  t.same(endsOf(again, MINUTE_MS), [NOW - 4_000, 3])
  t.same(again.takenPlaces('group', 'tg:'), [
    taken({ scope: 'group', target: 'tg:', ends: [NOW - 4_000, 3] }),
  ])
  t.same(again.takenPlaces('global', ''), [])
  t.equal(again.uncountedBefore, 0)
})

t.test('places open at a crash count as ended by the next opening, and only by that', async t => {
  const disk = new MemoryDisk()
  const clock = new FakeClock()
  const store = await openStore(disk, {}, clock)
  store.recordPlaces(taken({ open: 2 }))
  await store.syncOutcomes()
  clock.time += 20_000
  const second = await openStore(disk, {}, clock)
  t.same(endsOf(second), [NOW - 4_000, 3, NOW + 20_000, 2])
  await second.syncOutcomes()
  clock.time += DAY_MS / 2
  const third = await openStore(disk, {}, clock)
  t.same(endsOf(third), [NOW - 3_000, 3, NOW + 21_000, 2])
})

t.test('the record of a rate window stays through compactions as long as a place in it counts', async t => {
  const disk = smallSegments()
  const clock = new FakeClock()
  const options = { dedupe: { windowMs: 0, maxIds: 0 } }
  const store = await openStore(disk, options, clock)
  store.recordPlaces(taken({ perMs: 10 * MINUTE_MS, open: 1 }))
  store.recordPlaces(taken({ perMs: 10 * MINUTE_MS }))
  store.recordPlaces(taken())
  await traffic(store, 20)
  await background(store)
  await store.compact()
  t.equal(framesOf(disk).filter(kind => kind === 'places').length, 2)
  clock.time += 20 * MINUTE_MS
  await traffic(store, 20, clock.time)
  await background(store)
  await store.compact()
  t.equal(framesOf(disk).filter(kind => kind === 'places').length, 1)
  await store.close()
  const again = await openStore(disk, options, clock)
  t.same(endsOf(again), [NOW - 4_000, 3])
  t.equal(endsOf(again, 10 * MINUTE_MS), undefined)
  clock.time += DAY_MS
  await traffic(again, 20, clock.time)
  await background(again)
  await again.compact()
  t.equal(framesOf(disk).filter(kind => kind === 'places').length, 0)
})

t.test(
  'a place open long before the last life ended counts as overtaken though no later record is left',
  async t => {
    const disk = new MemoryDisk()
    const store = await openStore(disk)
    store.recordPlaces(taken({ open: 5 }))
    await traffic(store, 1, NOW + 20_001)
    const again = await openStore(disk, {}, Object.assign(new FakeClock(), { time: NOW + 30_000 }))
    t.same(endsOf(again), [NOW - 4_000, 3])
  },
)

const lostAfter = (sequence: number): CorruptRange => ({
  log: 'acks',
  file: 'acks/1',
  offset: 64,
  length: 100,
  nextSequences: { messages: 1, acks: sequence + 2 },
  lastMissing: sequence,
  known: false,
})

t.test('rate places before lost bytes of the ack log are not counted, also after a compaction', async t => {
  const disk = new MemoryDisk()
  const clock = new FakeClock()
  const store = await openStore(disk, {}, clock)
  await traffic(store, 2)
  store.recordPlaces(taken())
  await traffic(store, 2)
  await store.close()
  const lost = disk.acks.frames().find(({ type }) => type === 13)!.sequence
  disk.acks.remove([lost])
  disk.lostAcks = [lostAfter(lost)]
  clock.time += 1_000
  const second = await openStore(disk, {}, clock)
  t.equal(second.uncountedBefore, NOW + 1_000)
  await second.close()
  clock.time += 1_000
  disk.lostAcks = [{ ...lostAfter(lost), known: true }]
  const third = await openStore(disk, {}, clock)
  t.equal(third.uncountedBefore, NOW + 1_000)
  await traffic(third, 20)
  await third.compact()
  await third.close()
  const fourth = await openStore(disk, {}, clock)
  t.equal(fourth.uncountedBefore, NOW + 1_000, 'through compaction')
})

t.test('messages in doubt take places where the tail of the ack log is in doubt', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk)
  const [first, second] = [
    await enqueueOne(store, { channel: 'a' }),
    await enqueueOne(store, { channel: 'b' }),
  ]
  store.mustSyncMark(first, false, false)
  store.mustSyncMark(second, false, false)
  await store.syncOutcomes()
  disk.acks.tailInDoubt = true
  const again = await openStore(disk)
  const doubtful = [...again.live()].filter(ref => again.state(ref) === 'in-doubt')
  t.same(doubtful.map(ref => [again.channel(ref), again.progress(ref).firstAttemptAt]).sort(), [
    ['a', 0],
    ['b', 0],
  ])
  t.equal(again.uncountedBefore, 0)
})

t.test(
  'rate places are not counted before a tail of the ack log with which messages may be lost',
  async t => {
    const disk = new MemoryDisk()
    await openStore(disk, { durability: 'os' })
    disk.acks.tailInDoubt = true
    const again = await openStore(disk, { durability: 'os' })
    t.equal(again.uncountedBefore, NOW)
  },
)
