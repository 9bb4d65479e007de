import fc from 'fast-check'
import t from 'tap'
import type { Answer } from '../../../lib/delivery/types.js'
import { ambiguous, Harness, halt, limited, open, retry } from '../fixtures/harness.js'

const HOUR = 3_600_000
const down = () => Object.assign(new Error('down'), { code: 'ECONNREFUSED' })

function sideBySide(concurrency: number, more: object = {}): ConstructorParameters<typeof Harness>[0] {
  return { sideBySide: true, channelOptions: () => ({ ordered: false, concurrency, ...more }) }
}

t.test('a channel with a concurrency sends as many at once, and the next as soon as one ends', async t => {
  const h = new Harness(sideBySide(3))
  const gates = Array.from({ length: 5 }, () => open())
  for (const [i, gate] of gates.entries()) h.answer(`m${i + 1}`, gate.answer)
  for (let i = 0; i < 5; i += 1) h.add('a')
  await h.pass()
  t.same(h.ids, ['m1', 'm2', 'm3'])
  gates[1]!.succeed()
  await h.pass()
  t.same(h.ids, ['m1', 'm2', 'm3', 'm4'])
  for (const gate of gates) gate.succeed()
  await h.pass()
  t.equal(h.of('delivered').length, 5)
  t.equal(h.mostUnderWay, 3)
  t.match(h.dispatcher.stats(), { pending: 0, channels: 0 })
})

t.test(
  'onAmbiguous is asked once about each of several messages in doubt, and each answer counts',
  async t => {
    const asked: string[] = []
    const replies: ((answer: Answer) => void)[] = []
    const h = new Harness({
      ...sideBySide(2),
      channelOptions: () => ({
        ordered: false,
        concurrency: 2,
        onAmbiguous: ({ id }) => {
          asked.push(id)
          return new Promise(resolve => replies.push(resolve))
        },
      }),
    })
    for (const id of ['m1', 'm2']) {
      h.answer(id, ambiguous, 'ok')
      h.add('a')
    }
    await h.pass()
    await h.pass(1_000)
    t.same(asked, ['m1', 'm2'])
    replies[0]!('not-sent')
    replies[1]!('unknown')
    await h.pass(1_000)
    t.same(asked, ['m1', 'm2'], 'no second question')
    t.same(
      h.sent.slice(2).map(({ id, mayHaveBeenSent }) => [id, mayHaveBeenSent]),
      [
        ['m1', false],
        ['m2', true],
      ],
    )
    t.equal(h.of('delivered').length, 2)
  },
)

t.test('an attempt that may overtake another is on the device before it is made', async t => {
  const h = new Harness(sideBySide(2))
  const gate = open()
  h.answer('m1', gate.answer)
  h.add('a')
  await h.pass()
  t.same(h.store.overtaking, [])
  h.add('a')
  await h.pass()
  t.same(h.store.overtaking, [2], 'the mark of m1 may not be there yet')
  gate.succeed()
  await h.pass()
})

t.test('in a channel with a concurrency one in backoff is passed, and comes back in its time', async t => {
  const h = new Harness({ ...sideBySide(2), retry: [1_000] })
  h.answer('m1', retry, 'ok')
  for (let i = 0; i < 4; i += 1) h.add('a')
  await h.pass()
  t.same(h.ids, ['m1', 'm2', 'm3', 'm4'])
  await h.pass(1_000)
  t.same(h.ids, ['m1', 'm2', 'm3', 'm4', 'm1'])
})

t.test(
  'parts of a list that fails together go one at a time, in a channel with a concurrency too',
  async t => {
    const h = new Harness(sideBySide(4))
    const gates = Array.from({ length: 5 }, () => open())
    for (const [i, gate] of gates.entries()) h.answer(`m${i + 1}`, gate.answer)
    h.addTogether('a', 2)
    h.addTogether('a', 2)
    h.add('a')
    await h.pass()
    t.same(h.ids, ['m1'])
    gates[0]!.succeed()
    await h.pass()
    t.same(h.ids, ['m1', 'm2', 'm3'], 'the other list begins beside the last part of the first one')
    gates[2]!.succeed()
    await h.pass()
    t.same(h.ids, ['m1', 'm2', 'm3', 'm4', 'm5'])
    for (const gate of gates) gate.succeed()
    await h.pass()
    t.equal(h.of('delivered').length, 5)
  },
)

