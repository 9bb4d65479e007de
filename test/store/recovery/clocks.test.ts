import t from 'tap'
import { LogStore } from '../../../lib/store/log-store.js'
import type { MessageRef, Outcome } from '../../../lib/store/message-store.js'
import { outcomeFormats } from '../../../lib/store/record/outcome-format.js'
import { FakeClock } from '../../delivery/fixtures/fake-clock.js'
import { MemoryDisk } from '../fixtures/memory-logs.js'
import { enqueueOne, message, outcomeOf, storeOptions } from '../fixtures/messages.js'

const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS

function openOn(disk: MemoryDisk, clock: FakeClock): Promise<LogStore> {
  return LogStore.openOn(
    storeOptions({ clocks: clock, dedupe: { windowMs: HOUR_MS, maxIds: 100 } }),
    disk.open,
  )
}

async function written(store: LogStore, ref: MessageRef, outcome: Outcome): Promise<void> {
  await store.record(ref, outcome).written
}

/** A life on a disk of its own, with a message that lives an hour. */
async function begin() {
  const disk = new MemoryDisk()
  const clock = new FakeClock()
  const store = await openOn(disk, clock)
  const start = store.time.now()
  await enqueueOne(store, { id: 'm', enqueuedAt: start, expiresAt: start + HOUR_MS })
  return { disk, clock, store, start }
}

/** How many of the messages that wait are past their time to live, at the next opening. */
async function expired(disk: MemoryDisk, clock: FakeClock): Promise<number> {
  const store = await openOn(disk, clock)
  await store.close()
  return store.recovery.expired
}

t.test('a step of the wall clock moves queue time neither in its life nor in the next one', async t => {
  for (const stepMs of [YEAR_MS, -YEAR_MS]) {
    const { disk, clock, store } = await begin()
    clock.jumpWall(stepMs)
    store.time.now()
    await store.syncOutcomes()
    // It is killed. An opening, and another one, find what it knew.
    t.equal(await expired(disk, clock), 0)
    await clock.advance(HOUR_MS - 1)
    t.equal(await expired(disk, clock), 0)
    await clock.advance(2 * HOUR_MS)
    if (stepMs > 0) t.equal(await expired(disk, clock), 1, 'what the wall clock says since counts')
  }
})

t.test(
  'a clock that was wrong and was set right while no process ran does not hide time for ever',
  async t => {
    const { disk, clock, store } = await begin()
    clock.jumpWall(YEAR_MS)
    store.time.now()
    await store.close()
    clock.jumpWall(-YEAR_MS)
    t.equal(await expired(disk, clock), 0)
    await clock.advance(HOUR_MS)
    t.equal(await expired(disk, clock), 1, 'an hour passed since the clock is right')
    const last = await openOn(disk, clock)
    t.equal(last.time.onWall(last.time.now()), clock.wall())
    await last.close()
  },
)

t.test('a life that begins before the clock is set keeps the recorded times', async t => {
  // The first life begins before the clock is set, and sees that happen.
  const { disk, clock, store } = await begin()
  clock.jumpWall(YEAR_MS)
  store.time.now()
  await store.close()
  clock.jumpWall(-YEAR_MS - HOUR_MS)
  t.equal(await expired(disk, clock), 0)
  clock.jumpWall(YEAR_MS + HOUR_MS)
  t.equal(await expired(disk, clock), 0, 'no year has passed')
})

t.test('a machine that boots in 1970 goes on from the recorded time until its clock is set', async t => {
  const { disk, clock, store, start } = await begin()
  const dueAt = start + 2 * HOUR_MS
  await written(store, await enqueueOne(store, { id: 'told', enqueuedAt: start }), {
    ...outcomeOf('rate-limited'),
    at: start,
    dueAt,
  })
  await store.close()
  const right = clock.wall()
  clock.jumpWall(-right)
  const next = await openOn(disk, clock)
  t.equal(next.time.now(), start, 'never less than was recorded')
  t.equal(next.recovery.expired, 0)
  t.match([...next.pendingLimits()], [{ until: dueAt }], 'nothing waits for 56 years')
  clock.jumpWall(right + HOUR_MS / 2)
  t.equal(next.time.now(), start)
  await next.close()
  const last = await openOn(disk, clock)
  t.equal(last.recovery.expired, 0)
  t.equal(last.time.now(), start)
  await last.close()
})

t.test(
  'a step of the wall clock does not shorten the dedupe window, and a suspend does not prolong it',
  async t => {
    const { clock, store } = await begin()
    await written(store, store.bySequence(1)!, { ...outcomeOf('delivered'), at: store.time.now() })
    for (const stepMs of [YEAR_MS, -2 * YEAR_MS, YEAR_MS]) {
      clock.jumpWall(stepMs)
      store.time.now()
      const [again] = await store.enqueue([message({ id: 'm', enqueuedAt: store.time.now() })], {
        onConflict: 'keep-first',
      })
      t.match(again, { duplicate: true, state: 'delivered' }, `after ${stepMs} ms`)
    }
    clock.suspend(HOUR_MS)
    store.time.now()
    t.equal(await store.find('m'), undefined)
    await store.close()
  },
)

t.test('the record of how the clocks parted outlives every compaction, once', async t => {
  const { disk, clock, store, start } = await begin()
  for (let step = 1; step <= 3; step++) {
    clock.jumpWall(YEAR_MS)
    store.time.now()
  }
  for (let i = 0; i < 20; i++) {
    const ref = await enqueueOne(store, { id: `m${i}`, enqueuedAt: start })
    await written(store, ref, { ...outcomeOf('delivered'), at: start })
  }
  for (let round = 0; round < 3; round++) await store.compact()
  t.equal(disk.acks.frames().filter(({ type }) => type === outcomeFormats.parted.frameType).length, 1)
  await store.close()
  t.equal(await expired(disk, clock), 0)
})
