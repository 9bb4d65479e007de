/** What `send` returned, kept with the id of its message. */
import t, { type Test } from 'tap'
import type { LogStore } from '../../lib/store/log-store.js'
import type { Outcome } from '../../lib/store/message-store.js'
import { encodeResult, RESULT_FRAME_TYPE } from '../../lib/store/record/result.js'
import { decodeOutcomes } from '../../lib/store/record/settled-block.js'
import type { LogStoreOptions } from '../../lib/store/types.js'
import { MemoryDisk } from './fixtures/memory-logs.js'
import { enqueueOne, message, openStore, outcomeOf, REJECT } from './fixtures/messages.js'

const RESULTS = { maxTotalBytes: 1024 * 1024 }

function delivered(value: unknown): Outcome {
  return { ...outcomeOf('delivered'), result: encodeResult(value, 4096) } as Outcome
}

/** Enqueues and delivers a message. */
async function deliver(store: LogStore, id: string, value: unknown = { of: id }): Promise<void> {
  const ref = await enqueueOne(store, { id })
  await store.record(ref, delivered(value)).written
}

async function resultOf(store: LogStore, id: string): Promise<unknown> {
  const found = await store.find(id)
  if (found === undefined || !('settled' in found)) return 'not settled'
  return (await store.result(found.settled))?.value
}

function open(disk: MemoryDisk, options: Partial<LogStoreOptions> = {}): Promise<LogStore> {
  return openStore(disk, { results: RESULTS, autoCompact: false, ...options })
}

/** Frames of the ack log by segment: a result as `r` with its sequence, a block with those of its rows. */
function layout(disk: MemoryDisk): string[] {
  const segments = new Map<number, string[]>()
  for (const { sequence, type, data, segment } of disk.acks.frames()) {
    const told =
      type === RESULT_FRAME_TYPE
        ? `r${sequence}`
        : `[${decodeOutcomes(type, data, sequence).map(({ ackSequence }) => ackSequence)}]`
    segments.set(segment, [...(segments.get(segment) ?? []), told])
  }
  return [...segments.values()].map(frames => frames.join(' '))
}

async function everyResult(t: Test, store: LogStore, ids: readonly string[], what: string): Promise<void> {
  for (const id of ids) t.strictSame(await resultOf(store, id), { of: id }, `${what}: ${id}`)
}

t.test('a result is read in this life and in the next, with its own kinds of values', async t => {
  const disk = new MemoryDisk()
  const store = await open(disk)
  const value = { id: 5n, at: new Date(5), bytes: Uint8Array.of(1, 2), none: null, list: [1.5, 'a'] }
  await deliver(store, 'a', value)
  await deliver(store, 'null', null)
  t.strictSame(await resultOf(store, 'a'), value)
  await store.close()
  const next = await open(disk)
  t.strictSame(await resultOf(next, 'a'), value)
  t.equal(await resultOf(next, 'null'), null)
  t.strictSame(layout(disk), ['r1 [2] r3 [4]'])
})

t.test('a message that is delivered without a result takes one frame and has none', async t => {
  const disk = new MemoryDisk()
  const store = await open(disk)
  const ref = await enqueueOne(store, { id: 'a' })
  await store.record(ref, outcomeOf('delivered')).written
  t.equal(await resultOf(store, 'a'), undefined)
  t.strictSame(layout(disk), ['[1]'])
})

t.test(
  'a store that keeps no results writes none, and an opening without the option forgets them',
  async t => {
    const disk = new MemoryDisk()
    const without = await open(disk, { results: undefined })
    await deliver(without, 'a')
    t.equal(await resultOf(without, 'a'), undefined)
    t.strictSame(layout(disk), ['[1]'])
    await without.close()
    const with_ = await open(disk)
    await deliver(with_, 'b')
    await with_.close()
    const again = await open(disk, { results: undefined })
    t.equal(await resultOf(again, 'b'), undefined)
    await again.compact()
    t.strictSame(layout(disk), ['[1,3]'], 'compaction drops them')
  },
)

t.test('a store that remembers no ids keeps no results', async t => {
  const disk = new MemoryDisk()
  const store = await open(disk, { dedupe: { windowMs: 1000, maxIds: 0 } })
  await deliver(store, 'a')
  t.equal(await resultOf(store, 'a'), 'not settled')
  t.strictSame(layout(disk), ['[1]'])
})

t.test('a result is forgotten with its id, and the oldest when all take too many bytes', async t => {
  const disk = new MemoryDisk()
  const one = encodeResult({ of: 'a' }, 4096).length
  const store = await open(disk, {
    results: { maxTotalBytes: 2 * one },
    dedupe: { windowMs: 86_400_000, maxIds: 4 },
  })
  for (const id of ['a', 'b', 'c', 'd', 'e']) await deliver(store, id)
  // Those that were settled last are indexed when somebody looks for an older one.
  t.equal(await resultOf(store, 'a'), 'not settled')
  t.equal(await resultOf(store, 'b'), undefined, 'its id is remembered')
  t.equal(await resultOf(store, 'c'), undefined)
  await everyResult(t, store, ['d', 'e'], 'within the limit')
  await store.close()
  const next = await open(disk, { results: { maxTotalBytes: one } })
  t.equal(await resultOf(next, 'd'), undefined)
  await everyResult(t, next, ['e'], 'after a restart')
})

