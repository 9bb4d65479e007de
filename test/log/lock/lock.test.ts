import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ownerRecord, ownIdentity } from '../../../lib/log/lock/identity.js'
import { acquireLock, isLockName } from '../../../lib/log/lock/lock.js'
import { holdTime } from '../../../lib/log/runtime/real-time.js'
import { livingIdentity, ownerFiles, writeOwnerFile } from '../fixtures/owner-files.js'

/** Far more than a test may take: what succeeds under it did not wait for staleness. */
const NEVER_STALE_MS = 3_600_000
const atOnce = { staleMs: NEVER_STALE_MS, waitMs: 0 } as const
/** As soon as it was seen to be stale. */
const stale = { staleMs: 2_000, waitMs: 600_000 } as const

function directoryOf(t: Test): string {
  const directory = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), 'waq-lock-')))
  t.teardown(() => fs.rmSync(directory, { recursive: true, force: true }))
  return directory
}

function deadRecord(): string {
  const { pid } = spawnSync('true')
  return ownerRecord({ ...ownIdentity(), pid }, 1_000)
}

function lockedBy(directory: string, record: string): void {
  writeOwnerFile(directory, 7, record)
  fs.mkdirSync(join(directory, '.lock'))
}

t.test('an owner holds the lock until it releases it', async t => {
  const directory = directoryOf(t)
  const { lock, claimed, tookOverFrom } = await acquireLock(directory, atOnce, ownerFiles(directory))
  t.equal(lock.held, true)
  t.equal(claimed, join(directory, 'owners', '1.json'))
  t.equal(tookOverFrom, undefined)
  t.same(fs.readdirSync(directory).sort(), ['.lock', 'owners'])
  t.same(fs.readdirSync(join(directory, '.lock')), [], 'nothing is put into the lock')
  t.equal(fs.statSync(join(directory, '.lock')).mode & 0o777, 0o700)
  await Promise.all([lock.release(), lock.release()])
  t.equal(lock.held, false)
  t.same(fs.readdirSync(directory), ['owners'])
  const again = await acquireLock(directory, atOnce, ownerFiles(directory))
  t.equal(again.tookOverFrom, undefined, 'a released lock is not taken over')
  await lock.release()
  t.ok(fs.existsSync(join(directory, '.lock')), 'a second release leaves the next lock alone')
  await again.lock.release()
})

t.test('a second opening in one process is refused as locked', async t => {
  const directory = directoryOf(t)
  const { lock } = await acquireLock(directory, atOnce, ownerFiles(directory))
  await t.rejects(acquireLock(directory, { staleMs: 2_000, waitMs: 'auto' }, ownerFiles(directory)), {
    code: 'WAQ_LOCKED',
    message: /is locked by process .*That is this process/,
    owner: { pid: process.pid, host: os.hostname(), alive: true },
  })
  const waiting = acquireLock(directory, { ...atOnce, waitMs: 600_000 }, ownerFiles(directory))
  await lock.release()
  await (await waiting).lock.release()
})

t.test('of several openings at once in one process exactly one gets the lock', async t => {
  const directory = directoryOf(t)
  const results = await Promise.allSettled(
    [1, 2, 3].map(() => acquireLock(directory, atOnce, ownerFiles(directory))),
  )
  const held = results.filter(result => result.status === 'fulfilled')
  t.equal(held.length, 1)
  await held[0]?.value.lock.release()
})

t.test('the lock of a dead owner is taken over at once', async t => {
  const directory = directoryOf(t)
  const { pid } = spawnSync('true')
  lockedBy(directory, ownerRecord({ ...ownIdentity(), pid }, 1_000))
  const { lock, tookOverFrom } = await acquireLock(directory, atOnce, ownerFiles(directory))
  t.same(tookOverFrom, { pid, host: os.hostname(), since: 1_000, alive: false })
  await lock.release()
})

