import t from 'tap'
import { SendError } from '../../../lib/delivery/errors/send-error.js'
import { ambiguous, Harness, halt, limited, open, permanent, retry } from '../fixtures/harness.js'

const groups = { 'tg:*': {} }
/** Of the group, because its sender says so. */
const groupHalt = { kind: 'halt', scope: 'group' } as const

t.test('a halt of a group stops that group only', async t => {
  const h = new Harness({ groups })
  h.answer('tg:1', groupHalt)
  h.add('tg:1')
  await h.pass()
  h.add('tg:2')
  h.add('other')
  await h.pass(59_999)
  t.same(h.ids, ['m1', 'm3'])
  t.match(h.of('halted'), [{ scope: 'group', target: 'tg:' }])
  t.match(h.dispatcher.stats(), { haltedCount: 1, halted: [{ scope: 'tg:*' }] })
})

t.test('a channel in no group halts alone', async t => {
  const h = new Harness({ groups })
  h.answer('a', halt)
  h.add('a')
  h.add('b')
  await h.pass()
  t.same(h.ids, ['m1', 'm2'])
  t.match(h.of('halted'), [{ scope: 'channel', target: 'a' }])
})

t.test('a halt lets one uncharged probe through every afterMs', async t => {
  const h = new Harness({ groups, retry: { maxAttempts: 1 } })
  h.answer('tg:1', { ...groupHalt, afterMs: 10_000 })
  h.answer('tg:2', { ...groupHalt, afterMs: 10_000 })
  h.add('tg:1')
  await h.pass()
  h.add('tg:2')
  await h.pass(35_000)
  t.same(h.times(), [0, 10_000, 20_000, 30_000])
  t.equal(h.of('halted').length, 1)
  t.equal(h.of('dead').length, 0)
  t.ok(h.store.outcomes.every(o => o.kind === 'attempt' || o.attempts === 0))
})

