import t from 'tap'
import { SendError } from '../../../lib/delivery/errors/send-error.js'
import type { Verdict } from '../../../lib/delivery/types.js'
import { ambiguous, Harness, halt, limited, open, permanent, type Sent } from '../fixtures/harness.js'

const groups = { 'tg:*': {} }
const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** What a client throws for such an answer. */
function http(status: number): Error {
  return Object.assign(new Error(`HTTP ${status}`), { status })
}

function network(code: string, syscall: string): Error {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall })
}

const refused = network('ECONNREFUSED', 'connect')
const down = http(502)

/** Braked by two channels, at 0. */
async function braked(options: ConstructorParameters<typeof Harness>[0] = { groups }): Promise<Harness> {
  const h = new Harness({ retry: { initialDelayMs: 1, factor: 1 }, ...options })
  h.answer('tg:1', down)
  h.answer('tg:2', down)
  h.add('tg:1')
  h.add('tg:2')
  await h.pass()
  return h
}

/** Never answers, and stops when it is told to. */
function hangs(h: Harness): () => Promise<unknown> {
  return () =>
    new Promise((_, reject) =>
      h.clock.setTimeout(() => reject(new DOMException('stopped', 'AbortError')), 30_000),
    )
}

const scopes = (h: Harness) => h.dispatcher.stats().braked.map(({ scope }) => scope)
const from = (h: Harness, index: number) => h.sent.slice(index).map(({ channel, at }) => [channel, at])

t.test('failures of two channels in a row brake their scope', async t => {
  for (const error of [
    refused,
    down,
    http(503),
    http(504),
    network('ETIMEDOUT', 'connect'),
    new DOMException('The operation timed out.', 'TimeoutError'),
  ]) {
    const h = new Harness({ groups })
    h.answer('tg:1', error)
    h.answer('tg:2', error)
    h.add('tg:1')
    await h.pass()
    t.equal(h.dispatcher.stats().brakedCount, 0)
    h.add('tg:2')
    await h.pass()
    t.match(h.of('braked'), [{ scope: 'group', target: 'tg:', since: h.clock.wall() }])
    t.match(h.dispatcher.stats(), { brakedCount: 1, braked: [{ scope: 'tg:*', since: h.clock.wall() }] })
    t.match(h.dispatcher.stats().braked[0]!.reason, error.message)
  }
})

t.test('two failures with an answer between them do not brake their scope', async t => {
  for (const answer of ['ok', permanent, limited(1_000), halt, { kind: 'delivered' }] as const) {
    const h = new Harness({ groups })
    h.answer('m1', down)
    h.answer('m2', answer as Verdict, 'ok')
    h.answer('m3', down)
    for (const channel of ['tg:1', 'tg:2', 'tg:3']) {
      h.add(channel)
      await h.pass()
      h.dispatcher.resume('tg:*')
      await h.pass()
    }
    t.equal(h.sent.length >= 3, true)
    t.equal(h.of('braked').length, 0)
  }
})

t.test(
  'an error that says nothing about the receiver neither counts as a failure nor as an answer for the brake',
  async t => {
    for (const other of [http(500), new Error('what is this?'), new SendError('?', ambiguous)]) {
      const h = new Harness({ groups })
      h.answer('m1', down)
      h.answer('m2', other)
      h.add('tg:1')
      h.add('tg:2')
      await h.pass()
      t.equal(h.dispatcher.stats().brakedCount, 0)
      h.answer('m3', down)
      h.add('tg:3')
      await h.pass()
      t.equal(h.dispatcher.stats().brakedCount, 1)
    }
  },
)

t.test('an attempt that sendTimeoutMs ended counts for the brake, however the client reports it', async t => {
  for (const send of [
    () => new Promise(() => {}),
    ({ signal }: Sent['delivery']) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('stopped')))),
  ]) {
    const h = new Harness({ groups, sendTimeoutMs: 1_000, abortGraceMs: 500, idle: true })
    h.dispatcher.start(delivery => send(delivery))
    h.add('tg:1')
    h.add('tg:2')
    await h.pass(1_499)
    await h.pass(1)
    t.equal(h.dispatcher.stats().brakedCount, 1)
  }
})