t.test('a rewritten ack segment has each result right before the block of its outcome', async t => {
  const disk = new MemoryDisk()
  const store = await open(disk)
  const ids = Array.from({ length: 20 }, (_, i) => `m${i}`)
  for (const id of ids) await deliver(store, id)
  await everyResult(t, store, ids, 'before')
  await store.compact()
  const sequences = ids.map((_, i) => 2 * i + 2)
  t.strictSame(layout(disk), [`${sequences.map(n => `r${n - 1}`).join(' ')} [${sequences}]`])
  await everyResult(t, store, ids, 'after it')
  await store.close()
  const next = await open(disk)
  await everyResult(t, next, ids, 'after a restart')
  for (const id of ['x', 'y']) await deliver(next, id)
  await next.compact()
  await everyResult(t, next, [...ids, 'x', 'y'], 'after a second one')
})

t.test('a result that compaction moves while it is read is read from its new place', async t => {
  const disk = new MemoryDisk()
  const store = await open(disk)
  await deliver(store, 'a')
  await deliver(store, 'b')
  disk.acks.beforeRead = () => store.compact()
  const { reads } = disk.acks
  t.strictSame(await resultOf(store, 'b'), { of: 'b' })
  t.equal(disk.acks.reads, reads + 2)
  t.equal(disk.acks.rewritten.length, 1)
})

t.test('a result that cannot be read where it stands is an error', async t => {
  const disk = new MemoryDisk()
  const store = await open(disk)
  await deliver(store, 'a')
  disk.acks.remove([1])
  await t.rejects(resultOf(store, 'a'), { code: 'WAQ_CORRUPT' })
})

t.test('a rewrite leaves results behind that are forgotten', async t => {
  const disk = new MemoryDisk()
  const one = encodeResult({ of: 'a' }, 4096).length
  const store = await open(disk, { results: { maxTotalBytes: 2 * one } })
  for (const id of ['a', 'b', 'c']) await deliver(store, id)
  await store.compact()
  t.strictSame(layout(disk), ['r3 r5 [2,4,6]'])
  await everyResult(t, store, ['b', 'c'], 'rewritten')
})

t.test('outcomes of living messages keep their order among results that are rewritten', async t => {
  const disk = new MemoryDisk()
  const store = await open(disk)
  const alive = await store.enqueue([message(), message(), message()], REJECT)
  const retry = (index: number) =>
    store.record(store.bySequence(alive[index]!.sequence)!, outcomeOf('retry')).written
  await retry(0)
  await deliver(store, 'a')
  await retry(1)
  await deliver(store, 'b')
  await retry(2)
  await store.compact()
  t.strictSame(layout(disk), ['[1] r2 [4] r5 [3,6] [7]'])
  await everyResult(t, store, ['a', 'b'], 'rewritten')
  await store.close()
  await everyResult(t, await open(disk), ['a', 'b'], 'after a restart')
})

t.test('large results end their block early, so that a rewrite holds few of them in memory', async t => {
  const disk = new MemoryDisk()
  const store = await open(disk)
  const text = 'x'.repeat(4000)
  for (let i = 0; i < 40; i += 1) await deliver(store, `m${i}`, text)
  await store.compact()
  const blocks = layout(disk)[0]!.split(']').length - 1
  t.ok(blocks >= 2, `${blocks} blocks`)
  for (let i = 0; i < 40; i += 1) t.equal(await resultOf(store, `m${i}`), text)
})

t.test('a result that cannot be told from its outcome is none: its frame alone is left', async t => {
  const disk = new MemoryDisk()
  const store = await open(disk)
  await deliver(store, 'a')
  await deliver(store, 'b')
  await store.close()
  disk.acks.remove([2])
  const next = await open(disk)
  t.equal(await resultOf(next, 'a'), 'not settled')
  await everyResult(t, next, ['b'], 'the other one')
  await next.compact()
  t.strictSame(layout(disk), ['r3 [4]'])
})

t.test('a result that was lost leaves its outcome as it is', async t => {
  const disk = new MemoryDisk()
  const store = await open(disk)
  await deliver(store, 'a')
  await deliver(store, 'b')
  await store.compact()
  t.strictSame(layout(disk), ['r1 r3 [2,4]'])
  await store.close()
  disk.acks.remove([1])
  const next = await open(disk)
  t.equal(await resultOf(next, 'a'), undefined)
  await everyResult(t, next, ['b'], 'the other one')
})

t.test('the bytes of results that are kept count as needed in their segment', async t => {
  const disk = new MemoryDisk()
  disk.acks.segmentFrames = 8
  const store = await open(disk, { autoCompact: true })
  for (let i = 0; i < 8; i += 1) await deliver(store, `m${i}`, 'x'.repeat(1000))
  await store.compact()
  const { length } = disk.acks.rewritten
  await store.compact()
  t.equal(disk.acks.rewritten.length, length, 'what is all needed is not rewritten again')
})
