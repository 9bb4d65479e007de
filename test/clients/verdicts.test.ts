import t, { type Test } from 'tap'
import { classifyError, type OutboundQueue, type Verdict } from '../../lib/index.js'
import { openQueue } from '../queue/fixtures/open-queue.js'
import { type Client, clients, type TextDelivery } from './fixtures/clients.js'
import { closedPort, closingPort, PlatformServer, resettingPort, textOf } from './fixtures/platform.js'

/** Cases that no platform answers: the connection does. */
const CONNECTIONS = [
  'connection refused',
  'no such host',
  'reset before it was taken',
  'closed in the handshake',
]

/** What becomes of a message in each case, whatever the client; what differs stands in `EXPECTED`. */
const ALIKE: Readonly<Record<string, string>> = {
  delivered: 'delivered',
  'bad request': 'permanent',
  unauthorized: 'halt',
  forbidden: 'permanent',
  'not found': 'permanent',
  'too many requests': 'rate-limited 30000',
  'server error': 'ambiguous',
  'bad gateway': 'ambiguous',
  'connection refused': 'retry uncharged',
  'no such host': 'retry uncharged',
  // The client can not tell this from the next but one.
  'reset before it was taken': 'ambiguous',
  // Nothing is sent before TLS stands.
  'closed in the handshake': 'retry uncharged',
  'reset after it was taken': 'ambiguous',
  'time out': 'ambiguous',
  'aborted by the queue': 'ambiguous',
  'malformed body': 'ambiguous',
  'body broken off': 'ambiguous',
}

const HTTP: Readonly<Record<string, string>> = {
  gone: 'permanent',
  'too large': 'permanent',
  moved: 'permanent',
  'too early': 'retry uncharged',
  'too many requests with a date': 'rate-limited 30000',
  'request timeout': 'ambiguous',
  unavailable: 'ambiguous',
  'unavailable for a while': 'rate-limited 30000',
  'gateway timeout': 'ambiguous',
}

/** A response that was returned as it is: its status decides, and nobody read its body. */
const UNREAD = { 'malformed body': 'delivered', 'body broken off': 'delivered' }

const EXPECTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'grammy 1': {
    'chat not found': 'permanent',
    'group moved': 'permanent',
    // No such bot: the token is wrong, not the message.
    'not found': 'halt',
  },
  '@slack/web-api 8': { 'internal error': 'ambiguous' },
  '@slack/web-api 7': { 'internal error': 'ambiguous' },
  // Told 3 s; the client adds 50 ms to each wait.
  '@discordjs/rest 2': { 'too many requests of the bot': 'rate-limited 3050 group' },
  'fetch, its response returned': { ...HTTP, ...UNREAD },
  'fetch, its response read': HTTP,
  'undici request, its response returned': { ...HTTP, ...UNREAD },
  // The interceptor throws from 400 on; then there was no JSON to read.
  'undici request, its refusals thrown': { ...HTTP, moved: 'ambiguous' },
}

/** Where the queue is to cut an attempt short. grammY waits for a body that broke off until somebody does. */
const SEND_TIMEOUTS_MS: Readonly<Record<string, number>> = {
  'aborted by the queue': 200,
  'body broken off': 2_000,
}

/** What was seen, of each client and case. */
const seen = new Map<string, Map<string, string>>()