t.test('a verdict of classify decides whether an error counts for the brake', async t => {
  const h = new Harness({ groups, classify: () => permanent })
  h.answer('tg:1', down)
  h.answer('tg:2', down)
  for (let i = 0; i < 4; i++) h.add(`tg:${1 + (i % 2)}`)
  await h.pass()
  t.equal(h.of('dead').length, 4)
  t.equal(h.of('braked').length, 0)
})

t.test('two failures of one channel brake its scope if no other channel is due', async t => {
  const h = new Harness({ groups })
  h.answer('tg:1', down)
  h.add('tg:1')
  await h.pass(999)
  t.equal(h.dispatcher.stats().brakedCount, 0)
  await h.pass(1)
  t.equal(h.dispatcher.stats().brakedCount, 1)
})

t.test('failures of one channel do not brake its scope while another channel is due', async t => {
  const h = new Harness({ groups })
  const slow = open()
  h.answer('tg:1', down)
  h.answer('tg:2', slow.answer)
  h.add('tg:1')
  await h.pass(500)
  h.add('tg:2')
  await h.pass(500)
  t.same(h.ids, ['m1', 'm2', 'm1'])
  await h.pass(20_000)
  t.equal(h.of('braked').length, 0)
})

t.test('the scope of a brake is the longest group, else platform and account, else the channel', async t => {
  const h = new Harness({ groups: { 'tg:*': {}, 'tg:a:*': {} } })
  const failing = ['tg:a:1', 'tg:a:2', 'tg:b', 'tg:c', 'dc:x:1', 'dc:x:2', 'dc:y:1', 'one', 'two', 'mail:me']
  for (const channel of failing) {
    h.answer(channel, refused)
    h.add(channel)
  }
  await h.pass()
  t.same(scopes(h), ['tg:a:*', 'tg:*', 'dc:x:*'])
  t.match(h.of('braked')[2], { scope: 'group', target: 'dc:x:' })
  await h.pass(1_000)
  t.same(scopes(h).slice(3).sort(), ['dc:y:*', 'mail:me', 'one', 'two'])
  t.match(
    h.of('braked').find(({ target }) => target === 'one'),
    { scope: 'channel' },
  )
})

t.test('a channel that waits for its turn when the brake goes on waits for the brake, too', async t => {
  const h = new Harness({ groups, concurrency: 2 })
  for (let chat = 1; chat < 10; chat++) {
    h.answer(`tg:${chat}`, down)
    h.add(`tg:${chat}`)
  }
  await h.pass(999)
  t.equal(h.sent.length, 3)
})

t.test('a braked scope holds no other scope', async t => {
  const h = await braked({ groups: { 'tg:*': {} } })
  h.add('dc:a:1')
  h.add('other')
  await h.pass()
  t.same(from(h, 2), [
    ['dc:a:1', 0],
    ['other', 0],
  ])
})

t.test('a group without a brake is left alone', async t => {
  const h = await braked({ groups: { 'tg:*': { brake: false }, 'tg:x:*': {} }, retry: [1_000, 1_000, 1_000] })
  await h.pass(10_000)
  t.equal(h.sent.length, 8)
  t.equal(h.of('braked').length, 0)
})

t.test(
  'the interval of a brake doubles from a second to a minute, and is five minutes after an hour',
  async t => {
    const h = await braked({ groups, retry: { initialDelayMs: 1, factor: 1, maxAttempts: Infinity } })
    await h.pass(2 * HOUR)
    const times = from(h, 2).map(([, at]) => at as number)
    const gaps = times.map((at, index) => at - (times[index - 1] ?? 0))
    t.same(
      gaps.slice(0, 8),
      [1, 2, 4, 8, 16, 32, 60, 60].map(seconds => seconds * 1_000),
    )
    const long = gaps.indexOf(300_000)
    t.ok(times[long - 1]! >= HOUR && times[long - 2]! < HOUR)
    t.same(new Set(gaps.slice(6, long)), new Set([60_000]))
    t.same(new Set(gaps.slice(long)), new Set([300_000]))
  },
)

