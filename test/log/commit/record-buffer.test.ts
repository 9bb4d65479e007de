import t from 'tap'
import { RecordBuffer } from '../../../lib/log/commit/record-buffer.js'
import { FRAME_HEADER_BYTES } from '../../../lib/log/format/format.js'

function write(buffer: RecordBuffer, text: string): void {
  buffer.reserve(text.length)
  buffer.at += buffer.bytes.write(text, buffer.at)
}

function encode(buffer: RecordBuffer, text: string): Buffer {
  const outer = buffer.begin()
  write(buffer, text)
  const record = buffer.take()
  buffer.finish(outer)
  return record
}

const append = (...records: Uint8Array[]) => ({
  count: records.length,
  record: (index: number) => records[index]!,
})

t.test('records that stand one behind the other in the buffer become frames without a copy', async t => {
  const buffer = new RecordBuffer()
  const [one, two, three] = [encode(buffer, 'one'), encode(buffer, 'two'), encode(buffer, 'three')]
  const frames = buffer.framesOf([append(one), append(two, three)])!
  t.equal(frames.length, 3 * FRAME_HEADER_BYTES + 'onetwothree'.length)
  for (const [record, end] of [
    [one, FRAME_HEADER_BYTES + 3],
    [two, 2 * FRAME_HEADER_BYTES + 6],
    [three, frames.length],
  ] as const)
    t.strictSame(frames.subarray(end - record.length, end), record)
  frames.fill(0, 0, FRAME_HEADER_BYTES)
  t.strictSame(String(one), 'one', 'a header is none of its bytes')
})

t.test('records of a batch with other bytes between them are not written in one piece', async t => {
  const buffer = new RecordBuffer()
  const [one, withdrawn, three] = [encode(buffer, 'one'), encode(buffer, 'two'), encode(buffer, 'three')]
  t.equal(buffer.framesOf([append(one), append(three)]), undefined)
  t.equal(buffer.framesOf([append(three), append(one)]), undefined, 'in another order')
  t.equal(buffer.framesOf([append(one, withdrawn), append(Buffer.from('another'))]), undefined)
  t.equal(buffer.framesOf([append(Buffer.from('another'))]), undefined)
})

t.test('the keeper of a record is told once when no other record will use its buffer', async t => {
  const buffer = new RecordBuffer()
  const first = encode(buffer, 'first')
  t.ok(buffer.sharesMemory(first))
  let told = 0
  buffer.keep(() => {
    told += 1
  })
  encode(buffer, 'second')
  const outer = buffer.begin()
  encode(buffer, 'one that is enqueued meanwhile stands elsewhere')
  buffer.finish(outer)
  t.equal(told, 0)
  for (let twice = 0; twice < 2; twice += 1) {
    const suspended = buffer.begin()
    buffer.reserve(buffer.bytes.length)
    buffer.finish(suspended)
    t.equal(told, 1)
    t.notOk(buffer.sharesMemory(first))
  }
})

t.test('the keeper of a record encoded within another one is told when the other goes on', async t => {
  const buffer = new RecordBuffer()
  encode(buffer, 'first')
  const outer = buffer.begin()
  const inner = buffer.begin()
  write(buffer, 'inner')
  const told: string[] = []
  buffer.keep(() => told.push(String(record)))
  const record = buffer.take()
  buffer.finish(inner)
  t.strictSame(told, ['inner'])
  buffer.finish(outer)
  t.strictSame(told, ['inner'])
})

t.test('a record that outgrows the buffer moves to a new one, and leaves the others as they are', async t => {
  const buffer = new RecordBuffer()
  const first = encode(buffer, 'first')
  const outer = buffer.begin()
  write(buffer, 'begun')
  buffer.reserve(buffer.bytes.length)
  write(buffer, ' and grown')
  const grown = buffer.take()
  buffer.finish(outer)
  t.strictSame(String(grown), 'begun and grown')
  t.not(grown.buffer, first.buffer)
  t.strictSame(String(first), 'first')
  t.equal(buffer.framesOf([append(first), append(grown)]), undefined)
  t.ok(buffer.framesOf([append(grown)]))
})

t.test('a record that was given up leaves no gap in the buffer', async t => {
  const buffer = new RecordBuffer()
  const one = encode(buffer, 'one')
  const outer = buffer.begin()
  write(buffer, 'given up')
  buffer.finish(outer)
  const two = encode(buffer, 'two')
  t.ok(buffer.framesOf([append(one, two)]))
})

t.test('written bytes move back to make room for bytes that belong before them', async t => {
  const buffer = new RecordBuffer()
  const outer = buffer.begin()
  write(buffer, 'one three')
  buffer.insert(4, 4)
  buffer.bytes.write('two ', buffer.from + 4)
  t.strictSame(String(buffer.take()), 'one two three')
  buffer.finish(outer)
})

t.test(
  'a record that begins while another is written stands elsewhere, and leaves that one alone',
  async t => {
    const buffer = new RecordBuffer()
    const before = encode(buffer, 'before')
    const outer = buffer.begin()
    write(buffer, 'out')
    const inner = encode(buffer, 'inner')
    write(buffer, 'er')
    const around = buffer.take()
    buffer.finish(outer)
    t.strictSame([before, inner, around].map(String), ['before', 'inner', 'outer'])
    t.ok(buffer.framesOf([append(before, around, encode(buffer, 'after'))]))
  },
)
