import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { formatStats } from '../../lib/cli/common/stats-text.js'
import { OutboundQueue, QueueReader } from '../../lib/index.js'
import { openQueue, temporaryDirectory } from './fixtures/open-queue.js'

t.test('paused channels are reported until they are resumed', async t => {
  const queue = await openQueue(t)
  t.match(queue.stats(), { paused: [], pausedCount: 0 })
  queue.pause('telegram:*')
  queue.pause('chat')
  queue.pause('chat')
  t.match(queue.stats(), { paused: [{ scope: 'telegram:*' }, { scope: 'chat' }], pausedCount: 2 })
  queue.pause()
  t.match(queue.stats(), {
    paused: [{ scope: 'telegram:*' }, { scope: 'chat' }, { scope: '*' }],
    pausedCount: 3,
  })
  queue.resume('chat')
  t.match(queue.stats(), { paused: [{ scope: 'telegram:*' }, { scope: '*' }], pausedCount: 2 })
  for (let n = 0; n < 200; n++) queue.pause(`many:${n}`)
  const { paused, pausedCount } = queue.stats()
  t.match({ listed: paused.length, pausedCount }, { listed: 100, pausedCount: 202 })
  queue.resume()
  t.match(queue.stats(), { paused: [], pausedCount: 0 })
})

t.test("another process sees the owner's pauses", async t => {
  const directory = temporaryDirectory(t)
  const queue = await openQueue(t, {}, directory)
  queue.pause('telegram:*')
  const reader = await QueueReader.open(directory)
  // The owner publishes now and then.
  let stats = await reader.stats()
  while (stats.pausedCount === 0) {
    await new Promise(resolve => setTimeout(resolve, 50))
    stats = await reader.stats()
  }
  t.match(stats, { paused: [{ scope: 'telegram:*' }], pausedCount: 1 })
  const text = formatStats(directory, stats, { width: 80, nowMs: Date.now(), paint: (_, text) => text })
  t.match(text, /^ *paused +1\n +telegram:\*, .*, until a resume or a restart$/m)
  await queue.close()
  t.match(await reader.stats(), { paused: [], pausedCount: 0 })
})

const library = new URL('../../lib/index.js', import.meta.url).href

t.test(
  'a durable pause holds after a close and a kill, until it is resumed, and that is durable too',
  async t => {
    const directory = temporaryDirectory(t)
    const killed = async (calls: string): Promise<void> => {
      const program = `import { OutboundQueue } from ${JSON.stringify(library)}
      const queue = await OutboundQueue.open(${JSON.stringify(directory)})
      ${calls}
      console.log('done')
      setInterval(() => {}, 1000)`
      const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const ended = once(child, 'exit')
      await once(child.stdout!, 'data')
      child.kill('SIGKILL')
      await ended
    }
    const sent: string[] = []
    const reader = await QueueReader.open(
      await killed(`
    await queue.enqueue(['tg:1', 'tg:2', 'mail'].map(channel => ({ id: channel, channel, payload: null })))
    queue.pause('mail')
    await queue.pause('tg:*', { durable: true })`).then(() => directory),
    )
    t.match(await reader.stats(), { paused: [{ scope: 'tg:*' }], pausedCount: 1 }, 'seen without an owner')
    const first = await OutboundQueue.open(directory, { send: ({ id }) => void sent.push(id) })
    await first.drain()
    t.strictSame(sent, ['mail'], 'the pause that was not durable is over')
    t.match(first.stats(), { paused: [{ scope: 'tg:*' }], pending: 2 })
    await first.compact()
    await first.resume('tg:1')
    await first.drain()
    t.equal(sent.length, 1, 'a narrow resume does not end a wide pause')
    await first.close()
    await killed(`await queue.resume('tg:*')`)
    t.match(await reader.stats(), { paused: [], pausedCount: 0 })
    const second = await OutboundQueue.open(directory, { send: ({ id }) => void sent.push(id) })
    t.teardown(() => second.close())
    await second.drain()
    t.strictSame(sent.sort(), ['mail', 'tg:1', 'tg:2'])
  },
)

