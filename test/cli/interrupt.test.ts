/** Ctrl-C in the middle of each command that takes its time: a sound queue, a word on how far it got, status 130. */
import { spawn } from 'node:child_process'
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { QueueReader, SendError } from '../../lib/index.js'
import { noTerminal, startOnTerminal } from './fixtures/pty.js'
import { nightQueue, queueWith, startOwner, temporaryDirectory } from './fixtures/queues.js'
import { waqHere } from './fixtures/waq-here.js'
import { script, start, waq } from './fixtures/waq-process.js'

const DEAD = 8_000
const REFUSED = new SendError('chat not found', { kind: 'permanent' })

/** Thousands of dead letters: filled once, copied for whoever needs them. */
const manyDead = queueWith(
  t,
  async queue => {
    for (let sent = 0; sent < DEAD; sent += 1_000) {
      await queue.enqueue(
        Array.from({ length: 1_000 }, (_, i) => ({
          id: `d-${sent + i}`,
          channel: `c-${i}`,
          payload: 'x'.repeat(500),
        })),
      )
    }
    await queue.drain()
  },
  {
    durability: 'os',
    concurrency: 1_000,
    send: () => {
      throw REFUSED
    },
  },
)

/** A hundred megabytes, a third of them delivered, and nothing reclaimed. */
const ALIVE = 1_320
const large = queueWith(
  t,
  async queue => {
    for (let list = 0; list < 40; list += 1) {
      await queue.enqueue(
        Array.from({ length: 50 }, (_, i) => ({
          channel: `c-${i}`,
          payload: 'x'.repeat(50_000),
          ...(i % 3 !== 0 && { delayMs: 3_600_000 }),
        })),
      )
    }
    await queue.drain()
  },
  { durability: 'os', advanced: { autoCompact: false, segmentBytes: 2 ** 20 }, send: () => {} },
)

async function copyOf(t: Test, filled: Promise<string>): Promise<string> {
  const copy = join(temporaryDirectory(t), 'outbox')
  cpSync(await filled, copy, { recursive: true })
  return copy
}

