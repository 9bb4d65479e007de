import fc from 'fast-check'
import t from 'tap'
import type { CorruptRange } from '../../../lib/log/types.js'
import { OutcomeFold } from '../../../lib/store/fold/fold.js'
import { isSettling, type OutcomeRecord } from '../../../lib/store/record/outcome.js'
import { NOW } from '../fixtures/messages.js'

const common = { at: NOW, attempts: 1, firstAttemptAt: NOW, triedMs: 0, mayHaveBeenSent: false }
const alive = { ...common, errors: [], redrive: undefined }

function attempt(sequence: number, nextSequence = 100): OutcomeRecord {
  return { kind: 'attempt', sequence, nextSequence, ...alive }
}

function delivered(sequence: number, id = `id ${sequence}`): OutcomeRecord {
  return { kind: 'delivered', sequence, nextSequence: 100, ...common, id, channel: 'c', digest: '12345678' }
}

function halting(sequence: number, halts: string): OutcomeRecord {
  return { kind: 'dead', sequence, nextSequence: 100, ...alive, reason: 'permanent', halts }
}

function resumed(channel: string): OutcomeRecord {
  return { kind: 'resumed', nextSequence: 100, at: NOW, channel }
}

function limited(until: number, target = 'telegram:*'): OutcomeRecord {
  const waiting = { ...alive, dueAt: until }
  return { kind: 'rate-limited', sequence: 1, nextSequence: 100, ...waiting, scope: 'group', target }
}

function add(fold: OutcomeFold, ackSequence: number, segment: number, record: OutcomeRecord): void {
  if (!isSettling(record)) {
    fold.add(ackSequence, segment, record)
    return
  }
  fold.met(ackSequence, record.nextSequence)
  fold.settle(segment, record.sequence)
}

function range(facts: Partial<CorruptRange> = {}): CorruptRange {
  return {
    log: 'acks',
    file: 'acks/1',
    offset: 500,
    length: 40,
    nextSequences: { acks: 1000, messages: 1000 },
    known: false,
    ...facts,
  }
}

t.test(
  'the outcome with the highest ack sequence counts, in whatever order and however often frames come',
  async t => {
    const frames: [number, OutcomeRecord][] = [
      [1, attempt(5)],
      [2, attempt(6)],
      [3, delivered(5)],
      [4, halting(7, 'a')],
      [5, resumed('a')],
      [6, halting(8, 'b')],
    ]
    const summary = (order: readonly [number, OutcomeRecord][]): unknown => {
      const fold = new OutcomeFold()
      for (const [ackSequence, record] of order) add(fold, ackSequence, 1, record)
      return {
        last: [5, 6, 7, 8, 9].map(sequence => fold.last(sequence)),
        settledIn: [5, 6, 7, 8, 9].map(sequence => fold.settledIn(sequence)),
        halts: [...fold.halts()],
        next: fold.nextMessageSequence,
      }
    }
    const inOrder = summary(frames)
    t.match(inOrder, {
      last: [undefined, { ackSequence: 2 }, { ackSequence: 4 }],
      settledIn: [1, undefined, undefined],
    })
    t.doesNotThrow(() =>
      fc.assert(
        fc.property(fc.shuffledSubarray([...frames, ...frames], { minLength: 12 }), order => {
          t.strictSame(summary(order), inOrder)
        }),
        { numRuns: 50 },
      ),
    )
  },
)

t.test('no message sequence that an outcome names is given again', async t => {
  const fold = new OutcomeFold()
  t.equal(fold.nextMessageSequence, 1)
  add(fold, 1, 1, attempt(50, 40))
  t.equal(fold.nextMessageSequence, 51, 'above the message that it names')
  add(fold, 2, 1, attempt(5, 90))
  t.equal(fold.nextMessageSequence, 90, 'and not below the next sequence that it carries')
})

t.test(
  'for many settled messages the segment of each settlement is known, and second copies change nothing',
  async t => {
    const fold = new OutcomeFold()
    let settled = 0
    for (let sequence = 1; sequence <= 5000; sequence += 1) {
      if (fold.settle(Math.ceil(sequence / 1000), sequence)) settled += 1
    }
    t.equal(settled, 5000)
    t.notOk(fold.settle(9, 4999))
    t.equal(fold.settledIn(1), 1)
    t.equal(fold.settledIn(4999), 5)
    t.equal(fold.settledIn(5001), undefined)
  },
)

t.test('a channel is halted unless it was resumed later', async t => {
  const fold = new OutcomeFold()
  add(fold, 1, 1, resumed('a'))
  add(fold, 2, 1, halting(1, 'a'))
  add(fold, 3, 1, halting(2, 'b'))
  add(fold, 4, 1, resumed('b'))
  t.strictSame(
    [...fold.halts()].map(({ channel }) => channel),
    ['a'],
  )
})

t.test('a halt outlives the dead letter that caused it', async t => {
  const fold = new OutcomeFold()
  add(fold, 1, 1, halting(1, 'a'))
  add(fold, 2, 1, { ...delivered(1), kind: 'purged' } as OutcomeRecord)
  t.equal([...fold.halts()].length, 1)
})