t.test('the interval of a brake counts from the end of its last attempt', async t => {
  const h = await braked()
  const probe = open()
  for (const channel of ['tg:1', 'tg:2']) h.answer(channel, probe.answer, down)
  await h.pass(1_000)
  t.equal(h.sent.length, 3)
  await h.pass(20_000)
  probe.fail(down)
  await h.pass(1_999)
  t.equal(h.sent.length, 3)
  await h.pass(1)
  t.equal(h.sent.length, 4)
})

t.test('attempts under way when a brake goes on do not lengthen its interval', async t => {
  const h = new Harness({ groups, retry: { initialDelayMs: 1, factor: 1 } })
  const late = Array.from({ length: 50 }, () => open())
  late.forEach(({ answer }, index) => {
    h.answer(`m${index + 1}`, answer, down)
    h.add(`tg:${index}`)
  })
  await h.pass()
  for (const { fail } of late) fail(down)
  await h.pass(999)
  t.equal(h.sent.length, 50)
  await h.pass(1)
  t.equal(h.sent.length, 51)
  await h.pass(1_999)
  t.equal(h.sent.length, 51)
})

t.test(
  'a brake probes with the message with the fewest charged attempts, then the one that waited longest',
  async t => {
    const h = await braked()
    await h.pass(2_999)
    t.same(from(h, 2), [['tg:1', 1_000]])
    h.answer('tg:3', down)
    h.add('tg:3')
    await h.pass(1)
    t.same(from(h, 3), [['tg:3', 3_000]])
    await h.pass(12_000)
    t.same(
      from(h, 4).map(([channel]) => channel),
      ['tg:2', 'tg:3'],
    )
  },
)

t.test(
  'the next attempt in a braked scope comes when both its own backoff and the brake allow it',
  async t => {
    const h = new Harness({ groups: { 'tg:*': {} }, retry: [7_000, 20_000] })
    h.answer('tg:1', down)
    h.answer('tg:2', down)
    h.add('tg:1')
    h.add('tg:2')
    await h.pass(60_000)
    t.same(h.times('m1'), [0, 7_000, 27_000])
    t.same(h.times('m2'), [0, 9_000, 35_000])
  },
)

t.test('a channel that has not failed in an outage waits for its brake five seconds at most', async t => {
  const h = await braked({ groups, retry: { initialDelayMs: 1, factor: 1, maxAttempts: Infinity } })
  const start = 10 * MINUTE + 10_000
  await h.pass(start)
  const before = h.sent.length
  h.answer('tg:3', down)
  for (const channel of ['tg:3', 'tg:4', 'tg:5', 'tg:6']) h.answer(channel, down)
  h.add('tg:3')
  await h.pass(1_000)
  for (const channel of ['tg:4', 'tg:5', 'tg:6']) h.add(channel)
  await h.pass(5_000)
  const sent = h.sent.slice(before).filter(({ channel }) => channel > 'tg:2')
  t.same(sent.map(({ channel, at }) => [channel, at - start]).sort(), [
    ['tg:3', 5_000],
    ['tg:4', 6_000],
    ['tg:5', 6_000],
    ['tg:6', 6_000],
  ])
})

t.test('a chat whose own requests hang delays no other by more than five seconds', async t => {
  const h = new Harness({ groups })
  h.answer('tg:1', hangs(h))
  h.add('tg:1')
  await h.pass(2 * MINUTE)
  t.equal(h.dispatcher.stats().brakedCount, 1)
  const added = new Map<string, number>()
  let sequence = 1
  for (let round = 0; round < 20; round++) {
    await h.pass(13_777)
    for (let chat = 2; chat < 12; chat++) {
      h.add(`tg:${chat}`)
      added.set(`m${++sequence}`, h.clock.monotonic() - 5_000)
    }
  }
  await h.pass(MINUTE)
  const waits = h.sent.filter(({ id }) => added.has(id)).map(({ id, at }) => at - added.get(id)!)
  t.equal(waits.length, 200)
  t.ok(Math.max(...waits) <= 5_000, `${Math.max(...waits)}`)
})

