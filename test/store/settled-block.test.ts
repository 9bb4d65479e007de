import fc from 'fast-check'
import { Packr } from 'msgpackr'
import t from 'tap'
import { hashId } from '../../lib/store/id-hash.js'
import type { SettlingRecord } from '../../lib/store/outcome.js'
import {
  decodeOutcomes,
  MOST_ROWS,
  SETTLED_BLOCK_FRAME_TYPE,
  SettledBlock,
  SettledBlockWriter,
} from '../../lib/store/settled-block.js'
import { NOW, settlementOf } from './fixtures/messages.js'

const packr = new Packr({ useRecords: false })

function record(facts: Partial<SettlingRecord> = {}): SettlingRecord {
  return {
    kind: 'delivered',
    sequence: 7,
    nextSequence: 9,
    at: NOW,
    attempts: 1,
    firstAttemptAt: NOW - 5,
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
const anyTime = fc.oneof(fc.nat(), fc.constant(NOW), fc.constant(Number.POSITIVE_INFINITY))

const anyRecord: fc.Arbitrary<SettlingRecord> = fc.record({
  kind: fc.constantFrom('delivered', 'cancelled', 'purged'),
  sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  nextSequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  at: anyTime,
  attempts: fc.nat({ max: 0xffff_ffff }),
  firstAttemptAt: anyTime,
  mayHaveBeenSent: fc.boolean(),
  id: anyText,
  channel: fc.oneof(fc.constantFrom('a', 'b', 'chat:가'), anyText),
  digest: fc.uint8Array({ minLength: 8, maxLength: 8 }).map(bytes => Buffer.from(bytes).toString('latin1')),
})

t.test('what is put into blocks comes out of them as it was, but for one next sequence a block', async t => {
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
        const found = decodeOutcomes(SETTLED_BLOCK_FRAME_TYPE, data, ackSequence)
        t.equal(found.at(-1)!.ackSequence, ackSequence, 'it bears the sequence of its last outcome')
        const given = records.slice(at, at + found.length)
        const nextSequence = Math.max(...given.map(([, one]) => one.nextSequence))
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

t.test('a block ends before it takes too many outcomes, or too much text', async t => {
  const many = blocksOf(Array.from({ length: 600 }, (_, i) => [i + 1, record({ id: `id ${i}` })]))
  t.strictSame(
    many.map(({ ackSequence }) => ackSequence),
    [MOST_ROWS, 2 * MOST_ROWS, 600],
  )
  const long = blocksOf(Array.from({ length: 40 }, (_, i) => [i + 1, record({ id: 'x'.repeat(4000) })]))
  t.ok(long.length > 4)
  for (const { data } of long) t.ok(data.length < 34 * 1024)
  const huge = blocksOf([[1, record({ id: 'x'.repeat(100_000) })]])
  t.equal(decodeOutcomes(SETTLED_BLOCK_FRAME_TYPE, huge[0]!.data, 1).length, 1, 'one alone is never too long')
})

t.test('sequences that do not rise, or lie too far apart, do not go into one block', async t => {
  const far = 2 ** 32 + 10
  const blocks = blocksOf([
    [5, record()],
    [4, record()],
    [far, record()],
  ])
  t.strictSame(
    blocks.map(({ ackSequence }) => ackSequence),
    [5, 4, far],
  )
})

t.test('a channel stands once in a block', async t => {
  const channel = 'telegram:a-long-name-of-a-bot:'.repeat(4)
  const [shared] = blocksOf(Array.from({ length: 100 }, (_, i) => [i + 1, record({ channel })]))
  t.equal(shared!.data.toString('latin1').split(channel).length - 1, 1)
})

t.test('the hash is that of the id, whatever its letters are', async t => {
  const block = new SettledBlock()
  for (const id of ['plain', '아이디', '']) {
    const [{ data }] = blocksOf([[3, record({ id })]]) as [Block]
    block.begin(data, 3)
    t.ok(block.next())
    t.strictSame({ ...block.settlement.hash }, hashId(id))
    t.notOk(block.next())
  }
})

t.test('attempts beyond 32 bits count as many', async t => {
  const [{ data }] = blocksOf([[3, record({ attempts: 2 ** 40 })]]) as [Block]
  t.match(decodeOutcomes(SETTLED_BLOCK_FRAME_TYPE, data, 3), [{ record: { attempts: 0xffff_ffff } }])
})

t.test('a record that is cut short, or longer, is no block', async t => {
  const [{ data }] = blocksOf([
    [1, record()],
    [2, record({ id: 'other' })],
  ]) as [Block]
  for (let length = 0; length < data.length; length += 1) {
    t.throws(() => new SettledBlock().begin(data.subarray(0, length), 2), { code: 'WAQ_CORRUPT' })
  }
  t.throws(() => new SettledBlock().begin(Buffer.concat([data, data]), 2), { code: 'WAQ_CORRUPT' })
})

const ROW_BYTES = 48

/** One row, with some of its bytes set to others. */
function row(change: (bytes: Buffer) => void = () => {}): Buffer {
  const bytes = Buffer.alloc(ROW_BYTES)
  bytes.writeDoubleLE(7, 0)
  bytes.writeDoubleLE(NOW, 8)
  bytes.writeDoubleLE(NOW, 16)
  bytes.writeUInt32LE(1, 36)
  bytes.writeUInt32LE(9, 40)
  bytes.writeUInt16LE(1, 44)
  bytes[46] = 6
  change(bytes)
  return bytes
}

const texts = Buffer.from('12345678ic')

const wrong: Readonly<Record<string, readonly unknown[]>> = {
  'a next sequence of 0': [0, 5, row(), texts],
  'a first ack sequence that is none': [9, 1.5, row(), texts],
  'no rows': [9, 5, Buffer.alloc(0), texts],
  'half a row': [9, 5, row().subarray(1), texts],
  'rows that are a text': [9, 5, 'rows', texts],
  'texts that are none': [9, 5, row(), 'texts'],
  'too many rows': [9, 5, Buffer.concat(Array.from({ length: MOST_ROWS + 1 }, () => row())), texts],
  'another ack sequence than its frame': [9, 4, row(), texts],
  'ack sequences that do not rise': [9, 5, Buffer.concat([row(), row()]), texts],
  'a message sequence of 0': [9, 5, row(bytes => bytes.writeDoubleLE(0, 0)), texts],
  'half a message sequence': [9, 5, row(bytes => bytes.writeDoubleLE(1.5, 0)), texts],
  'a time that is none': [9, 5, row(bytes => bytes.writeDoubleLE(Number.NaN, 8)), texts],
  'a time before 1970': [9, 5, row(bytes => bytes.writeDoubleLE(-1, 16)), texts],
  'an id beyond its texts': [9, 5, row(bytes => bytes.writeUInt32LE(3, 36)), texts],
  'a digest beyond its texts': [9, 5, row(bytes => bytes.writeUInt32LE(100, 32)), texts],
  'a channel beyond its texts': [9, 5, row(bytes => bytes.writeUInt16LE(2, 44)), texts],
  'a kind that settles nothing': [9, 5, row(bytes => bytes.writeUInt8(1, 46)), texts],
  'too few fields': [9, 5, row()],
}

t.test('what is intact by its checksum and yet no block is told', async t => {
  const whole = packr.pack([9, 5, row(), texts])
  t.match(decodeOutcomes(SETTLED_BLOCK_FRAME_TYPE, whole, 5), [
    { ackSequence: 5, record: { id: 'i', channel: 'c', digest: '12345678', sequence: 7 } },
  ])
  for (const [what, fields] of Object.entries(wrong)) {
    t.throws(
      () => new SettledBlock().begin(packr.pack(fields), 5),
      { code: 'WAQ_CORRUPT', message: /^Frame 5 of the ack log is intact by its checksum and yet no block/ },
      what,
    )
  }
  t.throws(() => new SettledBlock().begin(packr.pack({ a: 1 }), 5), { code: 'WAQ_CORRUPT' })
})

t.test('one with more fields was written by a newer waq', async t => {
  t.throws(() => new SettledBlock().begin(packr.pack([9, 5, row(), texts, 1]), 5), {
    code: 'WAQ_UNSUPPORTED_VERSION',
  })
})
