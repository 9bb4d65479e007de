import fc from 'fast-check'
import { Packr } from 'msgpackr'
import t from 'tap'
import type { SettlingRecord } from '../../../lib/store/record/outcome.js'
import { SETTLED_FRAME_TYPE } from '../../../lib/store/record/outcome-format.js'
import { decodeOutcomes, MAX_ROWS, SettledBlock } from '../../../lib/store/record/settled-block.js'
import { SettledBlockWriter } from '../../../lib/store/record/settled-block-writer.js'
import { hashId } from '../../../lib/store/tables/id-hash.js'
import { NOW, settlementOf } from '../fixtures/messages.js'

const packr = new Packr({ useRecords: false })

function record(facts: Partial<SettlingRecord> = {}): SettlingRecord {
  return {
    kind: 'delivered',
    sequence: 7,
    nextSequence: 9,
    at: NOW,
    attempts: 1,
    mayHaveBeenSent: true,
    id: 'an id',
    channel: 'mail:a',
    digest: '12345678',
    ...facts,
  }
}

interface Block {
  readonly ackSequence: number
  readonly data: Buffer
}

/** As a compaction does it: a block is put when the next one does not go into it. */
function blocksOf(records: readonly (readonly [ackSequence: number, SettlingRecord])[]): Block[] {
  const writer = new SettledBlockWriter()
  const blocks: Block[] = []
  const put = (): void => {
    const data = writer.take()
    blocks.push({ ackSequence: writer.ackSequence, data })
  }
  for (const [ackSequence, one] of records) {
    const settlement = settlementOf(one)
    if (writer.isFullFor(settlement, ackSequence)) put()
    writer.add(settlement, ackSequence)
  }
  if (!writer.isEmpty) put()
  return blocks
}

const anyText = fc.oneof(fc.uuid(), fc.string(), fc.string({ unit: 'grapheme' }), fc.constant(''))
const anyTime = fc.oneof(fc.nat(), fc.constant(NOW), fc.maxSafeInteger().map(Math.abs))

const anyOptional = fc
  .dictionary(fc.string(), fc.oneof(fc.nat(), fc.string()), { minKeys: 1 })
  .map(fields => Buffer.from(packr.pack(fields)))

const anyFacts = {
  kind: fc.constantFrom('delivered' as const, 'cancelled' as const, 'purged' as const),
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  nextSequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  at: anyTime,
  attempts: fc.nat({ max: 0xffff_ffff }),
  mayHaveBeenSent: fc.boolean(),
  id: anyText,
  channel: fc.oneof(fc.constantFrom('a', 'b', 'chat:가'), anyText),
  digest: fc.uint8Array({ minLength: 8, maxLength: 8 }).map(bytes => Buffer.from(bytes).toString('latin1')),
}
const anyRecord: fc.Arbitrary<SettlingRecord> = fc.oneof(
  fc.record(anyFacts),
  fc.record({ ...anyFacts, optional: anyOptional }),
)

t.test('outcomes in a block are decoded unchanged, except that a block has one next sequence', async t => {
  const property = fc.property(
    fc.array(fc.tuple(fc.integer({ min: 1, max: 2 ** 33 }), anyRecord), { maxLength: 600, size: 'max' }),
    steps => {
      let reached = 0
      const records = steps.map(([step, one]) => {
        reached += step
        return [reached, one] as const
      })
      const blocks = blocksOf(records)
      let at = 0
      for (const { ackSequence, data } of blocks) {
        const found = decodeOutcomes(SETTLED_FRAME_TYPE, data, ackSequence)
        t.equal(found.at(-1)!.ackSequence, ackSequence, 'it bears the sequence of its last outcome')
        const given = records.slice(at, at + found.length)
        const nextSequence = Math.max(given[0]![1].sequence, ...given.map(([, one]) => one.nextSequence))
        t.strictSame(
          found,
          given.map(([sequence, one]) => ({ ackSequence: sequence, record: { ...one, nextSequence } })),
        )
        at += found.length
      }
      t.equal(at, records.length)
    },
  )
  t.doesNotThrow(() => fc.assert(property, { numRuns: 40 }))
})

