import t from 'tap'
import { ambiguous, Harness, halt, open, permanent } from '../fixtures/harness.js'

const groups = { 'tg:*': {} }
const soon = { kind: 'halt', afterMs: 10_000 } as const

const stopped = (h: Harness) => h.dispatcher.stats().halted.map(({ scope }) => scope)

t.test('a halt without a scope begins at its channel', async t => {
  const h = new Harness({ groups })
  h.answer('tg:1', halt)
  for (const channel of ['tg:1', 'tg:2', 'tg:1']) h.add(channel)
  await h.pass(59_999)
  t.same(h.ids, ['m1', 'm2'])
  t.same(stopped(h), ['tg:1'])
  await h.pass(1)
  t.same(h.ids, ['m1', 'm2', 'm1'])
})

t.test(
  'a halt widens to the group when a second channel halts with no success between, and says so',
  async t => {
    const h = new Harness({ groups })
    h.answer('tg:1', soon)
    h.answer('tg:2', soon)
    h.add('tg:1')
    h.add('tg:2')
    await h.pass()
    h.add('tg:3')
    h.add('other')
    await h.pass(9_999)
    t.same(h.ids, ['m1', 'm2', 'm4'])
    t.match(h.of('halted'), [
      { scope: 'channel', target: 'tg:1' },
      { scope: 'channel', target: 'tg:2' },
      { scope: 'group', target: 'tg:', reason: /told to be halt/ },
    ])
    t.same(stopped(h), ['tg:1', 'tg:2', 'tg:*'])
  },
)

t.test('a halt does not widen to the group after a success of the group', async t => {
  const h = new Harness({ groups })
  h.answer('tg:1', halt)
  h.answer('tg:3', halt)
  for (const channel of ['tg:1', 'tg:2', 'tg:3', 'tg:4']) {
    h.add(channel)
    await h.pass()
  }
  t.same(stopped(h), ['tg:1', 'tg:3'])
  t.same(h.of('delivered').length, 2)
})

t.test('a refusal or a doubt of another channel does not keep a halt from widening', async t => {
  const h = new Harness({ groups })
  for (const channel of ['tg:1', 'tg:4']) h.answer(channel, soon)
  h.answer('tg:2', permanent)
  h.answer('tg:3', ambiguous)
  for (const channel of ['tg:1', 'tg:2', 'tg:3', 'tg:4']) {
    h.add(channel)
    await h.pass()
  }
  t.same(stopped(h), ['tg:1', 'tg:4', 'tg:*'])
})

t.test(
  'the probe of a widened halt is another channel than those that halted, and its success shrinks the halt to these',
  async t => {
    const h = new Harness({ groups })
    for (const channel of ['tg:1', 'tg:2']) h.answer(channel, soon)
    h.add('tg:1')
    h.add('tg:2')
    await h.pass()
    for (const channel of ['tg:1', 'tg:2', 'tg:3', 'tg:3', 'tg:4']) h.add(channel)
    await h.pass(10_000)
    t.equal(h.ids[2], 'm5')
    t.same(h.of('delivered').length, 3)
    t.match(h.of('resumed'), [{ scope: 'group', target: 'tg:' }])
    t.same(stopped(h), ['tg:1', 'tg:2'])
  },
)

t.test(
  "failed probes of the channels that caused a halt do not widen it again, and another channel's halt may",
  async t => {
    const h = new Harness({ groups })
    for (const channel of ['tg:1', 'tg:2', 'tg:4', 'tg:5']) h.answer(channel, soon)
    h.add('tg:1')
    h.add('tg:2')
    h.add('tg:3')
    await h.pass(100_000)
    t.same(stopped(h), ['tg:1', 'tg:2'])
    t.ok(h.times('m1').length > 8, 'each is probed by itself')
    h.add('tg:4')
    await h.pass()
    t.same(stopped(h), ['tg:1', 'tg:2', 'tg:4'])
    h.add('tg:5')
    await h.pass()
    t.same(stopped(h), ['tg:1', 'tg:2', 'tg:4', 'tg:5', 'tg:*'])
  },
)

