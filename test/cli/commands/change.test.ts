import { spawn } from 'node:child_process'
import { chownSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { OutboundQueue, QueueReader } from '../../../lib/index.js'
import { nightQueue, queueWith, startOwner, temporaryDirectory } from '../fixtures/queues.js'
import { waqHere } from '../fixtures/waq-here.js'
import { script, waq, waqUnwatched } from '../fixtures/waq-process.js'

async function listed(
  directory: string,
): Promise<{ id: string; payload: unknown; state: string; channel: string }[]> {
  const messages = []
  for await (const { id, payload, state, channel } of (await QueueReader.open(directory)).list()) {
    messages.push({ id, payload, state, channel })
  }
  return messages
}

/** With standard input. */
async function waqWith(input: string, ...args: string[]) {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(input)
  const closed = new Promise<number | null>(resolve => child.on('close', resolve))
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), closed])
  return { stdout, stderr, status }
}

// Each holds with and without a living owner: who carries it out is not the caller's concern.
for (const owned of [false, true]) {
  const how = owned ? 'by the owner that has the queue open' : 'where nobody has the queue open'

  t.test(`enqueue takes a message from flags, ${how}`, async t => {
    const directory = await queueWith(t, async () => {})
    if (owned) await startOwner(t, directory)
    const flags = [
      '--channel',
      'telegram:봇:1',
      '--id',
      'one',
      '--header',
      'a=b=c',
      '--ttl',
      '2h',
      '--delay',
      '1h',
    ]
    const { status, stdout, stderr } = await waqHere('enqueue', directory, '--text', '안녕 👋', ...flags)
    t.match({ status, stdout, stderr }, { status: 0, stdout: 'one is in the queue.\n', stderr: '' })
    const message = await (await QueueReader.open(directory)).get('one')
    t.match(message, { payload: '안녕 👋', headers: { a: 'b=c' }, nextAttemptAt: Number, expiresAt: Number })
    t.equal(message!.expiresAt! - message!.nextAttemptAt!, 7_200_000)
    const again = await waqHere(
      'enqueue',
      directory,
      '--channel',
      'telegram:봇:1',
      '--id',
      'one',
      '--text',
      '안녕 👋',
      '--json',
    )
    t.match(JSON.parse(again.stdout), { changed: 0, id: 'one', duplicate: true, state: 'pending' })
    const other = await waqHere(
      'enqueue',
      directory,
      '--channel',
      'telegram:봇:1',
      '--id',
      'one',
      '--text',
      'other',
    )
    t.match(other, { status: 2, stderr: /known with another payload/ })
    const json = await waqHere(
      'enqueue',
      directory,
      '--channel',
      'x',
      '--payload',
      '{"n":[1,null]}',
      '--json',
    )
    t.match(JSON.parse(json.stdout), { changed: 1, id: String })
    t.same((await listed(directory)).at(-1)?.payload, { n: [1, null] })
  })

  t.test(`cancel by the beginning of ids leaves others in the same channels, ${how}`, async t => {
    const directory = await queueWith(t, async queue => {
      const ids = ['offer:1', 'offer:2', 'reply:1']
      await queue.enqueue(ids.map(id => ({ id, channel: 'x:1', payload: 1 })))
    })
    if (owned) await startOwner(t, directory)
    const flags = ['--id-prefix', 'offer:', '--channel', 'x:*']
    const asked = await waqHere('cancel', directory, ...flags)
    t.match(asked, { status: 2, stderr: /cancel 2 messages. Say --yes/ })
    const done = await waqHere('cancel', directory, ...flags, '--yes')
    t.match(done, { status: 0, stdout: '2 messages cancelled.\n' })
    t.same(
      (await listed(directory)).map(({ id }) => id),
      ['reply:1'],
    )
  })

  t.test(`pause holds across a restart, and resume ends it, ${how}`, async t => {
    const directory = await queueWith(t, queue => queue.enqueue({ id: 'a', channel: 'x:a', payload: 1 }))
    const owner = owned ? await startOwner(t, directory) : undefined
    t.match(await waqHere('pause', directory), {
      status: 2,
      stderr: /name a channel or a prefix, or say --all/,
    })
    t.match(await waqHere('pause', directory, 'x:*', '--all'), { status: 2 })
    const paused = await waqHere('pause', directory, 'x:*')
    t.match(paused, { status: 0, stdout: 'x:* is paused, until waq resume.\n', stderr: '' })
    await owner?.stop()
    t.match((await waqHere('stats', directory)).stdout, /paused +1\n +x:\*, now, until waq resume/)
    const again = owned ? await startOwner(t, directory) : undefined
    const resumed = await waqHere('resume', directory, '--all', '--json')
    t.same(JSON.parse(resumed.stdout), { resumed: '*' })
    await again?.stop()
    t.notMatch((await waqHere('stats', directory)).stdout, /paused/)
  })

  t.test(`move gives a channel another name, ${how}`, async t => {
    const directory = await queueWith(t, queue => queue.enqueue({ id: 'a', channel: 'x:a', payload: 1 }))
    const owner = owned ? await startOwner(t, directory) : undefined
    t.match(await waqHere('move', directory, 'x:a'), { status: 2 })
    const moved = await waqHere('move', directory, 'x:a', 'x:b')
    t.match(moved, { status: 0, stdout: 'x:a is x:b from now on.\n', stderr: '' })
    await owner?.stop()
    t.match(await listed(directory), [{ id: 'a', channel: 'x:b' }])
    const back = await waqHere('move', directory, 'x:b', 'x:a', '--json')
    t.same(JSON.parse(back.stdout), { from: 'x:b', to: 'x:a' })
    t.match(await listed(directory), [{ id: 'a', channel: 'x:a' }])
  })

  t.test(`retry ends the wait for a retry, ${how}`, async t => {
    const directory = await queueWith(
      t,
      async queue => {
        for (const id of ['a', 'b']) await queue.enqueue({ id, channel: `x:${id}`, payload: 1 })
        queue.start(() => {
          throw Object.assign(new Error('busy'), { status: 500 })
        })
        for (const id of ['a', 'b']) while ((await queue.get(id))?.nextAttemptAt === undefined) await sleep(5)
        await queue.enqueue({ id: 'new', channel: 'x:c', payload: 1, delayMs: 3_600_000 })
      },
      { retry: [3_600_000] },
    )
    if (owned) await startOwner(t, directory)
    t.match(await waqHere('retry', directory), { status: 2, stderr: /name messages by their ids, or choose/ })
    t.match(await waqHere('retry', directory, 'none'), { status: 1, stderr: /No message has the id none/ })
    const one = await waqHere('retry', directory, 'a')
    t.match(one, { status: 0, stdout: 'One message waited, and will be tried now.\n', stderr: '' })
    const reader = await QueueReader.open(directory)
    t.equal((await reader.get('a'))?.nextAttemptAt, undefined)
    t.type((await reader.get('b'))?.nextAttemptAt, 'number')
    const rest = await waqHere('retry', directory, '--all', '--json')
    t.same(JSON.parse(rest.stdout), { changed: 1 })
    t.type((await reader.get('new'))?.nextAttemptAt, 'number', 'a schedule stays')
  })

  t.test(`cancel takes waiting messages by id or selection, ${how}`, async t => {
    const directory = await queueWith(t, async queue => {
      await queue.enqueue(['a', 'b', 'c', 'd'].map(id => ({ id, channel: `x:${id}`, payload: 1 })))
    })
    if (owned) await startOwner(t, directory)
    t.match(await waqHere('cancel', directory, 'a', 'b'), { status: 0, stdout: '2 messages cancelled.\n' })
    t.match(await waqHere('cancel', directory, 'd', 'a'), {
      status: 1,
      stderr: /The message a no longer waits: it was cancelled\. Nothing was cancelled/,
    })
    t.match(await waqHere('cancel', directory, 'none'), { status: 1, stderr: /No message has the id none/ })
    t.match(await waqHere('cancel', directory, '--all'), {
      status: 2,
      stderr: /cancel 2 messages. Say --yes/,
    })
    t.match(await waqHere('cancel', directory), { status: 2, stderr: /name messages by their ids/ })
    t.match(await waqHere('cancel', directory, 'c', '--all'), { status: 2, stderr: /not both/ })
    t.match(await waqHere('cancel', directory, '--all', '--channel', 'x:*', '--yes'), {
      status: 2,
      stderr: /--all cannot be combined with --channel, --id-prefix or --older-than/,
    })
    const old = await waqHere('cancel', directory, '--older-than', '1h', '--yes', '--json')
    t.same(JSON.parse(old.stdout), { changed: 0 })
    const one = await waqHere('cancel', directory, '--channel', 'x:c', '--yes')
    t.match(one, { status: 0, stdout: 'One message cancelled.\n' })
    t.same(
      (await listed(directory)).map(({ id }) => id),
      ['d'],
    )
  })

  t.test(`enqueue takes JSON lines from standard input, ${how}`, async t => {
    const directory = await queueWith(t, async () => {})
    if (owned) await startOwner(t, directory)
    const lines = Array.from({ length: 600 }, (_, i) =>
      JSON.stringify({ id: `m-${i}`, channel: `c-${i % 7}`, payload: i }),
    )
    const input = `${lines.join('\n')}\n\n`
    const first = await waqWith(input, 'enqueue', directory, '--from', '-', '--json')
    t.match(first, { status: 0, stderr: '' })
    t.same(JSON.parse(first.stdout), { changed: 600, duplicates: 0 })
    const again = await waqWith(input, 'enqueue', directory, '--from', '-')
    t.match(again, { status: 0, stdout: '0 messages enqueued. 600 known already, and not enqueued again.\n' })
    t.same(
      (await listed(directory)).map(({ payload }) => payload),
      Array.from({ length: 600 }, (_, i) => i),
    )
  })

  t.test(`a refused line is reported by number, and the lines before it are enqueued, ${how}`, async t => {
    const directory = await queueWith(t, queue => queue.enqueue({ id: 'known', channel: 'a', payload: 1 }))
    if (owned) await startOwner(t, directory)
    const file = join(temporaryDirectory(t), 'messages.jsonl')
    const good = Array.from({ length: 10 }, (_, i) =>
      JSON.stringify({ id: `m-${i}`, channel: 'a', payload: i }),
    )
    const conflict = JSON.stringify({ id: 'known', channel: 'a', payload: 2 })
    writeFileSync(file, [...good, conflict, JSON.stringify({ channel: 'a', payload: 'behind' })].join('\n'))
    const { status, stderr } = await waqHere('enqueue', directory, '--from', file)
    t.equal(status, 2)
    t.match(stderr, /messages\.jsonl:11: Message id "known" is known with another payload/)
    t.match(stderr, /10 were enqueued before it, all lines up to 10\./)
    t.equal((await listed(directory)).length, 11)
    const kept = await waqHere('enqueue', directory, '--from', file, '--on-conflict', 'keep-first', '--json')
    t.same(JSON.parse(kept.stdout), { changed: 1, duplicates: 11 })
  })

  t.test(`dead letters are retried and purged, ${how}`, async t => {
    const directory = await nightQueue(t)
    if (owned) await startOwner(t, directory)
    t.match(await waqHere('dead', 'retry', directory, 'dead-2'), {
      status: 0,
      stdout: 'One dead letter retried.\n',
    })
    t.match(
      (await listed(directory)).find(({ id }) => id === 'dead-2'),
      { state: 'pending' },
    )
    const alive = await waqHere('dead', 'retry', directory, 'dead-2')
    t.match(alive, { status: 1, stderr: /The message dead-2 is no dead letter: it is pending\./ })
    const unknown = await waqHere('dead', 'retry', directory, 'dead-9')
    t.match(unknown, { status: 1, stderr: /No dead letter has the id dead-9\. Did you mean dead-[13]\?/ })
    const purged = await waqHere(
      'dead',
      'purge',
      directory,
      '--channel',
      'telegram:*',
      '--reason',
      'permanent',
      '--yes',
      '--json',
    )
    t.match(purged, { status: 0, stdout: '{"changed":2}\n' })
    t.same(
      (await listed(directory)).map(({ id }) => id),
      ['dead-2', 'busy', 'behind', 'later'],
    )
    t.match(await waqHere('dead', 'purge', directory, '--all', '--yes'), {
      status: 0,
      stdout: '0 dead letters purged.\n',
    })
  })

  t.test(`compact reclaims space, and its dry run estimates how much, ${how}`, async t => {
    const payload = 'x'.repeat(50_000)
    const directory = await queueWith(
      t,
      async queue => {
        // First, so that its segment holds ends of others, too.
        await queue.enqueue({ channel: 'later', payload: 1, delayMs: 3_600_000 })
        for (let i = 0; i < 20; i += 1) {
          const id = `m-${i}`
          await queue.enqueue({ id, channel: 'a', payload })
          await queue.settled(id)
        }
      },
      { send: () => {}, advanced: { autoCompact: false } },
    )
    const dry = await waqHere('compact', directory, '--dry-run', '--json')
    const { before, after, dryRun } = JSON.parse(dry.stdout)
    t.ok(dryRun)
    t.ok(after.diskBytes < before.diskBytes, JSON.stringify({ before, after }))
    const { stdout: said } = await waqHere('compact', directory, '--dry-run')
    t.match(said, /^About .* would be reclaimed: .* would become .* in .*segments?\.\n$/)
    if (owned) await startOwner(t, directory)
    const { status, stdout } = await waqHere('compact', directory, '--json')
    t.equal(status, 0)
    const report = JSON.parse(stdout)
    t.ok(report.after.diskBytes <= report.before.diskBytes)
    t.match(report, {
      before: { diskBytes: Number, segments: Number },
      after: { diskBytes: Number, segments: Number },
    })
    t.match((await waqHere('compact', directory)).stdout, /^Nothing to reclaim: .* in .*segments?\.\n$/)
    t.equal((await listed(directory)).length, 1)
    t.equal((await waqHere('verify', directory)).status, 0)
  })
}

