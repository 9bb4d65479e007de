import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  decodeSegmentHeader,
  FLAG_MORE,
  FRAME_HEADER_BYTES,
  payloadIsIntact,
  readFrameHeader,
  SEGMENT_HEADER_BYTES,
  saltState,
} from '../../lib/log/format.js'

// Tests are run from the project's folder.
const page = readFileSync('docs/format.md', 'utf8')

function workedExample(): Buffer {
  const block = /```hexdump\n([\s\S]*?)```/.exec(page)?.[1] ?? ''
  const lines = block.trim().split('\n')
  return Buffer.from(lines.map(line => line.slice(10, 10 + 16 * 3).replaceAll(' ', '')).join(''), 'hex')
}

t.test('the worked example of the format page is read by the code as the page says', async t => {
  const bytes = workedExample()
  t.equal(bytes.length, 64 + 30 + 31)
  const header = decodeSegmentHeader(bytes.subarray(0, SEGMENT_HEADER_BYTES), 'example')
  t.match(header, { logId: 1, epoch: 3, ordinal: 2, firstSequence: 41, createdAt: Date.UTC(2026, 0, 1) })
  const salted = saltState(header!.salt)
  const records: unknown[] = []
  let at = SEGMENT_HEADER_BYTES
  while (at < bytes.length) {
    const frame = readFrameHeader(bytes, at, salted, at, bytes.length - at)
    if (frame === undefined) break
    const payload = bytes.subarray(at + FRAME_HEADER_BYTES, at + FRAME_HEADER_BYTES + frame.payloadLength)
    t.ok(payloadIsIntact(payload, frame, salted, at))
    records.push([frame.sequence, frame.type, frame.flags, frame.durable, payload.toString()])
    at += FRAME_HEADER_BYTES + frame.payloadLength
  }
  t.strictSame(records, [
    [41, 1, FLAG_MORE, 64, 'hi'],
    [42, 1, 0, 64, 'yo!'],
  ])
})