t.test('a block is full before it has too many outcomes or too much text', async t => {
  const many = blocksOf(Array.from({ length: 600 }, (_, i) => [i + 1, record({ id: `id ${i}` })]))
  t.strictSame(
    many.map(({ ackSequence }) => ackSequence),
    [MAX_ROWS, 2 * MAX_ROWS, 600],
  )
  const long = blocksOf(Array.from({ length: 40 }, (_, i) => [i + 1, record({ id: 'x'.repeat(4000) })]))
  t.ok(long.length > 4)
  for (const { data } of long) t.ok(data.length < 34 * 1024)
  const huge = blocksOf([[1, record({ id: 'x'.repeat(100_000) })]])
  t.equal(decodeOutcomes(SETTLED_FRAME_TYPE, huge[0]!.data, 1).length, 1, 'one alone is never too long')
})

t.test('outcomes whose sequences do not rise go into separate blocks', async t => {
  const far = 2 ** 52
  const blocks = blocksOf([
    [5, record()],
    [4, record()],
    [far, record()],
  ])
  t.strictSame(
    blocks.map(({ ackSequence }) => ackSequence),
    [5, far],
  )
})

t.test('a block contains the name of each channel once', async t => {
  const channel = 'telegram:a-long-name-of-a-bot:'.repeat(4)
  const [shared] = blocksOf(Array.from({ length: 100 }, (_, i) => [i + 1, record({ channel })]))
  t.equal(shared!.data.toString('latin1').split(channel).length - 1, 1)
})

t.test('the hash of a row in a block is that of its id, in any script', async t => {
  const block = new SettledBlock()
  for (const id of ['plain', '아이디', '']) {
    const [{ data }] = blocksOf([[3, record({ id })]]) as [Block]
    block.begin(data, 3)
    t.ok(block.next())
    t.strictSame({ ...block.settlement.hash }, hashId(id))
    t.notOk(block.next())
  }
})

t.test('attempts beyond 32 bits are stored in a block as the largest number', async t => {
  const [{ data }] = blocksOf([[3, record({ attempts: 2 ** 40 })]]) as [Block]
  t.match(decodeOutcomes(SETTLED_FRAME_TYPE, data, 3), [{ record: { attempts: 0xffff_ffff } }])
})

t.test('a settling outcome is recorded as a block of one', async t => {
  const property = fc.property(anyRecord, fc.integer({ min: 1, max: 2 ** 50 }), (one, ackSequence) => {
    const data = new SettledBlockWriter().encode(one)
    t.strictSame(decodeOutcomes(SETTLED_FRAME_TYPE, data, ackSequence), [
      { ackSequence, record: { ...one, nextSequence: Math.max(one.sequence, one.nextSequence) } },
    ])
    t.ok(data.equals(blocksOf([[ackSequence, one]])[0]!.data), 'a block of one row')
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300 }))
})

t.test('a block of one with an id of 36 bytes takes 74 bytes, 16 of them beside its texts', async t => {
  const id = '0198c1f0-7a3b-7c4d-8e5f-0123456789ab'
  const one = record({ sequence: 1_000_000, nextSequence: 1_000_020, id, channel: 'telegram:bot:1' })
  const data = new SettledBlockWriter().encode(one)
  t.equal(data.length - id.length - 'telegram:bot:1'.length - 8, 16)
})

t.test('times in a block are rounded to the millisecond and bounded', async t => {
  for (const [at, told] of [
    [NOW + 0.4, NOW],
    [Number.POSITIVE_INFINITY, Number.MAX_SAFE_INTEGER],
  ] as const) {
    const data = new SettledBlockWriter().encode(record({ at }))
    t.match(decodeOutcomes(SETTLED_FRAME_TYPE, data, 1), [{ record: { at: told } }])
  }
})

