import t from 'tap'
import { FinishedRecords } from '../../../lib/log/commit/append.js'
import type { CorruptRange } from '../../../lib/log/types.js'
import type { LogStore } from '../../../lib/store/log-store.js'
import type { MessageRef, Outcome } from '../../../lib/store/message-store.js'
import { MemoryDisk } from '../fixtures/memory-logs.js'
import {
  enqueueOne,
  FakeClock,
  message,
  NOW,
  openStore,
  outcomeOf,
  outcomes,
  progress,
  REJECT,
  recordedError,
} from '../fixtures/messages.js'

const silent = { accepted: () => {}, failed: () => {} }

async function written(store: LogStore, ref: MessageRef, ...list: readonly Outcome[]): Promise<void> {
  for (const outcome of list) await store.record(ref, outcome).written
}

/** How the only message stands after a restart. */
async function restarted(
  list: readonly Outcome[],
  prepare: (disk: MemoryDisk, clock: FakeClock) => void = () => {},
): Promise<{ store: LogStore; ref: MessageRef | undefined }> {
  const disk = new MemoryDisk()
  const clock = new FakeClock()
  const before = await openStore(disk, {}, clock)
  await written(before, await enqueueOne(before, { id: 'm' }), ...list)
  await before.close()
  prepare(disk, clock)
  const store = await openStore(disk, {}, clock)
  return { store, ref: [...store.live()][0] }
}

t.test('after a restart a message without an outcome is pending and was never sent', async t => {
  const { store, ref } = await restarted([])
  t.equal(store.state(ref!), 'pending')
  t.equal(store.attempts(ref!), 0)
  t.equal(store.mayHaveBeenSent(ref!), false)
  t.match(store.recovery, { messages: 1, pending: 1, inDoubt: 0, dead: 0 })
})

t.test('an attempt that a crash left open is in doubt, and charged', async t => {
  const { store, ref } = await restarted([{ kind: 'attempt', ...progress({ attempts: 3, triedMs: 4_000 }) }])
  t.equal(store.state(ref!), 'in-doubt')
  t.equal(store.attempts(ref!), 3)
  t.equal(store.mayHaveBeenSent(ref!), true)
  t.equal(store.lastOutcomeAt(ref!), NOW, 'when the attempt began')
  t.equal(store.progress(ref!).triedMs, 4_000)
  t.match(store.recovery, { pending: 0, inDoubt: 1 })
})

t.test('an attempt that a shutdown interrupted is in doubt, and not charged', async t => {
  const { store, ref } = await restarted([
    { kind: 'attempt', ...progress({ attempts: 3 }) },
    { kind: 'interrupted', ...progress({ attempts: 2 }) },
  ])
  t.equal(store.state(ref!), 'in-doubt')
  t.equal(store.attempts(ref!), 2)
  t.equal(store.mayHaveBeenSent(ref!), true)
})

for (const kind of ['retry', 'rate-limited'] as const) {
  t.test(
    `after a restart a message with the last outcome "${kind}" is pending and due when it was`,
    async t => {
      const outcome = outcomeOf(kind)
      const { store, ref } = await restarted([outcome])
      t.equal(store.state(ref!), 'pending')
      t.equal(store.dueAt(ref!), outcome.dueAt)
      t.equal(store.attempts(ref!), outcome.attempts)
      t.equal(store.progress(ref!).firstAttemptAt, NOW)
      t.strictSame(store.history(ref!).lastError, outcome.error)
    },
  )

  t.test(`a clock set back does not stall a message with the last outcome "${kind}"`, async t => {
    const outcome = outcomeOf(kind)
    const { store, ref } = await restarted([outcome], (_, clock) => {
      clock.time = NOW - 86_400_000
    })
    t.equal(store.time.now(), NOW, 'it goes on from what is recorded')
    t.equal(store.dueAt(ref!), outcome.dueAt)
  })
}

t.test("a receiver's wait for a group is in force after a restart while it lasts", async t => {
  const { store } = await restarted([outcomeOf('rate-limited')])
  t.strictSame([...store.pendingLimits()], [{ scope: 'group', target: 'telegram:*', until: NOW + 9000 }])
  const { store: later } = await restarted([outcomeOf('rate-limited')], (_, clock) => {
    clock.time = NOW + 9000
  })
  t.strictSame([...later.pendingLimits()], [])
})

t.test('after a restart the due time of a scheduled message is not clamped', async t => {
  const disk = new MemoryDisk()
  const before = await openStore(disk)
  await enqueueOne(before, { deliverAt: NOW + 1000 })
  await before.close()
  const clock = new FakeClock()
  clock.time = NOW - 86_400_000
  const store = await openStore(disk, {}, clock)
  t.equal(store.deliverAt([...store.live()][0]!), NOW + 1000)
})

