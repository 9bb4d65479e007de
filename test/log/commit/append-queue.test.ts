import t from 'tap'
import { type Append, FinishedRecords } from '../../../lib/log/commit/append.js'
import { AppendQueue } from '../../../lib/log/commit/append-queue.js'
import { failurePolicies } from '../../../lib/log/commit/failure-policy.js'
import { FRAME_HEADER_BYTES } from '../../../lib/log/format/format.js'

const silent = { accepted: () => {}, failed: () => {} }

function append(sequence: number, ...sizes: number[]): Append {
  const records = sizes.map(size => Buffer.alloc(size))
  const given = new FinishedRecords(1, records, silent)
  // As the log does when it takes it.
  given.firstSequence = sequence
  given.bytes = records.reduce((sum, record) => sum + FRAME_HEADER_BYTES + record.length, 0)
  return given
}

function queueOf(...appends: Append[]): AppendQueue {
  const queue = new AppendQueue()
  for (const each of appends) queue.push(each)
  return queue
}

const sequences = (appends: readonly Append[]) => appends.map(each => each.firstSequence)

t.test('an append finds its records by the offsets of their frames', async t => {
  const appended = append(1, 10, 20)
  const second = 64 + FRAME_HEADER_BYTES + 10
  t.equal(appended.recordAt(64, 64), appended.record(0))
  t.equal(appended.recordAt(second, 64), appended.record(1))
  for (const offset of [0, 65, second + 1, second + FRAME_HEADER_BYTES + 20])
    t.equal(appended.recordAt(offset, 64), undefined)
})

t.test('a batch takes the waiting appends in order, up to its limit of bytes', async t => {
  const queue = queueOf(append(1, 72), append(2, 72), append(3, 72))
  t.same(sequences(queue.take(200)), [1, 2])
  t.equal(queue.size, 1)
  t.same(sequences(queue.take(200)), [3])
  t.same(queue.take(200), [])
})

t.test('an append larger than a batch is taken whole, alone', async t => {
  const queue = queueOf(append(1, 5000), append(2, 1))
  t.same(sequences(queue.take(100)), [1])
  t.same(sequences(queue.take(100)), [2])
})

t.test('an append that comes back is queued by its sequence', async t => {
  const queue = queueOf(append(5, 1))
  queue.putBack([append(3, 1), append(4, 1)])
  queue.putBack([])
  queue.putBack([append(1, 1)])
  t.same(sequences(queue.take(1000)), [1, 3, 4, 5])
  const mixed = queueOf(append(1, 1), append(4, 1))
  mixed.putBack([append(2, 1), append(3, 1)])
  t.same(sequences(mixed.take(1000)), [1, 2, 3, 4], 'also behind earlier ones that came back before')
})

t.test('an append is withdrawn while no byte of it was written', async t => {
  const [waiting, touched] = [append(1, 1), append(2, 1)]
  touched.state = 'touched'
  const queue = queueOf(waiting, touched, append(3, 1))
  t.equal(queue.withdraw(waiting), true)
  t.equal(queue.withdraw(waiting), false, 'only once')
  t.equal(queue.withdraw(touched), false, 'too late')
  t.equal(queue.withdraw(append(9, 1)), false, 'unknown')
  t.equal(queue.withdraw(append(3, 1)), false, 'another one')
  t.same(sequences(queue.take(1000)), [2, 3])
})

t.test('an append that was accepted before is never refused', async t => {
  const accepted = append(1, 1)
  accepted.state = 'accepted'
  const queue = queueOf(accepted, append(2, 1))
  t.same(sequences(queue.takeRefusable(failurePolicies.reject)), [2])
  t.same(sequences(queue.take(1000)), [1])
})
