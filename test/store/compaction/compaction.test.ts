import t from 'tap'
import { WaqError } from '../../../lib/log/errors/waq-error.js'
import type { LogStore } from '../../../lib/store/log-store.js'
import type { MessageRef } from '../../../lib/store/message-store.js'
import { decodeOutcomes } from '../../../lib/store/record/settled-block.js'
import type { CompactionProgress, CompactionReport, LogStoreOptions } from '../../../lib/store/types.js'
import { background, smallSegments, standingsOf } from '../fixtures/compactions.js'
import type { MemoryDisk } from '../fixtures/memory-logs.js'
import { enqueueOne, FakeClock, message, NOW, openStore, outcomeOf, REJECT } from '../fixtures/messages.js'

// What is kept and what goes, on logs in memory; that it survives what disks do is the matter of compaction-crash.test.ts.

const onDemand: Partial<LogStoreOptions> = { segmentBytes: 4000, autoCompact: false, cacheBytes: 0 }
const noWindow = { dedupe: { windowMs: 0, maxIds: 0 } }
const inBackground = { ...onDemand, ...noWindow, segmentBytes: 1000, autoCompact: true }

async function enqueueMany(store: LogStore, count: number): Promise<MessageRef[]> {
  const refs: MessageRef[] = []
  for (let i = 0; i < count; i += 1) refs.push(await enqueueOne(store))
  return refs
}

async function settle(store: LogStore, refs: readonly MessageRef[]): Promise<void> {
  for (const ref of refs) await store.record(ref, outcomeOf('delivered')).written
}

const sequencesOf = (disk: MemoryDisk): number[] => disk.messages.frames().map(({ sequence }) => sequence)

/** The outcomes on disk, short: the kind, and the message or the channel. */
function outcomesOf(disk: MemoryDisk): string[] {
  return disk.acks
    .frames()
    .flatMap(({ type, data, sequence }) => decodeOutcomes(type, data, sequence))
    .map(
      ({ record }) =>
        `${record.kind} ${'sequence' in record ? record.sequence : record.kind === 'resumed' ? record.channel : ''}`,
    )
}

t.test('a compaction copies live messages only, and each is found in its new place', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, { ...onDemand, ...noWindow })
  const refs = await enqueueMany(store, 12)
  await settle(
    store,
    refs.filter((_, i) => i % 4 !== 1),
  )
  await store.compact()
  t.strictSame(sequencesOf(disk), [2, 6, 10])
  t.strictSame(outcomesOf(disk), [], 'and nothing is left to say of the others')
  for (const ref of store.live()) t.equal((await store.read(ref)).sequence, store.sequence(ref))
  await store.close()
  const again = await openStore(disk)
  t.strictSame(
    [...again.live()].map(ref => again.sequence(ref)),
    [2, 6, 10],
  )
  t.match(await again.enqueue([message()], REJECT), [{ sequence: 13 }], 'no sequence is given twice')
})

t.test('a compaction waits until every accepted record has its final place before it copies any', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, { ...onDemand, ...noWindow })
  const refs = await enqueueMany(store, 4)
  await settle(store, refs.slice(0, 3))
  await store.record(refs[3]!, outcomeOf('retry')).written
  await store.compact()
  t.strictSame(disk.events, [
    'sync messages',
    'rewrite messages 1',
    'sync acks',
    'sync messages',
    'rewrite acks 1',
    'sync acks',
  ])
})

t.test('a compaction keeps the last outcome of a live message', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, { ...onDemand, ...noWindow })
  const [ref] = await enqueueMany(store, 1)
  for (let i = 0; i < 9; i += 1) await store.record(ref!, outcomeOf('attempt')).written
  await store.record(ref!, outcomeOf('retry')).written
  await store.compact()
  t.strictSame(outcomesOf(disk), ['retry 1'])
  await store.record(ref!, outcomeOf('attempt')).written
  await store.compact()
  t.strictSame(outcomesOf(disk), ['attempt 1'], 'also where it was rewritten before')
  await store.close()
  const again = await openStore(disk)
  t.strictSame(
    [...again.live()].map(found => again.state(found)),
    ['in-doubt'],
  )
})