t.test('a resume of everything ends every durable pause for good', async t => {
  const directory = temporaryDirectory(t)
  const first = await OutboundQueue.open(directory)
  for (const selector of [undefined, 'tg:*', 'chat']) await first.pause(selector, { durable: true })
  t.match(first.stats(), { paused: [{ scope: '*' }, { scope: 'tg:*' }, { scope: 'chat' }] })
  await first.resume()
  await first.close()
  const second = await OutboundQueue.open(directory)
  t.teardown(() => second.close())
  t.match(second.stats(), { paused: [], pausedCount: 0 })
})

t.test('stats tell since when something is paused, and whether a restart ends it', async t => {
  const directory = temporaryDirectory(t)
  const first = await OutboundQueue.open(directory)
  const before = Date.now()
  await first.pause('tg:*', { durable: true })
  await first.pause('chat')
  const { paused } = first.stats()
  t.match(paused, [
    { scope: 'tg:*', durable: true },
    { scope: 'chat', durable: false },
  ])
  for (const { since } of paused) t.ok(since >= before - 1 && since <= Date.now() + 1, String(since))
  await first.pause('tg:*')
  t.strictSame(first.stats().paused, paused, 'it goes on from when it began, and stays durable')
  await first.close()
  const reader = await QueueReader.open(directory)
  t.strictSame((await reader.stats()).paused, paused.slice(0, 1))
  const second = await OutboundQueue.open(directory)
  t.teardown(() => second.close())
  t.strictSame(second.stats().paused, paused.slice(0, 1), 'a restart does not begin it anew')
})

t.test('the oldest message that waits for no person is found beside those of paused channels', async t => {
  const directory = temporaryDirectory(t)
  const queue = await OutboundQueue.open(directory)
  t.match(queue.stats(), { oldestPendingMs: null, oldestUnpausedMs: null })
  await queue.pause('tg:*', { durable: true })
  await queue.enqueue({ channel: 'tg:1', payload: null })
  t.match(queue.stats(), { oldestPendingMs: Number, oldestUnpausedMs: null })
  await queue.enqueue({ channel: 'mail', payload: null })
  const { oldestPendingMs, oldestUnpausedMs } = queue.stats()
  t.ok(oldestUnpausedMs !== null && oldestUnpausedMs <= oldestPendingMs!)
  await queue.pause('mail', { durable: true })
  t.match(queue.stats(), { oldestPendingMs: Number, oldestUnpausedMs: null })
  await queue.close()
  const reader = await QueueReader.open(directory)
  t.match(await reader.stats(), { oldestPendingMs: Number, oldestUnpausedMs: null })
  const again = await OutboundQueue.open(directory)
  await again.resume('mail')
  t.match(again.stats(), { oldestPendingMs: Number, oldestUnpausedMs: Number })
  await again.pause()
  t.match(again.stats(), { oldestPendingMs: Number, oldestUnpausedMs: null }, 'everything is paused')
  await again.close()
  t.match(await reader.stats(), { oldestPendingMs: Number, oldestUnpausedMs: Number })
})

t.test('messages expire in a durable pause', async t => {
  const directory = temporaryDirectory(t)
  const first = await OutboundQueue.open(directory, { send: () => {} })
  await first.pause('chat', { durable: true })
  await first.enqueue({ id: 'short', channel: 'chat', payload: null, ttlMs: 1 })
  await first.close()
  const second = await OutboundQueue.open(directory, { send: () => {} })
  t.teardown(() => second.close())
  await new Promise(resolve => setTimeout(resolve, 5))
  await second.resume('chat')
  await second.drain()
  t.match(await second.settled('short'), { state: 'dead', deadReason: 'expired' })
})

t.test('invalid options of pause are refused', async t => {
  const queue = await openQueue(t)
  await t.rejects(queue.pause('a', { durable: 1 } as never), { code: 'WAQ_INVALID_OPTION' })
  await t.rejects(queue.pause('a', { forever: true } as never), { code: 'WAQ_INVALID_OPTION' })
  await t.rejects(queue.pause(7 as never), { code: 'WAQ_INVALID_OPTION' })
  t.equal(queue.stats().pausedCount, 0)
})
