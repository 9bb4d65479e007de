import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { OutboundQueue, SendError } from '../../lib/index.js'
import { cliPage } from './fixtures/cli-page.js'
import { type queueWith, temporaryDirectory } from './fixtures/queues.js'
import { script } from './fixtures/waq-process.js'

const page = cliPage()

t.test('docs/cli.md equals the help texts of the commands', async t => {
  const file = new URL('../../../docs/cli.md', import.meta.url)
  t.equal(readFileSync(file, 'utf8'), page, 'npm run docs:cli writes it anew')
})

/** Every `$ waq …` of every help, but those of the demo, which tests of its own run. */
const examples = [...new Set([...page.matchAll(/^ +\$ (.*)$/gm)].map(([, command]) => command!))].filter(
  command => !command.includes('waq demo') && !command.includes('> ~/'),
)

/** A directory where the examples find what they name. */
async function exampleDirectory(t: Parameters<typeof queueWith>[0]): Promise<string> {
  const directory = temporaryDirectory(t)
  const queue = await OutboundQueue.open(join(directory, 'outbox'), {
    send: ({ payload }) => {
      if (payload === 'refused') throw new SendError('blocked', { kind: 'permanent' })
    },
  })
  await queue.enqueue({ id: 'order-4711', channel: 'telegram:bot1:4711', payload: 'refused' })
  await queue.settled('order-4711')
  await queue.enqueue({
    id: 'reminder-1',
    channel: 'telegram:bot1:4712',
    payload: 'later',
    delayMs: 3_600_000,
  })
  await queue.close()
  for (const name of ['other', 'restored']) await (await OutboundQueue.open(join(directory, name))).close()
  writeFileSync(
    join(directory, 'dead.jsonl'),
    '{"id":"order-4711","channel":"telegram:bot1:4711","payload":"refused"}\n',
  )
  mkdirSync(join(directory, 'bin'))
  const shim = join(directory, 'bin', 'waq')
  writeFileSync(shim, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$@"\n`)
  chmodSync(shim, 0o755)
  return directory
}

/** Runs one, in a directory of its own. */
async function run(example: string, prepared: string, cwd: string): Promise<string | undefined> {
  cpSync(prepared, cwd, { recursive: true })
  const command = `set -o pipefail; ${example.replace('/backup/outbox', './outbox')}`
  const child = spawn('bash', ['--norc', '-c', command], {
    cwd,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PATH: `${join(prepared, 'bin')}:${process.env.PATH}` },
  })
  const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, 'close')])
  // Without a terminal no one can be asked: it says so.
  const asks = example.includes('purge') && !example.includes('--yes') && /Say --yes/.test(stderr)
  return status === 0 || asks ? undefined : `${example}: ${status} ${stderr}`
}

const AT_ONCE = 4

t.test('every example in a help text works as printed', async t => {
  t.ok(examples.length > 20)
  const prepared = await exampleDirectory(t)
  const copies = temporaryDirectory(t)
  // What follows or watches ends only when it is told to: tests of their own tell it.
  const waiting = examples.filter(example => !example.includes('--follow') && !example.startsWith('waq top'))
  const failed: string[] = []
  const worker = async (): Promise<void> => {
    for (let example = waiting.pop(); example !== undefined; example = waiting.pop()) {
      const failure = await run(example, prepared, join(copies, String(waiting.length)))
      if (failure !== undefined) failed.push(failure)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  t.same(failed, [])
})
