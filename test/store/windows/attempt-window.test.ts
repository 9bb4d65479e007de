import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import type { LogStore } from '../../../lib/store/log-store.js'
import type { MessageRef } from '../../../lib/store/message-store.js'
import type { NewMessage } from '../../../lib/store/record/message.js'
import { decodeOutcomes } from '../../../lib/store/record/settled-block.js'
import type { LogStoreOptions } from '../../../lib/store/types.js'
import { WINDOW } from '../../../lib/store/windows/attempt-window.js'
import { MemoryDisk } from '../fixtures/memory-logs.js'
import { enqueueOne, message, openStore, outcomeOf, REJECT, refOf } from '../fixtures/messages.js'

const onDemand: Partial<LogStoreOptions> = { autoCompact: false }

interface How {
  /** `onAmbiguous` of the channel is not 'resend'. */
  readonly syncsMarks?: boolean
  readonly overtakes?: boolean
}

/** Begins an attempt, as delivery does. True: it waited for the device. */
async function attempt(store: LogStore, ref: MessageRef, how: How = {}): Promise<boolean> {
  const waits = store.mustSyncMark(ref, how.syncsMarks === true, how.overtakes === true)
  await store.record(ref, outcomeOf('attempt')).written
  if (waits) await store.syncOutcomes()
  return waits
}

async function enqueue(
  store: LogStore,
  count: number,
  facts: Partial<NewMessage> = {},
): Promise<MessageRef[]> {
  const enqueued = await store.enqueue(
    Array.from({ length: count }, () => message(facts)),
    REJECT,
  )
  return enqueued.map(each => refOf(store, each))
}

/** What is on the device of the ack log: all that a sync has covered, and nothing behind it. */
class Device {
  readonly disk = new MemoryDisk()
  #synced = 0

  constructor() {
    const { acks } = this.disk
    const sync = acks.sync.bind(acks)
    acks.sync = async () => {
      await sync()
      this.#synced = acks.frames().at(-1)?.sequence ?? 0
    }
  }