t.test(
  'an attempt under way that succeeds shrinks a widened halt, but no halt with a scope of its own',
  async t => {
    for (const [answer, left] of [
      [soon, ['tg:1', 'tg:2']],
      [{ ...soon, scope: 'group' }, ['tg:*']],
    ] as const) {
      const h = new Harness({ groups })
      const slow = open()
      h.answer('tg:3', slow.answer)
      h.add('tg:3')
      await h.pass()
      for (const channel of ['tg:1', 'tg:2']) {
        h.answer(channel, answer)
        h.add(channel)
        await h.pass()
      }
      slow.succeed()
      await h.pass()
      t.same(stopped(h), left)
    }
  },
)

t.test('the probe of a halt with scope group is another channel than the one that halted', async t => {
  const h = new Harness({ groups })
  h.answer('tg:1', { ...soon, scope: 'group' })
  h.add('tg:1')
  await h.pass()
  h.add('tg:2')
  await h.pass(10_000)
  t.same(h.ids.slice(0, 2), ['m1', 'm2'])
})

t.test('a widened halt is probed soon, then ever more seldom, unless the verdict names the wait', async t => {
  for (const [answer, most] of [
    [halt, 36],
    [{ kind: 'halt', afterMs: 60_000 } as const, 4],
  ] as const) {
    const h = new Harness({ groups })
    for (let i = 0; i < 100; i++) {
      h.answer(`tg:${i}`, answer)
      h.add(`tg:${i}`)
      if (i === 1) await h.pass()
    }
    await h.pass(60_000)
    const probes = h.sent.length
    t.ok(probes <= most, `${probes} attempts in the first minute`)
    await h.pass(600_000)
    const later = h.sent.length
    await h.pass(600_000)
    t.ok(h.sent.length - later <= 10, 'then one a minute')
    t.equal(h.store.kinds().filter(kind => kind !== 'attempt' && kind !== 'released').length, 0)
  }
})

t.test('halts of channels without a group do not widen', async t => {
  const h = new Harness({ groups })
  for (const channel of ['a', 'b', 'c']) {
    if (channel !== 'c') h.answer(channel, halt)
    h.add(channel)
  }
  await h.pass()
  t.same(stopped(h), ['a', 'b'])
  t.match(h.of('delivered'), [{ channel: 'c' }])
})

t.test('a halt by a dead letter or by failing channelOptions does not widen', async t => {
  const h = new Harness({
    groups,
    onDead: 'halt',
    channelOptions: channel => {
      if (channel === 'tg:2') throw new Error('no options')
      return undefined
    },
  })
  h.answer('tg:1', permanent)
  h.answer('tg:3', permanent)
  for (const channel of ['tg:1', 'tg:2', 'tg:3', 'tg:4']) h.add(channel)
  await h.pass()
  t.same(stopped(h), ['tg:2', 'tg:1', 'tg:3'])
  t.match(h.of('delivered'), [{ channel: 'tg:4' }])
})

t.test('a resume of a group ends its halt and those of its channels', async t => {
  const h = new Harness({ groups })
  for (const channel of ['tg:1', 'tg:2']) {
    h.answer(channel, { kind: 'halt', afterMs: Infinity }, 'ok')
    h.add(channel)
  }
  h.add('tg:3')
  await h.pass(1e9)
  t.match(h.of('halted').at(-1), { scope: 'group', probeAt: Infinity })
  h.dispatcher.resume('tg:*')
  await h.pass()
  t.same(stopped(h), [])
  t.same(h.of('resumed').length, 3)
})

/** Every ten seconds a message for the other channel of the group. */
async function others(h: Harness, ms: number, channel = 'tg:2'): Promise<void> {
  for (let passed = 0; passed < ms; passed += 10_000) {
    h.add(channel)
    await h.pass(10_000)
  }
}

const retry = { giveUpAfterMs: 600_000 }

t.test('a message that alone keeps halting is dead by giveUpAfterMs, and its channel goes on', async t => {
  const h = new Harness({ groups, retry })
  h.answer('m1', halt)
  h.add('tg:1')
  h.add('tg:1')
  await others(h, 590_000)
  t.same(h.of('dead'), [])
  await others(h, 120_000)
  t.match(h.of('dead'), [{ id: 'm1', reason: 'attempts', attempts: 0 }])
  t.match(h.of('resumed'), [{ scope: 'channel', target: 'tg:1' }])
  t.ok(h.ids.includes('m2'))
  t.equal(h.times('m1').length, 11, 'one probe a minute')
})