/** Looks again and again, with a pause: who looks all the time takes a core from the process that it waits for. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await wait(2)
}

async function counts(directory: string): Promise<{ pending: number; dead: number }> {
  const { pending, dead } = await (await QueueReader.open(directory)).stats()
  return { pending, dead }
}

const countIn = (text: string): number => Number(/([\d,]+)/.exec(text)![1]!.replaceAll(',', ''))

for (const owned of [false, true]) {
  const how = owned ? 'with a living owner' : 'where no one has the queue open'

  t.test(`an interrupted compact says how far it came and can be repeated, ${how}`, async t => {
    const directory = await copyOf(t, large)
    const owner = owned ? await startOwner(t, directory) : undefined
    const names = (): string[] => readdirSync(join(directory, 'messages'))
    const before = names()
    const { process: child, ended } = start(['compact', directory])
    // An owner removes what is free by itself, before anyone asks it.
    if (owned)
      await until(() => readdirSync(join(directory, 'control')).some(name => name.endsWith('.taken')))
    // Copies of some count already, and those are gone; others are still to come.
    await until(() => before.some(name => !names().includes(name)))
    const worker = owner?.process ?? child
    worker.kill('SIGSTOP')
    child.kill('SIGINT')
    if (owned) {
      await until(() => !readdirSync(join(directory, 'control')).some(name => name.endsWith('.taken')))
    }
    worker.kill('SIGCONT')
    const { status, stdout, stderr } = await ended
    t.match({ status, stdout }, { status: 130, stdout: '' })
    t.match(
      stderr,
      /^waq: interrupted: (it had just begun|it came to .* of about .*); the queue is sound, and the same command continues\n$/,
    )
    t.ok(
      before.some(name => names().includes(name)),
      'it did not come to its end',
    )
    t.equal((await waq('verify', directory)).status, 0)
    t.same(await counts(directory), { pending: ALIVE, dead: 0 })
    t.match(await waq('compact', directory), { status: 0, stderr: '' }, 'the same command goes on')
    t.same(await counts(directory), { pending: ALIVE, dead: 0 })
  })

  t.test(`an interrupted enqueue --from says how far it came, ${how}`, async t => {
    const directory = await queueWith(t, async () => {})
    if (owned) await startOwner(t, directory)
    const child = spawn(process.execPath, [script, 'enqueue', directory, '--from', '-'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const closed = new Promise<number | null>(resolve => child.on('close', resolve))
    child.stdin.on('error', () => {})
    const lines = Array.from(
      { length: 520 },
      (_, i) => `${JSON.stringify({ id: `m-${i}`, channel: 'a', payload: i })}\n`,
    )
    child.stdin.write(lines.join(''))
    // The pipe stays open: it waits for more, with two parts done and a third begun.
    await until(async () => (await counts(directory)).pending >= 512)
    child.kill('SIGINT')
    const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), closed])
    t.match({ stdout, status }, { stdout: '', status: 130 })
    t.equal(stderr, 'waq: interrupted: 512 enqueued, all lines up to 512; go on with line 513\n')
    t.equal((await waqHere('verify', directory)).status, 0)
    t.same(await counts(directory), { pending: 512, dead: 0 })
    const rest = spawn(process.execPath, [script, 'enqueue', directory, '--from', '-'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    rest.stdin.end(lines.slice(512).join(''))
    t.equal(await text(rest.stdout), '8 messages enqueued.\n')
  })

  t.test(`an interrupted dead export writes whole lines and counts them, ${how}`, async t => {
    const directory = await copyOf(t, manyDead)
    if (owned) await startOwner(t, directory)
    const child = spawn(process.execPath, [script, 'dead', 'export', directory], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const closed = new Promise<number | null>(resolve => child.on('close', resolve))
    // It writes into a pipe that holds a part of it, and no one reads on.
    child.stdout.once('readable', () => {})
    await until(() => child.stdout.readableLength >= 16_384)
    child.kill('SIGINT')
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
    const written = stdout.split('\n')
    t.equal(await closed, 130)
    t.match(stderr, /^waq: interrupted: [\d,]+ dead letters written; the last line is complete\n$/)
    t.equal(written.pop(), '', 'the last line is whole')
    t.equal(written.length, countIn(stderr))
    t.ok(written.length > 0 && written.length < DEAD)
    t.equal(JSON.parse(written.at(-1)!).id, `d-${written.length - 1}`)
    t.same(await counts(directory), { pending: 0, dead: DEAD })
  })
}

for (const [verb, args, left] of [
  ['retried', ['retry'], (done: number) => ({ pending: done, dead: DEAD - done })],
  ['purged', ['purge', '--yes'], (done: number) => ({ pending: 0, dead: DEAD - done })],
] as const) {
  const command = (directory: string): string[] => ['dead', ...args, directory, '--all']
  const said = new RegExp(
    `waq:.* interrupted: [\\d,]+ of 8,000 ${verb}; the queue is sound, and the same command continues\\r?\\n$`,
  )
  const check = async (t: Test, directory: string, status: number | null, told: string): Promise<void> => {
    t.equal(status, 130)
    t.match(told, said)
    const done = countIn(told.slice(told.indexOf('interrupted')))
    t.ok(done >= 1_000 && done < DEAD, `in the middle: ${done}`)
    t.same(await counts(directory), left(done), 'as many as it says')
    t.equal((await waqHere('verify', directory)).status, 0)
  }

  t.test(
    `an interrupted dead ${args[0]} counts what is done and can be repeated, where no one has the queue open`,
    { skip: noTerminal },
    async t => {
      const directory = await copyOf(t, manyDead)
      const run = startOnTerminal(command(directory))
      await run.until(new RegExp(`[1-9]\\d?,000 ${verb}`))
      run.type('\u0003')
      const { output, status, cooked } = await run.ended
      t.ok(cooked)
      await check(t, directory, status, output)
      t.match(await waq(...command(directory)), { status: 0, stdout: new RegExp(` dead letters ${verb}`) })
      t.match(await counts(directory), { dead: 0 }, 'the same command goes on')
    },
  )

  t.test(`an interrupted dead ${args[0]} counts what is done, with a living owner`, async t => {
    const directory = await copyOf(t, manyDead)
    const owner = await startOwner(t, directory)
    const requests = new Set<string>()
    const { process: child, ended } = start(command(directory))
    await until(() => {
      for (const name of readdirSync(join(directory, 'control'))) {
        if (/\.(request|taken)$/.test(name)) requests.add(name.split('.')[0]!)
      }
      return requests.size === 3
    })
    owner.process.kill('SIGSTOP')
    child.kill('SIGINT')
    await until(() => !readdirSync(join(directory, 'control')).some(name => /\.(request|taken)$/.test(name)))
    owner.process.kill('SIGCONT')
    const { status, stderr } = await ended
    await check(t, directory, status, stderr)
    t.same(owner.errors, [])
  })
}

t.test('an interrupted verify restores the terminal and changes nothing', { skip: noTerminal }, async t => {
  const directory = await large
  const run = startOnTerminal(['verify', directory])
  await run.until(/% .* of /)
  run.type('\u0003')
  const { output, status, cooked } = await run.ended
  t.equal(status, 130)
  t.ok(cooked)
  t.match(output, /interrupted: (nothing|.* of 95 MiB) read, and nothing was changed\r\n$/)
  t.notMatch(output, /Sound/)
})

t.test(
  'an interrupted command takes back its request to a stopped owner, and nothing happens later',
  async t => {
    const directory = await nightQueue(t)
    const owner = await startOwner(t, directory)
    owner.process.kill('SIGSTOP')
    for (const [args, told] of [
      [['dead', 'purge', directory, '--all', '--yes'], /interrupted: 0 of 3 purged; the queue is sound/],
      [['enqueue', directory, '--channel', 'a', '--text', 'x'], /interrupted: nothing was enqueued\n$/],
      [['compact', directory], /interrupted: it had just begun; the queue is sound/],
    ] as const) {
      const { process: child, ended } = start([...args, '--wait', '60s'])
      const control = join(directory, 'control')
      await until(() => readdirSync(control).some(name => name.endsWith('.request')))
      child.kill('SIGINT')
      t.match(await ended, { status: 130, stderr: told })
    }
    owner.process.kill('SIGCONT')
    t.match(await waq('enqueue', directory, '--channel', 'a', '--text', 'y'), { status: 0 })
    t.match(await counts(directory), { pending: 4, dead: 3 })
  },
)
