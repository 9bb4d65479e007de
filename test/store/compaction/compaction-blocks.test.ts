import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { LogStore } from '../../../lib/store/log-store.js'
import type { MessageRef } from '../../../lib/store/message-store.js'
import { SETTLED_FRAME_TYPE } from '../../../lib/store/record/outcome-format.js'
import { decodeOutcomes } from '../../../lib/store/record/settled-block.js'
import { SettledBlockWriter } from '../../../lib/store/record/settled-block-writer.js'
import type { LogStoreOptions } from '../../../lib/store/types.js'
import { background, smallSegments, standingsOf } from '../fixtures/compactions.js'
import { MemoryDisk } from '../fixtures/memory-logs.js'
import { enqueueOne, FakeClock, openStore, outcomeOf, settlementOf } from '../fixtures/messages.js'

// Of ends of messages that are still needed a compaction makes blocks.

const onDemand: Partial<LogStoreOptions> = { segmentBytes: 4000, autoCompact: false }

/** The frames of the ack log: what is in a block stands in brackets. */
function framesOf(disk: MemoryDisk): string[] {
  return disk.acks.frames().map(({ type, data, sequence }) => {
    const records = decodeOutcomes(type, data, sequence).map(({ record }) => {
      if ('sequence' in record) return `${record.kind} ${record.sequence}`
      return record.kind === 'resumed' ? `resumed ${record.channel}` : record.kind
    })
    return type === SETTLED_FRAME_TYPE ? `[${records.join(', ')}]` : records.join()
  })
}

/** Those of one row: as an end is recorded, before compaction puts it beside others. */
function alone(disk: MemoryDisk): number {
  return framesOf(disk).filter(frame => frame.startsWith('[') && !frame.includes(',')).length
}

function blocks(disk: MemoryDisk): number {
  return framesOf(disk).filter(frame => frame.startsWith('[') && frame.includes(',')).length
}

function sequencesRise(disk: MemoryDisk): boolean {
  const sequences = disk.acks.frames().map(({ sequence }) => sequence)
  return sequences.every((sequence, i) => i === 0 || sequence > sequences[i - 1]!)
}

async function deliver(store: LogStore, ref: MessageRef): Promise<void> {
  await store.record(ref, outcomeOf('attempt')).written
  await store.record(ref, outcomeOf('delivered')).written
}

async function deliverNew(store: LogStore, ...ids: string[]): Promise<void> {
  for (const id of ids) await deliver(store, await enqueueOne(store, { id }))
}

t.test(
  'settling outcomes become one block, and outcomes of live messages stand around it by sequence',
  async t => {
    const disk = smallSegments(40)
    const store = await openStore(disk, onDemand)
    const first = await enqueueOne(store)
    await store.record(first, outcomeOf('retry')).written
    await deliverNew(store, 'a', 'b')
    const second = await enqueueOne(store)
    await store.record(second, outcomeOf('dead')).written
    await deliverNew(store, 'c')
    const third = await enqueueOne(store)
    await store.record(third, outcomeOf('retry')).written
    await store.compact()
    t.strictSame(framesOf(disk), ['retry 1', 'dead 4', '[delivered 2, delivered 3, delivered 5]', 'retry 6'])
    t.ok(sequencesRise(disk))
    for (const id of ['a', 'b', 'c']) t.match(await store.find(id), { settled: { id, state: 'delivered' } })
    await store.close()
    const again = await openStore(disk, onDemand)
    t.strictSame(standingsOf(again), [
      [1, 'pending'],
      [4, 'dead'],
      [6, 'pending'],
    ])
    for (const id of ['a', 'b', 'c']) {
      t.match(await again.find(id), { settled: { id, state: 'delivered', channel: 'telegram:bot:1' } })
    }
  },
)

t.test('many outcomes of live messages behind a settling one do not wait for the next block', async t => {
  const disk = smallSegments(2000)
  const store = await openStore(disk, { ...onDemand, segmentBytes: 10_000_000 })
  await deliverNew(store, 'a')
  for (let i = 0; i < 1000; i += 1) {
    const error = { name: 'Error', message: 'x'.repeat(200), at: 1 }
    await store.record(await enqueueOne(store), { ...outcomeOf('retry'), error }).written
  }
  await deliverNew(store, 'b')
  await store.compact()
  const frames = framesOf(disk)
  t.equal(frames[0], '[delivered 1]')
  t.equal(frames.at(-1), '[delivered 1002]')
  t.equal(frames.length, 1002)
  t.ok(sequencesRise(disk))
})