t.test(
  'a compaction keeps an outcome that settled a message while the message could come back with its segment',
  async t => {
    const disk = smallSegments(40)
    const store = await openStore(disk, { ...onDemand, ...noWindow })
    const refs = await enqueueMany(store, 40)
    await settle(store, refs.slice(7, 8))
    for (let i = 0; i < 60; i += 1) await store.record(refs[0]!, outcomeOf('attempt')).written
    await store.compact()
    t.equal(sequencesOf(disk).length, 40, 'too little of its segment is free')
    t.strictSame(outcomesOf(disk), ['delivered 8', 'attempt 1'])
    await store.close()
    const again = await openStore(disk, { ...onDemand, ...noWindow })
    t.equal([...again.live()].length, 39)
    await settle(again, [again.bySequence(20)!, again.bySequence(21)!, again.bySequence(22)!])
    await again.compact()
    t.strictSame(outcomesOf(disk), ['attempt 1'], 'and goes with it')
  },
)

t.test('a compaction keeps an outcome as long as the dedupe window remembers its id', async t => {
  const disk = smallSegments()
  const clock = new FakeClock()
  const dedupe = { windowMs: 1000, maxIds: 3 }
  const store = await openStore(disk, { ...onDemand, dedupe }, clock)
  for (const id of ['a', 'b', 'c', 'd', 'e']) await settle(store, [await enqueueOne(store, { id })])
  await store.compact()
  t.strictSame(outcomesOf(disk), ['delivered 3', 'delivered 4', 'delivered 5'])
  t.match(await store.find('c'), { settled: { state: 'delivered' } })
  await store.close()
  const again = await openStore(disk, { ...onDemand, dedupe }, clock)
  t.match(await again.find('c'), { settled: { state: 'delivered' } })
  t.equal(await again.find('b'), undefined)
  clock.time += 1000
  await again.compact()
  t.strictSame(outcomesOf(disk), [])
})

t.test('a segment of rewritten records is given up as soon as none of them is needed', async t => {
  const disk = smallSegments(3)
  const clock = new FakeClock()
  const dedupe = { windowMs: 1000, maxIds: 10 }
  const store = await openStore(disk, { ...onDemand, dedupe }, clock)
  const halting = await enqueueOne(store, { channel: 'c' })
  await store.record(halting, { ...outcomeOf('dead'), haltsChannel: true }).written
  await store.record(halting, outcomeOf('purged')).written
  await settle(store, await enqueueMany(store, 4))
  await store.compact()
  t.strictSame(outcomesOf(disk), ['dead 1', 'purged 1', ...[2, 3, 4, 5].map(n => `delivered ${n}`)])
  clock.time += 1000
  await store.recordResumed('c', NOW).written
  await settle(store, await enqueueMany(store, 4))
  await background(store)
  t.notOk(disk.acks.frames().some(({ sequence }) => sequence <= 6))
})

t.test('a compaction keeps a halt after its dead letter, until it is resumed', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, { ...onDemand, ...noWindow })
  const ref = await enqueueOne(store, { channel: 'c' })
  await store.record(ref, { ...outcomeOf('dead'), haltsChannel: true }).written
  await store.record(ref, outcomeOf('purged')).written
  await store.compact()
  t.strictSame(outcomesOf(disk), ['dead 1'])
  await store.close()
  const again = await openStore(disk, { ...onDemand, ...noWindow })
  t.match([...again.haltedChannels()], [{ channel: 'c' }])
  await again.recordResumed('c', NOW).written
  await again.compact()
  t.strictSame(outcomesOf(disk), [])
})

t.test('a compaction keeps a resume while an outcome that halts its channel is left', async t => {
  const disk = smallSegments(3)
  const store = await openStore(disk, { ...onDemand, ...noWindow })
  const ref = await enqueueOne(store, { channel: 'c' })
  for (let i = 0; i < 5; i += 1) await store.record(ref, outcomeOf('attempt')).written
  await store.record(ref, { ...outcomeOf('dead'), haltsChannel: true }).written
  await store.recordResumed('c', NOW).written
  await store.recordResumed('d', NOW).written
  await store.compact()
  t.strictSame(outcomesOf(disk), ['dead 1', 'resumed c'], 'the dead letter is still there')
  await store.close()
  const again = await openStore(disk, { ...onDemand, ...noWindow })
  t.strictSame([...again.haltedChannels()], [])
})

