/** What delivery does with a waiting message that a newer one is to replace. */
import t from 'tap'
import type { ReplacedOutcome } from '../../../lib/store/message-store.js'
import { Harness } from '../fixtures/harness.js'

const outcome: ReplacedOutcome = {
  kind: 'replaced',
  at: 0,
  attempts: 0,
  mayHaveBeenSent: false,
  by: { sequence: 2, id: 'newer' },
  identity: { id: 'm1', channel: 'a', digest: '12345678' },
}

/** One message that waits, in a queue that is paused until it is held. */
async function held(options: ConstructorParameters<typeof Harness>[0] = {}) {
  const h = new Harness(options)
  await h.pass()
  await h.dispatcher.pause()
  const ref = h.add('a')
  const { replacement } = h.store
  t.equal(replacement.hold(ref), true)
  await h.dispatcher.resume()
  return { h, ref, replacement }
}

t.test('a held message waits, and so do those behind it, until it is released', async t => {
  const { h, ref, replacement } = await held()
  h.add('a')
  h.add('b')
  await h.pass(1_000)
  t.strictSame(h.ids, ['m3'], 'other channels go on')
  replacement.release(ref)
  await h.pass()
  t.strictSame(h.ids, ['m3', 'm1', 'm2'])
  replacement.release(ref)
  await h.pass()
  t.equal(h.ids.length, 3, 'a second release has no effect')
})

t.test('a queue with a held message is not drained', async t => {
  const { h, ref, replacement } = await held()
  let drained: unknown
  void h.dispatcher.drain().then(result => {
    drained = result
  })
  await h.pass(1_000)
  t.equal(drained, undefined)
  replacement.release(ref)
  await h.pass()
  t.match(drained, { remaining: 0 })
})

t.test('a replaced message leaves its channel, and is told once that is written', async t => {
  const { h, ref, replacement } = await held()
  h.add('a')
  h.store.holdWrites = true
  replacement.replaced(ref, outcome)
  await h.pass()
  t.strictSame({ sent: h.ids, told: h.of('replaced').length }, { sent: [], told: 0 })
  h.store.holdWrites = false
  h.store.releaseWrites()
  await h.pass()
  t.strictSame(h.ids, ['m2'])
  t.match(h.of('replaced'), [{ id: 'm1', channel: 'a', sequence: 1, attempts: 0, by: { id: 'newer' } }])
})

t.test(
  'a message that is being prepared for an attempt, or was withdrawn, is neither held nor replaced',
  async t => {
    const h = new Harness()
    await h.pass()
    h.store.holdReads = true
    const prepared = h.add('a')
    const { replacement } = h.store
    await h.pass()
    t.equal(replacement.hold(prepared), false)
    h.store.holdReads = false
    h.store.releaseReads()
    await h.pass()
    const { h: other, ref, replacement: ofOther } = await held()
    other.store.holdWrites = true
    void other.cancel(ref)
    ofOther.replaced(ref, outcome)
    t.equal(ofOther.hold(ref), false)
    other.store.holdWrites = false
    other.store.releaseWrites()
    await other.pass()
    t.strictSame(other.store.kinds(1), ['cancelled'])
    t.match(await other.dispatcher.drain(), { remaining: 0 })
  },
)

t.test('a held message of a channel that is not ordered waits as well', async t => {
  const { h, ref, replacement } = await held({ channelOptions: () => ({ ordered: false }) })
  h.add('b')
  await h.pass(100)
  t.strictSame(h.ids, ['m2'])
  replacement.release(ref)
  await h.pass()
  t.strictSame(h.ids, ['m2', 'm1'])
})
