import t from 'tap'
import { Stretches } from '../../lib/log/stretches.js'

const SEGMENT = 1
const END = 16 * 2 ** 20

function readAll(stretches: Stretches, offset: number, segment = SEGMENT): number {
  const stretch = stretches.begin(segment, offset, END)
  stretch.bytes = stretch.buffer.subarray(0, stretch.to - stretch.from)
  return stretch.to - stretch.from
}

t.test('reads that come in order read more and more at once, up to a limit', async t => {
  const stretches = new Stretches()
  const lengths: number[] = []
  for (let offset = 64, i = 0; i < 5; i += 1) {
    lengths.push(readAll(stretches, offset))
    offset += lengths.at(-1)! - 100 // the frame that the end cuts
  }
  t.strictSame(lengths.slice(0, 2), [4096, 16_384])
  t.ok(lengths[2]! > lengths[1]!)
  t.equal(lengths.at(-1), 128 * 1024)
})

t.test('reads all over the place read no more than a record is likely to need', async t => {
  const stretches = new Stretches()
  for (let i = 20; i > 0; i -= 1) t.equal(readAll(stretches, i * 100_000), 4096)
})

t.test('nothing is read beyond the end', async t => {
  const stretch = new Stretches().begin(SEGMENT, 1000, 1100)
  t.strictSame([stretch.from, stretch.to], [1000, 1100])
})

t.test(
  'a byte is found in the stretch that holds it, and a frame that an end cut in the next one',
  async t => {
    const stretches = new Stretches()
    const first = stretches.begin(SEGMENT, 64, END)
    t.equal(stretches.covering(SEGMENT, 64), first)
    t.equal(stretches.covering(SEGMENT, 64 + 4095), first)
    t.equal(stretches.covering(SEGMENT, 64 + 4096), undefined)
    t.equal(stretches.covering(2, 64), undefined)
    const second = stretches.begin(SEGMENT, 4000, END)
    t.equal(stretches.covering(SEGMENT, 3999), first)
    t.equal(stretches.covering(SEGMENT, 4000), second, 'whichever was used last')
    stretches.forget(SEGMENT)
    t.equal(stretches.covering(SEGMENT, 4000), undefined)
  },
)

t.test('a few are kept, those used last', async t => {
  const stretches = new Stretches()
  for (let i = 0; i < 8; i += 1) readAll(stretches, i * 100_000)
  t.ok(stretches.covering(SEGMENT, 0))
  readAll(stretches, 900_000)
  t.ok(stretches.covering(SEGMENT, 0))
  t.equal(stretches.covering(SEGMENT, 100_000), undefined)
})

t.test('a buffer is used again, but never one that somebody waits for', async t => {
  const stretches = new Stretches()
  const buffers = new Set<Buffer>()
  for (let i = 50; i > 0; i -= 1) {
    buffers.add(stretches.begin(SEGMENT, i * 100_000, END).buffer)
    stretches.covering(SEGMENT, i * 100_000)!.bytes = Buffer.alloc(0)
  }
  t.ok(buffers.size < 12)
  const waitedFor = stretches.begin(2, 0, END)
  waitedFor.bytes = waitedFor.buffer
  waitedFor.users = 1
  const beingRead = stretches.begin(3, 0, END)
  for (let i = 50; i > 0; i -= 1) {
    const { buffer } = stretches.begin(SEGMENT, i * 100_000, END)
    t.not(buffer, waitedFor.buffer)
    t.not(buffer, beingRead.buffer)
    stretches.covering(SEGMENT, i * 100_000)!.bytes = buffer
  }
})

t.test('there are a few lengths of buffers, whatever the end of a segment cuts off', async t => {
  const stretches = new Stretches()
  const lengths = new Set<number>()
  let end = 64
  for (let i = 0; i < 2_000; i += 1) {
    const from = Math.max(64, end - 500)
    end += 100 + ((i * 7919) % 9_000)
    const stretch = stretches.begin(SEGMENT, from, end)
    stretch.bytes = stretch.buffer.subarray(0, stretch.to - stretch.from)
    lengths.add(stretch.buffer.length)
  }
  t.ok(lengths.size <= 4, `${lengths.size}`)
})
