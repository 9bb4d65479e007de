import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { acquireLock } from '../../../lib/log/lock/lock.js'
import { canContain, LockChild, type LockChildTask } from '../fixtures/lock-children.js'
import { ownerFiles, succeed } from '../fixtures/owner-files.js'

/** Far more than a test may take: what succeeds under it did not wait for staleness. */
const NEVER_STALE_MS = 3_600_000
const atOnce = { staleMs: NEVER_STALE_MS, waitMs: 0 } as const

function directoryOf(t: Test): string {
  const directory = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), 'waq-lock-')))
  t.teardown(() => fs.rmSync(directory, { recursive: true, force: true }))
  return directory
}

function childOf(t: Test, task: LockChildTask): LockChild {
  const child = new LockChild(task)
  t.teardown(() => child.signal('SIGKILL'))
  return child
}

t.test('a killed owner is replaced at once, a living one is not', async t => {
  const directory = directoryOf(t)
  const owner = childOf(t, { directory, ...atOnce, mode: 'hold' })
  t.match(await owner.next(), { event: 'held' })
  await t.rejects(acquireLock(directory, { ...atOnce, waitMs: 'auto' }, ownerFiles(directory)), {
    code: 'WAQ_LOCKED',
    message: new RegExp(`process ${owner.pid} on host ${os.hostname()} since \\d{4}-`),
    owner: { pid: owner.pid, host: os.hostname(), alive: true },
  })
  await owner.end('SIGKILL')
  t.ok(fs.existsSync(join(directory, '.lock')), 'it left its lock')
  const { lock, tookOverFrom } = await acquireLock(directory, atOnce, ownerFiles(directory))
  t.match(tookOverFrom, { pid: owner.pid, alive: false })
  await lock.release()
})

for (const mode of ['hang-in-mutex', 'hang-before-claim', 'hang-after-claim'] as const) {
  t.test(`an opener killed at ${mode} does not keep the next one waiting`, async t => {
    const directory = directoryOf(t)
    // Our own record stays the newest one until somebody claims, and we are alive.
    await (await acquireLock(directory, atOnce, ownerFiles(directory))).lock.release()
    const child = childOf(t, { directory, ...atOnce, mode })
    t.match(await child.next(), { event: 'inside' })
    await child.end('SIGKILL')
    const { lock, tookOverFrom } = await acquireLock(directory, atOnce, ownerFiles(directory))
    if (mode === 'hang-after-claim') t.match(tookOverFrom, { pid: child.pid, alive: false })
    else t.equal(tookOverFrom, undefined)
    t.same(fs.readdirSync(directory).sort(), ['.lock', 'owners'])
    await lock.release()
  })
}

t.test('owners killed at random moments of taking and releasing the lock keep no opener waiting', async t => {
  const directory = directoryOf(t)
  for (let round = 0; round < 25; round++) {
    const child = childOf(t, { directory, ...atOnce, mode: 'churn' })
    await child.next()
    await new Promise(resolve => setTimeout(resolve, Math.random() * 25))
    await child.end('SIGKILL')
    const { lock } = await acquireLock(directory, atOnce, ownerFiles(directory))
    t.same(fs.readdirSync(directory).sort(), ['.lock', 'owners'], `round ${round}`)
    await lock.release()
  }
})

t.test('of ten processes that open at once exactly one gets the lock', async t => {
  const directory = directoryOf(t)
  const children = Array.from({ length: 10 }, () =>
    childOf(t, { directory, staleMs: NEVER_STALE_MS, waitMs: 'auto', mode: 'hold' }),
  )
  const events = await Promise.all(children.map(child => child.next()))
  const holder = children[events.findIndex(event => event?.event === 'held')]
  t.equal(events.filter(event => event?.event === 'held').length, 1)
  t.equal(
    events.filter(event => event?.event === 'refused' && event.owner === holder?.pid).length,
    9,
    'all others are told who',
  )
  holder?.release()
  t.same(await holder?.next(), { event: 'released' })
  await holder?.end()
  t.same(fs.readdirSync(directory), ['owners'])
})

const contained = canContain() ? {} : { skip: 'no namespaces for users here' }
t.test('an owner in a container keeps its lock exactly as long as it lives', contained, async t => {
  const directory = directoryOf(t)
  const task = { directory, staleMs: 2_000, waitMs: 0, mode: 'hold' } as const
  const owner = childOf(t, { ...task, contained: true })
  t.match(await owner.next(), { event: 'held' })
  await t.rejects(acquireLock(directory, { staleMs: 60_000, waitMs: 0 }, ownerFiles(directory)), {
    code: 'WAQ_LOCKED',
    message: /It belongs to another host or container/,
    owner: { pid: 1, alive: null },
  })
  await owner.end('SIGKILL')
  // The next one is process 1 as well, and not the same.
  const next = childOf(t, { ...task, waitMs: 600_000, contained: true })
  t.match(await next.next(), { event: 'held', tookOverFrom: 1 })
})

t.test('each owner that is killed is replaced by exactly one of the waiting openers', async t => {
  const directory = directoryOf(t)
  const task = { directory, staleMs: NEVER_STALE_MS, waitMs: 600_000, mode: 'hold' } as const
  const waiting = new Map(
    Array.from({ length: 6 }, () => childOf(t, task)).map(child => [
      child,
      child.next().then(event => ({ child, event })),
    ]),
  )
  let previous: number | undefined
  while (waiting.size > 0) {
    const { child, event } = await Promise.race(waiting.values())
    waiting.delete(child)
    t.same(event, previous === undefined ? { event: 'held' } : { event: 'held', tookOverFrom: previous })
    previous = child.pid
    await child.end('SIGKILL')
  }
})

t.test(
  'an owner stopped for longer than staleMs is replaced, and learns of it when it continues',
  async t => {
    const directory = directoryOf(t)
    const owner = childOf(t, { directory, staleMs: 2_000, waitMs: 0, mode: 'hold' })
    t.match(await owner.next(), { event: 'held' })
    owner.signal('SIGSTOP')
    const options = { staleMs: 2_000, waitMs: 600_000 }
    const { lock, tookOverFrom } = await acquireLock(directory, options, ownerFiles(directory))
    t.match(tookOverFrom, { pid: owner.pid, alive: true })
    owner.signal('SIGCONT')
    t.same(await owner.next(), { event: 'lost' })
    owner.release()
    t.same(await owner.next(), { event: 'released' })
    t.ok(fs.existsSync(join(directory, '.lock')), 'its release leaves the new lock alone')
    t.equal(await owner.end(), 0)
    t.ok(fs.existsSync(join(directory, '.lock')), 'its exit as well')
    t.equal(lock.held, true)
    await lock.release()
  },
)

for (const signal of ['SIGTERM', undefined] as const) {
  const how = signal ?? 'the end of its work'
  t.test(
    `an owner replaced and ended by ${how} before it learns of it leaves the new lock alone`,
    async t => {
      const directory = directoryOf(t)
      const owner = childOf(t, { directory, ...atOnce, mode: 'hold' })
      t.match(await owner.next(), { event: 'held' })
      succeed(directory, 2)
      t.equal(await owner.end(signal), signal ?? 0)
      t.ok(fs.existsSync(join(directory, '.lock')))
    },
  )
}

t.test(
  'a process that ends while it owns the lock gives it back, and the lock does not keep it alive',
  async t => {
    const directory = directoryOf(t)
    const child = childOf(t, { directory, ...atOnce, mode: 'idle' })
    t.match(await child.next(), { event: 'held' })
    t.equal(await child.ended(), 0)
    t.same(fs.readdirSync(directory), ['owners'])
  },
)
