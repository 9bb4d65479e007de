import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { OutboundQueue } from '../../lib/index.js'
import { openQueue, temporaryDirectory } from './fixtures/open-queue.js'

const library = new URL('../../lib/index.js', import.meta.url).href

t.test(
  'a broadcast is withdrawn by the beginning of its ids, and replies in the same channels stay',
  async t => {
    const sent: string[] = []
    const directory = temporaryDirectory(t)
    // Nothing is kept in memory: the ids are read from the disk.
    const queue = await openQueue(t, { advanced: { cacheBytes: 0 } }, directory)
    const messages = Array.from({ length: 3_000 }, (_, chat) => [
      { id: `offer:${chat}`, channel: `tg:bot:${chat}`, payload: 'offer' },
      { id: `reply:${chat}`, channel: `tg:bot:${chat}`, payload: 'reply' },
    ]).flat()
    await queue.enqueue(messages)
    const cancelled: string[] = []
    queue.on('cancelled', ({ id }) => cancelled.push(id))
    t.equal(await queue.cancel({ idPrefix: 'offer:', channel: 'tg:bot:1*' }), 1_111)
    t.equal(await queue.cancel({ idPrefix: 'offer:' }), 1_889)
    t.equal(await queue.cancel({ idPrefix: 'offer:' }), 0)
    t.equal(cancelled.length, 3_000)
    t.ok(cancelled.every(id => id.startsWith('offer:')))
    t.match(await queue.settled('offer:7'), { state: 'cancelled' })
    t.match(await queue.enqueue(messages[0]!), { duplicate: true })
    queue.start(({ id }) => void sent.push(id))
    await queue.drain()
    t.equal(sent.length, 3_000)
    t.ok(sent.every(id => id.startsWith('reply:')))
  },
)

t.test('messages are withdrawn by their ids, by a channel, or all', async t => {
  const queue = await openQueue(t)
  for (const id of ['a', 'b', 'c', 'd', 'e']) await queue.enqueue({ id, channel: `x:${id}`, payload: null })
  t.equal(await queue.cancel({ id: ['a', 'nowhere', 'a'] }), 1)
  t.equal(await queue.cancel({ channel: 'x:b' }), 1)
  t.equal(await queue.cancel({ all: true }), 3)
  t.equal(queue.stats().pending, 0)
})

t.test('a selection that chooses nothing, or is none, is refused', async t => {
  const queue = await openQueue(t)
  for (const [select, text] of [
    [{}, /selects nothing/],
    [{ idPrefix: '' }, /select\.idPrefix/],
    [{ idPrefix: undefined }, /selects nothing/],
    [{ all: false }, /select\.all must be true/],
    [{ all: true, channel: 'a' }, /goes with nothing else/],
    [{ reason: 'permanent' }, /no property called "reason"/],
    [{ id: [7] }, /select\.id\[0\]/],
    [null, /must be a string|must be/],
    [['a'], /select must be/],
  ] as const) {
    await t.rejects(queue.cancel(select as never), { code: 'WAQ_INVALID_OPTION', message: text })
    if (select !== null)
      await t.rejects(queue.retryNow(select as never), { code: 'WAQ_INVALID_OPTION', message: text })
  }
  await t.rejects(queue.retryNow('a' as never), { code: 'WAQ_INVALID_OPTION' })
})

t.test('dead letters are selected by the beginning of their ids', async t => {
  const queue = await openQueue(t, { retry: { maxAttempts: 1 } })
  for (const id of ['offer:1', 'offer:2', 'reply:1']) await queue.enqueue({ id, channel: id, payload: null })
  queue.start(() => {
    throw Object.assign(new Error('no'), { status: 400 })
  })
  await queue.drain()
  t.equal(await queue.purgeDead({ idPrefix: 'offer:' }), 2)
  t.equal(queue.stats().dead, 1)
})

t.test('after a kill in the middle of a withdrawal whole batches are withdrawn', async t => {
  const whole = 1_024
  for (let run = 0; run < 6; run += 1) {
    const directory = temporaryDirectory(t)
    const program = `import { OutboundQueue } from ${JSON.stringify(library)}
      const queue = await OutboundQueue.open(${JSON.stringify(directory)})
      await queue.enqueue(Array.from({ length: 6144 }, (_, i) => ({ id: 'm' + i, channel: 'c' + i, payload: i })))
      let count = 0
      queue.on('cancelled', () => { if (++count % ${whole} === 0) console.log(count) })
      console.log('enqueued')
      await queue.cancel({ all: true })`
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ended = once(child, 'exit')
    let told = 0
    child.stdout.on('data', (text: Buffer) => {
      const counts = String(text).match(/\d+/g)
      if (counts !== null) told = Number(counts.at(-1))
      if (told >= whole * (run % 5)) child.kill('SIGKILL')
    })
    await ended
    const queue = await OutboundQueue.open(directory)
    const { pending } = queue.stats()
    t.equal(pending % whole, 0, `${pending} wait`)
    t.ok(6_144 - pending >= told, 'what was told is withdrawn')
    await queue.close()
  }
})

t.test('retryNow holds across a restart, for a backoff and a wait that a platform told', async t => {
  const directory = temporaryDirectory(t)
  const tooMany = Object.assign(new Error('Too Many Requests'), {
    status: 429,
    headers: { 'retry-after': '3600' },
  })
  const busy = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  const retry = { initialDelayMs: 3_600_000, maxDelayMs: 3_600_000 }
  const first = await OutboundQueue.open(directory, { retry })
  await first.enqueue({ id: 'told', channel: 'slack:x:1', payload: null })
  await first.enqueue({ id: 'backoff', channel: 'tg:y:1', payload: null })
  first.start(({ id }) => {
    throw id === 'told' ? tooMany : busy
  })
  while (
    (await first.get('told'))?.nextAttemptAt === undefined ||
    (await first.get('backoff'))?.nextAttemptAt === undefined
  )
    await sleep(5)
  first.pause()
  t.equal(await first.retryNow({ all: true }), 2)
  t.equal((await first.get('told'))?.nextAttemptAt, undefined)
  await first.compact()
  await first.close()
  const sent: string[] = []
  const second = await OutboundQueue.open(directory, { retry, send: ({ id }) => void sent.push(id) })
  t.teardown(() => second.close())
  await second.drain()
  t.same(sent.sort(), ['backoff', 'told'])
})
