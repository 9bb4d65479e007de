import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import t from 'tap'
import { SendError, type Verdict } from '../../lib/index.js'
import { openQueue, temporaryDirectory } from './fixtures/open-queue.js'

const KEY = 'AAEhBOweik6ad9rQXMENQjcrGbqCr4KabcD'
const SECRET = `https://api.telegram.org/bot123456789:${KEY}/sendMessage`

// Warnings are looked at here, and need not stand in the output.
process.removeAllListeners('warning')

/** As a client throws it: with the request, its headers and its URL. */
function clientError(): Error {
  return Object.assign(new Error(`POST ${SECRET} failed`), {
    code: `E ${SECRET}`,
    config: { url: SECRET, headers: { authorization: `Bot ${KEY}` } },
  })
}

function filesOf(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => readFileSync(join(entry.parentPath ?? entry.path, entry.name), 'latin1'))
    .join('\n')
}

const endings: Readonly<Record<string, Verdict>> = {
  halt: { kind: 'halt', reason: `no such bot: ${SECRET}`, afterMs: Infinity },
  'a halt without a reason': { kind: 'halt', afterMs: Infinity },
  permanent: { kind: 'permanent', reason: `refused at ${SECRET}` },
  retry: { kind: 'retry', afterMs: 60_000 },
  'rate-limited': { kind: 'rate-limited', afterMs: 60_000 },
}

for (const [what, verdict] of Object.entries(endings)) {
  t.test(
    `after ${what} a secret in an error is in no event, view, figure or file but the error itself`,
    async t => {
      const directory = temporaryDirectory(t)
      const queue = await openQueue(
        t,
        {
          send: () => {
            throw clientError()
          },
          classify: () => verdict,
        },
        directory,
      )
      const seen: { error?: unknown }[] = []
      const told = new Promise<void>(resolve => {
        for (const event of ['halted', 'dead', 'retry', 'rateLimited'] as const)
          queue.on(event, (argument: { error?: unknown }) => {
            seen.push(argument)
            resolve()
          })
      })
      await queue.enqueue({ channel: 'a', id: 'm', payload: 1 })
      await told
      const shown = [queue.stats(), await queue.get('m'), ...seen, { ...seen[0] }]
      t.notMatch(inspect(shown, { depth: 9, showHidden: false }), KEY)
      t.notMatch(JSON.stringify(shown), KEY)
      for (const event of seen) if ('error' in event) t.match(event.error, { config: { url: SECRET } })
      await queue.close()
      t.notMatch(filesOf(directory), KEY)
    },
  )
}

t.test('an event prints the recorded facts of its error, not the error itself', async t => {
  const queue = await openQueue(t, {
    send: () => {
      throw new SendError(`gone from ${SECRET}`, { kind: 'permanent' })
    },
  })
  const dead = new Promise<object>(resolve => queue.on('dead', resolve))
  await queue.enqueue({ channel: 'a', payload: 1 })
  const event = await dead
  t.match(JSON.parse(JSON.stringify(event)), {
    channel: 'a',
    reason: 'permanent',
    error: { name: 'SendError', message: 'gone from https://api.telegram.org/bot[redacted]/sendMessage' },
  })
  t.match(inspect(event), /reason: 'permanent'[\s\S]*gone from/)
})

t.test('the result of send is in its event but not printed with it', async t => {
  const queue = await openQueue(t, { send: () => ({ url: SECRET }) })
  const delivered = new Promise<{ result: unknown }>(resolve => queue.on('delivered', resolve))
  await queue.enqueue({ channel: 'a', payload: 1 })
  const event = await delivered
  t.same(event.result, { url: SECRET })
  t.notMatch(`${inspect(event)} ${JSON.stringify(event)}`, KEY)
})

t.test('errors of user functions are reported without the secrets in them', async t => {
  const fails = () => {
    throw clientError()
  }
  for (const [listens, options] of [
    [true, { classify: fails }],
    [true, { retry: fails }],
    [false, { classify: fails }],
    [false, { retry: fails }],
  ] as const) {
    const queue = await openQueue(t, { send: () => Promise.reject(new Error('x')), ...options })
    const told = new Promise<Error>(resolve => {
      if (listens) queue.on('error', resolve)
      else process.once('warning', resolve)
    })
    await queue.enqueue({ channel: 'a', payload: 1 })
    const error = await told
    t.notMatch(`${error.message} ${inspect(error)}`, KEY)
    if (listens) t.match(error.cause, { config: { url: SECRET } })
  }
})

t.test('the failure of a listener is reported without the secrets in it', async t => {
  const queue = await openQueue(t, { send: () => 'ok' })
  const told = new Promise<Error>(resolve => queue.on('error', resolve))
  queue.on('delivered', () => {
    throw clientError()
  })
  await queue.enqueue({ channel: 'a', payload: 1 })
  t.notMatch(inspect(await told), KEY)
})