t.test('exported dead letters can be enqueued again, with bytes, dates and bigints', async t => {
  const payload = {
    text: '안녕\u001b[2J',
    bytes: Buffer.from([0, 255]),
    at: new Date(0),
    big: 2n ** 60n,
    none: undefined,
  }
  const directory = await queueWith(
    t,
    async queue => {
      await queue.enqueue({ id: 'rich', channel: 'a', payload, headers: { h: '1' } })
      await queue.enqueue({ id: 'plain', channel: 'b', payload: { n: 1 } })
      await queue.settled('rich')
      await queue.settled('plain')
    },
    { retry: { maxAttempts: 1 }, send: () => Promise.reject(new Error('no')), onAmbiguous: 'dead-letter' },
  )
  const { status, stdout } = await waqHere('dead', 'export', directory)
  t.equal(status, 0)
  const file = join(temporaryDirectory(t), 'dead.jsonl')
  writeFileSync(file, stdout)
  const other = await queueWith(t, async () => {})
  t.match(await waqHere('enqueue', other, '--from', file), { status: 0, stdout: '2 messages enqueued.\n' })
  const queue = await OutboundQueue.open(other)
  t.teardown(() => queue.close())
  t.match(await queue.get('rich'), { channel: 'a', headers: { h: '1' }, attempts: 0, state: 'pending' })
  t.same((await queue.get('rich'))?.payload, payload)
  t.same((await queue.get('plain'))?.payload, { n: 1 })
  await queue.close()
  // In the queue that knows them, only new ids make new messages of them.
  const known = await waqHere('enqueue', directory, '--from', file, '--json')
  t.same(JSON.parse(known.stdout), { changed: 0, duplicates: 2 })
  const anew = await waqHere('enqueue', directory, '--from', file, '--new-ids', '--json')
  t.same(JSON.parse(anew.stdout), { changed: 2, duplicates: 0 })
})

