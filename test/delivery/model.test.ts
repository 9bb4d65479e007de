import fc from 'fast-check'
import t from 'tap'
import type { Answer, Verdict } from '../../lib/delivery/types.js'
import { FakeClock } from './fixtures/fake-clock.js'
import { Harness, type Seen, type Sent } from './fixtures/harness.js'
import type { MemoryStore } from './fixtures/memory-store.js'

/** A suspend as short as this is not seen at once: `SAME_MS` of the queue's time. */
const SHORT_SUSPEND_MS = 1_000

const CHANNELS = ['tg:1', 'tg:2', 'a', 'b']
/** Of all that begins with `tg:`. */
const GROUP = { count: 3, perMs: 1_000 }
/** Of the others, which share it. */
const KEY = [
  { count: 4, perMs: 5_000 },
  { count: 10, perMs: 120_000 },
]

/** Of `b`, besides: it joins the key whenever it has something to send. */
const STRICTER = { count: 3, perMs: 4_000 }
/** Its messages pass each other in their backoff. */
const UNORDERED = 'tg:2'

/** Signs of an outage. */
const DOWN = {
  'bad gateway': { status: 502 },
  refused: { code: 'ECONNREFUSED', syscall: 'connect' },
}

const verdict: fc.Arbitrary<'ok' | 'hang' | keyof typeof DOWN | Verdict> = fc.oneof(
  { weight: 6, arbitrary: fc.constant('ok' as const) },
  { weight: 1, arbitrary: fc.constant('hang' as const) },
  { weight: 6, arbitrary: fc.constantFrom('bad gateway' as const, 'refused' as const) },
  {
    weight: 8,
    arbitrary: fc.oneof(
      fc.record({ kind: fc.constant('retry' as const), charged: fc.boolean() }),
      fc.record({
        kind: fc.constant('rate-limited' as const),
        afterMs: fc.nat(5_000),
        scope: fc.constantFrom('channel' as const, 'group' as const, 'global' as const),
      }),
      fc.record({ kind: fc.constant('permanent' as const) }),
      fc.record({
        kind: fc.constant('halt' as const),
        afterMs: fc.integer({ min: 1, max: 5_000 }),
        scope: fc.constantFrom('channel' as const, 'group' as const, 'global' as const),
      }),
      fc.record({ kind: fc.constant('ambiguous' as const) }),
    ),
  },
)

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      channel: fc.constantFrom(...CHANNELS),
      delayMs: fc.constantFrom(0, 0, 0, 700),
      ttlMs: fc.constantFrom(Infinity, Infinity, 3_000),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(4_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('pause' as const),
      selector: fc.constantFrom(undefined, 'a', 'tg:*'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('resume' as const),
      selector: fc.constantFrom(undefined, 'a', 'tg:*'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('crash' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('jump' as const),
      ms: fc.integer({ min: -3_600_000, max: 3_600_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('suspend' as const), ms: fc.nat(6_000) }) },
)

const policy = fc.constantFrom<'resend' | 'dead-letter' | (() => Answer)>(
  'resend',
  'dead-letter',
  () => 'sent',
  () => 'not-sent',
  () => 'unknown',
)

/** Everything that happened, over all lives of the process. */
interface History {
  enqueued: {
    id: string
    channel: string
    sequence: number
    scheduled: boolean
    /** By the boot clock, when its time to live is over. */
    expiresAtMs: number
  }[]
  sent: Sent[]
  events: Seen[]
  cancelled: Set<string>
}

/** Each message's first send, by channel, in the order in which they happened; scheduled ones stand apart. */
function firstSends(history: History, channel: string): number[] {
  const scheduled = new Set(history.enqueued.filter(m => m.scheduled).map(m => m.sequence))
  const sequences = history.sent
    .filter(s => s.channel === channel && !scheduled.has(s.sequence))
    .map(s => s.sequence)
  return [...new Set(sequences)]
}

t.test(
  'under random events channels keep their order and limits and make one attempt at a time, and each message ends once',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 80, size: 'max' }),
        fc.array(verdict, { maxLength: 80, size: 'max' }),
        policy,
        fc.integer({ min: 1, max: 4 }),
        async (steps, verdicts, onAmbiguous, concurrency) => {
          const history: History = { enqueued: [], sent: [], events: [], cancelled: new Set() }
          const clock = new FakeClock()
          let next = 0
          const options = {
            onAmbiguous,
            concurrency,
            groups: { 'tg:*': { concurrency: 2, rateLimit: GROUP }, 'tg:1*': {} },
            channelOptions: (channel: string) => {
              if (channel.startsWith('tg:')) return { ordered: channel !== UNORDERED }
              return { rateKey: 'ab', rateLimit: channel === 'b' ? [...KEY, STRICTER] : KEY }
            },
            retry: { maxAttempts: 4, jitter: 0 },
            sendTimeoutMs: 1_000,
            abortGraceMs: 500,
          }
          let h: Harness
          const begin = (store?: MemoryStore) => {
            h = new Harness({ ...options, clock, ...(store && { store }) })
            // A hanging send outlives its attempt: that is the timeout's business, not a second send by our doing.
            for (const channel of CHANNELS) {
              h.answer(channel, () => {
                const now = verdicts[next++] ?? 'ok'
                if (now === 'ok') return 'ok'
                if (now === 'hang') {
                  h.underWay.delete(channel)
                  return new Promise(() => {})
                }
                if (typeof now === 'string') throw Object.assign(new Error(now), DOWN[now])
                throw Object.assign(new Error(now.kind), { name: 'SendError', verdict: now })
              })
            }
          }
          const endLife = () => {
            history.sent.push(...h.sent)
            history.events.push(...h.events)
          }
          begin()
          for (const action of steps) {
            if (action.do === 'add') {
              const deliverAt = action.delayMs === 0 ? 0 : clock.wall() + action.delayMs
              const ttlMs = deliverAt === 0 ? action.ttlMs : Infinity
              const ref = h!.add(action.channel, { deliverAt, expiresAt: h!.time.now() + ttlMs })
              const sequence = h!.store.sequence(ref)
              history.enqueued.push({
                id: `m${sequence}`,
                channel: action.channel,
                sequence,
                scheduled: deliverAt !== 0,
                expiresAtMs: clock.boot() + ttlMs,
              })
            } else if (action.do === 'pass') await h!.pass(action.ms)
            else if (action.do === 'pause') h!.dispatcher.pause(action.selector)
            else if (action.do === 'resume') h!.dispatcher.resume(action.selector)
            else if (action.do === 'jump' || action.do === 'suspend') {
              if (action.do === 'jump') clock.jumpWall(action.ms)
              else clock.suspend(action.ms)
              // As the store does once a minute, whatever else happens.
              h!.time.look()
            } else if (action.do === 'cancel') {
              const message = history.enqueued[action.which % Math.max(history.enqueued.length, 1)]
              const ref = message && h!.store.bySequence(message.sequence)
              if (ref !== undefined && (await h!.cancel(ref))) history.cancelled.add(message!.id)
            } else {
              await h!.settle()
              const disk = h!.kill()
              endLife()
              begin(disk)
            }
          }
          // In the end everything works, and time passes.
          verdicts.length = 0
          h!.dispatcher.resume()
          await h!.pass(3 * 3_600_000)
          h!.dispatcher.resume()
          await h!.pass(3 * 3_600_000)
          const { remaining } = await h!.dispatcher.drain()
          endLife()
          check(history, remaining)
        },
      ),
      { numRuns: 40 },
    )
  },
)