t.test('any answer of the receiver ends a brake', async t => {
  for (const answer of ['ok', permanent, limited(100), halt, { kind: 'delivered' }] as const) {
    const h = await braked()
    h.answer('tg:1', answer as Verdict, 'ok')
    await h.pass(1_000)
    t.match(h.of('unbraked'), [{ scope: 'group', target: 'tg:' }])
    t.match(h.dispatcher.stats(), { brakedCount: 0, braked: [] })
  }
})

t.test('an error that says nothing about the receiver does not end a brake', async t => {
  const h = await braked()
  for (const channel of ['tg:1', 'tg:2']) h.answer(channel, http(500))
  await h.pass(MINUTE)
  t.equal(h.dispatcher.stats().brakedCount, 1)
  t.equal(h.sent.length, 2 + 5)
})

t.test('a late success ends a brake', async t => {
  const h = new Harness({ groups, sendTimeoutMs: 1_000, abortGraceMs: 0, retry: [MINUTE] })
  const late = open()
  h.answer('tg:1', late.answer)
  h.answer('tg:2', () => new Promise(() => {}))
  h.add('tg:1')
  h.add('tg:2')
  await h.pass(1_500)
  t.equal(h.dispatcher.stats().brakedCount, 1)
  late.succeed()
  await h.pass()
  t.equal(h.dispatcher.stats().brakedCount, 0)
})

t.test('the end of a brake ends the waits that the outage caused, and no others', async t => {
  const h = new Harness({
    groups,
    retry: [MINUTE],
    classify: error => ((error as Error).message === 'told' ? { kind: 'retry', afterMs: MINUTE } : undefined),
  })
  h.answer('m1', limited(MINUTE))
  h.answer('m2', http(500))
  h.answer('m3', Object.assign(new Error('told'), { status: 502 }))
  h.answer('m4', down, 'ok')
  h.answer('m5', down, 'ok')
  for (let chat = 1; chat <= 5; chat++) h.add(`tg:${chat}`)
  await h.pass(10_000)
  t.equal(h.dispatcher.stats().brakedCount, 1)
  h.add('tg:6')
  await h.pass(10_000)
  t.same(from(h, 5), [
    ['tg:6', 10_000],
    ['tg:4', 10_000],
    ['tg:5', 10_000],
  ])
  await h.pass(MINUTE)
  t.same(from(h, 8).length, 3)
})

t.test('the end of a brake does not end the backoff after a failure of the message itself', async t => {
  const h = new Harness({ groups, retry: [MINUTE, MINUTE] })
  h.answer('m1', down)
  h.add('tg:1')
  await h.pass()
  h.add('tg:2')
  await h.pass()
  for (const channel of ['tg:3', 'tg:4']) {
    h.answer(channel, down, 'ok')
    h.add(channel)
  }
  await h.pass()
  t.equal(h.dispatcher.stats().brakedCount, 1)
  h.add('tg:5')
  await h.pass(59_999)
  t.equal(h.dispatcher.stats().brakedCount, 0)
  t.same(h.times('m1'), [0])
  t.equal(h.of('delivered').length, 4)
})

t.test('the end of a brake makes every waiting message of an unordered channel due', async t => {
  const h = new Harness({ groups, retry: [MINUTE, MINUTE], channelOptions: () => ({ ordered: false }) })
  for (const id of ['m1', 'm2', 'm3']) h.answer(id, down, 'ok')
  for (let i = 0; i < 3; i++) h.add('tg:1')
  await h.pass(30_000)
  h.add('tg:2')
  await h.pass()
  t.equal(h.of('delivered').length, 4)
})

t.test('after a brake the concurrency grows from one and doubles with each success', async t => {
  const h = await braked({ groups, concurrency: 100 })
  for (let chat = 10; chat < 50; chat++) h.add(`tg:${chat}`)
  const sends: ReturnType<typeof open>[] = []
  const hang = () => {
    const send = open()
    sends.push(send)
    return send.answer()
  }
  for (let chat = 1; chat < 50; chat++) h.answer(`tg:${chat}`, hang)
  await h.pass(1_000)
  const underWay: number[] = []
  let answered = 0
  for (const successes of [1, 1, 1, 1, 1, 1]) {
    for (let i = 0; i < successes; i++) sends[answered++]!.succeed()
    await h.pass()
    underWay.push(sends.length - answered)
  }
  t.same(underWay, [1, 2, 4, 8, 16, 32])
})

