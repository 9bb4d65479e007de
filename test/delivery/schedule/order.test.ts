import t from 'tap'
import { Harness, open, permanent, retry } from '../fixtures/harness.js'

t.test('messages of one channel are sent in the order in which they were enqueued', async t => {
  const h = new Harness()
  for (let i = 0; i < 5; i++) h.add('a')
  await h.pass()
  t.same(h.ids, ['m1', 'm2', 'm3', 'm4', 'm5'])
  t.same(
    h.of('delivered').map(e => e.id),
    ['m1', 'm2', 'm3', 'm4', 'm5'],
  )
  t.match(await h.dispatcher.drain(), { remaining: 0 })
})

t.test('a later message never overtakes an earlier one of its chat that waits for its retry', async t => {
  const h = new Harness()
  h.answer('m1', retry, retry, 'ok')
  h.add('a')
  h.add('a')
  await h.pass(2_999)
  t.same(h.ids, ['m1', 'm1'])
  await h.pass(1)
  t.same(h.ids, ['m1', 'm1', 'm1', 'm2'])
})

t.test('a chat in backoff does not delay another', async t => {
  const h = new Harness()
  h.answer('a', retry)
  h.add('a')
  h.add('b')
  h.add('a')
  h.add('c')
  await h.pass()
  t.same(h.ids, ['m1', 'm2', 'm4'])
})

t.test('one attempt at a time is made in a channel', async t => {
  const h = new Harness()
  const first = open()
  h.answer('m1', first.answer)
  h.add('a')
  h.add('a')
  await h.pass()
  t.same(h.ids, ['m1'])
  first.succeed()
  await h.pass()
  t.same(h.ids, ['m1', 'm2'])
})

t.test('a message enqueued live never overtakes a recovered one', async t => {
  const before = new Harness({ idle: true })
  before.add('a')
  before.add('a')
  const h = await before.crash()
  h.add('a')
  await h.pass()
  t.same(h.ids, ['m1', 'm2', 'm3'])
})

t.test('a message that dies lets the next one of its channel go', async t => {
  const h = new Harness()
  h.answer('m1', permanent)
  h.add('a')
  h.add('a')
  await h.pass()
  t.same(h.ids, ['m1', 'm2'])
  t.match(h.of('dead'), [{ id: 'm1', reason: 'permanent', attempts: 1 }])
})

t.test(
  'in a channel that is not ordered, a message in backoff lets others pass and comes back on time',
  async t => {
    const h = new Harness({ channelOptions: () => ({ ordered: false }) })
    h.answer('m1', retry, 'ok')
    h.add('a')
    h.add('a')
    h.add('a')
    await h.pass()
    t.same(h.ids, ['m1', 'm2', 'm3'])
    await h.pass(999)
    t.equal(h.sent.length, 3)
    await h.pass(1)
    t.same(h.ids, ['m1', 'm2', 'm3', 'm1'])
  },
)

t.test('a message of an idle channel is sent without a macrotask between', async t => {
  const h = new Harness()
  await h.pass()
  h.add('a')
  for (let i = 0; i < 5; i++) await new Promise<void>(resolve => process.nextTick(resolve))
  t.same(h.ids, ['m1'])
})
