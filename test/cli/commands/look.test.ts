import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { OutboundQueue } from '../../../lib/index.js'
import { crc32cShort } from '../../../lib/log/format/crc32c.js'
import { nightQueue, queueWith, spoil, startOwner, temporaryDirectory } from '../fixtures/queues.js'
import { waqHere } from '../fixtures/waq-here.js'
import { start, waq } from '../fixtures/waq-process.js'

const objects = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))

t.test('stats shows names beyond ASCII', async t => {
  const directory = join(temporaryDirectory(t), '대기열')
  const queue = await OutboundQueue.open(directory)
  await queue.enqueue({ channel: '채널', payload: 1 })
  await queue.close()
  const { status, stdout, stderr } = await waq('stats', directory)
  t.strictSame({ status, stderr }, { status: 0, stderr: '' })
  t.match(stdout, /대기열\n.*pending +1, /s)
})

t.test('stats shows the counts of a queue', async t => {
  const directory = await nightQueue(t)
  const { status, stdout, stderr } = await waq('stats', directory)
  t.equal(stderr, '')
  t.equal(status, 0)
  t.match(stdout, /owner +none: it was closed/)
  t.match(stdout, /pending +3, the oldest for /)
  t.match(stdout, /dead +3 {2}\(waq dead ls /)
  t.match(stdout, /last start .*: 0 pending/)
  const json = await waq('stats', directory, '--json')
  t.match(JSON.parse(json.stdout), {
    pending: 3,
    sending: 0,
    dead: 3,
    channels: 1,
    halted: [],
    oldestPendingMs: Number,
    diskBytes: Number,
    liveBytes: Number,
    segments: Number,
    owner: null,
    lastRecovery: { pending: 0, durationMs: Number },
  })
})

t.test('stats names a living owner and shows the figures that only the owner knows', async t => {
  const directory = await nightQueue(t)
  const owner = await startOwner(t, directory)
  const { stdout } = await waqHere('stats', directory, '--json')
  const stats = JSON.parse(stdout)
  t.match(stats.owner, { pid: owner.process.pid, alive: true, since: Number, host: String })
  t.match(stats.live, { syncMs: { p50: Number, p99: Number } })
  t.match(stats.lastRecovery, { pending: 3, dead: 3 })
  owner.process.kill('SIGKILL')
  await owner.stop()
  t.match(JSON.parse((await waqHere('stats', directory, '--json')).stdout), {
    owner: { alive: false },
    live: null,
  })
})

t.test('ls marks the waiting messages of paused channels', async t => {
  const directory = await queueWith(t, async queue => {
    await queue.pause('tg:*', { durable: true })
    for (const channel of ['tg:1', 'mail']) await queue.enqueue({ id: channel, channel, payload: 1 })
  })
  const { stdout } = await waqHere('ls', directory)
  t.match(stdout, /tg:1 .* 0 {2}paused$/m)
  t.equal(stdout.match(/paused/g)?.length, 1)
  const lines = objects((await waqHere('ls', directory, '--json')).stdout)
  t.match(lines, [{ id: 'tg:1', paused: true }, { id: 'mail' }])
  t.notOk('paused' in lines[1]!)
})

t.test('ls lists live messages by sequence, without payloads', async t => {
  const directory = await nightQueue(t)
  const { status, stdout } = await waqHere('ls', directory)
  t.equal(status, 0)
  const [title, ...rows] = stdout.trimEnd().split('\n')
  t.match(title, /^SEQUENCE {2}STATE {4}CHANNEL +ID +ENQUEUED +TRIES {2}NEXT +LAST ERROR$/)
  t.same(
    rows.map(row => row.trim().split(/\s+/)[1]),
    ['dead', 'dead', 'dead', 'pending', 'pending', 'pending'],
  )
  t.match(rows[3], / busy .* in .* try later$/)
  t.notMatch(stdout, /hunter2/)
  t.match((await waqHere('ls', directory, '--payload')).stdout, /hunter2/)
})

t.test('ls --json prints one object a line, in the documented form', async t => {
  const directory = await nightQueue(t)
  const { stdout } = await waqHere('ls', directory, '--json')
  const all = objects(stdout)
  t.match(all[0], {
    id: 'dead-1',
    channel: 'telegram:봇:김철수 👋',
    sequence: 1,
    state: 'dead',
    attempts: 1,
    enqueuedAt: Number,
    deadReason: 'permanent',
    lastError: { message: 'chat not found' },
  })
  t.match(all[3], { id: 'busy', state: 'pending', nextAttemptAt: Number })
  t.ok(all.every(message => !('payload' in message)))
})

const filters: [args: string[], ids: string[]][] = [
  [
    ['--state', 'pending'],
    ['busy', 'behind', 'later'],
  ],
  [
    ['--state', 'dead'],
    ['dead-1', 'dead-2', 'dead-3'],
  ],
  [
    ['--channel', 'slack:*'],
    ['busy', 'behind'],
  ],
  [['--channel', 'discord:일반'], ['later']],
  [
    ['--reason', 'permanent', '--limit', '2'],
    ['dead-1', 'dead-2'],
  ],
  [['--reason', 'expired'], []],
  [['--limit', '1'], ['dead-1']],
]
t.test('ls narrows by state, channel, prefix, reason and number', async t => {
  const directory = await nightQueue(t)
  for (const [args, ids] of filters) {
    const { stdout, status } = await waqHere('ls', directory, '--json', ...args)
    t.same(
      objects(stdout).map(({ id }) => id),
      ids,
      args.join(' '),
    )
    t.equal(status, 0)
  }
  const none = await waqHere('ls', directory, '--channel', 'nobody')
  t.match(none, { status: 0, stdout: '', stderr: 'No such messages.\n' })
})

t.test('ls tells an empty queue from a filter that nothing fits', async t => {
  const directory = await queueWith(t, async () => {})
  const told = async (...args: string[]) => (await waqHere(...args)).stderr
  t.equal(await told('ls', directory), 'No message waits, is being sent, or is dead.\n')
  t.equal(await told('ls', directory, '--state', 'dead'), 'No such messages.\n')
  t.equal(await told('dead', 'ls', directory), 'There are no dead letters.\n')
  t.equal(await told('dead', 'ls', directory, '--reason', 'expired'), 'No such dead letters.\n')
})

t.test('dead ls lists dead letters with their reason, narrowed by age', async t => {
  const directory = await nightQueue(t)
  const { stdout } = await waqHere('dead', 'ls', directory)
  t.match(stdout, /^SEQUENCE {2}REASON +CHANNEL +ID +DIED +TRIES {2}LAST ERROR\n/)
  t.equal(stdout.match(/permanent/g)?.length, 3)
  t.equal((await waqHere('dead', 'ls', directory, '--older-than', '1h', '--json')).stdout, '')
  t.equal(objects((await waqHere('dead', 'ls', directory, '--older-than', '1ms', '--json')).stdout).length, 3)
})

t.test('show prints one message with its payload and history', async t => {
  const directory = await nightQueue(t)
  const { status, stdout } = await waqHere('show', directory, 'dead-1')
  t.equal(status, 0)
  t.match(stdout, /channel +telegram:봇:김철수 👋/)
  t.match(stdout, /reason +permanent: the receiver refused it/)
  t.match(stdout, /Last attempts\n.*chat not found/)
  t.match(stdout, /"secret": "hunter2"/)
  const json = JSON.parse((await waqHere('show', directory, 'busy', '--json')).stdout)
  t.match(json, {
    id: 'busy',
    state: 'pending',
    headers: { trace: 'abc' },
    payload: { fate: 'busy' },
    history: [{ message: 'try later' }],
  })
})

t.test('show prints a message that settled recently', async t => {
  const directory = await nightQueue(t)
  const { status, stdout } = await waqHere('show', directory, 'gone', '--json')
  t.equal(status, 0)
  t.match(JSON.parse(stdout), { id: 'gone', state: 'delivered', attempts: 1 })
})

t.test('show of an unknown id ends with status 1 and suggests the nearest one', async t => {
  const directory = await nightQueue(t)
  const near = await waq('show', directory, 'busi')
  t.match(near, { status: 1, stdout: '', stderr: /No message has the id busi\. Did you mean busy\?/ })
  const far = await waq('show', directory, 'something-else', '--json')
  t.equal(far.status, 1)
  t.match(JSON.parse(far.stderr), { error: { code: 'WAQ_NOT_FOUND' } })
  const alive = await waq('dead', 'show', directory, 'busy')
  t.match(alive, { status: 1, stderr: /The message busy is no dead letter: it is pending\./ })
})

t.test('verify of a sound queue ends with status 0', async t => {
  const directory = await nightQueue(t)
  const { status, stdout, stderr } = await waqHere('verify', directory)
  t.match({ status, stderr }, { status: 0, stderr: '' })
  t.match(stdout, /damaged +nothing/)
  t.match(stdout, /\nSound\.\n$/)
  t.match(JSON.parse((await waqHere('verify', directory, '--json')).stdout), {
    ok: true,
    segments: Number,
    messages: 7,
    outcomes: Number,
    tornBytes: 0,
    corrupt: [],
  })
})

t.test(
  'verify of a damaged queue ends with status 1 and says where the damage is and what is missing',
  async t => {
    const directory = await nightQueue(t)
    spoil(directory, 'messages', 'dead-2')
    const { status, stdout } = await waq('verify', directory)
    t.equal(status, 1)
    t.match(stdout, /damaged +one place/)
    t.match(stdout, /messages\/\d+-\d+-[\da-f]{16}\.seg:\d+ +\d+ bytes: message 2 cannot be read/)
    t.match(stdout, /Damaged: .*quarantine/)
    const json = await waq('verify', directory, '--json')
    t.equal(json.status, 1)
    t.match(JSON.parse(json.stdout), {
      ok: false,
      corrupt: [
        {
          file: /^messages\//,
          offset: Number,
          length: Number,
          firstMissing: 2,
          lastMissing: 2,
          known: false,
        },
      ],
    })
    const ls = await waq('ls', directory, '--state', 'dead', '--json')
    t.same(
      objects(ls.stdout).map(({ id }) => id),
      ['dead-1', 'dead-3'],
    )
    t.match(ls, { status: 0, stderr: /One place of this queue could not be read/ })
    const stats = await waq('stats', directory)
    t.match(stats, { status: 0, stdout: /dead +2/, stderr: /One place of this queue could not be read/ })
  },
)

t.test(
  'verify shows messages that lost outcomes leave in doubt, and what a start does with them',
  async t => {
    const directory = await nightQueue(t)
    spoil(directory, 'acks', 'try later')
    const { status, stdout } = await waqHere('verify', directory)
    t.equal(status, 1)
    t.match(stdout, /in doubt +\d+ messages?/)
    t.match(stdout, /In doubt: the next start asks onAmbiguous about each; by default they are sent again/)
    t.match(stdout, /slack:ops:배포 +busy/)
  },
)

t.test('dump prints frames with file and offset', async t => {
  const directory = await nightQueue(t)
  const { status, stdout } = await waqHere('dump', directory, '--log', 'messages')
  t.equal(status, 0)
  t.match(
    stdout.split('\n')[0],
    /^messages\/\d+-\d+-[\da-f]{16}\.seg:64 {2}1 {2}message {2}id=dead-1 {2}channel=telegram:봇/,
  )
  t.notMatch(stdout, /hunter2|acks\//)
  const acks = objects((await waqHere('dump', directory, '--log', 'acks', '--json')).stdout)
  t.match(acks[0], { log: 'acks', file: /^acks\//, offset: 64, kind: 'window', from: 1 })
  t.match(acks[1], { log: 'acks', file: /^acks\//, kind: 'attempt', message: 1, attempts: 1 })
  t.match(
    acks.map(({ kind }) => kind),
    ['window', 'attempt', 'dead'],
  )
  const payloads = objects(
    (await waqHere('dump', directory, '--log', 'messages', '--payload', '--json')).stdout,
  )
  t.match(payloads[0], { kind: 'message', payload: { secret: 'hunter2' } })
})

t.test('dump lists the outcomes of a block one by one', async t => {
  const directory = await queueWith(t, async queue => {
    queue.start(async () => {})
    for (let i = 1; i <= 3; i += 1) await queue.enqueue({ id: `done-${i}`, channel: 'chat:가', payload: i })
    await queue.drain()
    await queue.compact()
    queue.pause()
    await queue.enqueue({ id: 'waits', channel: 'b', payload: 4 })
  })
  const all = objects((await waqHere('dump', directory, '--log', 'acks', '--json')).stdout)
  const acks = all.filter(({ kind }) => kind !== 'window')
  t.match(
    acks,
    [1, 2, 3].map(i => ({
      kind: 'delivered',
      message: i,
      id: `done-${i}`,
      channel: 'chat:가',
      attempts: 1,
      block: `${i}/3`,
    })),
  )
  t.equal(acks.length, 3)
  t.equal(new Set(acks.map(({ offset }) => offset)).size, 1, 'they stand in one frame')
  const lines = (await waqHere('dump', directory, '--log', 'acks')).stdout.match(/^.* delivered .*$/gm) ?? []
  t.equal(lines.length, 3)
  t.match(
    lines[1],
    /^acks\/\d+-\d+-[\da-f]{16}\.seg:\d+ {2}\d+ {2}delivered {2}message=2 .* id=done-2 .* block=2\/3 /,
  )
  t.match(await waqHere('show', directory, 'done-2'), { status: 0, stdout: /delivered/ })
  t.match(JSON.parse((await waqHere('verify', directory, '--json')).stdout), {
    ok: true,
    outcomes: 3,
    orphanOutcomes: 0,
  })
  t.equal(objects((await waqHere('ls', directory, '--json')).stdout).length, 1)
})

/** `waq dump --follow`, under way; `until` waits for what it is to print. */
function followed(directory: string, log: string) {
  const { process: child, ended } = start(['dump', directory, '--log', log, '--follow'])
  let seen = ''
  child.stdout.on('data', (data: Buffer) => {
    seen += data.toString()
  })
  const until = async (text: string): Promise<void> => {
    while (!seen.includes(text)) await new Promise(resolve => setTimeout(resolve, 20))
  }
  return { child, until, ended }
}

t.test('dump --follow prints appended frames until Ctrl-C', async t => {
  const directory = await queueWith(t, queue => queue.enqueue({ id: 'before', channel: 'a', payload: 1 }))
  const { child, until, ended } = followed(directory, 'messages')
  await until('id=before')
  t.equal((await waqHere('enqueue', directory, '--channel', 'a', '--text', 'x', '--id', 'after')).status, 0)
  await until('id=after')
  child.kill('SIGINT')
  const { status, stdout } = await ended
  t.equal(status, 130)
  t.equal(stdout.match(/id=before/g)?.length, 1, 'nothing is printed twice')
})

t.test('dump --follow prints no outcome again that a compaction put into a block', async t => {
  const directory = temporaryDirectory(t)
  const queue = await OutboundQueue.open<number>(directory)
  t.teardown(() => queue.close())
  queue.start(async () => {})
  const deliver = async (id: string): Promise<void> => {
    await queue.enqueue({ id, channel: 'a', payload: 1 })
    await queue.settled(id)
  }
  for (let i = 1; i <= 3; i += 1) await deliver(`done-${i}`)
  const { child, until, ended } = followed(directory, 'acks')
  await until('id=done-3')
  await deliver('done-4')
  await queue.compact()
  await until('id=done-4')
  child.kill('SIGINT')
  const { stdout } = await ended
  for (let i = 1; i <= 4; i += 1)
    t.equal(stdout.match(new RegExp(`id=done-${i} `, 'g'))?.length, 1, `done-${i}`)
})

t.test('commands that read change no file of the queue', async t => {
  const directory = await nightQueue(t)
  const before = readdirSync(directory, { recursive: true })
  for (const args of [['stats'], ['ls'], ['verify'], ['dump'], ['dead', 'ls'], ['dead', 'export']]) {
    t.equal((await waqHere(...args, directory)).status, 0, args.join(' '))
  }
  t.same(readdirSync(directory, { recursive: true }), before)
})

t.test('an empty queue is read without an error', async t => {
  const directory = await queueWith(t, async () => {})
  t.match(await waqHere('stats', directory), { status: 0, stdout: /pending +0\n/ })
  t.match(await waqHere('verify', directory), { status: 0 })
  t.match(await waqHere('ls', directory), { status: 0, stdout: '' })
})

t.test('a directory that is no queue is reported by name with status 2', async t => {
  const parent = temporaryDirectory(t)
  const missing = join(parent, 'missing')
  for (const args of [
    ['stats', missing],
    ['ls', missing],
    ['show', missing, 'x'],
    ['verify', missing],
    ['dump', missing],
    ['top', missing],
    ['compact', missing],
    ['compact', missing, '--dry-run'],
    ['enqueue', missing, '--channel', 'a', '--text', 'b'],
    ['dead', 'ls', missing],
    ['dead', 'retry', missing, '--all'],
    ['dead', 'export', missing],
  ]) {
    t.match(
      await waqHere(...args),
      { status: 2, stdout: '', stderr: /There is no directory .*missing/ },
      args.join(' '),
    )
  }
  t.match(await waqHere('stats', parent), { status: 2, stderr: /holds no queue/ })
  t.match(await waqHere('stats', process.execPath), { status: 2, stderr: /is not a directory/ })
  t.same(readdirSync(parent), [], 'and nothing was made there')
})

t.test('every command refuses a queue of another format version', async t => {
  const directory = await nightQueue(t)
  for (const name of readdirSync(join(directory, 'messages'))) {
    const path = join(directory, 'messages', name)
    const bytes = readFileSync(path)
    bytes.writeUInt16LE(1, 8)
    bytes.writeUInt32LE(crc32cShort(bytes, 0, 60, 0), 60)
    writeFileSync(path, bytes)
  }
  for (const args of [
    ['stats', directory],
    ['ls', directory],
    ['show', directory, 'busy'],
    ['dump', directory],
    ['verify', directory],
    ['top', directory, '--json'],
    ['dead', 'ls', directory],
    ['dead', 'export', directory],
    ['dead', 'retry', directory, '--all'],
    ['compact', directory],
    ['enqueue', directory, '--channel', 'a', '--text', 'x'],
  ]) {
    const { status, stdout, stderr } = await waq(...args)
    t.match({ status, stdout }, { status: 2, stdout: '' }, args.join(' '))
    t.match(
      stderr,
      /messages\/.* has format version 1; this waq reads version 2 alone\. .* nothing is migrated/,
    )
  }
})