t.test('after a restart a released message is pending at once', async t => {
  const { store, ref } = await restarted([outcomeOf('attempt'), outcomeOf('released')])
  t.equal(store.state(ref!), 'pending')
  t.equal(store.dueAt(ref!), 0)
  t.equal(store.attempts(ref!), 0)
})

for (const kind of ['delivered', 'cancelled', 'purged'] as const) {
  t.test(`after a restart a ${kind} message is gone and its id known`, async t => {
    const { store, ref } = await restarted([outcomeOf(kind)])
    t.equal(ref, undefined)
    t.match(await store.find('m'), { settled: { id: 'm', state: kind, sequence: 1, at: NOW } })
    t.match(store.recovery, { messages: 1, pending: 0, inDoubt: 0, dead: 0 })
  })
}

t.test('after a restart a dead letter is still dead for its reason', async t => {
  const { store, ref } = await restarted([outcomeOf('dead')])
  t.equal(store.state(ref!), 'dead')
  t.match(store.history(ref!), { diedAt: NOW, deadReason: 'permanent', lastError: recordedError() })
  t.strictSame([...store.haltedChannels()], [])
  t.match(store.recovery, { dead: 1, pending: 0 })
})

t.test('a channel that a dead letter halted is halted after a restart, until it is resumed', async t => {
  const disk = new MemoryDisk()
  const first = await openStore(disk)
  const ref = await enqueueOne(first, { channel: 'slack:a' })
  await written(first, ref, { ...outcomeOf('dead'), haltsChannel: true })
  await first.close()

  const second = await openStore(disk)
  t.strictSame([...second.haltedChannels()], [{ channel: 'slack:a', since: NOW }])
  await second.recordResumed('slack:a', NOW).written
  await second.close()

  const third = await openStore(disk)
  t.strictSame([...third.haltedChannels()], [])
})

t.test(
  'after a restart a redriven message is pending at its order key, with new attempts and expiry',
  async t => {
    const { store, ref } = await restarted([outcomeOf('dead'), outcomeOf('redriven')])
    t.equal(store.state(ref!), 'pending')
    t.equal(store.orderKey(ref!), 0.5)
    t.equal(store.expiresAt(ref!), NOW + 60_000)
    t.equal(store.attempts(ref!), 0)
  },
)

t.test('no outcome after a redrive changes the order key or the expiry', async t => {
  for (const outcome of outcomes) {
    if (['delivered', 'cancelled', 'purged', 'redriven'].includes(outcome.kind)) continue
    const { store, ref } = await restarted([outcomeOf('dead'), outcomeOf('redriven'), outcome])
    t.equal(store.orderKey(ref!), 0.5, outcome.kind)
    t.equal(store.expiresAt(ref!), NOW + 60_000, outcome.kind)
  }
})

t.test('the last outcome alone carries the last five errors', async t => {
  const retries = Array.from({ length: 7 }, (_, i) => ({
    ...outcomeOf('retry'),
    error: recordedError({ message: `error ${i}`, code: `E${i}` }),
  }))
  const { store, ref } = await restarted([...retries, outcomeOf('attempt')])
  t.strictSame(
    store.history(ref!).history.map(error => error.code),
    ['E2', 'E3', 'E4', 'E5', 'E6'],
  )
})

t.test('an outcome of a message that is gone changes only the next sequence', async t => {
  const disk = new MemoryDisk()
  const before = await openStore(disk)
  const first = await enqueueOne(before, { id: 'lost' })
  await written(before, first, outcomeOf('attempt'))
  const second = await enqueueOne(before, { id: 'kept' })
  await written(before, second, outcomeOf('attempt'))
  await before.close()
  disk.messages.remove([1, 2])
  disk.messages.nextSequence = 1
  const store = await openStore(disk)
  t.strictSame([...store.live()], [])
  t.equal(disk.messages.nextSequence, 3)
})

const lostAcks = (facts: Partial<CorruptRange>): CorruptRange => ({
  log: 'acks',
  file: 'acks/1',
  offset: 100,
  length: 50,
  nextSequences: { acks: 1000, messages: 1000 },
  known: false,
  ...facts,
})