t.test('dead purge without a terminal counts the dead letters and asks for --yes', async t => {
  const directory = await nightQueue(t)
  const { status, stderr } = await waqHere('dead', 'purge', directory, '--all')
  t.equal(status, 2)
  t.match(stderr, /this would purge 3 dead letters of one channel\. Say --yes/)
  t.equal((await listed(directory)).length, 6)
})

t.test('an empty or twofold selection of dead letters is refused before the queue is opened', async t => {
  const directory = await nightQueue(t)
  for (const args of [
    [],
    ['--all', 'dead-1'],
    ['--all', '--reason', 'expired'],
    ['--channel', 'x', 'dead-1'],
  ]) {
    t.match(
      await waqHere('dead', 'purge', directory, '--yes', ...args),
      { status: 2, stdout: '' },
      args.join(' '),
    )
  }
  t.equal((await listed(directory)).length, 6)
})

t.test('an owner that does not answer leads to status 3 and a line that names it and the remedy', async t => {
  const directory = await nightQueue(t)
  const owner = await startOwner(t, directory)
  owner.process.kill('SIGSTOP')
  for (const args of [
    ['compact', directory],
    ['enqueue', directory, '--channel', 'a', '--text', 'x'],
    ['dead', 'retry', directory, '--all'],
    ['dead', 'purge', directory, '--all', '--yes'],
  ]) {
    const { status, stdout, stderr } = await waq(...args, '--wait', '200ms')
    t.equal(status, 3, args.join(' '))
    t.equal(stdout, '')
    t.match(
      stderr,
      new RegExp(
        `^waq: process ${owner.process.pid} on .* has ${directory} open \\(since \\d{4}-.*(?:ago|now)\\) and does not answer\\. It may be stopped.*\\n$`,
      ),
    )
  }
  t.same(
    readdirSync(join(directory, 'control')).filter(name => name !== 'status.json'),
    [],
    'the requests were taken back',
  )
  owner.process.kill('SIGCONT')
  t.match(await waqHere('enqueue', directory, '--channel', 'a', '--text', 'x', '--id', 'after'), {
    status: 0,
  })
  t.equal((await listed(directory)).length, 7, 'and what was taken back is not done later')
})

