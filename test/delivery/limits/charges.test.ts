/**
 * No message is sent more than `maxAttempts` times without an answer. An answer is whatever tells what became of the
 * message; a time-out, a lost connection, a process that dies and one that is closed give none.
 */
import fc from 'fast-check'
import t from 'tap'
import { SendError } from '../../../lib/delivery/errors/send-error.js'
import type { Answer, Verdict } from '../../../lib/delivery/types.js'
import type { GivenOptions } from '../fixtures/complete-options.js'
import { FakeClock } from '../fixtures/fake-clock.js'
import { ambiguous, Harness, open } from '../fixtures/harness.js'
import type { MemoryStore } from '../fixtures/memory-store.js'

const unanswered: Answer[] = ['unknown', 'not-sent']

for (const answer of unanswered) {
  t.test(
    `after a restart a message without attempts left is not sent again if onAmbiguous answers '${answer}'`,
    async t => {
      const retries: GivenOptions['retry'][] = [{ maxAttempts: 1 }, [], () => undefined]
      for (const retry of retries) {
        const options = { retry, onAmbiguous: () => answer }
        const h = new Harness(options)
        h.answer('m1', ambiguous)
        h.add('a')
        await h.pass()
        const after = await h.crash(options)
        await after.pass(60_000)
        t.same(after.ids, [])
        t.match(after.of('dead'), [{ id: 'm1', reason: 'attempts', attempts: 1 }])
        t.match(after.store.outcomes.at(-1), { mayHaveBeenSent: answer === 'unknown' })
      }
    },
  )
}

t.test('a question of onAmbiguous that fails after a restart gives no attempts back', async t => {
  let asked = 0
  const options = {
    retry: ({ attempt }: { attempt: number }) => (attempt < 2 ? 1_000 : undefined),
    onAmbiguous: () => {
      if (asked++ % 2 === 0) throw new Error('the receiver is down')
      return 'unknown' as const
    },
  }
  const h = new Harness(options)
  h.answer('m1', () => new Promise(() => {}))
  h.add('a')
  await h.pass()
  let last = h
  let sends = h.sent.length
  const died: unknown[] = []
  for (let life = 0; life < 3; life++) {
    last = await last.crash(options, 60_000)
    last.answer('m1', () => new Promise(() => {}))
    await last.pass(10_000)
    sends += last.sent.length
    died.push(...last.of('dead'))
  }
  t.equal(sends, 2)
  t.match(died, [{ id: 'm1', reason: 'attempts' }])
})

t.test('a message in doubt is not sent again where a later life allows fewer attempts', async t => {
  const h = new Harness()
  h.answer('m1', ambiguous)
  h.add('a')
  await h.pass(10_000)
  t.equal(h.sent.length, 4)
  const after = await h.crash({ retry: { maxAttempts: 3 } })
  await after.pass(60_000)
  t.same(after.ids, [])
  t.match(after.of('dead'), [{ id: 'm1', reason: 'attempts', attempts: 4 }])
})

t.test('a process that is closed during each attempt makes maxAttempts attempts', async t => {
  const options = { retry: { maxAttempts: 3 } }
  let h = new Harness(options)
  h.add('a')
  let sends = 0
  for (let life = 0; life < 6; life++) {
    h.answer('m1', open().answer)
    await h.pass(10_000)
    sends += h.sent.length
    const closed = h.dispatcher.close(0)
    await h.pass(1)
    await closed
    h = await h.crash(options)
  }
  t.equal(sends, 3)
})

t.test(
  'a probe without an answer is charged, so halts between probes allow no more than maxAttempts',
  async t => {
    const options = { retry: { maxAttempts: 4 } }
    const h = new Harness(options)
    const halt = { kind: 'halt', afterMs: 1_000 } as const
    h.answer('m1', halt, ambiguous, halt, ambiguous, halt, ambiguous, halt, ambiguous, halt, ambiguous)
    h.add('a')
    await h.pass(3_600_000)
    t.equal(h.sent.length, 8)
    t.match(h.of('dead'), [{ id: 'm1', reason: 'attempts', attempts: 4 }])
  },
)

t.test('a failure that cannot be judged leaves doubt and is charged', async t => {
  const h = new Harness({ retry: { maxAttempts: 2 } })
  let reads = 0
  h.answer('m1', () => {
    reads = 0
    throw new SendError('read me once', {
      kind: 'retry',
      get afterMs() {
        if (++reads > 1) throw new Error('not again')
        return undefined
      },
    })
  })
  h.add('a')
  await h.pass(60_000)
  t.same(
    h.sent.map(s => [s.attempt, s.mayHaveBeenSent]),
    [
      [1, false],
      [2, true],
    ],
  )
  t.match(h.of('dead'), [{ id: 'm1', reason: 'attempts', attempts: 2 }])
})

t.test('an attempt that may be the last is on the device before send', async t => {
  const retries: GivenOptions['retry'][] = [{ maxAttempts: 1 }, { giveUpAfterMs: 0 }, [], () => undefined]
  for (const retry of retries) {
    const h = new Harness({ retry })
    h.store.syncError = new Error('disk')
    h.add('a')
    await h.pass(10_000)
    t.same(h.ids, [])
    h.store.syncError = undefined
    await h.pass(60_000)
    t.same(h.ids, ['m1'])
  }
})

