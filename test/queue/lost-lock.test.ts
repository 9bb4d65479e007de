import { once } from 'node:events'
import { cpSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { OutboundQueue } from '../../lib/index.js'
import { gate, macrotask, openQueue } from './fixtures/open-queue.js'

/** What a process that takes the directory over does first. */
function takeOver(queue: OutboundQueue<unknown, unknown>): void {
  const owners = join(queue.directory, 'owners')
  for (const name of readdirSync(owners)) rmSync(join(owners, name))
}

t.test(
  'a queue whose directory was taken over stops, rejects every waiting call and acknowledges nothing',
  async t => {
    const began = gate()
    let reason: unknown
    const queue = await openQueue<number>(t, {
      async send({ signal }) {
        began.open()
        await once(signal, 'abort')
        reason = signal.reason
      },
    })
    await queue.enqueue({ channel: 'chat', payload: 1, id: 'm' })
    await began.opened
    const waiting = t.rejects(queue.settled('m'), { code: 'WAQ_LOCK_LOST' })
    const draining = t.rejects(queue.drain(), { code: 'WAQ_LOCK_LOST' })
    const lost = once(queue, 'lockLost')
    await macrotask()

    takeOver(queue)
    await t.rejects(queue.enqueue({ channel: 'chat', payload: 2 }), { code: 'WAQ_LOCK_LOST' })
    t.match(await lost, [{ code: 'WAQ_LOCK_LOST' }])
    await waiting
    await draining
    t.match(reason, { code: 'WAQ_LOCK_LOST' })
    await t.rejects(queue.enqueue({ channel: 'chat', payload: 3 }), { code: 'WAQ_LOCK_LOST' })
    await t.rejects(queue.get('m'), { code: 'WAQ_LOCK_LOST' })
    t.throws(() => queue.list(), { code: 'WAQ_LOCK_LOST' })
    await queue.close().catch((error: unknown) => t.match(error, { code: 'WAQ_LOCK_LOST' }))
  },
)

for (const [how, lose] of [
  ['taken over', takeOver],
  ['removed', queue => rmSync(queue.directory, { recursive: true })],
  ['moved away', queue => renameSync(queue.directory, `${queue.directory}.old`)],
  [
    'replaced by a copy of itself',
    queue => {
      cpSync(queue.directory, `${queue.directory}.copy`, { recursive: true })
      rmSync(queue.directory, { recursive: true })
      renameSync(`${queue.directory}.copy`, queue.directory)
    },
  ],
] as [string, (queue: OutboundQueue<unknown, unknown>) => void][]) {
  t.test(`a queue that was ${how} can be opened again at once in the same process`, async t => {
    const queue = await openQueue<number>(t)
    queue.on('lockLost', () => {})
    queue.on('error', () => {})
    lose(queue)
    await t.rejects(queue.enqueue({ channel: 'chat', payload: 1 }), { code: 'WAQ_LOCK_LOST' })
    // Staleness would take an hour.
    const again = await openQueue<number>(t, { lock: { staleMs: 3_600_000, waitMs: 0 } }, queue.directory)
    t.equal(again.recovery.tookOverFrom, undefined)
    t.equal(again.recovery.lockWaitMs, 0)
    await queue.close().catch((error: unknown) => t.match(error, { code: 'WAQ_LOCK_LOST' }))
    await again.enqueue({ channel: 'chat', payload: 2, id: 'm' })
    await t.rejects(openQueue<number>(t, {}, queue.directory), {
      code: 'WAQ_LOCKED',
      message: /That is this process/,
    })
    await again.close()
  })
}

t.test('a queue whose directory was removed sends nothing more', async t => {
  const began = gate()
  const goes = gate()
  const sent: string[] = []
  const queue = await openQueue<number>(t, {
    async send({ id }) {
      sent.push(id)
      began.open()
      await goes.opened
    },
  })
  queue.on('lockLost', () => {})
  for (const id of ['one', 'two', 'three']) await queue.enqueue({ channel: 'chat', payload: 1, id })
  await began.opened
  rmSync(queue.directory, { recursive: true })
  const lost = once(queue, 'lockLost')
  goes.open()
  t.match(await lost, [{ code: 'WAQ_LOCK_LOST', message: /was removed;/ }])
  await macrotask()
  t.same(sent, ['one'])
  await queue.close().catch((error: unknown) => t.match(error, { code: 'WAQ_LOCK_LOST' }))
})

t.test('a lost lock without a listener for lockLost is emitted as an error', async t => {
  const queue = await openQueue<number>(t)
  const error = once(queue, 'error')
  takeOver(queue)
  await t.rejects(queue.enqueue({ channel: 'chat', payload: 1 }), { code: 'WAQ_LOCK_LOST' })
  t.match(await error, [{ code: 'WAQ_LOCK_LOST' }])
})

t.test('an enqueue that waits for room rejects with WAQ_LOCK_LOST once the lock is lost', async t => {
  const queue = await openQueue<number>(t, { limits: { maxPendingMessages: 1, whenFull: 'wait' } })
  queue.on('lockLost', () => {})
  await queue.enqueue({ channel: 'chat', payload: 1, id: 'm' })
  const waiting = t.rejects(queue.enqueue({ channel: 'chat', payload: 2 }), { code: 'WAQ_LOCK_LOST' })
  takeOver(queue)
  await queue.cancel('m').catch(() => {})
  await waiting
})