t.test('a command goes on by itself where the owner was killed', async t => {
  const directory = await nightQueue(t)
  const owner = await startOwner(t, directory)
  owner.process.kill('SIGKILL')
  await owner.stop()
  t.match(await waqHere('enqueue', directory, '--channel', 'a', '--text', 'x'), { status: 0 })
})

t.test('wrong uses of enqueue are refused before the queue is opened', async t => {
  const directory = await queueWith(t, async () => {})
  const wrong: [args: string[], problem: RegExp][] = [
    [[], /name the channel with --channel/],
    [['--channel', 'a'], /give the message a --text or a --payload/],
    [['--channel', 'a', '--payload', '{x'], /--payload is not JSON.*use --text/],
    [['--channel', 'a', '--text', 'x', '--payload', '1'], /cannot be used with/],
    [['--channel', 'a', '--text', 'x', '--delay', '5'], /--delay must be a duration such as/],
    [['--channel', 'a', '--text', 'x', '--deliver-at', 'tomorrow'], /--deliver-at must be a time such as/],
    [['--channel', 'a', '--text', 'x', '--header', 'novalue'], /--header must be name=value/],
    [['--from', '-', '--channel', 'a'], /cannot be used with/],
    [['--from', join(directory, 'missing.jsonl')], /cannot read .*missing\.jsonl: ENOENT/],
    [['--from', directory], /cannot read .*: EISDIR/],
  ]
  for (const [args, problem] of wrong) {
    const { status, stdout, stderr } = await waqHere('enqueue', directory, ...args)
    t.match({ status, stdout }, { status: 2, stdout: '' }, args.join(' '))
    t.match(stderr, problem)
  }
  t.equal((await listed(directory)).length, 0)
  for (const [line, problem] of [
    ['{', /standard input:1: it is not JSON/],
    ['[]', /standard input:1: it must be a JSON object/],
    ['{"channel":"a"}', /it has no "payload"/],
    ['{"chanel":"a","payload":1}', /unknown property "chanel"\. Did you mean "channel"\?/],
    ['{"channel":"a","packedPayload":"???"}', /must be MessagePack in base64/],
    ['{"channel":7,"payload":1}', /standard input:1: .*channel must be a string/],
  ] as const) {
    const { status, stderr } = await waqWith(`${line}\n`, 'enqueue', directory, '--from', '-')
    t.equal(status, 2, line)
    t.match(stderr, problem)
  }
})

