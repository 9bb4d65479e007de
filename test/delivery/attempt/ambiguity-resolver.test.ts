import t, { type Test } from 'tap'
import type { Answer } from '../../../lib/delivery/types.js'
import { ambiguous, Harness, open, retry } from '../fixtures/harness.js'

const never = () => new Promise(() => {})

/** A process that died while its first message was being sent. */
async function afterCrash(
  options: ConstructorParameters<typeof Harness>[0] = {},
  afterMs = 5_000,
): Promise<Harness> {
  const h = new Harness()
  h.answer('m1', never)
  h.add('a')
  h.add('a')
  await h.pass()
  return h.crash(options, afterMs)
}

t.test('a crash between send and ack leaves doubt, never a silent resend', async t => {
  const h = await afterCrash()
  await h.pass()
  t.same(
    h.sent.map(s => [s.id, s.attempt, s.mayHaveBeenSent]),
    [
      ['m1', 2, true],
      ['m2', 1, false],
    ],
  )
})

t.test(
  'an attempt left open by a crash is charged, so a message kills its process maxAttempts times at most',
  async t => {
    let h = new Harness({ retry: { maxAttempts: 3 } })
    h.answer('m1', never)
    h.add('a')
    await h.pass()
    let sends = h.sent.length
    for (let life = 0; life < 5; life++) {
      h = await h.crash({ retry: { maxAttempts: 3 } }, 60_000)
      h.answer('m1', never)
      await h.pass()
      sends += h.sent.length
    }
    t.equal(sends, 3)
  },
)

t.test('a message that killed its process waits for its backoff before it is sent again', async t => {
  const h = await afterCrash({}, 100)
  await h.pass(899)
  t.same(h.ids, [])
  await h.pass(1)
  t.same(h.ids, ['m1', 'm2'])
  t.match(h.of('retry'), [{ id: 'm1', attempts: 1, mayHaveBeenSent: true }])
})

t.test(
  "with onAmbiguous 'dead-letter' a message in doubt after a crash is dead, and the next one goes on",
  async t => {
    const h = await afterCrash({ onAmbiguous: 'dead-letter' })
    await h.pass()
    t.same(h.ids, ['m2'])
    t.match(h.of('dead'), [{ id: 'm1', reason: 'ambiguous', attempts: 1 }])
  },
)

t.test("with onAmbiguous 'dead-letter' a message is dead after an ambiguous failure", async t => {
  const h = new Harness({ onAmbiguous: 'dead-letter' })
  h.answer('m1', ambiguous)
  h.add('a')
  await h.pass(1e9)
  t.equal(h.sent.length, 1)
  t.match(h.of('dead'), [{ id: 'm1', reason: 'ambiguous', attempts: 1 }])
})

t.test("with onAmbiguous 'dead-letter' a message left in doubt under 'resend' is not sent", async t => {
  const h = new Harness()
  h.answer('m1', ambiguous)
  h.add('a')
  await h.pass()
  const after = await h.crash({ onAmbiguous: 'dead-letter' })
  await after.pass(10_000)
  t.same(after.ids, [])
  t.match(after.of('dead'), [{ reason: 'ambiguous' }])
})

t.test(
  "with onAmbiguous 'dead-letter' a redriven message is sent, also again after a known failure",
  async t => {
    const h = new Harness({ onAmbiguous: 'dead-letter' })
    h.answer('m1', ambiguous, retry, 'ok')
    const ref = h.add('a')
    await h.pass()
    t.equal(await h.dispatcher.redrive([ref], 'original'), 1)
    await h.pass(10_000)
    t.same(
      h.sent.map(s => [s.attempt, s.mayHaveBeenSent]),
      [
        [1, false],
        [1, true],
        [2, true],
      ],
    )
    t.match(h.of('delivered'), [{ id: 'm1' }])
  },
)

for (const policy of ['dead-letter', () => 'unknown' as const] as const) {
  t.test(
    `the attempt is on the device before send if onAmbiguous is ${typeof policy === 'string' ? policy : 'a function'}`,
    async t => {
      const h = new Harness({ onAmbiguous: policy })
      h.store.syncError = new Error('disk')
      h.add('a')
      await h.pass(10_000)
      t.same(h.ids, [])
      t.ok(h.of('error').length > 1)
      h.store.syncError = undefined
      await h.pass(60_000)
      t.same(h.ids, ['m1'])
    },
  )
}

t.test(
  "with onAmbiguous 'resend' a send waits for the device only if a power loss would hide it",
  async t => {
    const h = new Harness()
    h.store.syncError = new Error('disk')
    h.add('a')
    await h.pass()
    t.same(h.ids, ['m1'])
    h.store.syncsFirst = true
    h.add('a')
    await h.pass(10_000)
    t.same(h.ids, ['m1'])
    h.store.syncError = undefined
    await h.pass(60_000)
    t.same(h.ids, ['m1', 'm2'])
  },
)

t.test('the store is told which attempt overtakes a message of its channel', async t => {
  const h = new Harness({ channelOptions: channel => ({ ordered: channel !== 'a' }) })
  h.answer('m1', retry, 'ok')
  for (const channel of ['a', 'a', 'b', 'b']) h.add(channel)
  await h.pass()
  t.same(h.store.overtaking, [2])
  await h.pass(1_000)
  t.same(h.ids, ['m1', 'm3', 'm2', 'm4', 'm1'])
  t.same(h.store.overtaking, [2])
})