t.test('an owner whose pid another process has by now is dead', async t => {
  const directory = directoryOf(t)
  const own = ownIdentity()
  lockedBy(directory, ownerRecord({ ...own, processStart: `${own.processStart}1` }, 1_000))
  const { lock, tookOverFrom } = await acquireLock(directory, atOnce, ownerFiles(directory))
  t.match(tookOverFrom, { pid: own.pid, alive: false })
  await lock.release()
})

t.test('a living owner keeps its lock, and is named', async t => {
  const directory = directoryOf(t)
  const living = livingIdentity()
  lockedBy(directory, ownerRecord(living, Date.UTC(2024, 0, 2)))
  await t.rejects(
    acquireLock(directory, { staleMs: NEVER_STALE_MS, waitMs: 'auto' }, ownerFiles(directory)),
    {
      code: 'WAQ_LOCKED',
      message: new RegExp(
        `^${directory} is locked by process ${living.pid} on host ${os.hostname()} since 2024-01-02T00:00:00.000Z`,
      ),
      owner: { pid: living.pid, host: os.hostname(), since: Date.UTC(2024, 0, 2), alive: true },
    },
  )
  t.same(fs.readdirSync(directory).sort(), ['.lock', 'owners'], 'a refused opener leaves nothing behind')
})

for (const [who, record, owner] of [
  [
    'of another host',
    ownerRecord({ ...ownIdentity(), host: 'elsewhere' }, 1_000),
    { host: 'elsewhere', alive: null },
  ],
  ['with a torn owner file', ownerRecord(ownIdentity(), 1_000).slice(0, 40), undefined],
  ['without an owner file', undefined, undefined],
] as const) {
  t.test(`the lock of an owner ${who} is left alone until it is stale`, async t => {
    const directory = directoryOf(t)
    if (record === undefined) fs.mkdirSync(join(directory, '.lock'))
    else lockedBy(directory, record)
    // Neither tells whether it lives: the clock by which it was set may have stood anywhere.
    for (const time of [new Date(1_000), new Date(Date.now() + NEVER_STALE_MS)]) {
      fs.utimesSync(join(directory, '.lock'), time, time)
      const error = await acquireLock(directory, atOnce, ownerFiles(directory)).catch(error => error)
      const refused = { code: 'WAQ_LOCKED', message: /that watches its lock for 3600000 ms/ }
      if (!t.match(error, refused)) return
      if (owner === undefined) t.equal(error.owner, undefined)
      else t.match(error.owner, owner)
    }
    const acquired = await acquireLock(directory, stale, ownerFiles(directory))
    if (owner === undefined) t.equal(acquired.tookOverFrom, undefined)
    else t.match(acquired.tookOverFrom, owner)
    t.ok(acquired.waitedMs > 0, 'the wait is told')
    await acquired.lock.release()
  })
}

t.test('a copied owner record of another host leaves open whether its owner lives', async t => {
  const directory = directoryOf(t)
  lockedBy(directory, ownerRecord({ ...ownIdentity(), host: 'elsewhere' }, 1_000))
  const files = ownerFiles(directory)
  const context = { ...files, readOwner: async () => ({ ...(await files.readOwner())!, isCopy: true }) }
  const refused = { code: 'WAQ_LOCKED', owner: { host: 'elsewhere', alive: null } }
  await t.rejects(acquireLock(directory, atOnce, context), refused)
})

t.test(
  "waitMs 'auto' waits until a silent lock is stale, also on a machine too busy to look often",
  async t => {
    const directory = directoryOf(t)
    lockedBy(directory, ownerRecord({ ...ownIdentity(), host: 'elsewhere' }, 1_000))
    let now = 0
    let looks = 0
    // A machine that is so busy that a minute passes between two looks.
    const seldom = ((go: () => void) => {
      now += 60_000
      looks += 1
      return setTimeout(go)
    }) as typeof setTimeout
    t.teardown(holdTime({ setTimeout: seldom, clearTimeout, setInterval, now: () => now }))
    const { lock } = await acquireLock(directory, { staleMs: 2_000, waitMs: 'auto' }, ownerFiles(directory))
    t.equal(looks, 4, 'a quarter of it counts at each')
    await lock.release()
  },
)

