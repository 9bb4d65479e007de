import fc from 'fast-check'
import t from 'tap'
import { DedupeIndex, type SettledId } from '../../../lib/store/dedupe/dedupe-index.js'
import { ResultPlaces } from '../../../lib/store/dedupe/result-places.js'
import type { SettlingKind } from '../../../lib/store/record/outcome.js'
import { SettledBlock } from '../../../lib/store/record/settled-block.js'
import { SettledBlockWriter } from '../../../lib/store/record/settled-block-writer.js'
import { SettledRecord } from '../../../lib/store/record/settled-record.js'
import { NOW, settlementOf } from '../fixtures/messages.js'

function entry(id: string, sequence: number, facts: Partial<SettledId> = {}): SettledId {
  const digest = `${sequence}`.slice(-8).padStart(8, '\u00ff')
  return {
    id,
    sequence,
    channel: 'c',
    digest,
    state: 'delivered',
    attempts: 1,
    at: NOW,
    segment: 1,
    ...facts,
  }
}

/** One for all of them, as an opening has it: each new one would fill a quarter of a megabyte of its own. */
const settlement = new SettledRecord()

function settlementOfEntry({ id, state, sequence, channel, digest, attempts, at }: SettledId): SettledRecord {
  const facts = { id, sequence, channel, digest, attempts, at }
  const rest = { kind: state, nextSequence: 1, firstAttemptAt: NOW, mayHaveBeenSent: false }
  return settlementOf({ ...facts, ...rest }, settlement)
}

class Remembered {
  readonly ids: DedupeIndex
  readonly #forgotten: number[] = []

  constructor(maxIds: number, windowMs = 1000) {
    this.ids = new DedupeIndex({ windowMs, maxIds }, (_segment, sequence) => this.#forgotten.push(sequence))
  }

  /** Counted after the latest were placed, which a look at the size asks for. */
  get forgotten(): number[] {
    t.ok(this.ids.size >= 0)
    return this.#forgotten
  }

  scan(ackSequence: number, one: SettledId): void {
    this.ids.addScanned(settlementOfEntry(one), one.segment, ackSequence)
  }

  known(ids: readonly string[]): number[] {
    return ids.flatMap(id => this.ids.get(id, NOW)?.sequence ?? [])
  }
}

t.test('every field is remembered with an id', async t => {
  const { ids } = new Remembered(10)
  const entries = [
    entry('a', 1, { state: 'cancelled', attempts: 70_000, at: NOW - 1.5, segment: 7, channel: 'telegram:1' }),
    entry('안녕 👋', 2 ** 40, { state: 'purged', channel: '채널' }),
    entry('x'.repeat(40_000), 3),
  ]
  for (const one of entries) ids.add(one, NOW)
  for (const one of entries) t.strictSame(ids.get(one.id, NOW), one)
  t.equal(ids.size, entries.length, 'they are placed')
  for (const one of entries) t.strictSame(ids.get(one.id, NOW), one)
  t.equal(ids.get('b', NOW), undefined)
  t.equal(ids.get('', NOW), undefined)
})

t.test('an id that is settled twice counts from the second time', async t => {
  const remembered = new Remembered(2)
  const { ids } = remembered
  ids.add(entry('a', 1), NOW)
  ids.add(entry('b', 2), NOW)
  ids.add(entry('a', 3), NOW)
  t.strictSame(remembered.forgotten, [1], 'nothing needs the first outcome any more')
  ids.add(entry('c', 4), NOW)
  t.strictSame(remembered.forgotten, [1, 2])
  t.equal(ids.get('a', NOW)?.sequence, 3)
  t.equal(ids.size, 2)
})

t.test('the oldest ids are forgotten beyond the limit, and all that are older than the window', async t => {
  const remembered = new Remembered(3)
  const { ids } = remembered
  for (let i = 1; i <= 5; i += 1) ids.add(entry(`id ${i}`, i, { at: NOW + i }), NOW)
  t.strictSame(remembered.forgotten, [1, 2])
  t.equal(ids.get('id 3', NOW + 1002)?.sequence, 3)
  t.equal(ids.get('id 3', NOW + 1003), undefined, 'not told any more, though it is still there')
  t.ok(ids.holds(settlementOfEntry(entry('id 3', 3))))
  ids.evict(NOW + 1004)
  t.strictSame(remembered.forgotten, [1, 2, 3, 4])
})

t.test('a dedupe limit of 0 remembers no id', async t => {
  const remembered = new Remembered(0)
  const { ids } = remembered
  ids.add(entry('a', 1), NOW)
  t.strictSame(remembered.forgotten, [1])
  t.equal(ids.size, 0)
})

t.test('a compaction moves an id to its new segment, and only that of the same message', async t => {
  const { ids } = new Remembered(3)
  const [first, second] = [entry('a', 1), entry('a', 2)]
  ids.add(first, NOW)
  t.ok(ids.holds(settlementOfEntry(first)))
  t.notOk(ids.holds(settlementOfEntry(second)))
  t.equal(ids.move(settlementOfEntry(second), { segment: 9, resultOffset: undefined }), undefined)
  t.equal(ids.get('a', NOW)?.segment, 1)
  const left = ids.move(settlementOfEntry(first), { segment: 9, resultOffset: undefined })
  t.strictSame(left, { segment: 1, resultBytes: 0 })
  t.equal(ids.get('a', NOW)?.segment, 9)
})

t.test('a compaction moves a result with its id, and forgets one that the copy lacks', async t => {
  const forgotten: [number, number][] = []
  const results = new ResultPlaces(1_000, (segment, bytes) => forgotten.push([segment, bytes]))
  const ids = new DedupeIndex({ windowMs: 1000, maxIds: 3 }, () => {}, undefined, results)
  const a = { ...entry('a', 1), result: { offset: 64, bytes: 10 } }
  ids.add(a, NOW)
  const moved = ids.move(settlementOfEntry(a), { segment: 8, resultOffset: 100 })
  t.strictSame(moved, { segment: 1, resultBytes: 10 })
  t.match(ids.get('a', NOW), { segment: 8, result: { offset: 100, bytes: 10 } })
  t.strictSame(forgotten, [])
  const bare = ids.move(settlementOfEntry(a), { segment: 9, resultOffset: undefined })
  t.strictSame(bare, { segment: 8, resultBytes: 0 })
  t.equal(ids.get('a', NOW)?.result, undefined)
  t.strictSame(forgotten, [[8, 10]])
})

t.test('an opening remembers the same ids in whatever order it meets the outcomes', async t => {
  const kinds: readonly SettlingKind[] = ['delivered', 'cancelled', 'purged']
  const names = Array.from({ length: 12 }, (_, i) => (i % 3 === 0 ? `아이디 ${i}` : `id ${i}`))
  const frames = Array.from(
    { length: 40 },
    (_, i) => [i + 1, entry(names[(i * 7) % 12]!, i + 1, { state: kinds[i % 3]! })] as const,
  )
  const inOrder = new Remembered(8)
  for (const [, one] of frames) inOrder.ids.add(one, NOW)
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.shuffledSubarray(frames, { minLength: 40 }), order => {
        const shuffled = new Remembered(8)
        for (const [ackSequence, one] of order) shuffled.scan(ackSequence, one)
        shuffled.ids.scanned(NOW)
        t.strictSame(shuffled.known(names), inOrder.known(names))
        // And it goes on in the order in which they were settled.
        shuffled.forgotten.length = 0
        for (let i = 0; i < 8; i += 1) shuffled.ids.add(entry(`later ${i}`, 100 + i), NOW)
        t.strictSame(
          shuffled.forgotten,
          inOrder.known(names).sort((one, other) => one - other),
        )
      }),
      { numRuns: 100 },
    ),
  )
})