t.test('limits, halts, pauses and told waits hold for a channel with a concurrency', async t => {
  const rate = new Harness(sideBySide(8, { rateLimit: { count: 2, perMs: 1_000 } }))
  for (let i = 0; i < 6; i += 1) rate.add('a')
  await rate.pass()
  t.equal(rate.sent.length, 2)
  await rate.pass(1_000)
  t.equal(rate.sent.length, 4)

  for (const [verdict, event] of [
    [halt, 'halted'],
    [limited(HOUR), 'rateLimited'],
  ] as const) {
    const h = new Harness(sideBySide(2))
    const gate = open()
    h.answer('m1', gate.answer)
    h.answer('m2', verdict)
    for (let i = 0; i < 5; i += 1) h.add('a')
    await h.pass()
    t.same(h.ids, ['m1', 'm2'], event)
    t.equal(h.of(event).length, 1)
    gate.succeed()
    await h.pass()
    t.equal(h.sent.length, 2, event)
  }

  const paused = new Harness(sideBySide(2))
  const gate = open()
  paused.answer('m1', gate.answer)
  paused.add('a')
  await paused.pass()
  paused.dispatcher.pause('a')
  paused.add('a')
  await paused.pass()
  gate.succeed()
  await paused.pass()
  t.equal(paused.sent.length, 1)
  paused.dispatcher.resume('a')
  await paused.pass()
  t.equal(paused.sent.length, 2)
})

t.test('while its receiver is down a channel with a concurrency tries one at a time', async t => {
  const h = new Harness({ ...sideBySide(4), retry: [HOUR] })
  h.answer('tg:bot:1', down())
  for (let i = 0; i < 12; i += 1) h.add('tg:bot:1')
  await h.pass()
  t.equal(h.of('braked').length, 1)
  const before = h.sent.length
  t.ok(before < 12)
  const gate = open()
  h.answer('tg:bot:1', gate.answer)
  await h.pass(5_000)
  t.equal(h.sent.length, before + 1, 'the probe')
  h.answer('tg:bot:1', 'ok')
  gate.succeed()
  await h.pass(HOUR)
  t.equal(h.dispatcher.stats().pending, 0)
})

t.test(
  'messages that are over as soon as their turn comes leave their channel, whatever its concurrency',
  async t => {
    for (const options of [{}, sideBySide(3)]) {
      const h = new Harness(options)
      h.dispatcher.pause()
      for (let i = 0; i < 5; i += 1) h.add('a', { expiresAt: h.time.now() + 1 })
      h.addTogether('b', 3, { expiresAt: h.time.now() + 1 })
      await h.pass(10)
      h.dispatcher.resume()
      await h.pass()
      t.equal(h.of('dead').length, 8)
      t.equal(h.sent.length, 0)
      t.match(h.dispatcher.stats(), { pending: 0, channels: 0 })
      h.add('a')
      await h.pass()
      t.equal(h.sent.length, 1)
    }
  },
)

t.test('a kill with several under way in one channel leaves each of them in doubt, and no other', async t => {
  const h = new Harness(sideBySide(3))
  h.answer('a', () => new Promise(() => {}))
  for (let i = 0; i < 5; i += 1) h.add('a')
  await h.pass()
  const after = await h.crash(sideBySide(3))
  await after.pass(10_000)
  t.same(after.sent.map(({ id, mayHaveBeenSent }) => [id, mayHaveBeenSent]).sort(), [
    ['m1', true],
    ['m2', true],
    ['m3', true],
    ['m4', false],
    ['m5', false],
  ])
})

t.test(
  'whatever the answers, every message of a channel with a concurrency settles, and never more are sent at once',
  async () => {
    const answer = fc.constantFrom('ok' as const, retry, limited(500), down(), halt)
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.array(answer, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 12 }),
        fc.boolean(),
        async (concurrency, answers, together) => {
          const h = new Harness({ ...sideBySide(concurrency), retry: [100, 100, 100, 100, 100, 100, 100] })
          for (const [i, each] of answers.entries()) h.answer(`m${i + 1}`, ...each, 'ok')
          if (together) h.addTogether('tg:bot:1', answers.length)
          else for (const _ of answers) h.add('tg:bot:1')
          for (let i = 0; i < 60 && h.dispatcher.stats().pending > 0; i += 1) {
            await h.pass(60_000)
            h.dispatcher.resume()
          }
          return (
            h.dispatcher.stats().pending === 0 && h.mostUnderWay <= concurrency && h.of('error').length === 0
          )
        },
      ),
      { numRuns: 60 },
    )
  },
)
