import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ownerRecord, ownIdentity } from '../../../lib/log/lock/identity.js'
import { acquireLock } from '../../../lib/log/lock/lock.js'
import { ownerFiles, succeed } from '../fixtures/owner-files.js'

/** The least: proper-lockfile then looks at its lock every second. */
const options = { staleMs: 2_000, waitMs: 0 } as const
/** What succeeds under it did not wait for staleness. */
const never = { staleMs: 3_600_000, waitMs: 0 } as const

async function held(t: Test) {
  const directory = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), 'waq-lock-')))
  t.teardown(() => fs.rmSync(directory, { recursive: true, force: true }))
  const files = ownerFiles(directory)
  const { lock, claimed } = await acquireLock(directory, options, files)
  const lost: unknown[] = []
  lock.onLost(cause => lost.push(cause))
  return { directory, path: join(directory, '.lock'), lock, ownerFile: claimed, lost, files }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 10))
}

t.test('an owner whose lock was removed takes it again', async t => {
  const { path, lock, lost, directory } = await held(t)
  fs.rmdirSync(path)
  await until(() => fs.existsSync(path))
  t.equal(lock.held, true)
  await lock.release()
  t.same(fs.readdirSync(directory), ['owners'])
  t.same(lost, [])
})

t.test(
  'an owner that takes its lock again does not leave it to the mark of an opener that was killed',
  async t => {
    const { directory, path, lock } = await held(t)
    // An opener found the lock stale, removed it, and was killed before it made its own.
    const { pid } = spawnSync('true')
    fs.symlinkSync(ownerRecord({ ...ownIdentity(), pid }, 1_000).trim(), join(directory, '.lock-intent'))
    fs.rmdirSync(path)
    await until(() => fs.existsSync(path) && !fs.readdirSync(directory).includes('.mutex'))
    t.same(fs.readdirSync(directory).sort(), ['.lock', 'owners'])
    await lock.release()
  },
)

t.test('an owner whose lock was touched keeps it', async t => {
  const { path, lock, lost } = await held(t)
  const { ino } = fs.statSync(path)
  const touched = new Date(Date.now() + 3_600_000)
  fs.utimesSync(path, touched, touched)
  await until(() => fs.statSync(path).mtime.getTime() !== touched.getTime())
  t.equal(fs.statSync(path).ino, ino)
  t.equal(lock.held, true)
  await lock.release()
  t.notOk(fs.existsSync(path))
  t.same(lost, [])
})

t.test('a release while an owner takes its lock again leaves no lock behind', async t => {
  const { path, lock, directory } = await held(t)
  const original = fs.mkdir
  t.teardown(() => Object.assign(fs, { mkdir: original }))
  let goOn: (() => void) | undefined
  // The first is held up. A later one is not: no one would let it go, and the release would wait for it.
  const mkdir = (path: string, mode: number, callback: (error: Error | null) => void) =>
    original(path, mode, error => {
      if (goOn !== undefined) return callback(error)
      goOn = () => callback(error)
    })
  Object.assign(fs, { mkdir })
  fs.rmdirSync(path)
  await until(() => goOn !== undefined)
  const released = lock.release()
  goOn?.()
  await released
  t.same(fs.readdirSync(directory), ['owners'])
})

t.test('a replaced owner learns of it once', async t => {
  const { directory, path, lock, lost } = await held(t)
  succeed(directory, 2)
  await until(() => lost.length > 0)
  t.equal(lock.held, false)
  t.equal(lost.length, 1)
  const later: unknown[] = []
  lock.onLost(cause => later.push(cause))
  t.same(later, lost, 'also who asks afterwards')
  await lock.release()
  t.ok(fs.existsSync(path), 'the lock is its successor’s')
})

t.test('an owner whose owner file is gone leaves no lock of its own behind', async t => {
  const { ownerFile, path, lost } = await held(t)
  fs.unlinkSync(ownerFile)
  await until(() => lost.length > 0)
  t.notOk(fs.existsSync(path))
})

t.test('a replaced owner does not remove its successor’s lock', async t => {
  const { directory, path, lock, lost } = await held(t)
  succeed(directory, 2)
  await lock.release()
  t.equal(lock.held, false)
  t.ok(fs.existsSync(path))
  t.same(lost, [], 'it was not told: it released first')
})

t.test('a replaced owner does not keep its successor’s lock fresh', async t => {
  const { directory, path, lost } = await held(t)
  succeed(directory, 2)
  const { mtimeMs } = fs.statSync(path)
  await until(() => lost.length > 0 || fs.statSync(path).mtimeMs !== mtimeMs)
  t.equal(fs.statSync(path).mtimeMs, mtimeMs)
  t.equal(lost.length, 1)
})

for (const when of ['before', 'after'] as const) {
  t.test(
    `a directory that its owner lost can be opened again at once, ${when} the owner notices the loss`,
    async t => {
      const { directory, ownerFile, path, lost, lock, files } = await held(t)
      fs.unlinkSync(ownerFile)
      // The next one will have its name here; where names are told apart, it never stands again.
      files.ownerFileStands = () => false
      if (when === 'after') await until(() => lost.length > 0)
      const next = await acquireLock(directory, never, ownerFiles(directory))
      t.equal(next.waitedMs, 0)
      await until(() => lost.length > 0)
      await lock.release()
      t.ok(fs.existsSync(path), 'the first one leaves the lock of the second alone')
      await t.rejects(acquireLock(directory, never, ownerFiles(directory)), {
        code: 'WAQ_LOCKED',
        message: /That is this process: close the queue that it opened before/,
      })
      await next.lock.release()
      t.same(fs.readdirSync(directory), ['owners'])
    },
  )
}