/** As an opening reads them: some in blocks, some by themselves. */
function scanAll(
  remembered: Remembered,
  frames: readonly (readonly [ackSequence: number, SettledId])[],
  blockRows: number,
): void {
  const { ids } = remembered
  for (let from = 0; from < frames.length; from += blockRows) {
    const part = frames.slice(from, from + blockRows)
    if ((from / blockRows) % 3 === 2) {
      for (const [ackSequence, one] of part) remembered.scan(ackSequence, one)
      continue
    }
    const writer = new SettledBlockWriter()
    for (const [ackSequence, one] of part) writer.add(settlementOfEntry(one), ackSequence)
    const data = writer.take()
    const block = new SettledBlock()
    block.begin(data, part.at(-1)![0])
    const { segment } = part[0]![1]
    if ((from / blockRows) % 3 === 1) ids.addBlock(block, segment)
    else {
      ids.scanTexts(data, block.textsFrom, data.length, block.count)
      while (block.next()) ids.addScanned(block.settlement, segment, block.ackSequence)
    }
    // The record is a view that is overwritten.
    data.fill(0)
  }
  ids.scanned(NOW)
}

t.test('an opening remembers the same ids from blocks as from single outcomes', async t => {
  const property = fc.property(
    fc.array(fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 5 })), { maxLength: 3000, size: 'max' }),
    fc.integer({ min: 1, max: 256 }),
    fc.integer({ min: 1, max: 1500 }),
    (steps, blockRows, maxIds) => {
      const frames = steps.map(([name, channel], i) => {
        const one = entry(`${name % 7 === 0 ? '아' : 'id'} ${name}`, i + 1, {
          channel: `c${channel}`,
          // A frame stands in one.
          segment: Math.floor(i / blockRows),
        })
        return [i + 1, one] as const
      })
      const live = new Remembered(maxIds)
      for (const [, one] of frames) live.ids.add(one, NOW)
      const opened = new Remembered(maxIds)
      scanAll(opened, frames, blockRows)
      t.equal(opened.ids.size, live.ids.size)
      t.equal(opened.forgotten.length, live.forgotten.length)
      for (const id of new Set(frames.map(([, one]) => one.id)))
        t.strictSame(opened.ids.get(id, NOW), live.ids.get(id, NOW))
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 30 }))
})