t.test('the time of a message that halts alone counts across restarts', async t => {
  let h = new Harness({ groups, retry })
  h.add('tg:1')
  let dead = 0
  for (let life = 0; life < 4; life++) {
    h.answer('m1', halt)
    await others(h, 250_000)
    dead += h.of('dead').length
    h = await h.crash({ groups, retry })
  }
  t.equal(dead, 1)
})

for (const [what, answer, other] of [
  ['where no other channel of the group has succeeded since the halt', halt, undefined],
  ['where the channel that succeeds is in no group with it', halt, 'other'],
  ['in a halt that waits for a resume', { kind: 'halt', afterMs: Infinity }, 'tg:2'],
  ['in a halt of global scope', { kind: 'halt', scope: 'global' }, 'tg:2'],
] as const) {
  t.test(`giveUpAfterMs does not run ${what}`, async t => {
    const h = new Harness({ groups, retry })
    h.answer('m1', answer)
    h.add('tg:1')
    if (other === undefined) await h.pass(10 * 600_000)
    else await others(h, 2 * 600_000, other)
    t.same(h.of('dead'), [])
    h.answer('m1', 'ok')
    h.dispatcher.resume()
    await h.pass(100_000)
    t.ok(h.of('delivered').some(({ id }) => id === 'm1'))
  })
}

t.test('giveUpAfterMs does not run while a channel that halts alone is paused', async t => {
  const h = new Harness({ groups, retry })
  h.answer('m1', halt)
  h.add('tg:1')
  await others(h, 60_000)
  h.dispatcher.pause('tg:1')
  await others(h, 1_200_000)
  h.dispatcher.resume('tg:1')
  await others(h, 60_000)
  t.same(h.of('dead'), [])
})

/** How many messages of the good tenants are delivered in each of four lives. */
async function throughput(
  isBad: (tenant: number) => boolean,
  { concurrency, lifeMs, sendMs }: { concurrency: number; lifeMs: number; sendMs: number },
  withBad: boolean,
): Promise<number[]> {
  const options = { groups: { 't:*': { concurrency } } }
  let h = new Harness(options)
  const begin = () => {
    for (let tenant = 0; tenant < 100; tenant++) {
      h.answer(`t:${tenant}`, () => {
        if (isBad(tenant)) throw Object.assign(new Error('Unauthorized'), { status: 401 })
        return new Promise(resolve => h.clock.setTimeout(() => resolve('ok'), sendMs))
      })
    }
  }
  begin()
  for (let tenant = 0; tenant < 100; tenant++) {
    if (withBad || !isBad(tenant)) for (let i = 0; i < 25; i++) h.add(`t:${tenant}`)
  }
  const delivered: number[] = []
  for (let life = 0; life < 4; life++) {
    await h.pass(lifeMs)
    delivered.push(h.of('delivered').length)
    if (h.of('dead').length > 0) throw new Error('a message died')
    h = await h.crash(options)
    begin()
  }
  return delivered
}

for (const [what, isBad] of [
  ['at random places', (tenant: number) => [3, 4, 17, 25, 26, 27, 60, 61, 88, 99].includes(tenant)],
  ['the first ten', (tenant: number) => tenant < 10],
] as const) {
  t.test(
    `if ten of a hundred tenants, ${what}, always answer 401, the others lose less than a tenth of their throughput`,
    async t => {
      for (const given of [
        { concurrency: 1, lifeMs: 150_000, sendMs: 500 },
        { concurrency: 2, lifeMs: 20_000, sendMs: 300 },
        // From the start: a life is as short as this.
        { concurrency: 4, lifeMs: 5_000, sendMs: 100 },
      ]) {
        const alone = await throughput(isBad, given, false)
        for (const [life, count] of (await throughput(isBad, given, true)).entries())
          t.ok(
            count > 0.9 * alone[life]!,
            `${count} of ${alone[life]} in life ${life}, ${given.concurrency} at once`,
          )
      }
    },
  )
}