t.test("a compaction keeps a receiver's wait until it is over", async t => {
  const disk = smallSegments()
  const clock = new FakeClock()
  const store = await openStore(disk, { ...onDemand, ...noWindow }, clock)
  const ref = await enqueueOne(store)
  await store.record(ref, outcomeOf('rate-limited')).written
  await settle(store, [ref])
  await store.compact()
  t.strictSame(outcomesOf(disk), ['rate-limited 1'])
  await store.close()
  const again = await openStore(disk, { ...onDemand, ...noWindow }, clock)
  t.match([...again.pendingLimits()], [{ scope: 'group', until: NOW + 9000 }])
  clock.time += 9000
  await again.compact()
  t.strictSame(outcomesOf(disk), [])
})

t.test('the end of a wait stays as long as the wait that it ends would last', async t => {
  const disk = smallSegments()
  const clock = new FakeClock()
  const store = await openStore(disk, { ...onDemand, ...noWindow }, clock)
  const ref = await enqueueOne(store)
  const { scope, target, dueAt: until } = outcomeOf('rate-limited')
  await store.record(ref, outcomeOf('rate-limited')).written
  store.recordWaitEnded({ scope, target, until })
  await settle(store, [ref])
  await store.compact()
  t.strictSame(outcomesOf(disk), ['rate-limited 1', 'wait-ended '])
  await store.close()
  const again = await openStore(disk, { ...onDemand, ...noWindow }, clock)
  t.strictSame([...again.pendingLimits()], [], 'the wait does not come back')
  clock.time = until
  await again.compact()
  t.strictSame(outcomesOf(disk), [])
})

t.test(
  'a compaction keeps a durable pause until it is resumed, and the resume while a pause is left',
  async t => {
    const disk = smallSegments()
    const store = await openStore(disk, { ...onDemand, ...noWindow })
    store.recordPaused('tg:*')
    store.recordPaused('chat')
    store.recordUnpaused('chat')
    store.recordPaused('tg:*')
    await store.syncOutcomes()
    await store.compact()
    t.strictSame(outcomesOf(disk), ['paused '], 'the latest one of the selector in force')
    await store.close()
    const again = await openStore(disk, { ...onDemand, ...noWindow })
    t.strictSame(selectorsOf(again.durablePauses()), ['tg:*'])
    again.recordUnpaused('tg:*')
    await again.syncOutcomes()
    t.strictSame(selectorsOf(again.durablePauses()), [])
    await again.compact()
    t.strictSame(outcomesOf(disk), [])
    await again.close()
  },
)

const selectorsOf = (pauses: readonly { readonly selector: string }[]): string[] =>
  pauses.map(({ selector }) => selector)

t.test('a compaction keeps the end of a durable pause while an older segment holds the pause', async t => {
  const disk = smallSegments(40)
  const store = await openStore(disk, { ...onDemand, ...noWindow })
  const refs = await enqueueMany(store, 40)
  // A segment that is not worth a rewrite: all but one of its records are needed.
  store.recordPaused('tg:*')
  for (const ref of refs.slice(1)) await store.record(ref, outcomeOf('attempt')).written
  // And one that is: its attempts are overtaken.
  store.recordUnpaused('tg:*')
  for (let i = 0; i < 80; i += 1) await store.record(refs[0]!, outcomeOf('attempt')).written
  await store.syncOutcomes()
  await store.compact()
  const left = outcomesOf(disk)
  t.strictSame(
    left.filter(outcome => outcome.endsWith('paused ')),
    ['paused ', 'unpaused '],
    left.join(', '),
  )
  await store.close()
  const again = await openStore(disk, { ...onDemand, ...noWindow })
  t.strictSame(selectorsOf(again.durablePauses()), [])
  await again.close()
})

