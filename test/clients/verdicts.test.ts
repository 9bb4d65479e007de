import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { classifyError, type OutboundQueue, type Verdict } from '../../lib/index.js'
import { root } from '../docs/fixtures/pages.js'
import { openQueue } from '../queue/fixtures/open-queue.js'
import { clients } from './fixtures/clients/all.js'
import { textOf } from './fixtures/platform-server.js'
import { revive, shapeOf } from './fixtures/shape.js'
import { render, written } from './render.js'
import { expectationsOf, FAMILIES } from './table.js'

/** Where the queue is to cut an attempt short. Some clients wait for ever for a body that broke off. */
const SEND_TIMEOUTS_MS: Readonly<Record<string, number>> = {
  'aborted by the queue': 200,
  '200, broken off': 1_000,
}

/** What each verdict must lead to. */
const CONSEQUENCES: Readonly<Record<string, string>> = {
  delivered: 'delivered',
  permanent: 'dead: permanent after 1',
  halt: 'halted, not charged',
  'rate-limited': 'rate limited, not charged',
  retry: 'retried, charged, not in doubt',
  'not sent': 'retried, not charged, not in doubt',
  ambiguous: 'retried, charged, in doubt',
}

/** Sent twice by the client, as its standard says: Fetch, "HTTP-network-or-cache fetch". */
const REPEATED: readonly string[] = ['421']

for (const [name, client] of Object.entries(clients)) {
  t.test(`${name}: each case has its verdict, and the verdict its consequence`, async t => {
    const { senders, taken } = await client.stage(t)
    const verdicts = new Map<string, Verdict>()
    const queue = await openQueue<{ text: string }>(t, {
      send: delivery => senders.get(delivery.channel)!(delivery),
      abortGraceMs: client.takesSignal ? 60_000 : 100,
      channelOptions: channel => ({ sendTimeoutMs: SEND_TIMEOUTS_MS[channel] ?? 60_000 }),
      retry: [600_000],
      classify: (error, delivery) => {
        const verdict = classifyError(error, delivery)
        verdicts.set(delivery.channel, verdict)
        const recorded = revive(JSON.parse(JSON.stringify(shapeOf(error))))
        t.equal(describe(classifyError(recorded, delivery)), describe(verdict), 'recorded, it says the same')
        return verdict
      },
    })
    const consequences = consequencesOf(queue, senders.size)
    for (const channel of senders.keys()) await queue.enqueue({ channel, payload: { text: textOf(channel) } })
    const expected = expectationsOf(name)
    for (const [channel, consequence] of await consequences) {
      const verdict = verdicts.get(channel)
      // An attempt that was cut off is ambiguous without anybody being asked.
      const seen = verdict === undefined ? kindOf(consequence) : describe(verdict)
      t.equal(seen, expected.get(channel), channel)
      t.equal(consequence, CONSEQUENCES[kindIn(seen)], `the consequence of: ${channel}`)
    }
    t.strictSame([...senders.keys()].toSorted(), [...expected.keys()].toSorted(), 'the table has its cases')
    const twice = taken().filter((given, index, all) => all.indexOf(given) !== index)
    t.strictSame(
      twice.filter(given => !REPEATED.includes(given)),
      [],
      'none was sent twice: the client retries nothing by itself',
    )
  })
}

for (const [name, accepted] of [
  ['grammy 1', '400, message is not modified'],
  ['@line/bot-sdk 11', '409, already accepted'],
] as const) {
  t.test(`${name}: "${accepted}" delivers a message in doubt`, async t => {
    const { senders } = await clients[name]!.stage(t)
    const queue = await openQueue<{ text: string }>(t, {
      send: delivery => {
        const given = delivery.attempt === 1 ? 'reset after it was taken' : accepted
        return senders.get(given)!({ ...delivery, payload: { text: textOf(given) } })
      },
      retry: [0],
    })
    await queue.enqueue({ id: 'a', channel: 'a', payload: { text: '' } })
    t.match(await queue.settled('a'), { state: 'delivered', attempts: 2 })
  })
}

t.test('the table speaks of every client, and of none that is not tried', async t => {
  const named = FAMILIES.flatMap(({ columns }) => Object.values(columns).flat())
  t.strictSame([...new Set(named)].toSorted(), Object.keys(clients).toSorted())
  for (const { title, columns, rows } of FAMILIES) {
    const width = Object.keys(columns).length
    for (const [cases, ...cells] of rows)
      t.ok(cells.length === 1 || cells.length === width, `${title}: ${cases}`)
  }
})

t.test('docs/delivery.md shows the table as it is; else: npm run docs:clients', async t => {
  const page = readFileSync(join(root, 'docs/delivery.md'), 'utf8')
  t.equal(page, written(page))
  for (const line of render().split('\n')) if (/^[|<¹²³]/.test(line)) t.comment(line.replace(/<.*?>/g, ''))
})

function kindOf(consequence: string): string {
  return Object.entries(CONSEQUENCES).find(([, leadsTo]) => leadsTo === consequence)?.[0] ?? consequence
}

function kindIn(cell: string): string {
  return Object.keys(CONSEQUENCES).find(kind => cell.startsWith(kind)) ?? cell
}

/** The first thing that became of each message. */
function consequencesOf(queue: OutboundQueue<{ text: string }>, count: number): Promise<Map<string, string>> {
  const result = new Map<string, string>()
  return new Promise(resolve => {
    const add = (channel: string, what: string) => {
      if (!result.has(channel)) result.set(channel, what)
      if (result.size === count) resolve(result)
    }
    const charge = (attempts: number) => (attempts === 0 ? 'not charged' : 'charged')
    queue.on('delivered', ({ channel }) => add(channel, 'delivered'))
    queue.on('dead', ({ channel, reason, attempts }) => add(channel, `dead: ${reason} after ${attempts}`))
    queue.on('rateLimited', ({ channel, attempts }) => add(channel, `rate limited, ${charge(attempts)}`))
    queue.on('retry', ({ channel, attempts, mayHaveBeenSent }) =>
      add(channel, `retried, ${charge(attempts)}, ${mayHaveBeenSent ? 'in doubt' : 'not in doubt'}`),
    )
    queue.on('halted', async ({ target }) => {
      for await (const { attempts } of queue.list({ channel: target }))
        add(target, `halted, ${charge(attempts)}`)
    })
  })
}

function describe(verdict: Verdict): string {
  if (verdict.kind === 'retry') return verdict.charged === false ? 'not sent' : 'retry'
  if (verdict.kind !== 'rate-limited') return verdict.kind
  const { afterMs, scope } = verdict
  // A date has whole seconds, and this took some time.
  const rounded = afterMs !== undefined && afterMs > 10_000 ? Math.round(afterMs / 5_000) * 5_000 : afterMs
  const wait = rounded === undefined ? '' : ` ${rounded / 1000} s`
  return `rate-limited${wait}${scope === undefined ? '' : `, ${scope}`}`
}