/** What this process has open, as far as its path still leads there. */
function openPaths(): string[] {
  return readdirSync('/proc/self/fd').flatMap(descriptor => {
    try {
      return [readlinkSync(`/proc/self/fd/${descriptor}`)]
    } catch {
      return [] // that of the listing itself
    }
  })
}

t.test(
  'enqueue --from closes its file, however it ends',
  { skip: process.platform === 'linux' ? false : 'only Linux tells what is open' },
  async t => {
    const directory = await queueWith(t, async () => {})
    const folder = temporaryDirectory(t)
    const good = join(folder, 'good.jsonl')
    const bad = join(folder, 'bad.jsonl')
    writeFileSync(good, '{"channel":"a","payload":1}\n')
    writeFileSync(bad, '{\n')
    for (const [queue, from, status] of [
      [directory, good, 0],
      [directory, bad, 2],
      [directory, folder, 2],
      [join(folder, 'no-queue'), good, 2],
    ] as const) {
      t.match(await waqHere('enqueue', queue, '--from', from), { status }, from)
      t.same(
        openPaths().filter(path => path.startsWith(folder)),
        [],
        from,
      )
    }
  },
)

t.test('the owner refuses hostile requests and goes on', async t => {
  const directory = await queueWith(t, async () => {})
  const owner = await startOwner(t, directory)
  writeFileSync(join(directory, 'control', 'x.request'), 'garbage', { mode: 0o600 })
  t.match(await waqHere('enqueue', directory, '--channel', 'a', '--text', 'x'), { status: 0 })
  t.match(owner.errors, [/A request in control\/ was refused: "x\.request": its name is no id\./])
  t.notOk(readdirSync(join(directory, 'control')).includes('x.request'))
  t.match(readFileSync(join(directory, 'control', 'status.json'), 'utf8'), /^\{/)
})

t.test(
  'a command of root leaves no file of root in the queue of another user',
  { skip: process.getuid?.() === 0 ? false : 'only root can be another user' },
  async t => {
    const directory = await nightQueue(t)
    const nobody = 65534
    const names = (): string[] => ['.', ...(readdirSync(directory, { recursive: true }) as string[])]
    for (const name of ['..', ...names()]) chownSync(join(directory, name), nobody, nobody)
    const file = join(temporaryDirectory(t), 'messages.jsonl')
    writeFileSync(file, '{"channel":"a","payload":1}\n', { mode: 0o600 })
    for (const args of [
      ['enqueue', directory, '--from', file],
      ['dead', 'retry', directory, 'dead-1'],
      ['compact', directory],
    ]) {
      t.match(await waqUnwatched(...args), { status: 0, stderr: '' }, args.join(' '))
    }
    for (const name of names()) t.equal(statSync(join(directory, name)).uid, nobody, name)
  },
)