t.test('optional fields in a block are kept as they are, and take no byte if there are none', async t => {
  const optional = Buffer.from(packr.pack(new Map<number, unknown>([[99, { of: 'a later waq' }]])))
  const writer = new SettledBlockWriter()
  const plain = writer.encode(record())
  const data = writer.encode(record({ optional }))
  t.equal(data.length, plain.length + 1 + optional.length)
  const block = new SettledBlock()
  block.begin(data, 3)
  block.next()
  writer.add(settlementOf(record({ id: 'first' })), 2)
  writer.add(block.settlement, 3)
  const found = decodeOutcomes(SETTLED_FRAME_TYPE, writer.take(), 3).map(({ record: one }) => one)
  t.match(found, [{ optional: undefined }, { optional }])
})

t.test('a block that is cut or has bytes behind it is corrupt', async t => {
  const [{ data }] = blocksOf([
    [1, record()],
    [2, record({ id: 'other' })],
  ]) as [Block]
  for (let length = 0; length < data.length; length += 1) {
    t.throws(() => new SettledBlock().begin(data.subarray(0, length), 2), { code: 'WAQ_CORRUPT' })
  }
  t.throws(() => new SettledBlock().begin(Buffer.concat([data, data]), 2), { code: 'WAQ_CORRUPT' })
})

/** Next sequence 9, message 7, at 40, 1 attempt, an id of one byte, a new channel of one byte. */
const whole = [1, 9, 2, 0x08, 40, 1, 1, 0, 1]
const texts = [...Buffer.from('c12345678i')]
/** Behind it: outcome + 1, message + 1, at + 1, never attempted, an id of one byte, channel 0. */
const second = [0x00, 1, 1, 1, 1, 0]
const secondTexts = [...Buffer.from('12345678j')]
const twoRows = [...whole.with(0, 2), ...second]

const wrong: Readonly<Record<string, readonly number[]>> = {
  'no rows': [0, ...whole.slice(1), ...texts],
  'too many rows': [0x81, 0x02, ...whole.slice(1), ...texts],
  'a first sequence of 0': [...whole.with(2, 9), ...texts],
  'a next sequence of 0': [...whole.with(1, 0), ...texts],
  'a next sequence beyond 2^53': [1, ...Array<number>(7).fill(0xff), 0x7f, ...whole.slice(2), ...texts],
  'a number without an end': [1, ...Array<number>(12).fill(0x80), ...whole.slice(2), ...texts],
  'another ack sequence than its frame can have': [...twoRows.with(-5, 5), ...texts, ...secondTexts],
  'ack sequences that do not rise': [...twoRows.with(-5, 0), ...texts, ...secondTexts],
  'a message sequence of 0': [...twoRows.with(-6, 0x10).with(-4, 7), ...texts, ...secondTexts],
  'a time before 1970': [...twoRows.with(-6, 0x20).with(-3, 41), ...texts, ...secondTexts],
  'an id beyond its texts': [...whole.with(6, 2), ...texts],
  'an id that leaves some': [...whole.with(6, 0), ...texts],
  'a channel that no one named': [...whole.with(7, 1), ...texts],
  'a channel beyond its texts': [...whole.with(8, 2), ...texts],
  'optional fields beyond its end': [...whole.with(3, 0x48), 100, ...texts],
  'a flag that no row has': [...whole.with(3, 0x88), ...texts],
}

t.test('a frame with a valid checksum and an invalid block is reported as corrupt', async t => {
  t.match(decodeOutcomes(SETTLED_FRAME_TYPE, Buffer.from([...whole, ...texts]), 5), [
    { ackSequence: 5, record: { id: 'i', channel: 'c', digest: '12345678', sequence: 7, at: 40 } },
  ])
  t.match(decodeOutcomes(SETTLED_FRAME_TYPE, Buffer.from([...twoRows, ...texts, ...secondTexts]), 5), [
    { ackSequence: 4, record: { id: 'i', channel: 'c', sequence: 7, attempts: 1 } },
    { ackSequence: 5, record: { id: 'j', channel: 'c', sequence: 8, at: 41, attempts: 0 } },
  ])
  for (const [what, bytes] of Object.entries(wrong)) {
    t.throws(
      () => new SettledBlock().begin(Buffer.from(bytes), 5),
      { code: 'WAQ_CORRUPT', message: /^Frame 5 of the ack log is intact by its checksum and yet no block/ },
      what,
    )
  }
})