t.test('a brake goes on again when attempts fail while it lifts', async t => {
  const h = await braked({ groups, retry: { initialDelayMs: 1, factor: 1, maxAttempts: Infinity } })
  for (let chat = 3; chat < 20; chat++) {
    h.answer(`tg:${chat}`, down)
    h.add(`tg:${chat}`)
  }
  h.answer('tg:3', 'ok')
  await h.pass(1_000)
  t.match(
    h.events.map(({ event }) => event).filter(event => event.endsWith('braked')),
    ['braked', 'unbraked', 'braked'],
  )
  t.equal(h.sent.length, 2 + 1 + 2)
  await h.pass(999)
  t.equal(h.sent.length, 5)
})

t.test('an attempt that hangs while a brake lifts keeps its place for five seconds at most', async t => {
  const h = new Harness({ groups, retry: { initialDelayMs: 1, factor: 1 } })
  h.answer('tg:1', down, 'ok')
  h.answer('tg:2', down, hangs(h))
  h.answer('tg:3', down, 'ok')
  h.add('tg:1')
  h.add('tg:2')
  await h.pass(10)
  h.add('tg:3')
  await h.pass(7_989)
  t.same(from(h, 2), [
    ['tg:3', 1_000],
    ['tg:1', 3_000],
    ['tg:2', 3_000],
  ])
  await h.pass(1)
  t.same(from(h, 5), [['tg:3', 8_000]])
})

t.test('a channel that waits for a brake counts neither as halted nor as done', async t => {
  const h = await braked()
  let drained = false
  h.dispatcher.drain().then(() => {
    drained = true
  })
  await h.pass(500)
  t.notOk(drained)
  t.equal(h.of('idle').length, 0)
  t.equal(h.dispatcher.stats().pending, 2)
  for (const channel of ['tg:1', 'tg:2']) h.answer(channel, 'ok')
  await h.pass(MINUTE)
  t.ok(drained)
})

t.test('time in which a message waits for a brake does not count towards giveUpAfterMs', async t => {
  const h = await braked({
    groups,
    retry: { initialDelayMs: 1, factor: 1, maxAttempts: Infinity, giveUpAfterMs: 1_000 },
  })
  await h.pass(3 * HOUR)
  t.equal(h.of('dead').length, 0)
})

t.test('the time to live of a message runs on while a brake holds it', async t => {
  const h = await braked()
  await h.pass(MINUTE)
  h.add('tg:1', { expiresAt: h.time.now() + 1_000 })
  h.answer('m1', permanent)
  h.answer('m2', permanent)
  await h.pass(2 * MINUTE)
  t.same(
    h
      .of('dead')
      .map(({ id, reason }) => [id, reason])
      .sort(),
    [
      ['m1', 'permanent'],
      ['m2', 'permanent'],
      ['m3', 'expired'],
    ],
  )
})

t.test('a braked message that is paused, cancelled or expired leaves its probe to another', async t => {
  const h = await braked()
  h.dispatcher.pause('tg:1')
  await h.pass(1_000)
  t.same(from(h, 2), [['tg:2', 1_000]])
  await h.dispatcher.cancel(h.store.bySequence(2)!, 'm2')
  h.dispatcher.resume('tg:1')
  await h.pass(2_000)
  t.same(from(h, 3), [['tg:1', 3_000]])
  await h.dispatcher.cancel(h.store.bySequence(1)!, 'm1')
  h.add('tg:1', { expiresAt: h.time.now() + 100 })
  h.answer('tg:3', down)
  h.add('tg:3')
  await h.pass(4_000)
  t.same(from(h, 4), [['tg:3', 7_000]])
})