t.test('lost ack bytes put the messages that they may have named in doubt, and no others', async t => {
  const disk = new MemoryDisk()
  const before = await openStore(disk)
  const refs: MessageRef[] = []
  for (const id of ['silent', 'retried', 'dead', 'delivered', 'named later']) {
    refs.push(await enqueueOne(before, { id, channel: id }))
  }
  await written(before, refs[1]!, { ...outcomeOf('retry'), attempts: 2 })
  await written(before, refs[2]!, outcomeOf('dead'))
  await written(before, refs[3]!, outcomeOf('delivered'))
  await written(before, refs[4]!, outcomeOf('attempt')) // this is what gets lost
  await written(before, refs[4]!, outcomeOf('retry'))
  await enqueueOne(before, { id: 'enqueued later', channel: 'enqueued later' })
  await before.close()
  disk.acks.remove([4])
  disk.lostAcks = [lostAcks({ firstMissing: 4, lastMissing: 4 })]

  const store = await openStore(disk)
  const standing = Object.fromEntries(
    [...store.live()].map(ref => [
      store.channel(ref),
      [store.state(ref), store.mayHaveBeenSent(ref), store.attempts(ref)],
    ]),
  )
  t.strictSame(standing, {
    silent: ['in-doubt', true, 0],
    retried: ['in-doubt', true, 2],
    dead: ['dead', true, 1],
    'named later': ['pending', false, 1],
    'enqueued later': ['pending', false, 0],
  })
  t.match(await store.find('delivered'), { settled: { state: 'delivered' } })
  t.match(store.recovery.corrupt, [{ file: 'acks/1', firstMissing: 4 }])
})

t.test('an opening counts messages past their expiry apart from dead letters', async t => {
  const disk = new MemoryDisk()
  const before = await openStore(disk)
  await enqueueOne(before, { expiresAt: NOW + 10 })
  await enqueueOne(before, { expiresAt: NOW + 1000 })
  await written(before, await enqueueOne(before, { expiresAt: NOW + 10 }), outcomeOf('dead'))
  await before.close()
  const clock = new FakeClock()
  clock.time = NOW + 10
  const store = await openStore(disk, {}, clock)
  t.match(store.recovery, { messages: 3, pending: 2, dead: 1, expired: 1 })
})

t.test('parts of a list that dies together find each other after a restart', async t => {
  const disk = new MemoryDisk()
  const before = await openStore(disk)
  await enqueueOne(before)
  await before.enqueue(
    [message({ together: true }), message({ together: true }), message({ together: true })],
    REJECT,
  )
  const facts = (store: LogStore): unknown => [...store.live()].map(ref => store.together(ref))
  const expected = [undefined, ...Array(3).fill({ firstSequence: 2, count: 3 })]
  t.strictSame(facts(before), expected)
  await before.close()
  t.strictSame(facts(await openStore(disk)), expected)
})

t.test('the backlog is read in the order of sequences', async t => {
  const disk = new MemoryDisk()
  const before = await openStore(disk)
  for (let i = 0; i < 50; i += 1) await enqueueOne(before)
  for (const ref of [...before.live()].filter((_, i) => i % 3 === 0)) {
    await written(before, ref, outcomeOf('delivered'))
  }
  for (let i = 0; i < 20; i += 1) await enqueueOne(before)
  const sequences = [...before.live()].map(ref => before.sequence(ref))
  t.equal(sequences.length, 53)
  t.strictSame(
    sequences,
    sequences.toSorted((a, b) => a - b),
  )
  await before.close()
  const store = await openStore(disk)
  t.strictSame(
    [...store.live()].map(ref => store.sequence(ref)),
    sequences,
  )
})

t.test('a second copy of a message changes nothing at an opening', async t => {
  const disk = new MemoryDisk()
  const before = await openStore(disk)
  await enqueueOne(before, { id: 'twice' })
  await before.close()
  const [frame] = disk.messages.frames()
  disk.messages.nextSequence = 1
  disk.messages.append(new FinishedRecords(frame!.type, [frame!.data], silent))
  disk.messages.flush()
  const store = await openStore(disk)
  t.equal([...store.live()].length, 1)
})

t.test('a message of an unknown frame type is refused as of a newer version', async t => {
  const disk = new MemoryDisk()
  disk.messages.append(new FinishedRecords(9, [Buffer.from([0xc0])], silent))
  disk.messages.flush()
  await t.rejects(openStore(disk), { code: 'WAQ_UNSUPPORTED_VERSION', message: /type 9/ })
})

t.test('an outcome of an unknown frame type is refused as of a newer version', async t => {
  const disk = new MemoryDisk()
  disk.acks.append(new FinishedRecords(99, [Buffer.from([0xc0])], silent))
  disk.acks.flush()
  await t.rejects(openStore(disk), { code: 'WAQ_UNSUPPORTED_VERSION', message: /type 99/ })
})