t.test('a rewrite of a block keeps only those of its rows that are needed', async t => {
  const disk = smallSegments(4)
  const dedupe = { windowMs: 1_000_000, maxIds: 4 }
  const store = await openStore(disk, { ...onDemand, dedupe })
  await deliverNew(store, 'a', 'b', 'c', 'd')
  await store.compact()
  t.strictSame(framesOf(disk), ['[delivered 1, delivered 2, delivered 3, delivered 4]'])
  await deliverNew(store, 'e', 'f')
  await store.compact()
  t.strictSame(framesOf(disk), ['[delivered 3, delivered 4, delivered 5, delivered 6]'])
  await store.close()
  const again = await openStore(disk, { ...onDemand, dedupe })
  t.equal(await again.find('b'), undefined)
  t.match(await again.find('c'), { settled: { state: 'delivered' } })
  // In the order in which they were settled.
  await deliverNew(again, 'g')
  t.equal(await again.find('c'), undefined)
  t.match(await again.find('d'), { settled: { state: 'delivered' } })
  await again.compact()
  t.strictSame(framesOf(disk), ['[delivered 4, delivered 5, delivered 6, delivered 7]'])
})

t.test('a block is retired when the last of its ids is forgotten', async t => {
  const disk = smallSegments(4)
  const clock = new FakeClock()
  const store = await openStore(disk, { ...onDemand, dedupe: { windowMs: 1000, maxIds: 100 } }, clock)
  await deliverNew(store, 'a', 'b')
  await store.compact()
  t.strictSame(framesOf(disk), ['[delivered 1, delivered 2]'])
  clock.time += 2000
  await deliverNew(store, 'c', 'd', 'e')
  await background(store)
  t.notOk(framesOf(disk).includes('[delivered 1, delivered 2]'))
})

t.test('a settled message whose outcome stands in a block does not come back with its segment', async t => {
  const disk = smallSegments(40)
  const noWindow = { ...onDemand, dedupe: { windowMs: 0, maxIds: 0 } }
  const store = await openStore(disk, noWindow)
  const refs: MessageRef[] = []
  for (let i = 0; i < 40; i += 1) refs.push(await enqueueOne(store))
  await deliver(store, refs[7]!)
  await deliver(store, refs[9]!)
  for (let i = 0; i < 60; i += 1) await store.record(refs[0]!, outcomeOf('attempt')).written
  await store.compact()
  t.strictSame(framesOf(disk), ['[delivered 8, delivered 10]', 'attempt 1'])
  await store.close()
  const again = await openStore(disk, noWindow)
  t.equal([...again.live()].length, 38)
  for (let sequence = 11; sequence <= 40; sequence += 1) await deliver(again, again.bySequence(sequence)!)
  await again.compact()
  t.strictSame(framesOf(disk), ['attempt 1'], 'and goes when that is gone')
})

t.test(
  'an outcome in a block stays while its message could come back, though its id is forgotten',
  async t => {
    const disk = smallSegments(20)
    const noWindow = { ...onDemand, segmentBytes: 100_000, dedupe: { windowMs: 0, maxIds: 0 } }
    const store = await openStore(disk, noWindow)
    const refs: MessageRef[] = []
    for (let i = 0; i < 20; i += 1) refs.push(await enqueueOne(store))
    await deliver(store, refs[0]!)
    await store.compact()
    t.strictSame(framesOf(disk), ['[delivered 1]'])
    // Any end of a segment makes the background look for what is free.
    for (let i = 0; i < 50; i += 1) await store.record(refs[5]!, outcomeOf('attempt')).written
    await background(store)
    t.equal(framesOf(disk)[0], '[delivered 1]')
    await store.close()
    t.equal([...(await openStore(disk, noWindow)).live()].length, 19)
  },
)

t.test(
  'an outcome that bounds which messages lost outcomes can have named is the last of its block',
  async t => {
    const disk = smallSegments(20)
    const store = await openStore(disk, onDemand)
    await deliverNew(store, 'a', 'b')
    for (let i = 0; i < 3; i += 1) await enqueueOne(store)
    await deliverNew(store, 'c')
    const late = await enqueueOne(store)
    t.equal(store.sequence(late), 7)
    await deliverNew(store, 'd')
    await store.close()
    // Lost: what stood between the ends of "b" and "c". When "c" ended there were six messages.
    disk.acks.remove([5])
    disk.lostAcks = [
      {
        log: 'acks',
        file: 'acks/1',
        offset: 500,
        length: 80,
        firstMissing: 5,
        lastMissing: 5,
        nextSequences: { messages: 9, acks: 9 },
        known: true,
      },
    ]
    for (let life = 0; life < 3; life += 1) {
      const again = await openStore(disk, onDemand)
      t.strictSame(
        standingsOf(again),
        [
          [3, 'in-doubt'],
          [4, 'in-doubt'],
          [5, 'in-doubt'],
          [7, 'pending'],
        ],
        `life ${life}`,
      )
      await again.compact()
      t.strictSame(framesOf(disk), ['[delivered 1, delivered 2, delivered 6]', '[delivered 8]', 'uncounted'])
      await again.close()
    }
  },
)

