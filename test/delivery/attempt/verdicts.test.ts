import t from 'tap'
import { SendError } from '../../../lib/delivery/errors/send-error.js'
import { ambiguous, Harness, halt, limited, permanent, retry, uncharged } from '../fixtures/harness.js'

t.test('the attempt is recorded before send is called', async t => {
  const h = new Harness()
  let before: string[] = []
  h.answer('m1', () => {
    before = h.store.kinds()
  })
  h.add('a')
  await h.pass()
  t.same(before, ['attempt'])
  t.same(h.store.kinds(), ['attempt', 'delivered'])
})

t.test('send waits until the attempt is written', async t => {
  const h = new Harness()
  h.store.holdWrites = true
  h.add('a')
  await h.pass(60_000)
  t.same(h.ids, [])
  h.store.releaseWrites()
  await h.pass()
  t.same(h.ids, ['m1'])
})

t.test('a charged failure counts, and the same message is sent again after the backoff', async t => {
  const h = new Harness()
  h.answer('m1', retry, retry, 'ok')
  h.add('a')
  await h.pass(10_000)
  t.same(h.times(), [0, 1_000, 3_000])
  t.same(
    h.sent.map(s => s.attempt),
    [1, 2, 3],
  )
  t.match(h.of('retry'), [
    { id: 'm1', attempts: 1, delayMs: 1_000, charged: true, mayHaveBeenSent: false },
    { id: 'm1', attempts: 2, delayMs: 2_000 },
  ])
  t.match(h.of('delivered'), [{ id: 'm1', attempts: 3, result: 'ok' }])
  t.equal(h.dispatcher.stats().retried, 2)
})

t.test('a failure that is not charged costs no attempt, and the backoff grows all the same', async t => {
  const h = new Harness({ retry: { maxAttempts: 2 } })
  h.answer('m1', ...Array.from({ length: 6 }, () => uncharged), 'ok')
  h.add('a')
  await h.pass(100_000)
  t.same(h.times(), [0, 1_000, 3_000, 7_000, 15_000, 31_000, 63_000])
  t.same([...new Set(h.sent.map(s => s.attempt))], [1])
  t.match(h.of('delivered'), [{ attempts: 1 }])
})

t.test('a message is dead after maxAttempts charged attempts', async t => {
  const h = new Harness({ retry: { maxAttempts: 3 } })
  h.answer('m1', retry, uncharged, retry, retry)
  h.add('a')
  await h.pass(3_600_000)
  t.equal(h.sent.length, 4)
  t.match(h.of('dead'), [{ id: 'm1', reason: 'attempts', attempts: 3 }])
  t.match(h.store.outcomes.at(-1), { kind: 'dead', reason: 'attempts', attempts: 3, haltsChannel: false })
})

t.test(
  'a message is dead giveUpAfterMs after its first attempt, whether its attempts were charged or not',
  async t => {
    const h = new Harness({ retry: { giveUpAfterMs: 5_000 } })
    h.answer('m1', uncharged)
    h.add('a')
    await h.pass(3_600_000)
    t.same(h.times(), [0, 1_000, 3_000, 7_000])
    t.match(h.of('dead'), [{ reason: 'attempts', attempts: 0 }])
  },
)

t.test('a retry verdict with afterMs sets the time of the next attempt', async t => {
  const h = new Harness()
  h.answer('m1', { kind: 'retry', afterMs: 12_345 }, 'ok')
  h.add('a')
  await h.pass(20_000)
  t.same(h.times(), [0, 12_345])
})

t.test('a message that fails permanently is dead after one attempt and stays dead', async t => {
  const h = new Harness()
  h.answer('m1', permanent)
  h.add('a')
  await h.pass(3_600_000)
  t.equal(h.sent.length, 1)
  const after = await h.crash()
  await after.pass(3_600_000)
  t.equal(after.sent.length, 0)
})

t.test('after a 429 with 30 s nothing is sent to that chat for 30 s, and other chats go on', async t => {
  const h = new Harness()
  h.answer('m1', limited(30_000), 'ok')
  h.add('a')
  h.add('a')
  h.add('b')
  await h.pass(29_999)
  t.same(h.ids, ['m1', 'm3'])
  await h.pass(1)
  t.same(h.ids, ['m1', 'm3', 'm1', 'm2'])
  t.match(h.of('rateLimited'), [{ id: 'm1', scope: 'channel', target: 'a', delayMs: 30_000, attempts: 0 }])
  t.match(
    h.of('delivered').find(e => e.id === 'm1'),
    { attempts: 1 },
  )
})

t.test('the wait of a 429 holds across a restart for every message of the channel', async t => {
  const options = { channelOptions: () => ({ ordered: false }) }
  const h = new Harness(options)
  h.answer('m1', limited(30_000))
  h.add('a')
  h.add('a')
  await h.pass()
  const after = await h.crash(options, 10_000)
  await after.pass(19_999)
  t.same(after.ids, [])
  await after.pass(1)
  t.same(after.ids.sort(), ['m1', 'm2'])
})

