import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type MessageView, QueueReader, SendError } from '../../lib/index.js'
import { crc32cShort } from '../../lib/log/format/crc32c.js'
import { gate, openQueue, temporaryDirectory } from './fixtures/open-queue.js'

async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = []
  for await (const item of list) items.push(item)
  return items
}

/** Every file with its bytes and its times. */
function fingerprint(directory: string): string {
  const hash = createHash('sha256')
  for (const name of (readdirSync(directory, { recursive: true }) as string[]).sort()) {
    // What the owner publishes of itself, and the lock that it keeps fresh, change by its own hand.
    if (name.startsWith('control')) continue
    const path = join(directory, name)
    const { mtimeMs, mode, size } = statSync(path)
    hash.update(`${name} ${mode} ${size} ${name.startsWith('.lock') ? '' : mtimeMs}\n`)
    if (statSync(path).isFile()) hash.update(readFileSync(path))
  }
  return hash.digest('hex')
}

/** A queue with messages in every state that a message can be in. */
async function variedQueue(t: Parameters<typeof openQueue>[0], directory: string) {
  const sending = gate()
  const queue = await openQueue<string>(
    t,
    {
      retry: [3_600_000],
      onDead: 'halt',
      send: ({ payload, channel }) => {
        if (payload === 'refused') throw new SendError('chat not found', { kind: 'permanent' })
        if (payload === 'busy') throw new SendError('try later', { kind: 'retry' })
        if (payload === 'slow') return sending.opened
        return channel
      },
    },
    directory,
  )
  const dead = once(queue, 'dead')
  const retry = once(queue, 'retry')
  await queue.enqueue({ id: 'delivered', channel: 'a', payload: 'fine', headers: { kind: 'x' } })
  await queue.enqueue({ id: 'dead', channel: 'b', payload: 'refused' })
  await queue.enqueue({ id: 'retried', channel: 'c', payload: 'busy' })
  await queue.enqueue({ id: 'sending', channel: 'd', payload: 'slow' })
  await queue.enqueue({ id: 'behind', channel: 'd', payload: 'next', ttlMs: 60_000 })
  await queue.enqueue({ id: 'later', channel: 'a', payload: 'scheduled', delayMs: 3_600_000 })
  await queue.settled('delivered')
  await Promise.all([dead, retry])
  return { queue, finish: sending.open }
}

t.test('a reader shows the same as the owner, while the queue is open and after', async t => {
  const directory = temporaryDirectory(t)
  const { queue, finish } = await variedQueue(t, directory)
  const reader = await QueueReader.open<string>(directory)
  const own = await all(queue.list())
  t.same(await all(reader.list()), own)
  t.same(
    own.map(({ id, state }) => [id, state]),
    [
      ['dead', 'dead'],
      ['retried', 'pending'],
      ['sending', 'sending'],
      ['behind', 'pending'],
      ['later', 'pending'],
    ],
  )
  t.same(await all(reader.list({ state: 'dead', channel: 'b*', reason: 'permanent' })), [own[0]])
  t.same(await all(reader.list({ after: own[1]!.sequence, limit: 1, payloads: false })), [
    (({ payload, ...rest }: MessageView<string>) => rest)(own[2]!),
  ])
  t.same(await reader.get('retried'), own[1])
  t.equal(await reader.get('delivered'), undefined)

  const { diskBytes, oldestPendingMs, owner, halted, ...counts } = await reader.stats()
  const ownStats = queue.stats()
  t.match(counts, { pending: 3, sending: 1, dead: 1, inDoubt: 0, haltedCount: 1 })
  t.equal(counts.channels, ownStats.channels)
  t.equal(counts.segments, ownStats.segments)
  t.equal(counts.liveBytes, ownStats.liveBytes)
  t.equal(diskBytes, ownStats.diskBytes)
  t.match(halted, [{ scope: 'b', since: Number }])
  t.match(counts.lastRecovery, { pending: 0, at: Number })
  t.match(owner, { pid: process.pid, alive: true })

  finish()
  await queue.settled('behind')
  await queue.close()
  const again = await all(reader.list())
  t.same(
    again.map(({ id, state }) => [id, state]),
    [
      ['dead', 'dead'],
      ['retried', 'pending'],
      ['later', 'pending'],
    ],
  )
  t.equal((await reader.stats()).owner, null)
})

t.test('a reader changes no file of the queue', async t => {
  const directory = temporaryDirectory(t)
  const { queue, finish } = await variedQueue(t, directory)
  const before = fingerprint(directory)
  const reader = await QueueReader.open(directory)
  await all(reader.list())
  await reader.stats()
  await reader.get('dead')
  await reader.close()
  t.equal(fingerprint(directory), before)
  finish()
  await queue.close()
})