t.test('a compaction keeps the doubt about lost ack bytes, and does not widen it', async t => {
  const disk = smallSegments(3)
  const store = await openStore(disk, { ...onDemand, ...noWindow })
  const [first] = await enqueueMany(store, 3)
  for (let i = 0; i < 3; i += 1) await store.record(first!, outcomeOf('attempt')).written
  await store.record(first!, outcomeOf('retry')).written
  const [late] = await enqueueMany(store, 1)
  for (let i = 0; i < 6; i += 1) await store.record(first!, outcomeOf('attempt')).written
  await store.record(first!, outcomeOf('retry')).written
  t.equal(store.state(late!), 'pending')
  await store.close()
  // The second and the third ack are gone; the fourth was written when there were three messages.
  disk.acks.remove([2, 3])
  disk.lostAcks = [
    {
      log: 'acks',
      file: 'acks/1',
      offset: 500,
      length: 80,
      firstMissing: 2,
      lastMissing: 3,
      nextSequences: { messages: 5, acks: 12 },
      known: true,
    },
  ]
  const standings = async (): Promise<unknown> => {
    const again = await openStore(disk, { ...onDemand, ...noWindow })
    await again.compact()
    const found = standingsOf(again)
    // Outcomes that overtake whatever stands in the segment that was made.
    for (let i = 0; i < 6; i += 1) await again.record(again.bySequence(1)!, outcomeOf('retry')).written
    await background(again)
    await again.close()
    return found
  }
  const first3 = [
    [1, 'pending'],
    [2, 'in-doubt'],
    [3, 'in-doubt'],
    [4, 'pending'],
  ]
  t.strictSame(await standings(), first3)
  t.strictSame(await standings(), first3)
  t.ok(outcomesOf(disk).includes('retry 1'))
})

t.test('a message that is settled while its segment is rewritten does not come back', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, { ...onDemand, ...noWindow })
  const refs = await enqueueMany(store, 8)
  await settle(store, [...refs.slice(0, 3), ...refs.slice(4, 7)])
  const rewrite = disk.messages.rewrite.bind(disk.messages)
  disk.messages.rewrite = (segments, options) =>
    rewrite(segments, {
      ...options,
      // Judged already, not counting yet.
      beforeItCounts: async () => {
        // Nor will the copy be rewritten in its turn.
        if (store.bySequence(4) !== refs[3]) throw new WaqError('WAQ_IO', 'not now')
        await settle(store, [refs[3]!])
        await options.beforeItCounts?.()
      },
    })
  await t.rejects(store.compact(), { code: 'WAQ_IO' })
  disk.messages.rewrite = rewrite
  t.strictSame(
    [...store.live()].map(ref => store.sequence(ref)),
    [8],
  )
  // Were it not for message 4, nothing in the ack segment would be needed by the end of this.
  for (let i = 0; i < 12; i += 1) await store.record(refs[7]!, outcomeOf('attempt')).written
  await background(store)
  await store.close()
  const again = await openStore(disk, { ...onDemand, ...noWindow })
  t.strictSame(
    [...again.live()].map(ref => again.sequence(ref)),
    [8],
  )
  await again.compact()
  t.strictSame(sequencesOf(disk), [8])
  t.strictSame(outcomesOf(disk), ['attempt 8'])
})

t.test('a read whose segment was rewritten meanwhile reads the record in its new place', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, { ...onDemand, ...noWindow })
  const refs = await enqueueMany(store, 4)
  await settle(store, refs.slice(0, 3))
  const read = disk.messages.read.bind(disk.messages)
  let moved = false
  disk.messages.read = async (segment, offset) => {
    if (!moved) {
      moved = true
      await store.compact()
    }
    return read(segment, offset)
  }
  t.match(await store.read(refs[3]!), { sequence: 4 })
  t.ok(moved)
  disk.messages.read = async () => {
    throw new WaqError('WAQ_IO', 'the device does not answer')
  }
  await t.rejects(async () => store.read(refs[3]!), { code: 'WAQ_IO' }, 'one that fails where it is, fails')
})

t.test('in the background, a sparse segment is rewritten and the compaction is reported', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, { ...onDemand, ...noWindow, autoCompact: true })
  const reports: CompactionReport[] = []
  store.onCompacted(report => reports.push(report))
  const refs = await enqueueMany(store, 15)
  await settle(
    store,
    refs.slice(0, 12).filter((_, i) => i % 4 !== 3),
  )
  await background(store)
  t.strictSame(sequencesOf(disk), [4, 8, 12, 13, 14, 15])
  t.match(reports[0], { before: { segments: Number }, after: { segments: Number } })
  t.ok(reports[0]!.after.segments < reports[0]!.before.segments)
})

