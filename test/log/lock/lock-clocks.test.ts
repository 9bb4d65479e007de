import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ownerRecord, parseOwnerRecord } from '../../../lib/log/lock/identity.js'
import { LockChild, type LockChildTask } from '../fixtures/lock-children.js'

const HOUR_MS = 3_600_000

function childOf(t: Test, task: LockChildTask): LockChild {
  const child = new LockChild(task)
  t.teardown(() => child.signal('SIGKILL'))
  return child
}

/** From here on no process on this host can tell whether the owner lives. */
function moveElsewhere(directory: string): void {
  const file = join(directory, 'owners', '1.json')
  const record = parseOwnerRecord(fs.readFileSync(file, 'utf8'))!
  fs.writeFileSync(file, ownerRecord({ ...record.identity, host: 'elsewhere' }, record.since))
}

// All at the same time, for each of them waits.
t.jobs = 4

for (const [whose, ownersMs, openersMs] of [
  ['an owner whose clock is an hour behind', -HOUR_MS, 0],
  ['an owner whose clock is an hour ahead', HOUR_MS, 0],
  ['an opener whose clock is an hour behind', 0, -HOUR_MS],
  ['an opener whose clock is an hour ahead', 0, HOUR_MS],
] as const) {
  t.test(
    `with ${whose}, the lock of a living owner stands and that of a dead one is soon taken`,
    { buffered: true },
    async t => {
      const directory = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), 'waq-lock-')))
      t.teardown(() => fs.rmSync(directory, { recursive: true, force: true }))
      const task = { directory, staleMs: 2_000, waitMs: 0, mode: 'hold' } as const
      const owner = childOf(t, { ...task, clockAheadMs: ownersMs })
      t.match(await owner.next(), { event: 'held' })
      moveElsewhere(directory)
      const aheadMs = fs.statSync(join(directory, '.lock')).mtimeMs - Date.now()
      t.equal(Math.round(aheadMs / HOUR_MS), ownersMs / HOUR_MS, 'so its lock says')
      const opener = { ...task, clockAheadMs: openersMs }
      // An owner that is kept from its signs of life for a minute would be taken for dead, and rightly so.
      const early = childOf(t, { ...opener, staleMs: 60_000, waitMs: 3_000 })
      if (!t.match(await early.next(), { event: 'refused', code: 'WAQ_LOCKED' })) return
      await owner.end('SIGKILL')
      const late = childOf(t, { ...opener, waitMs: 600_000 })
      t.match(await late.next(), { event: 'held', tookOverFrom: owner.pid })
    },
  )
}