t.test('a reader shows an attempt that a killed process left open as in doubt', async t => {
  const directory = temporaryDirectory(t)
  const index = fileURLToPath(new URL('../../lib/index.js', import.meta.url))
  const program = `
    const { OutboundQueue } = await import(${JSON.stringify(index)})
    const queue = await OutboundQueue.open(${JSON.stringify(directory)}, {
      send: () => { console.log('sending'); return new Promise(() => {}) },
    })
    await queue.enqueue({ id: 'open', channel: 'a', payload: 1 })
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  const reader = await QueueReader.open(directory)
  t.match(await reader.get('open'), { state: 'sending', attempts: 1 })
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.match(await reader.get('open'), { state: 'pending', attempts: 1, mayHaveBeenSent: true })
  t.match(await reader.stats(), {
    pending: 1,
    sending: 0,
    inDoubt: 1,
    owner: { alive: false, pid: child.pid },
  })
})

t.test('a reader shows the healthy rest of a damaged queue', async t => {
  const directory = temporaryDirectory(t)
  const queue = await openQueue<string>(t, {}, directory)
  for (const payload of ['first', 'second', 'third'])
    await queue.enqueue({ channel: 'chat', payload, id: payload })
  await queue.close()
  for (const name of readdirSync(join(directory, 'messages'))) {
    const path = join(directory, 'messages', name)
    const bytes = readFileSync(path)
    const at = bytes.lastIndexOf('second')
    if (at >= 0) bytes.write('SECOND', at)
    writeFileSync(path, bytes)
  }
  const reader = await QueueReader.open<string>(directory)
  t.same(
    (await all(reader.list())).map(({ id }) => id),
    ['first', 'third'],
  )
  t.equal((await reader.stats()).pending, 2)
})

t.test('a reader without a readable manifest reads every segment', async t => {
  const directory = temporaryDirectory(t)
  const queue = await openQueue<string>(t, {}, directory)
  for (const payload of ['first', 'second']) await queue.enqueue({ channel: 'chat', payload, id: payload })
  await queue.close()
  const manifests = join(directory, 'manifests')
  for (const name of readdirSync(manifests)) writeFileSync(join(manifests, name), 'not a manifest')
  t.same(
    (await all((await QueueReader.open(directory)).list())).map(({ id }) => id),
    ['first', 'second'],
  )
})

t.test('a reader refuses another format version by name', async t => {
  const directory = temporaryDirectory(t)
  const queue = await openQueue<string>(t, {}, directory)
  await queue.enqueue({ channel: 'chat', payload: 'x' })
  await queue.close()
  const [name] = readdirSync(join(directory, 'messages'))
  const path = join(directory, 'messages', name!)
  const bytes = readFileSync(path)
  bytes.writeUInt16LE(1, 8)
  bytes.writeUInt32LE(crc32cShort(bytes, 0, 60, 0), 60)
  writeFileSync(path, bytes)
  const reader = await QueueReader.open(directory)
  await t.rejects(all(reader.list()), { code: 'WAQ_UNSUPPORTED_VERSION', message: /version 1; / })
})

t.test('a reader refuses a directory that is no queue by name', async t => {
  const parent = t.testdir({ file: 'x', 'some dir': {} })
  await t.rejects(QueueReader.open(join(parent, 'missing')), {
    code: 'WAQ_NOT_A_QUEUE',
    message: /no directory .*missing/,
  })
  await t.rejects(QueueReader.open(join(parent, 'file')), {
    code: 'WAQ_NOT_A_QUEUE',
    message: /not a directory/,
  })
  await t.rejects(QueueReader.open(join(parent, 'some dir')), {
    code: 'WAQ_NOT_A_QUEUE',
    message: /holds no queue/,
  })
  await t.rejects(QueueReader.open(''), { code: 'WAQ_INVALID_OPTION' })
  await t.rejects(QueueReader.open(7 as never), { code: 'WAQ_INVALID_OPTION' })
  mkdirSync(join(parent, 'missing'))
  t.same(readdirSync(join(parent, 'missing')), [], 'nothing was written')
})

t.test('a reader goes on without reporting damage when the owner removes segments', async t => {
  const directory = temporaryDirectory(t)
  const queue = await openQueue<string>(
    t,
    { advanced: { segmentBytes: 64 * 1024 }, onDead: 'continue' },
    directory,
  )
  const payload = 'x'.repeat(2000)
  const ids = Array.from({ length: 400 }, (_, index) => `m-${index}`)
  for (const id of ids) await queue.enqueue({ channel: 'chat', id, payload })
  const reader = await QueueReader.open<string>(directory)
  const seen: number[] = []
  for await (const { sequence } of reader.list()) {
    if (seen.length === 3) {
      // All but the last are delivered, and their segments go.
      queue.start(({ id }) => (id === ids.at(-1) ? new Promise(() => {}) : undefined))
      await queue.settled(ids.at(-2)!)
      while (readdirSync(join(directory, 'messages')).length > 4) {
        await new Promise(resolve => setTimeout(resolve, 5))
      }
    }
    seen.push(sequence)
  }
  t.same(
    seen,
    [...new Set(seen)].sort((a, b) => a - b),
    'in order, nothing twice',
  )
  const last = await queue.get(ids.at(-1)!)
  t.equal(seen.at(-1), last!.sequence)
  t.ok(seen.length < ids.length, 'what was delivered meanwhile is not listed from files that are gone')
})

t.test('every method of a closed reader fails with WAQ_CLOSED', async t => {
  const directory = temporaryDirectory(t)
  await (await openQueue(t, {}, directory)).close()
  const reader = await QueueReader.open(directory)
  await reader.close()
  await reader.close()
  await t.rejects(reader.get('x'), { code: 'WAQ_CLOSED' })
  await t.rejects(reader.stats(), { code: 'WAQ_CLOSED' })
  t.throws(() => reader.list(), { code: 'WAQ_CLOSED' })
})

t.test('a reader refuses invalid arguments', async t => {
  const directory = temporaryDirectory(t)
  await (await openQueue(t, {}, directory)).close()
  const reader = await QueueReader.open(directory)
  await t.rejects(reader.get(''), { code: 'WAQ_INVALID_OPTION' })
  t.throws(() => reader.list({ stat: 'dead' } as never), { code: 'WAQ_INVALID_OPTION', message: /`state`/ })
  t.same(await all(reader.list({ limit: 0 })), [])
})
