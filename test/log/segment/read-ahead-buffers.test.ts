import t from 'tap'
import { ReadAheadBuffers } from '../../../lib/log/segment/read-ahead-buffers.js'

const SEGMENT = 1
const END = 16 * 2 ** 20

function readAll(readAhead: ReadAheadBuffers, offset: number, segment = SEGMENT): number {
  const window = readAhead.begin(segment, offset, END)
  window.bytes = window.buffer.subarray(0, window.to - window.from)
  return window.to - window.from
}

t.test('reads that come in order read more and more at once, up to a limit', async t => {
  const readAhead = new ReadAheadBuffers()
  const lengths: number[] = []
  for (let offset = 64, i = 0; i < 5; i += 1) {
    lengths.push(readAll(readAhead, offset))
    offset += lengths.at(-1)! - 100 // the frame that the end cuts
  }
  t.strictSame(lengths.slice(0, 2), [4096, 16_384])
  t.ok(lengths[2]! > lengths[1]!)
  t.equal(lengths.at(-1), 128 * 1024)
})

t.test('scattered reads fetch no more bytes than a record is likely to need', async t => {
  const readAhead = new ReadAheadBuffers()
  for (let i = 20; i > 0; i -= 1) t.equal(readAll(readAhead, i * 100_000), 4096)
})

t.test('read-ahead stops at the end of the segment', async t => {
  const window = new ReadAheadBuffers().begin(SEGMENT, 1000, 1100)
  t.strictSame([window.from, window.to], [1000, 1100])
})

t.test(
  "a byte is found in the buffer that holds it, and a frame cut by a buffer's end in the next one",
  async t => {
    const readAhead = new ReadAheadBuffers()
    const first = readAhead.begin(SEGMENT, 64, END)
    t.equal(readAhead.covering(SEGMENT, 64), first)
    t.equal(readAhead.covering(SEGMENT, 64 + 4095), first)
    t.equal(readAhead.covering(SEGMENT, 64 + 4096), undefined)
    t.equal(readAhead.covering(2, 64), undefined)
    const second = readAhead.begin(SEGMENT, 4000, END)
    t.equal(readAhead.covering(SEGMENT, 3999), first)
    t.equal(readAhead.covering(SEGMENT, 4000), second, 'whichever was used last')
    readAhead.forget(SEGMENT)
    t.equal(readAhead.covering(SEGMENT, 4000), undefined)
  },
)

t.test('only the few read-ahead buffers used last are kept', async t => {
  const readAhead = new ReadAheadBuffers()
  for (let i = 0; i < 8; i += 1) readAll(readAhead, i * 100_000)
  t.ok(readAhead.covering(SEGMENT, 0))
  readAll(readAhead, 900_000)
  t.ok(readAhead.covering(SEGMENT, 0))
  t.equal(readAhead.covering(SEGMENT, 100_000), undefined)
})

t.test('a read-ahead buffer is reused, except while a reader waits for it', async t => {
  const readAhead = new ReadAheadBuffers()
  const buffers = new Set<Buffer>()
  for (let i = 50; i > 0; i -= 1) {
    buffers.add(readAhead.begin(SEGMENT, i * 100_000, END).buffer)
    readAhead.covering(SEGMENT, i * 100_000)!.bytes = Buffer.alloc(0)
  }
  t.ok(buffers.size < 12)
  const waitedFor = readAhead.begin(2, 0, END)
  waitedFor.bytes = waitedFor.buffer
  waitedFor.users = 1
  const beingRead = readAhead.begin(3, 0, END)
  for (let i = 50; i > 0; i -= 1) {
    const { buffer } = readAhead.begin(SEGMENT, i * 100_000, END)
    t.not(buffer, waitedFor.buffer)
    t.not(buffer, beingRead.buffer)
    readAhead.covering(SEGMENT, i * 100_000)!.bytes = buffer
  }
})

t.test('read-ahead buffers have a few lengths only, wherever segments end', async t => {
  const readAhead = new ReadAheadBuffers()
  const lengths = new Set<number>()
  let end = 64
  for (let i = 0; i < 2_000; i += 1) {
    const from = Math.max(64, end - 500)
    end += 100 + ((i * 7919) % 9_000)
    const window = readAhead.begin(SEGMENT, from, end)
    window.bytes = window.buffer.subarray(0, window.to - window.from)
    lengths.add(window.buffer.length)
  }
  t.ok(lengths.size <= 4, `${lengths.size}`)
})