for (const scope of ['group', 'global'] as const) {
  t.test(`a wait with scope ${scope} holds all channels of that scope, also across a restart`, async t => {
    const groups = { 'tg:*': {} }
    const h = new Harness({ groups })
    h.answer('tg:1', limited(30_000, scope))
    h.add('tg:1')
    await h.pass()
    h.add('tg:2')
    h.add('other')
    await h.pass()
    t.same(h.ids, scope === 'group' ? ['m1', 'm3'] : ['m1'])
    const after = await h.crash({ groups }, 5_000)
    after.add('tg:3')
    await after.pass(24_999)
    t.same(after.ids, [])
    await after.pass(1)
    t.same(after.ids.sort(), scope === 'group' ? ['m1', 'm2', 'm4'] : ['m1', 'm2', 'm3', 'm4'])
  })
}

t.test('a wait that a receiver asks for is cut to maxRetryAfterMs', async t => {
  const h = new Harness({ maxRetryAfterMs: 60_000 })
  h.answer('m1', limited(86_400_000), 'ok')
  h.add('a')
  await h.pass(60_000)
  t.same(h.times(), [0, 60_000])
})

t.test('a rate limit without a wait leads to the backoff', async t => {
  const h = new Harness()
  h.answer('m1', limited(), limited(), 'ok')
  h.add('a')
  await h.pass(10_000)
  t.same(h.times(), [0, 1_000, 3_000])
})

t.test('an ambiguous failure is charged, and the next send gets mayHaveBeenSent', async t => {
  const h = new Harness()
  h.answer('m1', ambiguous, 'ok')
  h.add('a')
  await h.pass(1_000)
  t.same(
    h.sent.map(s => [s.attempt, s.mayHaveBeenSent]),
    [
      [1, false],
      [2, true],
    ],
  )
})

t.test('an unrecognised error is ambiguous', async t => {
  const h = new Harness()
  h.answer('m1', new Error('what is this?'), 'ok')
  h.add('a')
  await h.pass(1_000)
  t.match(h.of('retry'), [{ mayHaveBeenSent: true, recorded: { message: 'what is this?' } }])
})

t.test('classify is asked first, and the default classification where it gives no verdict', async t => {
  const asked: unknown[] = []
  const h = new Harness({
    classify: (error, delivery) => {
      asked.push((error as Error).message, delivery.id)
      return (error as Error).message === 'mine' ? permanent : undefined
    },
  })
  h.answer('m1', new Error('mine'))
  h.answer('m2', new SendError('theirs', permanent))
  h.add('a')
  h.add('b')
  await h.pass()
  t.same(asked, ['mine', 'm1', 'theirs', 'm2'])
  t.match(h.of('dead'), [{ id: 'm1' }, { id: 'm2' }])
})

t.test('an error that says that the message has arrived is a delivery without a result', async t => {
  const arrived = { kind: 'delivered' } as const
  const h = new Harness({
    groups: { 'tg:*': {} },
    classify: error => ((error as Error).message === 'already accepted' ? arrived : undefined),
  })
  h.answer('m1', ambiguous, new Error('already accepted'))
  h.answer('m2', new SendError('a repeated key', arrived))
  h.answer('m3', halt, new Error('already accepted'))
  for (const channel of ['a', 'b', 'tg:1', 'a']) h.add(channel)
  await h.pass(60_000)
  t.match(
    h.of('delivered').sort((a, b) => (a.id as string).localeCompare(b.id as string)),
    [
      { id: 'm1', attempts: 2, result: undefined },
      { id: 'm2', attempts: 1, result: undefined },
      { id: 'm3', attempts: 1, result: undefined },
      { id: 'm4', result: 'ok' },
    ],
  )
  t.match(h.of('resumed'), [{ target: 'tg:' }], 'it lifts a halt as any success does')
  t.same(h.store.kinds(2), ['attempt', 'delivered'])
})

for (const [what, classify] of [
  [
    'throws',
    () => {
      throw new Error('oops')
    },
  ],
  ['answers no verdict', () => ({ kind: 'perhaps' }) as never],
  ['answers a wait that is none', () => ({ kind: 'retry', afterMs: Number.NaN }) as never],
  ['answers a promise', () => Promise.resolve(permanent) as never],
] as const) {
  t.test(`a classify that ${what} is reported and leaves the default to decide`, async t => {
    const h = new Harness({ classify })
    h.answer('m1', new SendError('gone', permanent))
    h.add('a')
    await h.pass()
    t.match(h.of('error'), [{ error: { message: /classify/ } }])
    t.match(h.of('dead'), [{ id: 'm1', reason: 'permanent' }])
  })
}

t.test('charged attempts and the due time survive a restart', async t => {
  const h = new Harness()
  h.answer('m1', retry, retry)
  h.add('a')
  await h.pass(1_000)
  const after = await h.crash({}, 500)
  await after.pass(1_499)
  t.same(after.ids, [])
  await after.pass(1)
  t.same(
    after.sent.map(s => s.attempt),
    [3],
  )
})

t.test('a restart does not reset the backoff of uncharged failures', async t => {
  const h = new Harness()
  h.answer('m1', uncharged)
  h.add('a')
  await h.pass(31_000)
  const after = await h.crash()
  after.answer('m1', uncharged)
  await after.pass(32_000)
  t.equal(after.sent.length, 1)
  t.match(after.of('retry').at(-1), { delayMs: 64_000 })
})

t.test('a halt is not charged, and its message stays as it was before the attempt', async t => {
  const h = new Harness()
  h.answer('m1', halt, 'ok')
  h.add('a')
  await h.pass()
  t.match(h.store.outcomes.at(-1), {
    kind: 'released',
    attempts: 0,
    firstAttemptAt: 0,
    mayHaveBeenSent: false,
  })
})
