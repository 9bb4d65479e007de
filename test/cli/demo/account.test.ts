import t from 'tap'
import { digestOf, percentile, type TakenMessage, takeAccount } from '../../../lib/cli/demo/account.js'

const messages = [
  { channel: 'a', text: 'one' },
  { channel: 'b', text: 'two' },
  { channel: 'a', text: 'three' },
  { channel: 'a', text: 'four' },
]

function taken(index: number, change: Partial<TakenMessage> = {}): TakenMessage {
  const { channel, text } = messages[index]!
  return { id: `demo-${index}`, channel, digest: digestOf(text), times: 1, ...change }
}

const everything = (): boolean => true

t.test('an account of a run without faults reports none', async t => {
  t.match(takeAccount(messages, everything, [taken(0), taken(1), taken(2), taken(3)]), {
    enqueued: 4,
    delivered: 4,
    lost: 0,
    outOfOrder: 0,
    altered: 0,
    duplicates: 0,
  })
})

t.test('an acknowledged message that the server never took counts as lost', async t => {
  const account = takeAccount(messages, everything, [taken(0), taken(1), taken(3)])
  t.match(account, { enqueued: 4, delivered: 3, lost: 1, outOfOrder: 0, examples: { lost: ['demo-2'] } })
})

t.test('an unacknowledged message counts as lost neither when it is missing nor when it arrived', async t => {
  const account = takeAccount(messages, index => index < 2, [taken(0), taken(1), taken(2)])
  t.match(account, { enqueued: 2, delivered: 3, lost: 0 })
})

t.test('a message taken after a later one of its channel counts as out of order', async t => {
  const account = takeAccount(messages, everything, [taken(2), taken(0), taken(1), taken(3)])
  t.match(account, { lost: 0, outOfOrder: 1, examples: { outOfOrder: ['demo-0'] } })
})

t.test('every message behind an overtaking one counts as out of order', async t => {
  const account = takeAccount(messages, everything, [taken(3), taken(0), taken(2), taken(1)])
  t.equal(account.outOfOrder, 2)
})

t.test('messages of different channels may arrive in any order', async t => {
  t.match(takeAccount(messages, everything, [taken(1), taken(0), taken(2), taken(3)]), { outOfOrder: 0 })
  t.match(takeAccount(messages, everything, [taken(0), taken(2), taken(3), taken(1)]), { outOfOrder: 0 })
})

t.test(
  'deliveries of a message after its first count as duplicates, and only the first counts for order',
  async t => {
    const account = takeAccount(messages, everything, [
      taken(0, { times: 3 }),
      taken(1),
      taken(2, { times: 2 }),
      taken(3),
    ])
    t.match(account, { delivered: 4, duplicates: 3, outOfOrder: 0 })
  },
)

t.test('a message with another text or channel than enqueued counts as altered, not lost', async t => {
  const record = [taken(0, { digest: digestOf('0ne') }), taken(1, { channel: 'a' }), taken(2), taken(3)]
  t.match(takeAccount(messages, everything, record), { delivered: 4, lost: 0, altered: 2 })
})

t.test('a message that was never enqueued counts as altered', async t => {
  const strange = ['demo-4', 'demo-01', 'demo--1', 'other'].map(id => taken(0, { id }))
  const account = takeAccount(messages, everything, [...strange, taken(0), taken(1), taken(2), taken(3)])
  t.match(account, { delivered: 4, lost: 0, altered: 4 })
})

t.test('with an empty record every acknowledged message counts as lost', async t => {
  t.match(takeAccount(messages, everything, []), { enqueued: 4, delivered: 0, lost: 4 })
})

t.test('percentiles of the demo are samples by nearest rank', async t => {
  const samples = Array.from({ length: 100 }, (_, index) => 100 - index)
  t.equal(percentile(samples, 0.5), 50)
  t.equal(percentile(samples, 0.99), 99)
  t.equal(percentile([7], 0.99), 7)
  t.equal(percentile([], 0.5), undefined)
})