  /** The next life is of another boot, and the acks lack what was not synced. */
  losePower(): void {
    const { acks } = this.disk
    const lost = acks.frames().filter(({ sequence }) => sequence > this.#synced)
    acks.remove(lost.map(({ sequence }) => sequence))
    acks.tailInDoubt = true
  }

  /** By sequence. */
  async reopen(
    options: Partial<LogStoreOptions> = onDemand,
  ): Promise<{ store: LogStore; doubtful: number[] }> {
    const store = await openStore(this.disk, options)
    const doubtful = [...store.live()]
      .filter(ref => store.state(ref) === 'in-doubt' && store.mayHaveBeenSent(ref))
      .map(ref => store.sequence(ref))
    return { store, doubtful }
  }

  kinds(): string[] {
    return this.disk.acks
      .frames()
      .flatMap(({ type, data, sequence }) =>
        decodeOutcomes(type, data, sequence).map(({ record }) => record.kind),
      )
  }
}

t.test('the first attempt of a queue waits for the device, and the next ones do not', async t => {
  const { disk } = new Device()
  const store = await openStore(disk, onDemand)
  const refs = await enqueue(store, 3)
  t.ok(await attempt(store, refs[0]!))
  t.notOk(await attempt(store, refs[1]!))
  t.notOk(await attempt(store, refs[2]!))
  t.notOk(await attempt(store, await enqueueOne(store)), 'nor does one that was not there yet')
})

t.test('no attempt waits for a window that moves, at any pace', async t => {
  const { disk } = new Device()
  const store = await openStore(disk, { ...onDemand, segmentBytes: 1e9 })
  const refs = await enqueue(store, 5000)
  let waited = 0
  for (const ref of refs) {
    if (await attempt(store, ref)) waited += 1
    await store.record(ref, outcomeOf('delivered')).written
    await turn()
  }
  t.equal(waited, 1)
  t.ok(disk.acks.syncs < 15, `${disk.acks.syncs} syncs`)
})

t.test('an attempt window covers no message before it is on the device', async t => {
  const device = new Device()
  const store = await openStore(device.disk, onDemand)
  const refs = await enqueue(store, 2000)
  await attempt(store, refs[0]!)
  const { acks } = device.disk
  const sync = acks.sync
  acks.sync = () => new Promise(() => {})
  t.notOk(store.mustSyncMark(refs[600]!, false, false), 'inside of the first one, which moves')
  t.notOk(store.mustSyncMark(refs[1000]!, false, false), 'inside of both')
  t.ok(store.mustSyncMark(refs[1100]!, false, false), 'in the second one alone')
  acks.sync = sync
})

t.test('a message outside the last window is not covered by the one before it', async t => {
  const device = new Device()
  const store = await openStore(device.disk, onDemand)
  const refs = await enqueue(store, 2000)
  await attempt(store, refs[0]!)
  device.disk.acks.sync = () => new Promise(() => {})
  t.ok(store.mustSyncMark(refs[1999]!, false, false), 'beyond the first one, which moves')
  t.ok(store.mustSyncMark(refs[100]!, false, false), 'in the first one alone')
  t.notOk(store.mustSyncMark(refs[1000]!, false, false), 'in both')
})

t.test('the mark of a later, an overtaking or a marked attempt waits for the device', async t => {
  const { disk } = new Device()
  const store = await openStore(disk, onDemand)
  const refs = await enqueue(store, 5)
  await attempt(store, refs[0]!)
  await store.record(refs[0]!, outcomeOf('retry')).written
  t.ok(await attempt(store, refs[0]!), 'a second attempt')
  t.ok(await attempt(store, await enqueueOne(store, { deliverAt: 1 })), 'an appointment')
  t.ok(await attempt(store, refs[1]!, { overtakes: true }))
  t.notOk(await attempt(store, refs[3]!), 'any other')
  t.ok(await attempt(store, refs[2]!, { syncsMarks: true }))
})

t.test('an attempt far behind the window waits for the device and does not draw the window back', async t => {
  const { disk } = new Device()
  const store = await openStore(disk, { ...onDemand, segmentBytes: 1e9 })
  const refs = await enqueue(store, 4000)
  await attempt(store, refs[3000]!)
  t.ok(await attempt(store, refs[0]!))
  t.ok(await attempt(store, refs[3000 - WINDOW / 2]!))
  t.notOk(await attempt(store, refs[3001 - WINDOW / 2]!))
  t.notOk(await attempt(store, refs[3002]!))
})

t.test('after a power loss unrecorded attempts are in doubt, and at most a window of messages', async t => {
  const device = new Device()
  const store = await openStore(device.disk, { ...onDemand, segmentBytes: 1e9 })
  const refs = await enqueue(store, 100_000, { channel: 'one' })
  const sent = new Set<number>()
  for (const ref of refs.slice(0, 3000)) {
    await attempt(store, ref)
    sent.add(store.sequence(ref))
    await store.record(ref, outcomeOf('delivered')).written
    if (sent.size % 30 === 0) await turn()
  }
  device.losePower()
  const { store: next, doubtful } = await device.reopen({ ...onDemand, segmentBytes: 1e9 })
  t.ok(doubtful.length <= WINDOW, `${doubtful.length} are in doubt`)
  t.equal(next.recovery.inDoubt, doubtful.length)
  t.ok(
    [...next.live()].every(ref => next.state(ref) !== 'in-doubt' || next.attempts(ref) === 1),
    'each is charged: one attempt may have been made',
  )
  const known = new Set(doubtful)
  const repeated = [...next.live()].map(ref => next.sequence(ref)).filter(sequence => sent.has(sequence))
  t.ok(repeated.length > 100)
  t.strictSame(
    repeated.filter(sequence => !known.has(sequence)),
    [],
  )
  t.ok(next.mayHaveBeenSent(next.bySequence(doubtful[0]!)!))
})

t.test(
  'after a power loss no message of a backlog is sent again without the mark of a possible duplicate',
  async t => {
    const device = new Device()
    const store = await openStore(device.disk, { ...onDemand, segmentBytes: 1e9 })
    const channels = Array.from({ length: 40 }, (_, i) => `c${i}`)
    for (const channel of channels) await enqueue(store, 250, { channel })
    const sent = new Set<number>()
    // In turns: each is far from the last one in the log.
    for (let round = 0; round < 20; round += 1) {
      for (let channel = 0; channel < channels.length; channel += 1) {
        const ref = store.bySequence(channel * 250 + round + 1)!
        await attempt(store, ref)
        sent.add(store.sequence(ref))
        await store.record(ref, outcomeOf('delivered')).written
      }
    }
    device.losePower()
    const { store: next, doubtful } = await device.reopen()
    const known = new Set(doubtful)
    t.ok(doubtful.length <= WINDOW)
    for (const ref of next.live()) {
      const sequence = next.sequence(ref)
      if (!sent.has(sequence) || known.has(sequence) || next.state(ref) === 'in-doubt') continue
      t.fail(`${sequence} would be sent again, unmarked`)
    }
  },
)

t.test('after a kill only messages that were being sent are in doubt', async t => {
  const device = new Device()
  const store = await openStore(device.disk, onDemand)
  const refs = await enqueue(store, 10)
  for (const ref of refs.slice(0, 4)) await attempt(store, ref)
  await store.record(refs[0]!, outcomeOf('delivered')).written
  const { doubtful } = await device.reopen()
  t.strictSame(doubtful, [2, 3, 4])
})

t.test('after a power loss no message behind one that was certainly waiting is in doubt', async t => {
  const device = new Device()
  const store = await openStore(device.disk, onDemand)
  const waits = await enqueue(store, 3, { channel: 'waits' })
  const sends = await enqueue(store, 3, { channel: 'sends' })
  await enqueue(store, 2, { channel: 'idle' })
  await enqueueOne(store, { channel: 'later', deliverAt: 1 })
  await attempt(store, waits[0]!)
  await store.record(waits[0]!, outcomeOf('retry')).written
  await attempt(store, sends[0]!)
  await store.syncOutcomes()
  device.losePower()
  const { doubtful } = await device.reopen()
  // 4 was being sent. It may have ended, and 5 and 6 may have been sent then; 7 and 8 wait for no one.
  t.strictSame(doubtful, [4, 5, 6, 7, 8])
})

t.test('a message that leaves unattempted makes the next attempts wait for the device', async t => {
  for (const kind of ['cancelled', 'dead'] as const) {
    const device = new Device()
    const store = await openStore(device.disk, onDemand)
    const [first, second, third] = await enqueue(store, 3, { channel: 'one' })
    await attempt(store, await enqueueOne(store, { channel: 'other' }))
    await attempt(store, first!)
    await store.record(first!, outcomeOf('retry')).written
    await store.syncOutcomes()
    await store.record(first!, outcomeOf(kind)).written
    t.ok(await attempt(store, second!), kind)
    await turn()
    t.notOk(await attempt(store, third!), 'and no longer, once that is on the device')
  }
})

t.test('a window that was made up for stays so, and is accounted for only then', async t => {
  const device = new Device()
  const store = await openStore(device.disk, onDemand)
  const refs = await enqueue(store, 4, { channel: 'one' })
  await attempt(store, refs[0]!)
  await store.record(refs[0]!, outcomeOf('delivered')).written
  device.losePower()
  const { events, acks } = device.disk
  events.length = 0
  const { store: second, doubtful } = await device.reopen()
  t.strictSame(doubtful, [1, 2, 3, 4])
  t.strictSame(events, ['sync acks', 'settle tail of acks'])
  t.equal(acks.tailInDoubt, false)
  await second.close()
  const { doubtful: still } = await device.reopen()
  t.strictSame(still, [1, 2, 3, 4])
})

t.test(
  'messages of channels whose marks are synced are not in doubt, whatever other channels do',
  async t => {
    for (const syncsMarks of [false, true]) {
      const device = new Device()
      const options = { ...onDemand, syncsMarks }
      const store = await openStore(device.disk, options)
      const careful = await enqueue(store, 3, { channel: 'careful' })
      const plain = await enqueue(store, 3, { channel: 'plain' })
      t.ok(await attempt(store, careful[0]!, { syncsMarks: true }))
      t.ok(await attempt(store, plain[0]!), 'the first one')
      t.notOk(await attempt(store, plain[1]!))
      await store.record(careful[0]!, outcomeOf('delivered')).written
      await store.syncOutcomes()
      device.losePower()
      const { doubtful } = await device.reopen(options)
      t.strictSame(doubtful, [4, 5, 6], `of a queue that ${syncsMarks ? 'syncs' : 'does not sync'} them`)
    }
  },
)

t.test('a channel that stops syncing its marks records that before its next attempt', async t => {
  const device = new Device()
  const store = await openStore(device.disk, onDemand)
  const refs = await enqueue(store, 4, { channel: 'one' })
  const other = await enqueueOne(store, { channel: 'other' })
  await attempt(store, other)
  await attempt(store, refs[0]!, { syncsMarks: true })
  t.ok(await attempt(store, refs[1]!), 'the change is on the device first')
  t.notOk(await attempt(store, refs[2]!))
  device.losePower()
  const { doubtful } = await device.reopen()
  t.ok(doubtful.includes(store.sequence(refs[2]!)))
})

t.test('a queue that changes whether marks are synced records that before an attempt', async t => {
  const device = new Device()
  const before = await openStore(device.disk, onDemand)
  await attempt(before, await enqueueOne(before, { channel: 'a' }))
  await before.close()
  const store = await openStore(device.disk, { ...onDemand, syncsMarks: true })
  await attempt(store, await enqueueOne(store, { channel: 'b' }), { syncsMarks: true })
  await enqueue(store, 3, { channel: 'c' })
  device.losePower()
  const { doubtful } = await device.reopen({ ...onDemand, syncsMarks: true })
  t.strictSame(doubtful, [1, 2], 'what was being sent')
})

t.test('compaction keeps the last window, and the last marking of each channel', async t => {
  const device = new Device()
  device.disk.acks.segmentFrames = 4
  const options: Partial<LogStoreOptions> = { ...onDemand, dedupe: { windowMs: 0, maxIds: 0 } }
  const store = await openStore(device.disk, options)
  await attempt(store, await enqueueOne(store, { channel: 'careful' }), { syncsMarks: true })
  const refs = await enqueue(store, 30, { channel: 'plain' })
  for (const ref of refs) {
    await attempt(store, ref)
    await store.record(ref, outcomeOf('delivered')).written
  }
  await store.compact()
  await store.compact()
  const kinds = device.kinds()
  t.equal(kinds.filter(kind => kind === 'window').length, 1)
  t.equal(kinds.filter(kind => kind === 'marking').length, 1)
  await enqueueOne(store, { channel: 'careful' })
  await enqueueOne(store, { channel: 'plain' })
  await store.syncOutcomes()
  device.losePower()
  const { doubtful } = await device.reopen(options)
  t.strictSame(doubtful, [1, 33])
})

t.test('a segment that holds the last window stays though nothing else in it is needed', async t => {
  const device = new Device()
  device.disk.acks.segmentFrames = 3
  const options: Partial<LogStoreOptions> = { dedupe: { windowMs: 0, maxIds: 0 } }
  const store = await openStore(device.disk, options)
  for (let i = 0; i < 20; i += 1) {
    const ref = await enqueueOne(store)
    await attempt(store, ref)
    await store.record(ref, outcomeOf('delivered')).written
    device.disk.messages.begin()
  }
  await store.compact()
  t.ok(device.kinds().includes('window'))
})