/** As a platform counts, over all lives: it sees each when `send` is called. */
function checkWindow(sent: readonly Sent[], { count, perMs }: { count: number; perMs: number }): void {
  for (let i = count; i < sent.length; i++) {
    const spanMs = sent[i]!.bootMs - sent[i - count]!.bootMs
    if (spanMs < perMs)
      throw new Error(`${count + 1} were sent within ${spanMs} ms, not ${count} in ${perMs}`)
  }
}

function check(history: History, remaining: number): void {
  if (remaining !== 0) throw new Error(`${remaining} messages remain`)
  for (const event of history.events) if (event.event === 'error') throw event.error
  const ends = new Map<string, string>()
  for (const { event, id } of history.events) {
    if (event !== 'delivered' && event !== 'dead' && event !== 'cancelled') continue
    if (ends.has(id as string)) throw new Error(`${id} ended twice: ${ends.get(id as string)} and ${event}`)
    ends.set(id as string, event)
  }
  for (const { id, expiresAtMs } of history.enqueued) {
    const expired = history.events.find(e => e.event === 'dead' && e.reason === 'expired' && e.id === id)
    if (expired !== undefined && (expired.bootMs as number) < expiresAtMs - SHORT_SUSPEND_MS)
      throw new Error(`${id} expired ${expiresAtMs - (expired.bootMs as number)} ms before its time`)
    if (!ends.has(id)) throw new Error(`${id} was lost`)
    if (history.cancelled.has(id) !== (ends.get(id) === 'cancelled'))
      throw new Error(`${id}: cancel said otherwise`)
  }
  checkWindow(
    history.sent.filter(({ channel }) => channel.startsWith('tg:')),
    GROUP,
  )
  for (const rate of KEY) {
    checkWindow(
      history.sent.filter(({ channel }) => !channel.startsWith('tg:')),
      rate,
    )
  }
  for (const channel of CHANNELS) {
    if (channel === UNORDERED) continue
    const order = firstSends(history, channel)
    for (let i = 1; i < order.length; i++) {
      if (order[i]! < order[i - 1]!) throw new Error(`${channel}: ${order[i]} was sent after ${order[i - 1]}`)
    }
  }
}