t.test('second copies of outcomes change nothing, in blocks or alone', async t => {
  const disk = smallSegments(8)
  const store = await openStore(disk, onDemand)
  const alive = await enqueueOne(store)
  await store.record(alive, outcomeOf('retry')).written
  await deliverNew(store, 'a', 'b')
  await store.close()
  // As where no manifest can be read: originals and copies count.
  const frames = disk.acks.frames()
  for (const { sequence, type, data } of frames) disk.acks.addAgain(sequence, type, data)
  const again = await openStore(disk, onDemand)
  await again.compact()
  t.strictSame(framesOf(disk).slice(0, 2), ['retry 1', '[delivered 2, delivered 3]'])
  t.strictSame(framesOf(disk).slice(2), ['[delivered 2]'], 'one that does not end a block may stay twice')
  await again.close()
  const third = await openStore(disk, onDemand)
  await third.compact()
  t.strictSame(
    [...third.live()].map(ref => third.sequence(ref)),
    [1],
  )
  for (const id of ['a', 'b']) t.match(await third.find(id), { settled: { state: 'delivered' } })
})

t.test('a row without an id in a block is not remembered, and the other rows are', async t => {
  const writer = new SettledBlockWriter()
  for (const [i, id] of ['a', '', 'b'].entries()) {
    const record = {
      ...outcomeOf('purged'),
      sequence: i + 1,
      nextSequence: 4,
      channel: 'c',
      digest: '12345678',
    }
    writer.add(settlementOf({ ...record, id }), i + 1)
  }
  const disk = smallSegments(8)
  disk.acks.addAgain(3, SETTLED_FRAME_TYPE, writer.take())
  const opened = await openStore(disk, onDemand)
  for (const id of ['a', 'b'])
    t.match(await opened.find(id), { settled: { id, channel: 'c', state: 'purged' } })
  t.equal(await opened.find(''), undefined)
  await opened.close()
})

t.test(
  'in the background, outcomes of remembered ids become blocks once their segment is sealed',
  async t => {
    const disk = smallSegments(40)
    const store = await openStore(disk, { segmentBytes: 1000 })
    // By bytes, more than half of these segments is needed.
    for (let i = 0; i < 100; i += 1) {
      const ref = await enqueueOne(store, { id: `a rather long id, number ${i}, of a message` })
      await store.record(ref, outcomeOf('delivered')).written
    }
    for (let waited = 0; waited < 10_000 && alone(disk) > 20; waited += 20) await sleep(20)
    t.equal(alone(disk), 20, 'only those of the segment in use stand alone')
    // Whatever else is to be done, small segments put together, comes to an end.
    let rewritten = -1
    while (rewritten !== disk.acks.rewritten.length) {
      rewritten = disk.acks.rewritten.length
      await sleep(200)
    }
    await deliverNew(store, 'one', 'more')
    await sleep(100)
    t.equal(disk.acks.rewritten.length, rewritten, 'what is a block stays as it is')
    await store.close()
  },
)

t.test(
  'in the background, outcomes of forgotten ids are not put into blocks, and leave with their messages',
  async t => {
    const disk = smallSegments(40)
    const store = await openStore(disk, { segmentBytes: 1000, dedupe: { windowMs: 0, maxIds: 0 } })
    const refs: MessageRef[] = []
    for (let i = 0; i < 40; i += 1) refs.push(await enqueueOne(store))
    for (const ref of refs.slice(0, 39)) await store.record(ref, outcomeOf('delivered')).written
    await background(store)
    t.equal(blocks(disk), 0)
  },
)

t.test('a queue at rest puts its latest outcomes into blocks', async t => {
  const disk = new MemoryDisk()
  const dedupe = { windowMs: 1e9, maxIds: 10_000 }
  const store = await openStore(disk, { segmentBytes: 1000, dedupe })
  await deliver(store, await enqueueOne(store))
  await sleep(20)
  // Small ones: by their bytes alone no one would look any more.
  for (let i = 1; i < 3200; i += 1) await deliver(store, await enqueueOne(store))
  t.equal(blocks(disk), 0)
  for (let waited = 0; waited < 10_000 && blocks(disk) === 0; waited += 50) await sleep(50)
  t.equal(blocks(disk), 13)
  t.equal(disk.acks.frames().length, 13)
  await deliver(store, await enqueueOne(store))
  t.equal(disk.acks.frames().length, 15)
  await store.close()
})

t.test('a busy queue makes no blocks of its latest outcomes, and a close does not wait for them', async t => {
  const disk = new MemoryDisk()
  const store = await openStore(disk, { segmentBytes: 1000, dedupe: { windowMs: 1e9, maxIds: 10_000 } })
  for (let i = 0; i < 2500; i += 1) await deliver(store, await enqueueOne(store))
  await background(store)
  for (let i = 0; i < 15; i += 1) {
    await deliver(store, await enqueueOne(store))
    await sleep(100)
  }
  t.equal(blocks(disk), 0)
  await store.close()
  await sleep(1100)
  t.equal(blocks(disk), 0)
})
