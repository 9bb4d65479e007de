import t from 'tap'
import type { MessageRef } from '../../lib/store/message-store.js'
import { Harness, halt, limited, open, permanent, retry } from './fixtures/harness.js'

const HOUR = 3_600_000
const down = () => Object.assign(new Error('down'), { code: 'ECONNREFUSED' })

function retryNow(h: Harness, ...refs: MessageRef[]): Promise<number> {
  return h.dispatcher.retryNow(refs.map(ref => h.store.sequence(ref)))
}

t.test('retryNow ends a backoff, and no restart brings it back', async t => {
  for (const ordered of [true, false]) {
    const options = {
      retry: [HOUR, HOUR],
      channelOptions: () => ({ ordered }),
    }
    const h = new Harness(options)
    h.answer('m1', retry)
    const ref = h.add('a')
    await h.pass(1_000)
    t.equal(h.sent.length, 1)
    h.dispatcher.pause()
    t.equal(await retryNow(h, ref), 1)
    t.match(h.store.outcomes.at(-1), { kind: 'retry', attempts: 1, dueAt: 0 })
    const after = await h.crash(options, 1_000)
    await after.pass()
    t.same(after.ids, ['m1'], 'it is tried at once')
    t.equal(after.sent[0]!.attempt, 2, 'and the attempt before counts')
  }
})

t.test('retryNow goes on in order, where the first message of a channel waits for its retry', async t => {
  const h = new Harness({ retry: [HOUR, HOUR] })
  h.answer('m1', retry, 'ok')
  const first = h.add('a')
  const second = h.add('a')
  await h.pass(1_000)
  t.equal(await retryNow(h, second), 0, 'the second one waits for the first one alone')
  t.equal(await retryNow(h, first, second), 1)
  await h.pass()
  t.same(h.ids, ['m1', 'm1', 'm2'])
})

t.test('retryNow ends a wait that a receiver told, for all that wait with the message', async t => {
  for (const scope of ['channel', 'group', 'global'] as const) {
    const options = { groups: { 'tg:*': {} }, retry: [0, 0, 0] }
    const h = new Harness(options)
    h.answer('m1', limited(HOUR, scope), 'ok')
    const ref = h.add('tg:1')
    await h.pass()
    const other = scope === 'channel' ? 'tg:1' : scope === 'group' ? 'tg:2' : 'other'
    h.add(other)
    await h.pass(60_000)
    t.equal(h.sent.length, 1, scope)
    t.equal(await retryNow(h, ref), 1)
    await h.pass()
    t.equal(h.sent.length, 3, scope)
  }
})

t.test('a told wait that retryNow ended does not come back with a restart', async t => {
  const options = { groups: { 'tg:*': {} }, channelOptions: () => ({ rateKey: 'chat' }) }
  for (const scope of ['channel', 'group', 'global'] as const) {
    const h = new Harness(options)
    h.answer('m1', limited(HOUR, scope))
    const ref = h.add('tg:1')
    h.add('tg:2')
    h.dispatcher.pause('tg:2')
    await h.pass()
    h.dispatcher.pause()
    t.equal(await retryNow(h, ref), 1)
    const after = await h.crash(options)
    await after.pass()
    t.same(after.ids.sort(), ['m1', 'm2'], scope)
  }
})

t.test('retryNow ends the brake of a receiver that was down', async t => {
  const h = new Harness({ retry: [HOUR, HOUR] })
  for (const channel of ['tg:bot:1', 'tg:bot:2', 'tg:bot:3']) h.answer(channel, down())
  const refs = ['tg:bot:1', 'tg:bot:2'].map(channel => h.add(channel))
  await h.pass()
  const held = h.add('tg:bot:3')
  await h.pass()
  t.equal(h.of('braked').length, 1)
  const before = h.sent.length
  for (const channel of ['tg:bot:1', 'tg:bot:2', 'tg:bot:3']) h.answer(channel, 'ok')
  t.ok((await retryNow(h, held, ...refs)) >= 2)
  await h.pass()
  t.equal(h.of('unbraked').length, 1)
  t.equal(h.sent.length, before + 3)
})

t.test('retryNow leaves schedules, pauses, halts, dead letters and what is being sent', async t => {
  const h = new Harness()
  const gate = open()
  h.answer('sending', gate.answer)
  h.answer('halted', halt)
  h.answer('dead', permanent)
  const refs = ['sending', 'halted', 'dead'].map(channel => h.add(channel))
  const scheduled = h.add('scheduled', { deliverAt: h.time.wall() + HOUR })
  h.dispatcher.pause('paused')
  const paused = h.add('paused')
  await h.pass()
  const { length } = h.sent
  const outcomes = h.store.outcomes.length
  t.equal(await retryNow(h, ...refs, scheduled, paused), 0)
  await h.pass()
  t.equal(h.sent.length, length)
  t.equal(h.store.outcomes.length, outcomes, 'nothing is recorded')
  gate.succeed()
  await h.pass()
})

t.test('retryNow and cancel of many record batches of 1,024', async t => {
  const h = new Harness({ retry: [HOUR, HOUR] })
  const refs = Array.from({ length: 2_500 }, (_, i) => {
    h.answer(`c${i}`, retry)
    return h.add(`c${i}`)
  })
  while (h.sent.length < 2_500) await h.pass(1)
  h.dispatcher.pause()
  const sequences = refs.map(ref => h.store.sequence(ref))
  t.equal(await h.dispatcher.retryNow(sequences), 2_500)
  t.same(h.store.batches, [1_024, 1_024, 452])
  t.equal(await h.dispatcher.cancelAll(sequences, false), 2_500)
  t.same(h.store.batches.slice(3), [1_024, 1_024, 452])
  t.equal(h.of('cancelled').length, 2_500)
  t.equal(h.dispatcher.stats().pending, 0)
  t.equal(await h.dispatcher.cancelAll(sequences, false), 0, 'they are gone')
})

t.test(
  'a cancel of many takes one that the receiver is asked about, and leaves what is being sent',
  async t => {
    const h = new Harness({
      channelOptions: channel =>
        channel === 'asked' ? { onAmbiguous: () => new Promise(() => {}) } : undefined,
    })
    const gate = open()
    h.answer('sending', gate.answer)
    h.answer('asked', { kind: 'ambiguous' })
    const asked = h.add('asked')
    const sending = h.add('sending')
    const waiting = h.add('sending')
    await h.pass(10_000)
    const sequences = [asked, sending, waiting].map(ref => h.store.sequence(ref))
    t.equal(
      await h.dispatcher.cancelAll(sequences, false),
      1,
      'one may have been sent, and one is being sent',
    )
    t.equal(await h.dispatcher.cancelAll(sequences.slice(0, 2), true), 1)
    gate.succeed()
    await h.pass()
    t.equal(h.of('delivered').length, 1)
    t.equal(h.dispatcher.stats().pending, 0)
  },
)