t.test('a probe that gets through ends the halt, and the backlog flows', async t => {
  const h = new Harness({ groups })
  h.answer('m1', groupHalt, 'ok')
  h.add('tg:1')
  await h.pass()
  for (let i = 0; i < 5; i++) h.add(`tg:${i}`)
  await h.pass(60_000)
  t.same(h.ids.sort(), ['m1', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6'])
  t.match(h.of('resumed'), [{ scope: 'group', target: 'tg:' }])
  t.equal(h.dispatcher.stats().haltedCount, 0)
})

t.test(
  'a probe that fails in another way ends the halt too, and costs no attempt but for a doubt',
  async t => {
    for (const [verdict, attempts] of [
      [retry, 1],
      [limited(), 1],
      [ambiguous, 2],
    ] as const) {
      const h = new Harness({ groups, retry: { maxAttempts: 2 } })
      h.answer('m1', groupHalt, verdict, 'ok')
      h.add('tg:1')
      await h.pass(60_000)
      t.match(h.of('resumed'), [{}])
      await h.pass(10_000)
      t.match(h.of('delivered'), [{ id: 'm1', attempts }])
    }
  },
)

t.test('a halt makes one attempt its probe, and no other', async t => {
  const h = new Harness({ groups })
  const probe = open()
  h.answer('m1', groupHalt)
  h.add('tg:1')
  await h.pass()
  h.answer('tg:1', probe.answer)
  h.answer('m1', probe.answer)
  h.answer('tg:2', probe.answer)
  h.add('tg:2')
  h.add('tg:3')
  await h.pass(60_000)
  t.equal(h.sent.length, 2)
  probe.succeed()
  await h.pass()
  t.equal(h.of('delivered').length, 3)
})

t.test('attempts under way when a halt begins neither end it nor put its probe off', async t => {
  const h = new Harness({ groups })
  const fine = open()
  const broken = open()
  h.answer('m1', fine.answer)
  h.answer('m2', broken.answer, 'ok')
  h.answer('m3', groupHalt, 'ok')
  for (const channel of ['tg:1', 'tg:2', 'tg:3']) h.add(channel)
  await h.pass(20_000)
  fine.succeed()
  await h.pass()
  t.equal(h.dispatcher.stats().haltedCount, 1)
  broken.fail(new SendError('revoked', groupHalt))
  await h.pass(39_999)
  t.equal(h.sent.length, 3)
  await h.pass(1)
  t.same(h.ids.slice(3).sort(), ['m2', 'm3'])
  t.equal(h.of('halted').length, 1)
})

t.test('a halt with an infinite wait lasts until it is resumed', async t => {
  const h = new Harness()
  h.answer('m1', { kind: 'halt', afterMs: Infinity }, 'ok')
  h.add('a')
  await h.pass(1e9)
  t.equal(h.sent.length, 1)
  h.dispatcher.resume('a')
  await h.pass()
  t.same(h.ids, ['m1', 'm1'])
  t.match(h.of('resumed'), [{ scope: 'channel', target: 'a' }])
})

t.test('a halt of global scope stops every channel', async t => {
  const h = new Harness({ groups })
  h.answer('m1', { kind: 'halt', scope: 'global', afterMs: 5_000 }, 'ok')
  h.add('a')
  await h.pass()
  h.add('b')
  h.add('tg:1')
  await h.pass(4_999)
  t.equal(h.sent.length, 1)
  t.match(h.dispatcher.stats().halted, [{ scope: '*' }])
  await h.pass(1)
  t.equal(h.of('delivered').length, 3)
})

t.test('a channel in a halted group that halts too goes on only when both halts have ended', async t => {
  const h = new Harness({ groups })
  h.answer('m1', { kind: 'halt', scope: 'channel', afterMs: Infinity }, 'ok')
  h.answer('m2', { kind: 'halt', scope: 'group', afterMs: Infinity }, 'ok')
  h.add('tg:1')
  await h.pass()
  h.add('tg:2')
  await h.pass()
  h.dispatcher.resume('tg:1')
  await h.pass()
  t.equal(h.sent.length, 2)
  h.dispatcher.resume('tg:*')
  await h.pass()
  t.equal(h.of('delivered').length, 2)
})

t.test('resume without a selector ends every halt', async t => {
  const h = new Harness({ groups })
  h.answer('m1', { kind: 'halt', scope: 'global', afterMs: Infinity }, 'ok')
  h.add('tg:1')
  await h.pass()
  h.dispatcher.resume('tg:*')
  await h.pass()
  t.equal(h.sent.length, 1)
  h.dispatcher.resume()
  await h.pass()
  t.equal(h.sent.length, 2)
})

t.test(
  "onDead 'halt' stops the channel after a dead letter, also across a restart, until it is resumed",
  async t => {
    const options = { onDead: 'halt' } as const
    const h = new Harness(options)
    h.answer('m1', permanent)
    h.add('a')
    h.add('a')
    h.add('b')
    await h.pass(1e9)
    t.same(h.ids, ['m1', 'm3'])
    t.match(h.of('halted'), [{ scope: 'channel', target: 'a', probeAt: Infinity }])
    const after = await h.crash(options)
    await after.pass(1e9)
    t.same(after.ids, [])
    t.match(after.dispatcher.stats().halted, [{ scope: 'a' }])
    after.dispatcher.resume('a')
    await after.pass()
    t.same(after.ids, ['m2'])
    t.same(after.store.resumed, ['a'])
    const last = await after.crash(options)
    t.equal(last.dispatcher.stats().haltedCount, 0)
  },
)

t.test(
  'a message whose payload is refused outlives giveUpAfterMs while others of its group get through',
  async t => {
    let broken = true
    const h = new Harness({
      groups,
      retry: { giveUpAfterMs: 1_500, jitter: 0 },
      parse: {
        name: 'parse',
        read: payload => {
          if (broken && payload === 'old') throw new Error('schema 2 expected')
          return payload
        },
      },
    })
    h.add('tg:1', { id: 'refused', payload: 'old' })
    for (let minute = 0; minute < 10; minute += 1) {
      h.add('tg:2')
      await h.pass(60_000)
    }
    t.same(h.of('dead'), [])
    broken = false
    await h.pass(60_000)
    t.ok(h.ids.includes('refused'))
  },
)

t.test('a parse that throws halts its channel before anything is attempted, and no group', async t => {
  let broken = true
  const h = new Harness({
    groups,
    parse: {
      name: 'parse',
      read: payload => {
        if (broken) throw new Error('schema 2 expected')
        return { parsed: payload }
      },
    },
  })
  h.add('tg:1')
  h.add('tg:2')
  await h.pass()
  t.same(h.ids, [])
  t.match(
    h.of('halted').map(({ target }) => target),
    ['tg:1', 'tg:2'],
  )
  t.match(h.of('halted'), [{ reason: /parse refused .* schema 2 expected/ }, {}])
  t.notOk(h.store.kinds().includes('attempt'))
  broken = false
  await h.pass(60_000)
  t.same(
    h.sent.map(s => s.delivery.payload),
    [{ parsed: 1 }, { parsed: 2 }],
  )
})

t.test('a channel whose channelOptions fail halts alone, keeps its messages, and is asked again', async t => {
  let broken = true
  const h = new Harness({
    channelOptions: channel => {
      if (broken && channel === 'a') throw new Error('no options')
      return undefined
    },
  })
  h.add('a')
  h.add('b')
  await h.pass()
  t.same(h.ids, ['m2'])
  t.match(h.of('error'), [{ error: { message: 'no options' } }])
  h.add('a')
  await h.pass(60_000)
  t.same(h.ids, ['m2'])
  broken = false
  await h.pass(60_000)
  t.same(h.ids, ['m2', 'm1', 'm3'])
})
