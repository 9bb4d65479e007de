import t from 'tap'
import type { SegmentInfo } from '../../lib/log/types.js'
import { SegmentLedger } from '../../lib/store/segment-ledger.js'
import { NOW } from './fixtures/messages.js'

function segment(id: number, facts: Partial<SegmentInfo> = {}): SegmentInfo {
  return {
    id,
    file: `acks/${id}`,
    firstSequence: id * 10,
    lastSequence: id * 10 + 9,
    sealed: true,
    length: 1000,
    diskBytes: 1000,
    ...facts,
  }
}

const ALL = Number.POSITIVE_INFINITY
const acks = [segment(1), segment(2), segment(3)]

const free = (ledger: SegmentLedger, segments = acks, lowest = ALL, now = NOW): number[] =>
  ledger.freeAckSegments(segments, lowest, now)

t.test(
  'a message segment is free when it is sealed, holds no live message and nothing in flight',
  async t => {
    const ledger = new SegmentLedger()
    ledger.messageAdded(1, 100)
    ledger.messageAdded(1, 50)
    ledger.messageAdded(2, 70)
    t.equal(ledger.liveBytes, 220)
    t.strictSame(ledger.freeMessageSegments(acks, ALL), [3])
    t.equal(ledger.messageSettled(1, 100), false)
    t.equal(ledger.messageSettled(1, 50), true)
    t.equal(ledger.liveBytes, 70)
    t.strictSame(ledger.freeMessageSegments(acks, ALL), [1, 3])
    t.strictSame(ledger.freeMessageSegments(acks, 35), [1], 'sequence 35 is not answered yet')
    t.strictSame(ledger.freeMessageSegments([segment(3, { sealed: false })], ALL), [])
  },
)

t.test('an ack segment stays while it holds the last outcome of a message whose segment counts', async t => {
  const ledger = new SegmentLedger()
  ledger.outcomeWritten(7, undefined, 1)
  t.strictSame(free(ledger), [2, 3])
  ledger.outcomeWritten(7, 1, 2)
  t.strictSame(free(ledger), [1, 3], 'a later outcome stands elsewhere')
  ledger.messageSegmentsGone([7])
  t.strictSame(free(ledger), [1, 2, 3])
})

t.test('an ack segment stays while it keeps an id, a halt or a limit', async t => {
  const ledger = new SegmentLedger()
  ledger.settledIdAdded(1)
  ledger.haltAdded(2)
  ledger.limitAdded(3, NOW + 10)
  t.strictSame(free(ledger), [])
  ledger.settledIdForgotten(1)
  t.strictSame(free(ledger), [1])
  ledger.haltEnded(2)
  t.strictSame(free(ledger), [1, 2])
  t.strictSame(free(ledger, acks, ALL, NOW + 10), [1, 2, 3])
})

t.test('a resume stays while an older ack segment does', async t => {
  const ledger = new SegmentLedger()
  ledger.outcomeWritten(7, undefined, 1)
  ledger.resumeAdded(2)
  t.strictSame(free(ledger), [3])
  ledger.messageSegmentsGone([7])
  t.strictSame(free(ledger), [1, 2, 3])
})

t.test(
  'a resume stays while an older ack segment is being rewritten, though no one needs that one',
  async t => {
    const ledger = new SegmentLedger()
    ledger.resumeAdded(2)
    t.strictSame(ledger.freeAckSegments(acks, ALL, NOW, new Set([1])), [3])
    t.strictSame(ledger.freeMessageSegments(acks, ALL, new Set([1])), [2, 3])
  },
)

t.test('an ack segment that is written to, or has appends in flight, stays', async t => {
  const ledger = new SegmentLedger()
  t.strictSame(free(ledger, [segment(1, { sealed: false })]), [])
  t.strictSame(free(ledger, acks, 25), [1])
})

t.test('a segment that holds second copies stays as long as the first ones are needed', async t => {
  const ledger = new SegmentLedger()
  ledger.outcomeWritten(7, undefined, 1)
  ledger.outcomeCopied(1, 2)
  t.strictSame(free(ledger), [3])
  ledger.outcomeWritten(7, 1, 3)
  t.strictSame(free(ledger), [1, 2])
})

t.test('a live message that was written again elsewhere counts there, with its outcome', async t => {
  const ledger = new SegmentLedger()
  ledger.messageAdded(7, 100)
  ledger.outcomeWritten(7, undefined, 1)
  ledger.messageMoved(7, 8, { bytes: 100, ackSegment: 1 })
  t.equal(ledger.live(7).messages, 0)
  t.equal(ledger.live(8).messages, 1)
  ledger.messageSegmentsGone([7])
  t.strictSame(free(ledger), [2, 3])
  ledger.messageSegmentsGone([8])
  t.strictSame(free(ledger), [1, 2, 3])
})

t.test(
  'a settled message that was written again elsewhere keeps its outcome until that segment is gone too',
  async t => {
    const ledger = new SegmentLedger()
    ledger.outcomeWritten(7, undefined, 1)
    ledger.messageMoved(7, 8, undefined)
    ledger.messageMoved(8, 9, undefined)
    ledger.messageSegmentsGone([8])
    ledger.messageSegmentsGone([7])
    t.strictSame(free(ledger), [2, 3])
    ledger.messageSegmentsGone([9])
    t.strictSame(free(ledger), [1, 2, 3])
  },
)