t.test('an owner on another host that shows signs of life keeps its lock', async t => {
  const directory = directoryOf(t)
  lockedBy(directory, ownerRecord({ ...ownIdentity(), host: 'elsewhere' }, 1_000))
  const path = join(directory, '.lock')
  // Its clock stands still: what it sets is the same every time.
  const signs = setInterval(() => fs.utimesSync(path, 1_000, 1_000), 20)
  t.teardown(() => clearInterval(signs))
  await t.rejects(acquireLock(directory, { staleMs: 2_000, waitMs: 2_500 }, ownerFiles(directory)), {
    code: 'WAQ_LOCKED',
    message: /It gave a sign of life while this process waited/,
  })
})

t.test('repeated refused openings find out that a lock is stale', async t => {
  const directory = directoryOf(t)
  lockedBy(directory, 'torn')
  let refused = 0
  for (;;) {
    const acquired = await acquireLock(directory, { staleMs: 2_000, waitMs: 0 }, ownerFiles(directory)).catch(
      () => undefined,
    )
    if (acquired !== undefined) {
      await acquired.lock.release()
      break
    }
    refused++
    await new Promise(resolve => setTimeout(resolve, 700))
  }
  t.ok(refused >= 4, 'between two looks no more counts than a quarter of what it takes')
})

t.test("waitMs 'auto' waits until the lock of an unknown owner is stale", async t => {
  const directory = directoryOf(t)
  lockedBy(directory, 'torn')
  const { lock } = await acquireLock(directory, { staleMs: 2_000, waitMs: 'auto' }, ownerFiles(directory))
  t.equal(lock.held, true)
  await lock.release()
})

t.test('the lock of an owner of another boot is taken over at once', async t => {
  const directory = directoryOf(t)
  lockedBy(directory, ownerRecord({ ...ownIdentity(), bootId: 'another', host: 'renamed' }, 1_000))
  const { lock, tookOverFrom, waitedMs } = await acquireLock(directory, atOnce, ownerFiles(directory))
  t.match(tookOverFrom, { host: 'renamed', alive: false })
  t.equal(waitedMs, 0)
  await lock.release()
})

t.test('a copy of the files of an open directory can be opened', async t => {
  const directory = directoryOf(t)
  const copy = directoryOf(t)
  const { lock } = await acquireLock(directory, atOnce, ownerFiles(directory))
  fs.cpSync(directory, copy, { recursive: true })
  const other = await acquireLock(copy, atOnce, ownerFiles(copy))
  t.equal(other.tookOverFrom, undefined, 'no other process had it')
  await other.lock.release()
  t.ok(fs.existsSync(join(directory, '.lock')))
  await lock.release()
})

for (const how of ['moved away', 'removed']) {
  t.test(`a directory made anew after it was ${how} under its owner can be opened at once`, async t => {
    const directory = directoryOf(t)
    const files = ownerFiles(directory)
    const first = await acquireLock(directory, atOnce, files)
    if (how === 'removed') fs.rmSync(directory, { recursive: true })
    else fs.renameSync(directory, `${directory}.old`)
    t.teardown(() => fs.rmSync(`${directory}.old`, { recursive: true, force: true }))
    fs.mkdirSync(directory)
    // Here the owner file is known by its name; that it is another one is told by its owner.
    files.ownerFileStands = () => false
    const { lock } = await acquireLock(directory, atOnce, ownerFiles(directory))
    await first.lock.release()
    t.ok(fs.existsSync(join(directory, '.lock')), 'the release of the first one concerns its own lock')
    await t.rejects(acquireLock(directory, atOnce, ownerFiles(directory)), { code: 'WAQ_LOCKED' })
    await lock.release()
    t.same(fs.readdirSync(directory), ['owners'])
  })
}

t.test('an opening whose claim fails gives the lock back', async t => {
  const directory = directoryOf(t)
  const failure = new Error('no claim')
  const context = { ...ownerFiles(directory), claim: () => Promise.reject(failure) }
  t.equal(await acquireLock(directory, atOnce, context).catch(error => error), failure)
  t.same(fs.readdirSync(directory), [])
  await (await acquireLock(directory, atOnce, ownerFiles(directory))).lock.release()
})

