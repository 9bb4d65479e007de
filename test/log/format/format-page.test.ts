import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  decodeSegmentHeader,
  FLAG_MORE,
  FORMAT_VERSION,
  FRAME_HEADER_BYTES,
  payloadIsIntact,
  readFrameHeader,
  SEGMENT_HEADER_BYTES,
  saltState,
} from '../../../lib/log/format/format.js'
import type { SettlingRecord } from '../../../lib/store/record/outcome.js'
import { outcomeFormats, SETTLED_FRAME_TYPE } from '../../../lib/store/record/outcome-format.js'
import { RESULT_FRAME_TYPE } from '../../../lib/store/record/result.js'
import { decodeOutcomes } from '../../../lib/store/record/settled-block.js'
import { SettledBlockWriter } from '../../../lib/store/record/settled-block-writer.js'
import { settlementOf } from '../../store/fixtures/messages.js'

// Tests are run from the project's folder.
const page = readFileSync('docs/format.md', 'utf8')

/** The first one, or another. */
function workedExample(index = 0): Buffer {
  const block = [...page.matchAll(/```hexdump\n([\s\S]*?)```/g)][index]?.[1] ?? ''
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

t.test('the worked example of a block is read, and written, by the code as the page says', async t => {
  const bytes = workedExample(1)
  const at = Date.UTC(2026, 0, 1)
  const first: SettlingRecord = {
    kind: 'delivered',
    sequence: 41,
    nextSequence: 44,
    at,
    attempts: 1,
    mayHaveBeenSent: true,
    id: 'a1',
    channel: 'ops',
    digest: '\x01\x02\x03\x04\x05\x06\x07\x08',
  }
  const second: SettlingRecord = {
    ...first,
    kind: 'cancelled',
    sequence: 42,
    at: at + 1000,
    attempts: 0,
    mayHaveBeenSent: false,
    id: 'b2',
  }
  t.strictSame(decodeOutcomes(SETTLED_FRAME_TYPE, bytes, 80), [
    { ackSequence: 77, record: first },
    { ackSequence: 80, record: second },
  ])
  const writer = new SettledBlockWriter()
  for (const [ackSequence, record] of [
    [77, first],
    [80, second],
  ] as const) {
    writer.add(settlementOf(record), ackSequence)
  }
  t.ok(writer.take().equals(bytes))
})

t.test('the format page names the version, and the frame types as they are', async t => {
  t.ok(page.includes(`Version ${FORMAT_VERSION}.`))
  for (const [kind, { frameType }] of Object.entries(outcomeFormats))
    t.ok(page.includes(`| ${frameType} | ${kind} |`), kind)
  t.ok(page.includes(`frame type ${SETTLED_FRAME_TYPE}.`))
  t.ok(page.includes(`frame type ${RESULT_FRAME_TYPE},`))
})