t.test(
  'in the background, the last sealed segment is not rewritten at once: its messages may settle by themselves',
  async t => {
    const disk = smallSegments()
    const store = await openStore(disk, inBackground)
    const refs = await enqueueMany(store, 5)
    await settle(store, refs.slice(0, 3))
    await store.record(refs[4]!, outcomeOf('retry')).written
    await background(store)
    t.strictSame(disk.messages.rewritten, [], 'its last message is about to be sent')
    await settle(store, [refs[3]!])
    await background(store)
    t.strictSame(sequencesOf(disk), [5], 'so it need not be copied')
  },
)

t.test(
  'in the background, the last sealed segment is rewritten once half a segment was written behind it',
  async t => {
    const disk = smallSegments()
    const store = await openStore(disk, inBackground)
    const refs = await enqueueMany(store, 6)
    await settle(store, refs.slice(0, 3))
    for (let i = 0; i < 4; i += 1) await store.record(refs[4]!, outcomeOf('retry')).written
    await background(store)
    t.strictSame(disk.messages.rewritten, [[1]])
    t.strictSame(sequencesOf(disk), [4, 5, 6])
  },
)

t.test(
  'in the background, the newest outcomes of messages in the open segment are not rewritten',
  async t => {
    const disk = smallSegments()
    disk.messages.segmentFrames = 100
    const store = await openStore(disk, inBackground)
    const [retried, ...refs] = await enqueueMany(store, 6)
    const fillSegment = async (): Promise<void> => {
      await settle(store, [refs.pop()!])
      for (let i = 0; i < 3; i += 1) await store.record(retried!, outcomeOf('retry')).written
    }
    for (let i = 0; i < 4; i += 1) await fillSegment()
    await background(store)
    t.equal(disk.acks.segments().filter(({ sealed }) => sealed).length, 3)
    t.strictSame(disk.acks.rewritten, [], 'of each a quarter is needed, and soon nothing')
    await fillSegment()
    await background(store)
    t.strictSame(
      disk.acks.rewritten,
      [[1]],
      'a message log that stands still does not keep any number of them',
    )
  },
)

t.test('unneeded segments are given up during a compaction, but never a fresh copy', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, inBackground)
  const refs = await enqueueMany(store, 25)
  const rewrite = disk.messages.rewrite.bind(disk.messages)
  // At each turn the last message of some segments is settled: of segment 3; of 4, and of 1, which is being rewritten;
  // then, when the copies count, of 5 and 6.
  const settledAtTurns = [
    refs.slice(8, 12),
    [...refs.slice(12, 16), refs[3]!],
    refs.slice(16, 20),
    refs.slice(20, 24),
  ]
  disk.messages.rewrite = (segments, options) =>
    rewrite(segments, {
      ...options,
      turn: async () => {
        await settle(store, settledAtTurns.shift() ?? [])
        await options.turn!()
      },
      moved(sequence, from, to) {
        disk.events.push(`moved ${sequence}`)
        options.moved(sequence, from, to)
      },
    })
  await settle(
    store,
    refs.slice(0, 8).filter((_, i) => i % 4 !== 3),
  )
  await background(store)
  const order = disk.events.filter(event => /^(rewrite messages|retire messages|moved)/.test(event))
  t.strictSame(order.slice(0, 6), [
    'rewrite messages 1 2',
    'retire messages 3',
    'retire messages 4',
    'moved 4',
    'moved 8',
    'retire messages 5 6',
  ])
  t.strictSame(
    [...store.live()].map(ref => store.sequence(ref)),
    [8, 25],
  )
  t.match(await store.read(refs[7]!), { sequence: 8 })
})

t.test('without autoCompact the background gives segments up and rewrites none', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, { ...onDemand, ...noWindow })
  const refs = await enqueueMany(store, 9)
  await settle(store, refs.slice(0, 7))
  await background(store)
  t.strictSame(sequencesOf(disk), [5, 6, 7, 8, 9])
  t.strictSame(disk.messages.rewritten, [])
})

t.test('liveRatio decides which segments are rewritten', async t => {
  for (const [liveRatio, rewritten] of [
    [0.2, []],
    [0.6, [[1]]],
  ] as const) {
    const disk = smallSegments()
    const options = { ...inBackground, liveRatio }
    const store = await openStore(disk, options)
    const refs = await enqueueMany(store, 5)
    await settle(store, refs.slice(0, 2))
    await settle(store, [(await enqueueMany(store, 4))[3]!])
    await background(store)
    t.strictSame(disk.messages.rewritten, rewritten, `${liveRatio}`)
  }
})