t.test('the longest wait of each target is in force until it is over', async t => {
  const fold = new OutcomeFold()
  add(fold, 1, 1, limited(NOW + 5000))
  add(fold, 2, 1, limited(NOW + 3000))
  add(fold, 3, 1, limited(NOW, 'slack:*'))
  t.match([...fold.limits.inForce(NOW)], [{ scope: 'group', target: 'telegram:*', until: NOW + 5000 }])
  t.equal([...fold.limits.inForce(NOW)].length, 1)
})

t.test('a wait that a person ended is over, and one told after that is in force, in any order', async t => {
  const records: [number, OutcomeRecord][] = [
    [1, limited(NOW + 5000)],
    [
      2,
      {
        kind: 'wait-ended',
        nextSequence: 9,
        at: NOW,
        scope: 'group',
        target: 'telegram:*',
        until: NOW + 5000,
      },
    ],
    [3, limited(NOW + 2000)],
    [4, limited(NOW + 1000, 'slack:*')],
  ]
  for (const order of [records, [...records].reverse()]) {
    const fold = new OutcomeFold()
    for (const [ackSequence, record] of order) add(fold, ackSequence, 1, record)
    const inForce = [...fold.limits.inForce(NOW)].map(({ target, until }) => [target, until - NOW])
    t.strictSame(inForce.sort(), [
      ['slack:*', 1000],
      ['telegram:*', 2000],
    ])
    t.strictSame([...fold.limits.ends(NOW)].length, 1)
    t.strictSame([...fold.limits.ends(NOW + 5000)].length, 0)
  }
})

t.test('lost ack bytes put in doubt the messages enqueued before the next frame was written', async t => {
  const fold = new OutcomeFold()
  add(fold, 1, 1, attempt(3))
  fold.lose(range({ firstMissing: 2, lastMissing: 3 }))
  add(fold, 4, 1, attempt(4, 10))
  add(fold, 5, 1, attempt(5, 20))
  t.ok(fold.mayHaveLost(3, fold.last(3)), 'its last known outcome comes before')
  t.ok(fold.mayHaveLost(9, undefined), 'it was there, and has none')
  t.notOk(fold.mayHaveLost(10, undefined), 'it came later')
  t.notOk(fold.mayHaveLost(4, fold.last(4)), 'a later outcome tells how it stands')
})

t.test(
  'lost bytes at the end of the ack log put in doubt only messages that existed when the loss was found',
  async t => {
    const fold = new OutcomeFold()
    add(fold, 1, 1, attempt(3))
    fold.lose(
      range({ firstMissing: 2, lastMissing: 2, nextSequences: { acks: 3, messages: 8 }, known: true }),
    )
    t.ok(fold.mayHaveLost(7, undefined))
    t.notOk(fold.mayHaveLost(8, undefined), 'enqueued after the damage was seen')
  },
)

t.test('lost ack bytes put in doubt the messages known to the next intact frame', async t => {
  const fold = new OutcomeFold()
  add(fold, 1, 1, attempt(3))
  fold.lose(range({ offset: 0, length: 5000, firstMissing: 2, lastMissing: 8 }))
  add(fold, 9, 2, attempt(4, 10))
  t.ok(fold.mayHaveLost(3, fold.last(3)))
  t.notOk(fold.mayHaveLost(4, fold.last(4)))
  t.notOk(fold.mayHaveLost(10, undefined))
})

t.test(
  'a lost end of unknown length of the ack log puts in doubt all messages known when it was found',
  async t => {
    const fold = new OutcomeFold()
    const nextSequences = { acks: 9, messages: 20 }
    fold.lose(range({ offset: 0, length: 5000, firstMissing: 2, nextSequences, known: true }))
    add(fold, 1, 2, attempt(3))
    t.ok(fold.mayHaveLost(3, fold.last(3)))
    add(fold, 9, 2, attempt(4))
    t.notOk(fold.mayHaveLost(4, fold.last(4)), 'it was recorded later')
    t.notOk(fold.mayHaveLost(20, undefined))
  },
)

t.test('damage of the ack log without a missing sequence puts no message in doubt', async t => {
  const fold = new OutcomeFold()
  fold.lose(range({ offset: 0, length: 64 }))
  fold.lose(range({ offset: 900, length: 10 }))
  t.notOk(fold.mayHaveLost(3, undefined))
})

t.test(
  'the outcome with the highest ack sequence counts, also where an earlier one is read after it',
  async t => {
    const fold = new OutcomeFold()
    add(fold, 5, 1, attempt(1))
    add(fold, 3, 2, { ...attempt(1), at: NOW - 1 })
    t.match(fold.last(1), { ackSequence: 5, segment: 1 })
    add(fold, 7, 2, attempt(1))
    t.match(fold.last(1), { ackSequence: 7, segment: 2 })
  },
)

t.test('the latest halt of a channel counts, also where an earlier one is read after it', async t => {
  const fold = new OutcomeFold()
  add(fold, 10, 1, halting(1, 'a'))
  add(fold, 7, 2, resumed('a'))
  add(fold, 4, 2, halting(2, 'a'))
  t.match([...fold.halts()], [{ channel: 'a', ackSequence: 10 }])
})