/** A gateway that takes each message, and answers that the way back broke. Returns what arrived, by message. */
async function gateway(onAmbiguous: 'resend' | 'dead-letter'): Promise<Map<string, boolean[]>> {
  const h = new Harness({ onAmbiguous })
  for (const channel of ['a', 'b', 'c']) {
    h.answer(channel, () => {
      throw Object.assign(new Error('Bad Gateway'), { status: 502 })
    })
    h.add(channel)
    h.add(channel)
  }
  await h.pass(24 * 3_600_000)
  const arrived = new Map<string, boolean[]>()
  for (const { id, mayHaveBeenSent } of h.sent) arrived.set(id, [...(arrived.get(id) ?? []), mayHaveBeenSent])
  t.equal(h.of('dead').length, 6)
  return arrived
}

t.test(
  "with onAmbiguous 'dead-letter' a gateway that takes messages and answers 502 gets each once",
  async t => {
    const arrived = [...(await gateway('dead-letter')).values()]
    t.same(arrived, new Array(6).fill([false]))
  },
)

t.test('a message in doubt is sent at most ten times by default, each but the first marked', async t => {
  const arrived = [...(await gateway('resend')).values()]
  t.equal(arrived.length, 6)
  for (const copies of arrived) t.same(copies, [false, ...new Array(copies.length - 1).fill(true)])
  t.ok(arrived.every(copies => copies.length <= 10))
})

/** How a call of `send` ends. */
type End = Verdict | 'ok' | 'never' | 'slow'

const end: fc.Arbitrary<End> = fc.oneof(
  { weight: 2, arbitrary: fc.constant<End>('ok') },
  { weight: 3, arbitrary: fc.constantFrom<End>('never', 'slow') },
  { weight: 4, arbitrary: fc.constant<End>({ kind: 'ambiguous' }) },
  {
    weight: 4,
    arbitrary: fc.oneof(
      fc.record({ kind: fc.constant('retry' as const), charged: fc.boolean() }),
      fc.record({
        kind: fc.constant('rate-limited' as const),
        afterMs: fc.integer({ min: 200, max: 2_000 }),
      }),
      fc.record({ kind: fc.constant('halt' as const), afterMs: fc.integer({ min: 200, max: 2_000 }) }),
    ),
  },
)

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('add' as const), channel: fc.constantFrom('a', 'g:1', 'g:2') }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(3_000) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('close' as const), graceMs: fc.constantFrom(0, 200, 5_000) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('redrive' as const) }) },
)

/** With how many attempts each allows. */
const retries: [number, GivenOptions['retry']][] = [
  [1, { maxAttempts: 1, jitter: 0 }],
  [3, { maxAttempts: 3, initialDelayMs: 100 }],
  [1, []],
  [3, [0, 500]],
  [3, ({ attempt }) => (attempt < 3 ? 300 : undefined)],
]

const policy = fc.constantFrom<'resend' | 'dead-letter' | 'ask'>('resend', 'dead-letter', 'ask')
const answer = fc.constantFrom<Answer | 'throws' | 'never'>(
  'not-sent',
  'unknown',
  'unknown',
  'throws',
  'never',
)

t.test('under random events no message is sent more than maxAttempts times without an answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60, size: 'max' }),
      fc.array(end, { minLength: 1, maxLength: 60, size: 'max' }),
      fc.constantFrom(...retries),
      policy,
      fc.array(answer, { minLength: 1, maxLength: 20 }),
      async (steps, ends, [maxAttempts, retry], onAmbiguous, answers) => {
        const clock = new FakeClock()
        /** Sends without an answer, by message, since it was enqueued or redriven. */
        const open = new Map<string, number>()
        let calls = 0
        let asks = 0
        const options: GivenOptions = {
          retry,
          groups: { 'g:*': {} },
          sendTimeoutMs: 1_000,
          abortGraceMs: 500,
          onAmbiguous:
            onAmbiguous !== 'ask'
              ? onAmbiguous
              : () => {
                  const said = answers[asks++ % answers.length]!
                  if (said === 'throws') throw new Error('the receiver is down')
                  return said === 'never' ? new Promise<Answer>(() => {}) : said
                },
        }
        let h: Harness
        const begin = (store?: MemoryStore) => {
          h = new Harness({ ...options, clock, idle: true, ...(store && { store }) })
          h.dispatcher.start(({ id, signal }) => {
            const count = (open.get(id) ?? 0) + 1
            open.set(id, count)
            if (count > maxAttempts)
              throw new Error(`${id} is sent for the ${count}th time without an answer`)
            const ended = ends[calls++ % ends.length]!
            const answered = () => open.set(id, open.get(id)! - 1)
            if (ended === 'never') return new Promise(() => {})
            if (ended === 'slow') {
              const aborted = new Promise((_, reject) => {
                signal.addEventListener('abort', () => reject(new Error('aborted')))
              })
              return aborted
            }
            if (ended === 'ok') return undefined
            if (ended.kind !== 'ambiguous') answered()
            throw new SendError(ended.kind, ended)
          })
        }
        begin()
        for (const action of steps) {
          if (action.do === 'add') h!.add(action.channel)
          else if (action.do === 'pass') await h!.pass(action.ms)
          else if (action.do === 'redrive') {
            const dead = [...h!.store.live()].filter(ref => h!.store.state(ref) === 'dead')
            for (const ref of dead) open.delete(`m${h!.store.sequence(ref)}`)
            await h!.dispatcher.redrive(dead, 'original')
          } else {
            await h!.settle()
            if (action.do === 'close') {
              const closed = h!.dispatcher.close(action.graceMs)
              // Moments of the queue are whole ms, those of the clock are not.
              await h!.pass(action.graceMs + 1)
              await closed
            }
            begin(h!.kill())
          }
        }
        await h!.pass(30_000)
        for (const [id, count] of open)
          if (count > maxAttempts) throw new Error(`${id} was sent ${count} times without an answer`)
        for (const { error } of h!.of('error')) throw error
      },
    ),
    { numRuns: 40 },
  )
})
