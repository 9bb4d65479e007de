import t from 'tap'
import type { SegmentInfo } from '../../../lib/log/types.js'
import { SegmentMembership } from '../../../lib/store/usage/segment-membership.js'

function segment(id: number, firstSequence: number, lastSequence: number, sealed = true): SegmentInfo {
  return { id, file: `messages/${id}`, firstSequence, lastSequence, sealed, length: 1000, diskBytes: 1000 }
}

t.test('a segment whose messages are unknown may hold every sequence of its range', async t => {
  const membership = new SegmentMembership()
  const segments = [segment(1, 1, 10), segment(2, 11, 20)]
  t.strictSame(
    [1, 10, 11, 20, 21].map(sequence => membership.holders(segments, sequence)),
    [[1], [1], [2], [2], []],
  )
})

t.test('a segment that is still written to may hold every later message', async t => {
  t.strictSame(new SegmentMembership().holders([segment(1, 5, 9, false)], 100), [1])
})

t.test('a segment whose messages are known holds exactly those', async t => {
  const membership = new SegmentMembership()
  for (const sequence of [1, 2, 3, 7, 9, 10]) membership.add(1, sequence)
  const held = Array.from({ length: 12 }, (_, i) => i).filter(
    sequence => membership.holders([segment(1, 1, 10)], sequence).length > 0,
  )
  t.strictSame(held, [1, 2, 3, 7, 9, 10])
})

t.test('the messages of a segment may be added in any order', async t => {
  const membership = new SegmentMembership()
  for (const sequence of [7, 8, 1, 2, 9]) membership.add(1, sequence)
  const held = Array.from({ length: 12 }, (_, i) => i).filter(
    sequence => membership.holders([segment(1, 1, 10)], sequence).length > 0,
  )
  t.strictSame(held, [1, 2, 7, 8, 9])
})

t.test('a message may be held by two segments while one of them is rewritten', async t => {
  const membership = new SegmentMembership()
  membership.add(1, 4)
  membership.add(2, 4)
  t.strictSame(membership.holders([segment(1, 1, 10), segment(2, 4, 4)], 4), [1, 2])
  membership.forget([1])
  t.strictSame(membership.holders([segment(2, 4, 4)], 4), [2])
})