t.test('a lock whose maker was killed before it claimed is taken at once', async t => {
  const directory = directoryOf(t)
  fs.mkdirSync(join(directory, '.lock'))
  fs.symlinkSync(deadRecord(), join(directory, '.lock-intent'))
  const { lock, tookOverFrom } = await acquireLock(directory, atOnce, ownerFiles(directory))
  t.equal(tookOverFrom, undefined)
  t.same(fs.readdirSync(directory).sort(), ['.lock', 'owners'])
  await lock.release()
})

t.test('on a full disk an opener makes room for the lock, and tries again', async t => {
  const full = () => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  for (const [where, name] of [
    ['the mutex', 'symlinkSync'],
    ['the lock', 'mkdir'],
  ] as const) {
    await t.test(`room is made for ${where}`, async t => {
      const directory = directoryOf(t)
      let room = 0
      const original = fs[name] as (...parameters: unknown[]) => unknown
      const failing = (...parameters: unknown[]) => {
        if (room >= 2) return original.apply(fs, parameters)
        if (name === 'symlinkSync') throw full()
        return (parameters.at(-1) as (error: Error) => void)(full())
      }
      Object.assign(fs, { [name]: failing })
      t.teardown(() => Object.assign(fs, { [name]: original }))
      const files = ownerFiles(directory)

      await t.rejects(acquireLock(directory, atOnce, files), {
        code: 'WAQ_DISK_FULL',
        message: new RegExp(`Could not lock ${directory}.*free some space`),
      })
      files.makeRoom = async () => false
      await t.rejects(acquireLock(directory, atOnce, files), { code: 'WAQ_DISK_FULL' })
      files.makeRoom = async () => ++room <= 2
      const { lock } = await acquireLock(directory, atOnce, files)
      t.equal(room, 2)
      await lock.release()
      t.same(fs.readdirSync(directory), ['owners'])
    })
  }
})

t.test('on a full disk an opener that will be refused makes no room', async t => {
  const directory = directoryOf(t)
  lockedBy(directory, ownerRecord(livingIdentity(), 1_000))
  const original = fs.symlinkSync
  fs.symlinkSync = () => {
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  }
  t.teardown(() => {
    fs.symlinkSync = original
  })
  const files = ownerFiles(directory)
  files.makeRoom = () => t.fail('the reserve is the owner’s') as never
  await t.rejects(acquireLock(directory, atOnce, files), { code: 'WAQ_LOCKED' })
})

t.test('an opening of a directory that cannot be written names it and the rights it needs', async t => {
  const directory = directoryOf(t)
  const original = fs.symlinkSync
  t.teardown(() => {
    fs.symlinkSync = original
  })
  for (const [code, needed] of [
    ['EACCES', 'needs permission'],
    ['EROFS', 'mount it for writing'],
  ]) {
    fs.symlinkSync = () => {
      throw Object.assign(new Error(`${code}: refused`), { code })
    }
    await t.rejects(acquireLock(directory, atOnce, ownerFiles(directory)), {
      code: 'WAQ_IO',
      message: new RegExp(`Could not lock ${directory}: ${code}.*${needed}`),
    })
  }
})

t.test('a file in the place of the lock is reported by path', async t => {
  const directory = directoryOf(t)
  fs.writeFileSync(join(directory, '.lock'), '')
  writeOwnerFile(directory, 1, deadRecord())
  await t.rejects(acquireLock(directory, atOnce, ownerFiles(directory)), {
    code: 'WAQ_IO',
    message: new RegExp(`${directory}/\\.lock`),
  })
  t.ok(fs.existsSync(join(directory, '.lock')))
})

t.test('exactly the names that the lock uses are recognised', async t => {
  for (const name of ['.lock', '.mutex', '.mutex-0123', '.lock-intent']) t.ok(isLockName(name), name)
  for (const name of ['owners', '.git', 'lock', '.mutexes']) t.notOk(isLockName(name), name)
})
