import { nextTick } from 'node:process'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { LogDirectory } from '../../../lib/log/log-directory.js'
import { holdTime } from '../../../lib/log/runtime/real-time.js'
import type { LogSpec } from '../../../lib/log/types.js'
import { DiskProcess, type Fault, type Operation } from '../../../lib/testing/disk/disk-process.js'
import { type DiskDirectory, RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'
import { append, type OpenOptions, openLogs, queueLogs, ROOT, textsOf } from '../fixtures/logs.js'

interface Stage {
  readonly disk: RecordingDisk
  readonly process: DiskProcess
  readonly set: LogDirectory
  /** Called in each sync on the event loop. */
  onSyncNow: () => void
  /** Asked for each operation: what becomes of it. */
  fault: (operation: Operation) => Fault | undefined
  /** Paths of all syncs, those on the event loop with `now` in front. */
  readonly syncs: string[]
  /** The monotonic clock. It stands still but for what a test adds: a machine that is busy makes no device slow. */
  nowMs: number
}

/** A log whose files can be synced on the event loop, with one message in its first segment, in a turn of its own. */
async function stage(t: Test, options: OpenOptions = {}): Promise<Stage> {
  const disk = new RecordingDisk()
  const syncs: string[] = []
  const here = {
    onSyncNow: () => {},
    fault: (_: Operation): Fault | undefined => undefined,
    nowMs: 1_000,
  }
  t.teardown(holdTime({ setTimeout, clearTimeout, setInterval, now: () => here.nowMs }))
  const process = new DiskProcess(disk, {
    syncsNow: () => true,
    onSyncNow: () => {
      syncs.push(`now ${syncs.pop()}`)
      here.onSyncNow()
    },
    onChange: ({ kind, path }) => {
      if (kind === 'sync') syncs.push(path)
    },
    fault: operation => here.fault(operation),
  })
  const { set } = await openLogs(process, { segmentBytes: 64 * 1024, ...options })
  t.teardown(() => set.close().catch(() => {}))
  await append(set, 'messages', 'first')
  await turn()
  syncs.length = 0
  return Object.assign(here, { disk, process, set, syncs })
}

const commits = ({ set }: { set: LogDirectory }) => set.syncCounts().commits

/** Operations of this kind on such a path wait until the test says so. */
function gate(process: DiskProcess, kind: Operation['kind'], path: RegExp) {
  let open = (): void => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  let reached = (): void => {}
  const isReached = new Promise<void>(resolve => {
    reached = resolve
  })
  process.gate = operation => {
    if (operation.kind !== kind || !path.test(operation.path)) return undefined
    reached()
    return opened
  }
  return { open, isReached }
}

t.test('a commit is synced on the event loop, and its caller resumes in the same turn', async t => {
  const { set, syncs } = await stage(t)
  const before = commits({ set })
  let turns = 0
  setImmediate(() => {
    turns += 1
  })
  await append(set, 'messages', 'second')
  t.equal(turns, 0)
  t.equal(syncs.length, 1)
  t.match(syncs[0], /^now .*messages/)
  t.equal(commits({ set }).onTheSpot, before.onTheSpot + 1)
  t.equal(commits({ set }).onThread, before.onThread)
})

t.test(
  'a commit on the event loop comes at the end of the tick, and all appends of the tick share it',
  async t => {
    const { set, syncs } = await stage(t)
    const all = Array.from({ length: 100 }, (_, i) => append(set, 'messages', `m${i}`))
    t.equal(syncs.length, 0)
    await Promise.all(all)
    t.equal(syncs.length, 1)
  },
)

t.test('one commit a turn is synced on the event loop, and a later one waits for the next turn', async t => {
  const { set, syncs } = await stage(t)
  await append(set, 'messages', 'second')
  const third = append(set, 'messages', 'third')
  for (let i = 0; i < 10; i += 1) await new Promise<void>(resolve => nextTick(resolve))
  t.equal(syncs.length, 1)
  await third
  t.equal(syncs.length, 2)
  t.match(syncs[1], /^now /)
})

t.test('a commit of more than 64 KiB is synced on a thread', async t => {
  const { set } = await stage(t, { segmentBytes: 1024 * 1024 })
  const before = commits({ set })
  await append(set, 'messages', 'x'.repeat(65_000))
  t.equal(commits({ set }).onTheSpot, before.onTheSpot + 1)
  await turn()
  await append(set, 'messages', 'x'.repeat(66_000))
  t.equal(commits({ set }).onThread, before.onThread + 1)
})

t.test(
  'of commits of two queues in one turn, one is synced on the event loop and the other on a thread',
  async t => {
    const one = await stage(t)
    const other = await stage(t)
    const before = [commits(one), commits(other)] as const
    await Promise.all([append(one.set, 'messages', 'second'), append(other.set, 'messages', 'second')])
    t.equal(commits(one).onTheSpot, before[0].onTheSpot + 1)
    t.equal(commits(other).onTheSpot, before[1].onTheSpot)
    t.equal(commits(other).onThread, before[1].onThread + 1)
  },
)

t.test('all copies of the package together sync one commit a turn on the event loop', async t => {
  const { set } = await stage(t)
  const copy = (await import(
    `${new URL('../../../lib/log/sync/turn.js', import.meta.url).href}?copy`
  )) as typeof import('../../../lib/log/sync/turn.js')
  const before = commits({ set })
  await turn()
  copy.takeTurn({})
  await append(set, 'messages', 'second')
  t.equal(commits({ set }).onThread, before.onThread + 1)
  await turn()
  await append(set, 'messages', 'third')
  t.equal(commits({ set }).onTheSpot, before.onTheSpot + 1)
})

t.test(
  "with commits: 'thread', and for syncs that are no commits, nothing is synced on the event loop",
  async t => {
    const { set, syncs } = await stage(t, { commits: 'thread' })
    await append(set, 'messages', 'second')
    t.notMatch(syncs.join(), /now/)
    t.match(commits({ set }), { onTheSpot: 0, onThread: 2, heldMs: 0, now: 'off', slowUntil: null })

    const relaxed = await stage(t, { durability: { syncEveryMs: 1 } })
    for (let i = 0; i < 20; i += 1) await append(relaxed.set, 'messages', 'x'.repeat(4000))
    await relaxed.set.log('messages').sync()
    await append(relaxed.set, 'acks', 'delivered')
    await relaxed.set.log('acks').sync()
    await relaxed.set.log('messages').seal()
    t.ok(relaxed.syncs.length > 2)
    t.notMatch(relaxed.syncs.join(), /now/)
    t.match(commits(relaxed), { onTheSpot: 0, onThread: 0 })
  },
)

t.test(
  'outcomes that a caller waits for are synced on the event loop, in the turn after a commit',
  async t => {
    const { set, syncs } = await stage(t)
    await append(set, 'messages', 'second')
    await append(set, 'acks', 'attempt')
    const other = append(set, 'acks', 'attempt of another')
    await set.log('acks').commit()
    await other
    t.match(syncs.at(-1), /^now .*acks/)
    t.equal(syncs.filter(path => path.startsWith('now')).length, 2)
  },
)

t.test('a commit whose bytes are on the device makes no sync', async t => {
  const { set, syncs } = await stage(t)
  await append(set, 'acks', 'attempt')
  await set.log('acks').commit()
  await turn()
  const before = syncs.length
  await set.log('acks').commit()
  t.equal(syncs.length, before)
})

t.test('no commit is synced on the event loop while a sync of the same file is under way', async t => {
  const { set, syncs, process } = await stage(t)
  await append(set, 'acks', 'first')
  syncs.length = 0
  const { open, isReached } = gate(process, 'sync', /acks/)
  const background = set.log('acks').sync()
  await isReached
  await append(set, 'acks', 'second')
  await turn()
  const committed = set.log('acks').commit()
  for (let i = 0; i < 5; i += 1) await turn()
  t.equal(syncs.length, 1)
  open()
  await Promise.all([background, committed])
  t.notMatch(syncs.join(), /now/)
})

const [MESSAGES] = queueLogs() as [LogSpec]
// Filled with zeros ahead, so that a seal has something to give back.
const ACKS: LogSpec = { name: 'acks', id: 2, durability: { syncEveryMs: 60_000 }, onFailure: 'retain' }

const BULK = [
  { what: 'a segment is filled', kind: 'sync', path: /messages/ },
  { what: 'a manifest is published', kind: 'rename', path: /manifests/ },
  { what: 'another log is sealed', kind: 'sync', path: /acks/ },
  { what: 'another log gives back what it did not need', kind: 'truncate', path: /acks/ },
] as const
for (const { what, kind, path } of BULK) {
  t.test(`no commit is synced on the event loop while ${what}`, async t => {
    const { set, process, syncs } = await stage(t, { logs: [MESSAGES, ACKS] })
    await append(set, 'acks', 'delivered')
    const { open, isReached } = gate(process, kind, path)
    const work = path.test('acks')
      ? set.log('acks').seal()
      : // Half of the segment is full: the next one is made.
        append(set, 'messages', 'x'.repeat(40 * 1024))
    await isReached
    await turn()
    syncs.length = 0
    const before = commits({ set })
    const meanwhile = append(set, 'messages', 'meanwhile')
    for (let i = 0; i < 5; i += 1) await turn()
    t.equal(syncs.length, 1)
    t.notMatch(syncs[0], /now/)
    open()
    process.gate = undefined
    await Promise.all([work, meanwhile])
    t.equal(commits({ set }).onTheSpot, before.onTheSpot)
    for (let i = 0; i < 20; i += 1) await turn()
    await append(set, 'messages', 'afterwards')
    t.equal(commits({ set }).onTheSpot, before.onTheSpot + 1)
  })
}

t.test('an opening measures the device, so that no commit has to', async t => {
  const open = async (syncMs: number, options: OpenOptions = {}) => {
    await turn()
    let nowMs = 1_000
    t.teardown(holdTime({ setTimeout, clearTimeout, setInterval, now: () => nowMs }))
    const syncs: string[] = []
    const process = new DiskProcess(new RecordingDisk(), {
      syncsNow: () => true,
      onChange: ({ kind, path }) => {
        if (kind === 'sync') syncs.push(path)
      },
      onSyncNow: () => {
        syncs.push(`now ${syncs.pop()}`)
        nowMs += syncMs
      },
    })
    const { set } = await openLogs(process, { segmentBytes: 64 * 1024, ...options })
    t.teardown(() => set.close().catch(() => {}))
    return { set, onTheLoop: syncs.filter(path => path.startsWith('now ')) }
  }

  const slow = await open(10)
  t.match(slow.onTheLoop, [/^now .*ballast/])
  t.equal(slow.onTheLoop.length, 1)
  t.match(commits(slow), { now: 'slow', heldMs: 10, onTheSpot: 0 })
  await turn()
  await append(slow.set, 'messages', 'first')
  t.match(commits(slow), { onTheSpot: 0, onThread: 1 })

  const quick = await open(0.2)
  t.equal(quick.onTheLoop.length, 1)
  await turn()
  await append(quick.set, 'messages', 'first')
  t.match(commits(quick), { onTheSpot: 1, onThread: 0 })

  t.strictSame((await open(0.2, { commits: 'thread' })).onTheLoop, [])
})

t.test(
  'a commit that fails on the event loop ends the segment, and the next ones go to threads until one succeeds',
  async t => {
    const here = await stage(t)
    const { set, syncs, disk } = here
    const failing = new Set<string>()
    here.fault = ({ kind, path }) => {
      if (kind !== 'sync' || !path.includes('messages') || failing.size > 0) return undefined
      failing.add(path)
      return { code: 'EIO' }
    }
    const errors: Error[] = []
    set.onError(error => errors.push(error))
    const before = commits(here)
    await append(set, 'messages', 'second')
    t.match(errors, [{ code: 'WAQ_IO' }])
    const [failed] = failing
    t.equal(syncs.filter(path => path.endsWith(failed!)).length, 1, 'the file is not synced again')
    t.equal(commits(here).onTheSpot, before.onTheSpot)
    t.equal(commits(here).onThread, before.onThread + 1)
    await turn()
    await append(set, 'messages', 'third')
    t.equal(commits(here).onTheSpot, before.onTheSpot + 1)
    const { frames } = await openLogs(
      new DiskProcess(disk.afterPowerLoss(disk.pending().map(() => ({ kind: 'absent' })))),
    )
    t.strictSame(textsOf(frames.messages), ['1 first', '2 second', '3 third'])
  },
)

t.test('a commit of an owner that was replaced during the sync is not accepted', async t => {
  const here = await stage(t)
  here.onSyncNow = () => {
    const owners = here.disk.find(`${ROOT}/owners`) as DiskDirectory
    for (const name of [...owners.live.keys()])
      owners.change({ kind: 'unlink', removes: name, adds: undefined })
  }
  await t.rejects(append(here.set, 'messages', 'second'), { code: 'WAQ_LOCK_LOST', indeterminate: true })
})

t.test('on a device with syncs of 10 ms few commits hold the event loop', async t => {
  const here = await stage(t)
  here.onSyncNow = () => {
    here.nowMs += 10
  }
  for (let i = 0; i < 500; i += 1) {
    await append(here.set, 'messages', 'x'.repeat(20))
    here.nowMs += 20
    await turn()
  }
  const slow = commits(here)
  t.ok(slow.onTheSpot <= 12, `${slow.onTheSpot} in ten seconds`)
  t.ok(slow.onThread > 480)
  t.ok(slow.heldMs > 0 && slow.heldMs <= 110, `${slow.heldMs} ms`)
  t.equal(slow.now, 'slow')
  t.type(slow.slowUntil, 'number')

  here.onSyncNow = () => {
    here.nowMs += 0.2
  }
  for (let i = 0; i < 1_000; i += 1) {
    await append(here.set, 'messages', 'x'.repeat(20))
    here.nowMs += 20
    await turn()
  }
  t.match(commits(here), { now: 'quick', slowUntil: null })
  t.ok(commits(here).onTheSpot > 400)
})

t.test('a commit beside a sync on a thread is not measured', async t => {
  const here = await stage(t)
  const { set, process } = here
  await append(set, 'acks', 'delivered')
  const { open, isReached } = gate(process, 'sync', /acks/)
  const background = set.log('acks').sync()
  await isReached
  here.onSyncNow = () => {
    here.nowMs += 5
  }
  for (let i = 0; i < 3; i += 1) {
    await append(set, 'messages', 'meanwhile')
    await turn()
  }
  t.equal(commits(here).now, 'learning')
  open()
  await background
  for (let i = 0; i < 3; i += 1) {
    await append(set, 'messages', 'afterwards')
    await turn()
  }
  t.equal(commits(here).now, 'slow')
})
