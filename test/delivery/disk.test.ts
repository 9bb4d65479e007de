import t from 'tap'
import { WaqError } from '../../lib/log/errors/waq-error.js'
import { Harness, open } from './fixtures/harness.js'

t.test('a channel waits while a delivery of it cannot be recorded, and sends nothing again', async t => {
  const h = new Harness()
  const gate = open()
  h.answer('m1', gate.answer)
  h.add('a')
  h.add('a')
  await h.pass()
  h.store.holdWrites = true
  gate.succeed()
  await h.pass(1e7)
  t.same(h.ids, ['m1'])
  t.same(h.of('delivered'), [])
  h.store.releaseWrites()
  await h.pass()
  t.same(h.ids, ['m1', 'm2'])
})

t.test('a message that can never be read is a dead letter, and the messages behind it go on', async t => {
  const h = new Harness()
  h.store.readError = sequence => (sequence === 1 ? new WaqError('WAQ_CORRUPT', 'bytes are gone') : undefined)
  h.add('a')
  h.add('a')
  await h.pass()
  t.same(h.ids, ['m2'])
  t.match(h.of('dead'), [{ id: '', sequence: 1, reason: 'permanent', recorded: { code: 'WAQ_CORRUPT' } }])
  t.match(h.of('error'), [{ error: { code: 'WAQ_CORRUPT' } }])
})

t.test('a disk that cannot be read for now costs no attempt, and the channels wait with backoff', async t => {
  const h = new Harness()
  let reads = 0
  h.store.readError = () => (++reads < 4 ? new WaqError('WAQ_IO', 'EIO') : undefined)
  h.add('a')
  await h.pass(7_000)
  t.same(
    h.sent.map(s => [s.at, s.attempt]),
    [[7_000, 1]],
  )
  t.equal(h.of('error').length, 3)
})

t.test('once the fence is lost nothing is sent, signals abort, and waiting calls reject', async t => {
  const h = new Harness()
  h.answer('m1', open().answer)
  h.add('a')
  h.add('a')
  await h.pass()
  const drained = h.dispatcher.drain()
  const recorded = h.store.outcomes.length
  const error = new WaqError('WAQ_LOCK_LOST', 'another owner')
  h.store.lose(error)
  await t.rejects(drained, { code: 'WAQ_LOCK_LOST' })
  t.equal(h.sent[0]!.delivery.signal.reason, error)
  h.add('b')
  await h.pass(1e7)
  t.same(h.ids, ['m1'])
  t.equal(h.store.outcomes.length, recorded)
  await h.dispatcher.close(10_000)
  await t.rejects(h.dispatcher.drain(), { code: 'WAQ_LOCK_LOST' })
  t.equal(h.clock.timerCount, 0)
})

t.test('an attempt whose record was refused is not sent', async t => {
  const h = new Harness()
  h.store.holdWrites = true
  h.add('a')
  await h.pass()
  h.store.lose(new WaqError('WAQ_LOCK_LOST', 'another owner'))
  await h.pass(1e7)
  t.same(h.ids, [])
})

t.test('a fence that is lost during a close lets the close end', async t => {
  const h = new Harness()
  h.answer('m1', open().answer)
  h.add('a')
  await h.pass()
  const closed = h.dispatcher.close(60_000)
  h.store.lose(new WaqError('WAQ_LOCK_LOST', 'another owner'))
  await t.resolves(closed)
  t.notOk(h.store.kinds().includes('interrupted'))
})
