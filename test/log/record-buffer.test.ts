import t from 'tap'
import { FRAME_HEADER_BYTES } from '../../lib/log/format.js'
import { RecordBuffer } from '../../lib/log/record-buffer.js'

function encode(buffer: RecordBuffer, text: string): Buffer {
  const begun = buffer.begin()
  const from = buffer.reserve(begun, begun, text.length)
  buffer.bytes.write(text, from)
  return buffer.take(from, from + text.length)
}

const append = (...records: Uint8Array[]) => ({
  count: records.length,
  record: (index: number) => records[index]!,
})

t.test('records that stand one behind the other are frames but for their headers', async t => {
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

t.test('where anything stands between them, they are not', async t => {
  const buffer = new RecordBuffer()
  const [one, withdrawn, three] = [encode(buffer, 'one'), encode(buffer, 'two'), encode(buffer, 'three')]
  t.equal(buffer.framesOf([append(one), append(three)]), undefined)
  t.equal(buffer.framesOf([append(three), append(one)]), undefined, 'in another order')
  t.equal(buffer.framesOf([append(one, withdrawn), append(Buffer.from('another'))]), undefined)
  t.equal(buffer.framesOf([append(Buffer.from('another'))]), undefined)
})

t.test('a record that outgrows the buffer moves to a new one, and leaves the others as they are', async t => {
  const buffer = new RecordBuffer()
  const first = encode(buffer, 'first')
  const begun = buffer.begin()
  buffer.bytes.write('begun', begun)
  const from = buffer.reserve(begun, begun + 5, buffer.bytes.length)
  t.strictSame(buffer.bytes.toString('latin1', from, from + 5), 'begun')
  const grown = buffer.take(from, from + 5)
  t.not(grown.buffer, first.buffer)
  t.strictSame(String(first), 'first')
  t.equal(buffer.framesOf([append(first), append(grown)]), undefined)
  t.ok(buffer.framesOf([append(grown)]))
})

t.test('a record that was given up leaves no room behind', async t => {
  const buffer = new RecordBuffer()
  const one = encode(buffer, 'one')
  buffer.reserve(buffer.begin(), buffer.begin(), 100)
  const two = encode(buffer, 'two')
  t.ok(buffer.framesOf([append(one, two)]))
})
