/** Invariant 14, at the places where space is asked for: what must not fail may take it out of the ballast. */
import t from 'tap'
import { BALLAST_BYTES, Ballast } from '../../../lib/log/directory/ballast.js'
import { LogDirectory } from '../../../lib/log/log-directory.js'
import type { LogSpec } from '../../../lib/log/types.js'
import { DiskProcess } from '../../../lib/testing/disk/disk-process.js'
import { environmentOf } from '../../../lib/testing/disk/environment.js'
import { RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'
import * as damage from '../../fixtures/disk/damage.js'
import { append, ballastOf, openLogs, queueLogs, ROOT } from '../fixtures/logs.js'

const MEBIBYTE = 1024 * 1024

t.test(
  'an opening on a full disk claims the directory and copies unproven records out of the ballast',
  async t => {
    const disk = new RecordingDisk()
    const first = new DiskProcess(disk)
    const { set } = await openLogs(first)
    // More than one step of the ballast: claim and copy each have to ask.
    await append(
      set,
      'messages',
      [...'abc'].map(letter => letter.repeat(MEBIBYTE / 2)),
    )
    first.kill()
    const process = new DiskProcess(disk, { capacityBytes: disk.usedBytes() })
    const { frames } = await openLogs(process)
    t.equal(frames.messages!.length, 3)
    t.ok(ballastOf(disk).live.size < BALLAST_BYTES)
  },
)

t.test('taking the lock of a directory on a full disk may ask for room', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk))
  await set.close()
  const process = new DiskProcess(disk)
  const environment = environmentOf(process)
  let made: boolean | undefined
  const opened = await LogDirectory.open(
    ROOT,
    {
      logs: queueLogs(),
      segmentBytes: 4096,
      onCorruption: 'quarantine',
      lock: { staleMs: 10_000, waitMs: 0 },
      allowNetworkFileSystem: false,
      commits: 'auto',
      environment: {
        ...environment,
        acquireLock: async (directory, options, context) => {
          made = await context.makeRoom?.()
          return environment.acquireLock(directory, options, context)
        },
      },
    },
    { frame: () => {}, lost: () => {}, nextSequenceAtLeast: () => 1 },
  )
  t.equal(made, true)
  await opened.close()
})

t.test('an opener without the lock takes nothing from the ballast of an owner that may live', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk))
  damage.removeTree(disk, `${ROOT}/quarantine`)
  const opener = new DiskProcess(disk, {
    fault: ({ kind }) =>
      kind === 'mkdir' && ballastOf(disk).live.size === BALLAST_BYTES ? { code: 'ENOSPC' } : undefined,
  })
  await t.rejects(openLogs(opener), { code: 'WAQ_DISK_FULL' })
  t.equal(ballastOf(disk).live.size, BALLAST_BYTES)
  await set.close()
  await openLogs(opener)
  t.ok(ballastOf(disk).live.size > 0, 'of one that was closed it does')
})

t.test('while the ballast is short, no segment is filled with zeros ahead', async t => {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk)
  const [messages, acks] = queueLogs() as [LogSpec, LogSpec]
  const logs = [messages, { ...acks, durability: { syncEveryMs: 60_000 } }]
  const { set } = await openLogs(process, { logs, segmentBytes: 256 * 1024 })
  process.capacityBytes = disk.usedBytes()
  await append(set, 'acks', 'one')
  const [segment] = disk.files(`${ROOT}/acks`)
  t.ok(disk.file(segment!).live.size < 1000, 'the outcome, and nothing for later')
  await set.close()
})

t.test('a ballast that does not fit on the disk gives back the bytes that it took', async t => {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk, { capacityBytes: MEBIBYTE })
  const ballast = new Ballast(process, '/', () => 0)
  await ballast.load('b'.repeat(16))
  t.equal(ballast.short, true)
  t.equal(disk.usedBytes(), 0)
})

t.test('an outcome for which a disk has no byte left is written out of the ballast at once', async t => {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk)
  const { set } = await openLogs(process)
  await append(set, 'acks', 'before')
  process.capacityBytes = disk.usedBytes()
  let accepted = false
  append(set, 'acks', 'x'.repeat(100)).then(() => {
    accepted = true
  })
  for (let turn = 0; turn < 50; turn++) await new Promise(resolve => setImmediate(resolve))
  t.equal(accepted, true)
})
