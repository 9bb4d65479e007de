import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ownerRecord, ownIdentity } from '../../../lib/log/lock/identity.js'
import { takeOpenMutex } from '../../../lib/log/lock/open-mutex.js'
import { LockChild } from '../fixtures/lock-children.js'
import { livingIdentity } from '../fixtures/owner-files.js'

const STALE_MS = 60_000
const HOUR_MS = 3_600_000
const options = { staleMs: STALE_MS, waitMs: 0 }

function directoryOf(t: Test): string {
  const directory = fs.mkdtempSync(join(os.tmpdir(), 'waq-mutex-'))
  t.teardown(() => fs.rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** A record of a process that has ended. */
function deadRecord(): string {
  const { pid } = spawnSync('true')
  return ownerRecord({ ...ownIdentity(), pid }, 1_000).trim()
}

function elsewhere(): string {
  return ownerRecord({ ...ownIdentity(), host: 'elsewhere' }, 1_000).trim()
}

t.test('the mutex has one holder at a time, and leaves nothing behind', async t => {
  const directory = directoryOf(t)
  const first = await takeOpenMutex(directory, options)
  t.equal(first.stands(), true)
  await t.rejects(takeOpenMutex(directory, options), {
    code: 'WAQ_LOCKED',
    message: new RegExp(`process ${process.pid} on host`),
    owner: { pid: process.pid, host: os.hostname(), alive: true },
  })
  first.release()
  first.release()
  t.equal(first.stands(), false)
  const second = await takeOpenMutex(directory, options)
  first.release()
  t.equal(second.stands(), true, 'a holder releases its own mutex only')
  second.release()
  t.same(fs.readdirSync(directory), [])
})

t.test('an opener that waits for the mutex gets it when it is released', async t => {
  const directory = directoryOf(t)
  const first = await takeOpenMutex(directory, options)
  const waiting = takeOpenMutex(directory, { staleMs: STALE_MS, waitMs: 60_000 })
  first.release()
  ;(await waiting).release()
  t.same(fs.readdirSync(directory), [])
})

t.test("a dead holder's mutex is taken at once", async t => {
  const directory = directoryOf(t)
  fs.symlinkSync(deadRecord(), join(directory, '.mutex'))
  const mutex = await takeOpenMutex(directory, options)
  t.equal(mutex.stands(), true)
  mutex.release()
  t.same(fs.readdirSync(directory), [])
})

t.test('a holder killed inside the mutex keeps no opener waiting', async t => {
  const directory = directoryOf(t)
  const child = new LockChild({ directory, staleMs: STALE_MS, waitMs: 0, mode: 'hang-in-mutex' })
  t.same(await child.next(), { event: 'inside' })
  await t.rejects(takeOpenMutex(directory, options), { code: 'WAQ_LOCKED', owner: { pid: child.pid } })
  await child.end('SIGKILL')
  const mutex = await takeOpenMutex(directory, options)
  mutex.release()
  t.same(fs.readdirSync(directory), [])
})

t.test('an opener killed while it removed a dead mutex keeps no other waiting', async t => {
  const directory = directoryOf(t)
  const dead = deadRecord()
  fs.symlinkSync(dead, join(directory, '.mutex'))
  const { createHash } = await import('node:crypto')
  const right = `.mutex-${createHash('sha256').update(dead).digest('hex').slice(0, 32)}`
  fs.symlinkSync(deadRecord(), join(directory, right))
  fs.symlinkSync(deadRecord(), join(directory, '.mutex-of-long-ago'))
  const mutex = await takeOpenMutex(directory, options)
  t.same(fs.readdirSync(directory), ['.mutex'])
  mutex.release()
})

t.test('a dead mutex is left alone while the opener with the right to remove it lives', async t => {
  const directory = directoryOf(t)
  const dead = deadRecord()
  fs.symlinkSync(dead, join(directory, '.mutex'))
  const { createHash } = await import('node:crypto')
  const right = `.mutex-${createHash('sha256').update(dead).digest('hex').slice(0, 32)}`
  fs.symlinkSync(ownerRecord(ownIdentity(), 1_000).trim(), join(directory, right))
  await t.rejects(takeOpenMutex(directory, options), { code: 'WAQ_LOCKED' })
  t.equal(fs.readlinkSync(join(directory, '.mutex')), dead)
})

for (const [who, record] of [
  ['of another host', elsewhere()],
  ['that cannot be read', 'nonsense'],
  ['that is stopped', ownerRecord(livingIdentity(), 1_000).trim()],
] as const) {
  t.test(`the mutex of a holder ${who} is taken when it shows no life for staleMs`, async t => {
    const directory = directoryOf(t)
    const path = join(directory, '.mutex')
    fs.symlinkSync(record, path)
    // Neither tells whether it lives: the clock by which it was set may have stood anywhere.
    for (const time of [new Date(1_000), new Date(Date.now() + HOUR_MS)]) {
      fs.lutimesSync(path, time, time)
      await t.rejects(takeOpenMutex(directory, options), { code: 'WAQ_LOCKED' })
    }
    const mutex = await takeOpenMutex(directory, { staleMs: 100, waitMs: 600_000 })
    t.ok(mutex.waitedMs > 0, 'the wait is told')
    mutex.release()
    t.same(fs.readdirSync(directory), [])
  })
}

t.test('a mutex whose holder shows signs of life is waited for', async t => {
  const directory = directoryOf(t)
  const path = join(directory, '.mutex')
  fs.symlinkSync(elsewhere(), path)
  // Its clock stands still: what it sets is the same every time.
  const signs = setInterval(() => fs.lutimesSync(path, 1_000, 1_000), 20)
  t.teardown(() => clearInterval(signs))
  await t.rejects(takeOpenMutex(directory, { staleMs: 1_000, waitMs: 1_500 }), { code: 'WAQ_LOCKED' })
  t.equal(fs.readlinkSync(path), elsewhere())
})

t.test('a holder of the mutex shows signs of life while it runs', async t => {
  const directory = directoryOf(t)
  const path = join(directory, '.mutex')
  const mutex = await takeOpenMutex(directory, { staleMs: 40, waitMs: 0 })
  const longAgo = new Date(1_000)
  fs.lutimesSync(path, longAgo, longAgo)
  while (fs.lstatSync(path).mtimeMs === 1_000) await new Promise(resolve => setTimeout(resolve, 1))
  t.equal(mutex.stands(), true)
  mutex.release()
})

t.test('a file in the place of the mutex is reported by path', async t => {
  const directory = directoryOf(t)
  fs.writeFileSync(join(directory, '.mutex'), '')
  await t.rejects(takeOpenMutex(directory, options), { code: 'EINVAL', path: join(directory, '.mutex') })
})
