import t from 'tap'
import { Harness } from '../fixtures/harness.js'

const HOUR = 3_600_000
/** A gateway that found no one behind it: in doubt, and so charged. */
const badGateway = Object.assign(new Error('bad gateway'), { status: 502 })

/** Of a receiver that is up: fast enough for 64 at once to get through, and slow enough that one by one would not. */
const LATENCY_MS = 200

/** A receiver behind a gateway, which is down until it is up. */
function receiver(options: ConstructorParameters<typeof Harness>[0]) {
  const state = { up: false }
  const h = new Harness(options)
  const answer = () => {
    if (!state.up) throw badGateway
    return new Promise(resolve => h.clock.setTimeout(() => resolve('ok'), LATENCY_MS))
  }
  const add = (channel: string) => {
    h.answer(channel, answer)
    h.add(channel)
  }
  return { h, state, add }
}

const GROUPED = { groups: { 'tg:bot:*': {} } }

for (const [how, options] of [
  ['without groups', {}],
  ['with a group', GROUPED],
] as const) {
  t.test(
    `an outage of an hour kills no message of 1,000 channels ${how}, and sends none three times`,
    async t => {
      const { h, state, add } = receiver({ ...options, onAmbiguous: 'resend' })
      const channels = Array.from({ length: 1_000 }, (_, chat) => `tg:bot:${chat}`)
      for (let round = 0; round < 10; round++) for (const channel of channels) add(channel)
      await h.pass(HOUR)
      const times = new Map<string, number>()
      for (const { id } of h.sent) times.set(id, (times.get(id) ?? 0) + 1)
      t.ok(Math.max(...times.values()) <= 2)
      t.equal(h.of('delivered').length, 0)
      state.up = true
      for (let steps = 0; steps < 4 * 120; steps++) await h.pass(250)
      t.equal(h.of('delivered').length, 10_000)
      t.equal(h.of('dead').length, 0)
      t.equal(h.dispatcher.stats().brakedCount, 0)
      const last = new Map<string, number>()
      for (const { channel, sequence } of h.of('delivered') as unknown as {
        channel: string
        sequence: number
      }[]) {
        if (sequence < (last.get(channel) ?? 0)) t.fail(`${channel}: ${sequence} came out of order`)
        last.set(channel, sequence)
      }
    },
  )
}

for (const [hours, most] of [
  [1, 4],
  [8, 13],
] as const) {
  t.test(`an outage of ${hours} hours costs a single channel ${most} messages at most`, async t => {
    for (const random of [() => 0, () => 0.5, () => 0.999]) {
      const { h, add } = receiver({ ...GROUPED, random })
      for (let i = 0; i < 50; i++) add('tg:bot:1')
      await h.pass(hours * HOUR)
      t.ok(h.of('dead').length <= most, `${h.of('dead').length}`)
      t.ok(h.of('dead').length >= most - 1, `${h.of('dead').length}`)
    }
  })
}

t.test('with onAmbiguous dead-letter an outage costs one message a probe', async t => {
  const { h, state, add } = receiver({ ...GROUPED, onAmbiguous: 'dead-letter' })
  for (let i = 0; i < 500; i++) add('tg:bot:1')
  await h.pass(HOUR)
  t.equal(h.of('dead').length, h.sent.length)
  // Two that put it on; 1, 2, 4 … 60 s, then each minute.
  t.equal(h.sent.length, 2 + 6 + Math.floor((3_600 - 63) / 60))
  state.up = true
  await h.pass(2 * 60_000)
  t.equal(h.of('delivered').length, 500 - h.of('dead').length)
})