for (const [name, client] of Object.entries(clients)) {
  t.test(`${name}: each case has its verdict, and the verdict its consequence`, async t => {
    const cases = [...Object.keys(client.platform), ...CONNECTIONS]
    const expected: Record<string, string> = { ...ALIKE, ...EXPECTED[name] }
    const server = await PlatformServer.start(t, client.platform)
    const verdicts = new Map<string, Verdict>()
    const queue = await openQueue<{ text: string }>(t, {
      send: await sender(t, client, server.url),
      abortGraceMs: client.takesSignal ? 60_000 : 100,
      channelOptions: channel => ({ sendTimeoutMs: SEND_TIMEOUTS_MS[channel] ?? 60_000 }),
      retry: [600_000],
      classify: (error, { channel }) => {
        const verdict = classifyError(error)
        verdicts.set(channel, verdict)
        return verdict
      },
    })
    const consequences = consequencesOf(queue, cases)
    for (const name of cases) await queue.enqueue({ channel: name, payload: { text: textOf(name) } })
    const results = new Map<string, string>()
    seen.set(name, results)
    for (const [name, consequence] of await consequences) {
      const verdict = verdicts.get(name)
      const result = verdict === undefined ? withoutError(consequence) : describe(verdict)
      results.set(name, result)
      t.equal(result, expected[name], name)
      t.equal(consequence, CONSEQUENCES[result.split(' ', 1)[0]!], `the consequence of: ${name}`)
    }
    const taken = server.taken.map(({ name }) => name)
    t.equal(new Set(taken).size, taken.length, 'none was sent twice: the client retries nothing by itself')
    const answered = Object.keys(client.platform).filter(name => client.platform[name] !== 'silence')
    t.strictSame(
      answered.filter(name => !taken.includes(name)),
      [],
      'each that was answered was sent',
    )
  })
}

t.test('the table', async t => {
  const cases = new Set([...seen.values()].flatMap(results => [...results.keys()]))
  const names = [...seen.keys()]
  const width = Math.max(...[...cases].map(name => name.length))
  t.comment('')
  for (const [number, name] of names.entries()) t.comment(`${number + 1}: ${name}`)
  t.comment([' '.repeat(width), ...names.map((_, number) => `${number + 1}`.padEnd(22))].join(' '))
  for (const name of cases) {
    const cells = names.map(client => (seen.get(client)?.get(name) ?? '').padEnd(22))
    t.comment([name.padEnd(width), ...cells].join(' ').trimEnd())
  }
  t.equal(names.length, Object.keys(clients).length)
})

/** What each verdict must lead to. */
const CONSEQUENCES: Readonly<Record<string, string>> = {
  delivered: 'delivered',
  permanent: 'dead: permanent after 1',
  halt: 'halted, not charged',
  'rate-limited': 'rate limited, not charged',
  retry: 'retried, not charged, not in doubt',
  ambiguous: 'retried, charged, in doubt',
}

/** An attempt that was cut off is ambiguous without anybody being asked. */
function withoutError(consequence: string): string {
  return consequence === CONSEQUENCES.ambiguous ? 'ambiguous' : consequence
}

async function sender(t: Test, client: Client, url: string) {
  const urls: Readonly<Record<string, string>> = {
    'connection refused': `http://127.0.0.1:${await closedPort()}`,
    // Never a host: RFC 2606.
    'no such host': 'http://waq-test.invalid',
    'reset before it was taken': `http://127.0.0.1:${await resettingPort(t)}`,
    'closed in the handshake': `https://127.0.0.1:${await closingPort(t)}`,
  }
  // A client of its own for each case: some remember what happened to the one before.
  return (delivery: TextDelivery) => {
    const { channel } = delivery
    const timeoutMs = channel === 'time out' ? 300 : 60_000
    return client.connect(urls[channel] ?? url, timeoutMs)(delivery)
  }
}

/** The first thing that became of each message. */
function consequencesOf(
  queue: OutboundQueue<{ text: string }>,
  cases: readonly string[],
): Promise<Map<string, string>> {
  const result = new Map<string, string>()
  return new Promise(resolve => {
    const add = (channel: string, what: string) => {
      if (!result.has(channel)) result.set(channel, what)
      if (result.size === cases.length) resolve(result)
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
  if (verdict.kind === 'retry') return verdict.charged === false ? 'retry uncharged' : 'retry'
  if (verdict.kind !== 'rate-limited') return verdict.kind
  const { afterMs = Number.NaN, scope } = verdict
  // A date has whole seconds, and this took some time.
  const rounded = afterMs > 10_000 ? Math.round(afterMs / 5_000) * 5_000 : afterMs
  return ['rate-limited', rounded, ...(scope === undefined ? [] : [scope])].join(' ')
}