t.test('an opening with more ids than fit at once remembers the latest', async t => {
  const remembered = new Remembered(1000, 1e9)
  const frames = Array.from({ length: 140_000 }, (_, i) => [i + 1, entry(`id ${i}`, i + 1)] as const)
  scanAll(remembered, frames, 256)
  t.equal(remembered.ids.size, 1000)
  t.equal(remembered.forgotten.length, 139_000)
  t.equal(remembered.ids.get('id 138999', NOW), undefined)
  for (let i = 139_000; i < 140_000; i += 1) t.equal(remembered.ids.get(`id ${i}`, NOW)?.sequence, i + 1)
})

t.test('a page that is begun anew during an opening holds the ids put into it', async t => {
  const at = (i: number): string => `id ${i}`
  /** The nth one, of the 255 ids behind the first one and those of the blocks before. */
  const nthBlock = (nth: number): Buffer => {
    const writer = new SettledBlockWriter()
    for (let i = 2 + nth * 255; i < 2 + (nth + 1) * 255; i += 1)
      writer.add(settlementOfEntry(entry(at(i), i, { channel: 'mail:outgoing' })), i)
    return writer.take()
  }
  const made = Array.from({ length: 518 }, (_, nth) => nthBlock(nth))
  // So many blocks that one is placed in its middle, or at its end, with single ones before and behind.
  for (const blocks of [511, 512, 516, 517, made.length]) {
    const { ids } = new Remembered(1000, 1e9)
    let i = 0
    const single = (): void => {
      i += 1
      ids.addScanned(settlementOfEntry(entry(at(i), i, { channel: 'telegram:bot:1' })), 1, i)
    }
    single()
    for (let nth = 0; nth < blocks; nth += 1) {
      const data = made[nth]!
      i += 255
      const block = new SettledBlock()
      block.begin(data, i)
      ids.addBlock(block, 1)
    }
    const lastOfBlocks = i
    for (let nth = 0; nth < 500; nth += 1) single()
    ids.scanned(NOW)
    let wrong = 0
    for (let nth = i - 999; nth <= i; nth += 1) {
      const channel = nth > lastOfBlocks ? 'telegram:bot:1' : 'mail:outgoing'
      const found = ids.get(at(nth), NOW)
      if (found?.channel !== channel || found.sequence !== nth) wrong += 1
    }
    t.equal(wrong, 0, `${blocks} blocks`)
    t.equal(ids.size, 1000)
  }
})

t.test('the texts of blocks with no remembered id are not kept', async t => {
  const { ids } = new Remembered(1000)
  const texts = Buffer.alloc(30_000)
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 5000; i += 1) ids.scanTexts(texts, 0, texts.length, 256)
  ids.scanned(NOW)
  const grown = process.memoryUsage().arrayBuffers - before
  t.ok(grown < 8 * 1024 * 1024, `${grown} bytes of 150 million`)
  t.equal(ids.size, 0)
})

t.test('ids of any length are remembered', async t => {
  const { ids } = new Remembered(5000, 1e9)
  const idOf = (i: number): string => `${i} ${'x'.repeat((i * 37) % 700)}`
  for (let i = 0; i < 5000; i += 1) ids.add(entry(idOf(i), i + 1, { channel: `c${i % 300}` }), NOW)
  for (let i = 0; i < 5000; i += 1)
    if (ids.get(idOf(i), NOW)?.channel !== `c${i % 300}`) t.fail(`id ${i} is not what it was`)
  t.equal(ids.size, 5000)
})

t.test('the dedupe index answers like a Map under any operations', async t => {
  const property = fc.property(
    fc.array(fc.tuple(fc.nat({ max: 30 }), fc.boolean()), { maxLength: 300, size: 'max' }),
    steps => {
      const { ids } = new Remembered(10)
      const model = new Map<string, number>()
      for (const [i, [name, looks]] of steps.entries()) {
        const id = `id ${name}`
        if (looks) {
          t.equal(ids.get(id, NOW)?.sequence, model.get(id))
          continue
        }
        ids.add(entry(id, i + 1), NOW)
        model.delete(id)
        model.set(id, i + 1)
        if (model.size > 10) model.delete(model.keys().next().value!)
      }
      t.equal(ids.size, model.size)
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 200 }))
})