t.test(
  'an aborted compaction rejects with an AbortError and keeps the segments already rewritten',
  async t => {
    const disk = smallSegments()
    const store = await openStore(disk, { ...onDemand, ...noWindow })
    const refs = await enqueueMany(store, 4)
    await settle(store, refs.slice(0, 3))
    const stop = new AbortController()
    stop.abort(new Error('enough'))
    await t.rejects(store.compact({ signal: stop.signal }), {
      name: 'AbortError',
      cause: { message: 'enough' },
    })
    t.equal(sequencesOf(disk).length, 4)
    const later = new AbortController()
    const compacting = store.compact({ signal: later.signal, onProgress: () => later.abort() })
    await t.rejects(compacting, { name: 'AbortError' })
    await store.compact()
    t.strictSame(sequencesOf(disk), [4])
  },
)

t.test('the progress of a compaction is reported after each segment and never exceeds its total', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, { ...onDemand, ...noWindow })
  const refs = await enqueueMany(store, 40)
  await settle(
    store,
    refs.filter((_, i) => i % 4 !== 0),
  )
  const told: CompactionProgress[] = []
  await store.compact({ onProgress: progress => told.push(progress) })
  t.ok(told.length >= 10, 'one a segment')
  t.ok(told.every(({ doneBytes, totalBytes }) => doneBytes <= totalBytes))
  t.ok(told.every(({ doneBytes }, i) => i === 0 || doneBytes > told[i - 1]!.doneBytes))
})

t.test('a progress listener that throws stops compact(), which rejects with the same error', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, { ...onDemand, ...noWindow })
  await settle(store, (await enqueueMany(store, 4)).slice(0, 3))
  const mine = new Error('mine')
  const failing = store.compact({
    onProgress: () => {
      throw mine
    },
  })
  t.equal(await failing.catch(error => error), mine)
  t.equal((await store.compact()).after.segments, 1)
})

t.test('a segment that cannot be read is kept and reported, and the others are rewritten', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, { ...onDemand, ...noWindow })
  const errors: WaqError[] = []
  store.onError(error => errors.push(error))
  const refs = await enqueueMany(store, 8)
  await settle(store, [...refs.slice(0, 3), ...refs.slice(4, 7)])
  disk.messages.failRewrite = new WaqError('WAQ_CORRUPT', 'messages/1 is damaged at 64')
  const rewrite = disk.messages.rewrite.bind(disk.messages)
  disk.messages.rewrite = (segments, options) =>
    rewrite(
      segments,
      disk.messages.failRewrite === undefined ? options : { ...options, onProgress: () => {} },
    )
  await store.compact()
  t.match(errors, [{ code: 'WAQ_CORRUPT', message: /messages\/1/ }])
  t.strictSame(sequencesOf(disk), [1, 2, 3, 4, 8])
  t.strictSame(outcomesOf(disk).slice(0, 3), ['delivered 1', 'delivered 2', 'delivered 3'])
  await store.compact()
  t.equal(errors.length, 1, 'it is not tried again in this life')
})

t.test('closing stops a running compaction, which rejects with WAQ_CLOSED', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, { ...onDemand, ...noWindow })
  const refs = await enqueueMany(store, 8)
  await settle(store, [...refs.slice(0, 3), ...refs.slice(4, 7)])
  const compacting = store.compact({ onProgress: () => void store.close() })
  await t.rejects(compacting, { code: 'WAQ_CLOSED' })
  await store.close()
  t.equal(sequencesOf(disk).length, 8, 'it was undone')
  await t.rejects(store.compact(), { code: 'WAQ_CLOSED' })
})

t.test('concurrent calls of compact() run one after the other', async t => {
  const disk = smallSegments()
  const store = await openStore(disk, { ...onDemand, ...noWindow })
  await settle(store, (await enqueueMany(store, 8)).slice(0, 7))
  const [one, other] = await Promise.all([store.compact(), store.compact()])
  t.strictSame(other.before, one.after)
  t.strictSame(sequencesOf(disk), [8])
})