const answers: Record<Answer, (t: Test, h: Harness) => void> = {
  sent: (t, h) => {
    t.same(h.ids, ['m2'])
    t.match(h.of('delivered'), [{ id: 'm1', attempts: 1, result: undefined }, { id: 'm2' }])
  },
  'not-sent': (t, h) =>
    t.same(
      h.sent.map(s => [s.id, s.attempt, s.mayHaveBeenSent]),
      [
        ['m1', 2, false],
        ['m2', 1, false],
      ],
    ),
  unknown: (t, h) =>
    t.same(
      h.sent.map(s => [s.id, s.attempt, s.mayHaveBeenSent]),
      [
        ['m1', 2, true],
        ['m2', 1, false],
      ],
    ),
  'dead-letter': (t, h) => {
    t.same(h.ids, ['m2'])
    t.match(h.of('dead'), [{ id: 'm1', reason: 'ambiguous' }])
  },
}
for (const [answer, check] of Object.entries(answers)) {
  t.test(`a reconcile function's answer '${answer}' is heeded after a crash`, async t => {
    const asked: unknown[] = []
    const h = await afterCrash({
      onAmbiguous: ({ id, attempt, mayHaveBeenSent, lastAttemptAt }) => {
        asked.push({ id, attempt, mayHaveBeenSent, since: h.clock.wall() - lastAttemptAt })
        return answer as Answer
      },
    })
    await h.pass()
    t.same(asked, [{ id: 'm1', attempt: 1, mayHaveBeenSent: true, since: 5_000 }])
    check(t, h)
  })
}

t.test('after an ambiguous failure the reconcile function is asked when the backoff is over', async t => {
  const asked: number[] = []
  const h = new Harness({
    onAmbiguous: async () => {
      asked.push(h.clock.monotonic() - 5_000)
      return 'sent' as const
    },
  })
  h.answer('m1', ambiguous)
  h.add('a')
  await h.pass(5_000)
  t.same(asked, [1_000])
  t.equal(h.sent.length, 1)
  t.match(h.of('delivered'), [{ id: 'm1', attempts: 1 }])
})

t.test('the reconcile function is asked about a message without attempts left before it dies', async t => {
  for (const [answer, event] of [
    ['sent', 'delivered'],
    ['not-sent', 'dead'],
    ['unknown', 'dead'],
  ] as const) {
    const h = new Harness({ retry: { maxAttempts: 1 }, onAmbiguous: () => answer })
    h.answer('m1', ambiguous)
    h.add('a')
    await h.pass(5_000)
    t.equal(h.sent.length, 1)
    t.match(h.of(event), [{ id: 'm1' }])
  }
})

t.test('a reconcile function that throws is asked again with backoff and costs no attempt', async t => {
  const asked: number[] = []
  const h = await afterCrash({
    onAmbiguous: () => {
      asked.push(h.clock.monotonic() - 5_000)
      if (asked.length < 4) throw new Error('the receiver is down')
      return 'not-sent'
    },
  })
  await h.pass(60_000)
  t.same(asked, [5_000, 6_000, 8_000, 12_000])
  t.same(
    h.sent.map(s => [s.id, s.attempt]),
    [
      ['m1', 2],
      ['m2', 1],
    ],
  )
})

t.test('an invalid answer of the reconcile function counts as a throw', async t => {
  let asked = 0
  const h = await afterCrash({ onAmbiguous: () => (asked++ === 0 ? (undefined as never) : 'sent') })
  await h.pass(10_000)
  t.equal(asked, 2)
  t.match(h.of('retry'), [{ recorded: { message: /answered undefined/ } }])
})

t.test(
  'a reconcile function that hangs is bounded by sendTimeoutMs, asked again, and blocks no other channel',
  async t => {
    let asked = 0
    let aborted = 0
    const h = await afterCrash({
      concurrency: 1,
      sendTimeoutMs: 3_000,
      onAmbiguous: ({ signal }) => {
        signal.addEventListener('abort', () => aborted++)
        return ++asked < 3 ? (never() as Promise<Answer>) : 'not-sent'
      },
    })
    await h.pass()
    h.add('b')
    await h.pass()
    t.same(h.ids, ['m3'])
    t.equal(asked, 1)
    await h.pass(60_000)
    t.equal(asked, 3)
    t.equal(aborted, 2)
    t.same(h.ids, ['m3', 'm1', 'm2'])
  },
)

t.test('channelOptions may set onAmbiguous for one channel', async t => {
  const h = new Harness({
    channelOptions: channel => (channel === 'a' ? { onAmbiguous: 'dead-letter' } : undefined),
  })
  h.answer('a', ambiguous)
  h.answer('m2', ambiguous, 'ok')
  h.add('a')
  h.add('b')
  await h.pass(1_000)
  t.match(h.of('dead'), [{ id: 'm1' }])
  t.match(h.of('delivered'), [{ id: 'm2' }])
})

t.test('an attempt cut short by an orderly shutdown is in doubt, and charged', async t => {
  const h = new Harness()
  h.answer('m1', open().answer)
  h.add('a')
  await h.pass()
  const closed = h.dispatcher.close(1_000)
  await h.pass(1_000)
  await closed
  t.match(h.store.outcomes.at(-1), { kind: 'interrupted', attempts: 1, mayHaveBeenSent: true })
  const after = await h.crash()
  await after.pass(1_000)
  t.same(
    after.sent.map(s => [s.attempt, s.mayHaveBeenSent]),
    [[2, true]],
  )
})