t.test("a brake's probe that is paused while it waits for its turn is given to another channel", async t => {
  const h = await braked({ groups, concurrency: 2 })
  const busy = [open(), open()]
  busy.forEach(({ answer }, index) => {
    h.answer(`busy${index}`, answer)
    h.add(`busy${index}`)
  })
  await h.pass(1_000)
  h.dispatcher.pause('tg:1')
  busy[0]!.succeed()
  await h.pass()
  t.same(from(h, 4), [['tg:2', 1_000]])
})

t.test('a question of onAmbiguous that finds the receiver down counts for the brake', async t => {
  let asked = 0
  const h = new Harness({
    groups,
    retry: { initialDelayMs: 1, factor: 1 },
    onAmbiguous: () => {
      asked++
      throw refused
    },
  })
  for (let chat = 0; chat < 10; chat++) {
    h.answer(`tg:${chat}`, ambiguous)
    h.add(`tg:${chat}`)
  }
  await h.pass(999)
  t.equal(h.dispatcher.stats().brakedCount, 1)
  const before = asked
  await h.pass(6_000)
  t.ok(asked - before <= 10 + 3, `${asked - before}`)
})

t.test('in a braked scope a message is sent after its question before another is asked about', async t => {
  let asked = 0
  const h = new Harness({
    groups,
    retry: { initialDelayMs: 1, factor: 1, maxAttempts: Infinity },
    onAmbiguous: () => {
      asked++
      return 'not-sent'
    },
  })
  for (let chat = 0; chat < 10; chat++) {
    h.answer(`tg:${chat}`, down)
    h.add(`tg:${chat}`)
  }
  await h.pass(8_000)
  t.equal(h.sent.length, 10 + 3)
  t.equal(asked, 3)
})

t.test('a restart begins without a brake', async t => {
  const h = await braked()
  await h.pass(MINUTE)
  const next = await h.crash({ groups, retry: { initialDelayMs: 1, factor: 1 } })
  t.equal(next.dispatcher.stats().brakedCount, 0)
  await next.pass()
  t.equal(next.sent.length, 2)
})

t.test('a brake is forgotten after an hour without attempts', async t => {
  const h = await braked({ groups, retry: [] })
  t.equal(h.of('dead').length, 2)
  t.equal(h.dispatcher.stats().brakedCount, 1)
  await h.pass(HOUR - 1)
  t.equal(h.dispatcher.stats().brakedCount, 1)
  await h.pass(1)
  t.equal(h.dispatcher.stats().brakedCount, 0)
  t.equal(h.of('unbraked').length, 1)
  t.equal(h.dispatcher.stats().nextDueAt, null)
})

t.test('the brake of a scope that is paused for an hour is forgotten, and begins anew', async t => {
  const h = await braked()
  h.dispatcher.pause('tg:*')
  await h.pass(2 * HOUR)
  t.equal(h.dispatcher.stats().brakedCount, 0)
  h.dispatcher.resume('tg:*')
  await h.pass()
  t.equal(h.dispatcher.stats().brakedCount, 1)
})

t.test(
  'a channel whose rate key is used up does not keep others from probing a brake or going on after it',
  async t => {
    const rateLimit = { count: 1, perMs: HOUR }
    for (const [others, topics] of [
      [['tg:2', 'tg:3'], 1],
      [['tg:2'], 100],
    ] as const) {
      const h = new Harness({
        groups,
        retry: [100_000],
        channelOptions: channel => (channel.startsWith('tg:1') ? { rateKey: 'chat', rateLimit } : undefined),
      })
      for (const channel of ['tg:1', ...others]) {
        h.answer(channel, down, 'ok')
        h.add(channel)
      }
      for (let topic = 0; topic < topics; topic++) h.add(`tg:1/${topic}`)
      await h.pass(50_000)
      t.equal(h.dispatcher.stats().brakedCount, 1)
      // All are looked at anew.
      h.dispatcher.resume('tg:*')
      await h.pass(51_000)
      t.equal(h.of('delivered').length, others.length)
      await h.pass(HOUR)
      t.equal(h.of('delivered').length, others.length + 1)
    }
  },
)

