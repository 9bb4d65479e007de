import fc from 'fast-check'
import t from 'tap'
import { Harness } from '../fixtures/harness.js'

const MINUTE = 60_000
const PATIENCE_MS = 5_000
/** Nothing is wrong any more from then on. */
const HEALED_AT = 40 * MINUTE
/** The longest wait for a probe, for a backoff of its own, and for attempts that hang. */
const RECOVERED_AT = HEALED_AT + MINUTE + 6 * MINUTE + MINUTE

type Way = 'refused' | 'bad gateway' | 'hangs' | 'internal error' | 'no such chat'

interface Trouble {
  /** Of one chat alone; undefined: of the receiver. */
  chat: number | undefined
  way: Way
  from: number
  ms: number
}

const trouble = (chat: fc.Arbitrary<number | undefined>, most: number): fc.Arbitrary<Trouble> =>
  fc.record({
    chat,
    way: fc.constantFrom<Way>('refused', 'bad gateway', 'hangs', 'internal error', 'no such chat'),
    from: fc.nat(30 * MINUTE),
    ms: fc.nat(most),
  })

const plan = fc.record({
  chats: fc.integer({ min: 1, max: 12 }),
  grouped: fc.boolean(),
  latencyMs: fc.constantFrom(0, 20, 700),
  outages: fc.array(trouble(fc.constant(undefined), 10 * MINUTE), { maxLength: 3 }),
  troubles: fc.array(trouble(fc.nat(11), 30 * MINUTE), { maxLength: 4 }),
  messages: fc.array(fc.record({ chat: fc.nat(11), at: fc.nat(HEALED_AT) }), { minLength: 1, maxLength: 60 }),
})

interface Attempt {
  channel: string
  sequence: number
  from: number
  to: number
  /** The receiver answered. */
  answered: boolean
  /** It shows that the receiver is down; neither: it tells nothing. */
  down: boolean
  delivered: boolean
}

/** What was sent, and when; and between which moments the brake was on, and since when it had failed. */
interface Log {
  attempts: Attempt[]
  added: Map<number, { channel: string; at: number }>
  brakes: { since: number; from: number; to: number }[]
}

function failure(way: Way): Error {
  switch (way) {
    case 'refused':
      return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })
    case 'bad gateway':
      return Object.assign(new Error('bad gateway'), { status: 502 })
    case 'internal error':
      return Object.assign(new Error('internal error'), { status: 500 })
    case 'no such chat':
      return Object.assign(new Error('no such chat'), { status: 400 })
    case 'hangs':
      return new DOMException('stopped', 'AbortError')
  }
}

async function run(given: Plan): Promise<Log> {
  const { chats, grouped, latencyMs, outages, troubles, messages } = given
  const h = new Harness({
    ...(grouped && { groups: { 'tg:bot:*': {} } }),
    concurrency: Infinity,
    retry: { maxAttempts: Infinity, giveUpAfterMs: Infinity },
  })
  const start = h.clock.monotonic()
  const now = () => h.clock.monotonic() - start
  const log: Log = { attempts: [], added: new Map(), brakes: [] }
  const all = [...outages, ...troubles].filter(({ from, ms }) => from + ms < HEALED_AT)
  for (let chat = 0; chat < chats; chat++) {
    const channel = `tg:bot:${chat}`
    h.answer(channel, () => {
      const at = now()
      const wrong = all.find(
        each => (each.chat ?? chat) === chat && each.from <= at && at < each.from + each.ms,
      )
      const attempt: Attempt = {
        channel,
        sequence: h.sent.at(-1)!.sequence,
        from: at,
        to: Infinity,
        answered: wrong === undefined || wrong.way === 'no such chat',
        down: wrong !== undefined && wrong.way !== 'no such chat' && wrong.way !== 'internal error',
        delivered: wrong === undefined,
      }
      log.attempts.push(attempt)
      return new Promise((resolve, reject) => {
        const end = () => {
          attempt.to = now()
          if (wrong === undefined) resolve('ok')
          else reject(failure(wrong.way))
        }
        // Beyond the time that it has: a client that gives up by itself in that very moment tells nothing.
        const ms = wrong?.way === 'hangs' ? 30_010 : latencyMs
        if (ms === 0) end()
        else h.clock.setTimeout(end, ms)
      })
    })
  }
  for (const { chat, at } of messages.toSorted((a, b) => a.at - b.at)) {
    await h.pass(at - now())
    const channel = `tg:bot:${chat % chats}`
    log.added.set(h.store.sequence(h.add(channel)), { channel, at })
  }
  await h.pass(RECOVERED_AT - now())
  for (const { event, since, bootMs } of h.events) {
    const at = (bootMs as number) - start
    if (event === 'braked') {
      log.brakes.push({ since: (since as number) - 1_700_000_000_000 - start, from: at, to: Infinity })
    } else if (event === 'unbraked') log.brakes.at(-1)!.to = at
  }
  const stats = h.dispatcher.stats()
  if (stats.pending > 0)
    throw new Error(`${stats.pending} messages were not delivered, long after all was well`)
  if (stats.brakedCount > 0) throw new Error('it is on, and no one waits')
  for (const { event, error } of h.events) if (event === 'error') throw error
  return log
}

type Plan = typeof plan extends fc.Arbitrary<infer P> ? P : never

function check({ attempts, added, brakes }: Log): void {
  const brakeAt = (at: number) => brakes.findLast(({ from }) => from <= at)
  // What tells nothing counts while the brake is on. Of two things in one ms no one knows here which came first.
  const failed = (channel: string, { since, from }: Log['brakes'][number], before: number, surely: boolean) =>
    attempts.some(
      a =>
        a.channel === channel &&
        !a.answered &&
        a.from < before &&
        a.to <= before &&
        (a.down ? a.to >= since : surely ? a.to > from : a.to >= from),
    )
  for (const channel of new Set(attempts.map(attempt => attempt.channel))) {
    const own = attempts.filter(attempt => attempt.channel === channel)
    let last: Attempt | undefined
    for (const attempt of own) {
      if (last !== undefined && attempt.sequence < last.sequence)
        throw new Error(`${channel}: ${attempt.sequence} was sent after ${last.sequence}`)
      // What waits behind another, or for its own backoff, is not delayed by others.
      const due = Math.max(added.get(attempt.sequence)!.at, last?.to ?? 0)
      const brake = brakeAt(attempt.from)
      const isNew = last === undefined || last.answered
      if (isNew && !(brake !== undefined && failed(channel, brake, due, false))) {
        if (attempt.from - due > PATIENCE_MS)
          throw new Error(`${channel} waited from ${due} to ${attempt.from} for others`)
      }
      last = attempt
    }
  }
  for (const brake of brakes) {
    const { from, to } = brake
    const inside = attempts.filter(a => a.from > from && a.from < to)
    const probes = inside.filter(a => failed(a.channel, brake, a.from, true))
    for (const probe of probes) {
      const other = inside.find(a => a !== probe && a.from <= probe.from && a.to > probe.from)
      if (other !== undefined)
        throw new Error(
          `${probe.channel} at ${probe.from} did not wait for ${other.channel}, from ${other.from}`,
        )
    }
    const answer = attempts.find(a => a.answered && a.to > from && a.to < to)
    if (answer !== undefined) throw new Error(`the answer at ${answer.to} did not end what began at ${from}`)
  }
}

t.test('under random outages no channel starves, and every rule of the brake holds', async t => {
  await t.resolves(
    fc.assert(
      fc.asyncProperty(plan, async given => {
        check(await run(given))
      }),
      { numRuns: 120, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: true },
    ),
  )
})
