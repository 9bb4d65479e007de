import t from 'tap'
import type { SegmentInfo } from '../../../lib/log/types.js'
import { SegmentUsage } from '../../../lib/store/usage/segment-usage.js'
import { NOW } from '../fixtures/messages.js'

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

const free = (usage: SegmentUsage, segments = acks, lowest = ALL, now = NOW): number[] =>
  usage.freeAckSegments(segments, lowest, now)

t.test(
  'a message segment is free when it is sealed, holds no live message and nothing in flight',
  async t => {
    const usage = new SegmentUsage()
    usage.messageAdded(1, 100)
    usage.messageAdded(1, 50)
    usage.messageAdded(2, 70)
    t.equal(usage.liveBytes, 220)
    t.strictSame(usage.freeMessageSegments(acks, ALL), [3])
    t.equal(usage.messageSettled(1, 100), false)
    t.equal(usage.messageSettled(1, 50), true)
    t.equal(usage.liveBytes, 70)
    t.strictSame(usage.freeMessageSegments(acks, ALL), [1, 3])
    t.strictSame(usage.freeMessageSegments(acks, 35), [1], 'sequence 35 is not answered yet')
    t.strictSame(usage.freeMessageSegments([segment(3, { sealed: false })], ALL), [])
  },
)

t.test('an ack segment stays while it holds the last outcome of a message whose segment counts', async t => {
  const usage = new SegmentUsage()
  usage.outcomeWritten(7, undefined, 1)
  t.strictSame(free(usage), [2, 3])
  usage.outcomeWritten(7, 1, 2)
  t.strictSame(free(usage), [1, 3], 'a later outcome stands elsewhere')
  usage.messageSegmentsGone([7])
  t.strictSame(free(usage), [1, 2, 3])
})

t.test('an ack segment stays while it keeps an id, a halt or a limit', async t => {
  const usage = new SegmentUsage()
  usage.settledIdAdded(1)
  usage.haltAdded(2)
  usage.limitAdded(3, NOW + 10)
  t.strictSame(free(usage), [])
  usage.settledIdForgotten(1)
  t.strictSame(free(usage), [1])
  usage.haltEnded(2)
  t.strictSame(free(usage), [1, 2])
  t.strictSame(free(usage, acks, ALL, NOW + 10), [1, 2, 3])
})

t.test('a segment with a resume stays while an older ack segment does', async t => {
  const usage = new SegmentUsage()
  usage.outcomeWritten(7, undefined, 1)
  usage.resumeAdded(2)
  t.strictSame(free(usage), [3])
  usage.messageSegmentsGone([7])
  t.strictSame(free(usage), [1, 2, 3])
})

t.test(
  'a segment with a resume stays while an older ack segment is being rewritten, though that one is unneeded',
  async t => {
    const usage = new SegmentUsage()
    usage.resumeAdded(2)
    t.strictSame(usage.freeAckSegments(acks, ALL, NOW, new Set([1])), [3])
    t.strictSame(usage.freeMessageSegments(acks, ALL, new Set([1])), [2, 3])
  },
)

t.test('an ack segment that is written to or has appends in flight is not free', async t => {
  const usage = new SegmentUsage()
  t.strictSame(free(usage, [segment(1, { sealed: false })]), [])
  t.strictSame(free(usage, acks, 25), [1])
})

t.test('a segment with second copies stays as long as the first ones are needed', async t => {
  const usage = new SegmentUsage()
  usage.outcomeWritten(7, undefined, 1)
  usage.outcomeCopied(1, 2)
  t.strictSame(free(usage), [3])
  usage.outcomeWritten(7, 1, 3)
  t.strictSame(free(usage), [1, 2])
})

t.test(
  'a segment with second copies stays though that of the first ones is gone, while they are needed',
  async t => {
    const usage = new SegmentUsage()
    // Nothing of it had been synced when it failed.
    const gone = 9
    usage.outcomeWritten(7, undefined, gone)
    usage.settledIdAdded(gone)
    usage.outcomeCopied(gone, 2)
    t.strictSame(free(usage), [1, 3])
    usage.messageSegmentsGone([7])
    t.strictSame(free(usage), [1, 3], 'an id is remembered')
    usage.settledIdForgotten(gone)
    t.strictSame(free(usage), [1, 2, 3])
  },
)

t.test('a live message that was written again elsewhere counts there, with its outcome', async t => {
  const usage = new SegmentUsage()
  usage.messageAdded(7, 100)
  usage.outcomeWritten(7, undefined, 1)
  usage.messageMoved(7, 8, { bytes: 100, ackSegment: 1 })
  t.equal(usage.live(7).messages, 0)
  t.equal(usage.live(8).messages, 1)
  usage.messageSegmentsGone([7])
  t.strictSame(free(usage), [2, 3])
  usage.messageSegmentsGone([8])
  t.strictSame(free(usage), [1, 2, 3])
})

t.test(
  'a settled message that was written again elsewhere keeps its outcome until that segment is gone too',
  async t => {
    const usage = new SegmentUsage()
    usage.outcomeWritten(7, undefined, 1)
    usage.messageMoved(7, 8, undefined)
    usage.messageMoved(8, 9, undefined)
    usage.messageSegmentsGone([8])
    usage.messageSegmentsGone([7])
    t.strictSame(free(usage), [2, 3])
    usage.messageSegmentsGone([9])
    t.strictSame(free(usage), [1, 2, 3])
  },
)