t.test("a brake's probe whose rate key is used up while it waits is given to another channel", async t => {
  const rateLimit = { count: 2, perMs: HOUR }
  // Those that use it up come before it in its gate, or have one of their own.
  for (const other of ['a', 'tg:a:1']) {
    const h = new Harness({
      groups: { 'tg:*': {}, 'tg:a:*': {} },
      concurrency: 3,
      retry: [1],
      channelOptions: channel =>
        ['tg:1', other].includes(channel) ? { rateKey: 'chat', rateLimit } : undefined,
    })
    for (const channel of ['tg:1', 'tg:2']) {
      h.answer(channel, down, 'ok')
      h.add(channel)
    }
    await h.pass()
    const busy = ['b', 'c', 'd', other].map(channel => {
      const send = open()
      h.answer(channel, send.answer)
      h.add(channel)
      return send
    })
    await h.pass(2_000)
    t.equal(h.sent.length, 5)
    busy[0]!.succeed()
    busy[1]!.succeed()
    await h.pass()
    t.same(from(h, 5), [
      [other, 2_000],
      ['tg:2', 2_000],
    ])
  }
})

t.test('a channel released by a brake is held again when the receiver goes down before its turn', async t => {
  // Some are still held then; or none is.
  for (const delivered of [5, 300]) {
    const h = new Harness({ groups, concurrency: 2, retry: { maxAttempts: Infinity } })
    let up = true
    const send = () =>
      new Promise((resolve, reject) => h.clock.setTimeout(() => (up ? resolve('ok') : reject(down)), 100))
    for (let chat = 0; chat < 400; chat++) {
      h.answer(`tg:${chat}`, down, send)
      h.add(`tg:${chat}`)
    }
    await h.pass(5_000)
    while (h.of('delivered').length < delivered) await h.pass(100)
    up = false
    const before = h.sent.length
    await h.pass(4_900)
    t.equal(h.of('braked').length, 2)
    t.ok(h.sent.length - before <= 8, `${h.sent.length - before}`)
    up = true
    await h.pass(MINUTE)
    t.equal(h.of('delivered').length, 400)
  }
})

t.test(
  'failures of one channel do not brake its scope while an attempt of another, begun before, is under way',
  async t => {
    const h = new Harness({ groups })
    const slow = open()
    h.answer('tg:2', slow.answer)
    h.answer('tg:1', down)
    h.add('tg:2')
    h.add('tg:1')
    await h.pass(20_000)
    t.equal(h.of('braked').length, 0)
    slow.succeed()
    await h.pass(MINUTE)
    t.equal(h.of('braked').length, 1)
  },
)

t.test('failures of one channel do not brake its scope while another channel waits for its turn', async t => {
  const h = new Harness({ groups, concurrency: 1 })
  const slow = open()
  h.answer('tg:1', down, slow.answer, 'ok')
  h.add('tg:1')
  await h.pass(1_500)
  h.add('tg:2')
  await h.pass(1_000)
  slow.fail(down)
  await h.pass()
  t.same(h.ids, ['m1', 'm1', 'm2'])
  t.equal(h.of('braked').length, 0)
})

t.test('with a rate key across receivers the brake of one does not hold the others', async t => {
  const rateKey = (channel: string) => (/1$|x/.test(channel) ? 'machine' : undefined)
  const h = new Harness({
    concurrency: 2,
    retry: [1, 1],
    channelOptions: channel => {
      const key = rateKey(channel)
      return key === undefined ? undefined : { rateKey: key, rateLimit: { count: 3, perMs: HOUR } }
    },
  })
  for (const channel of ['tg:a:1', 'tg:a:2']) {
    h.answer(channel, down, 'ok')
    h.add(channel)
  }
  await h.pass()
  t.equal(h.dispatcher.stats().brakedCount, 1)
  const busy = ['b', 'c', 'dc:a:x1', 'dc:a:x2', 'dc:a:x3'].map(channel => {
    const send = open()
    h.answer(channel, send.answer)
    h.add(channel)
    return send
  })
  await h.pass(2_000)
  for (let i = 0; i < 4; i++) {
    busy[i]!.succeed()
    await h.pass()
  }
  t.same(
    from(h, 4).map(([channel]) => channel),
    ['dc:a:x1', 'dc:a:x2', 'tg:a:2'],
  )
})
