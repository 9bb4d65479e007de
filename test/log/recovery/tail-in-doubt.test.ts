import t from 'tap'
import { LogDirectory } from '../../../lib/log/log-directory.js'
import type { LogSpec } from '../../../lib/log/types.js'
import { DiskProcess, type Fault, type Operation } from '../../../lib/testing/disk/disk-process.js'
import { environmentOf } from '../../../lib/testing/disk/environment.js'
import { RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'
import { VirtualTime } from '../../fixtures/disk/virtual-time.js'
import { append, ROOT } from '../fixtures/logs.js'

const logs: readonly LogSpec[] = [
  { name: 'messages', id: 1, durability: 'fsync', onFailure: 'reject' },
  { name: 'acks', id: 2, durability: 'os', onFailure: 'retain', accountsForTail: true },
]

/** Opens; `doubted`: the logs whose tail was said to be in doubt. */
async function open(
  disk: RecordingDisk,
  fault?: (operation: Operation) => Fault | undefined,
  bootId?: string | null,
): Promise<{ set: LogDirectory; process: DiskProcess; doubted: string[] }> {
  const process = new DiskProcess(disk, fault === undefined ? {} : { fault })
  const doubted: string[] = []
  const environment = environmentOf(process)
  const set = await LogDirectory.open(
    ROOT,
    {
      logs,
      segmentBytes: 4096,
      onCorruption: 'refuse',
      lock: { staleMs: 10_000, waitMs: 0 },
      allowNetworkFileSystem: false,
      commits: 'auto',
      environment: bootId === undefined ? environment : { ...environment, bootId },
    },
    {
      tailInDoubt: log => doubted.push(log),
      frame: () => {},
      lost: () => {},
      nextSequenceAtLeast: () => 1,
    },
  )
  set.onError(() => {})
  return { set, process, doubted }
}

/** A life that appended an outcome and was killed: the disk that it left. */
async function killed(bootId?: string | null): Promise<RecordingDisk> {
  const disk = new RecordingDisk()
  const { set, process } = await open(disk, undefined, bootId)
  await append(set, 'acks', 'an outcome')
  process.kill()
  return disk
}

const lostPower = (disk: RecordingDisk): RecordingDisk =>
  disk.afterPowerLoss(disk.pending().map(() => ({ kind: 'whole' })))

t.test('after a kill and a restart in the same boot the tail is not in doubt', async t => {
  t.strictSame((await open(await killed())).doubted, [])
})

t.test('after a reboot the tail of a log that accounts for its tail is in doubt', async t => {
  t.strictSame((await open(lostPower(await killed()))).doubted, ['acks'])
})

t.test('the tail is in doubt where the boot cannot be told', async t => {
  t.strictSame((await open(await killed(null), undefined, null)).doubted, ['acks'])
})

t.test('after a clean close the tail is not in doubt in any boot', async t => {
  const disk = new RecordingDisk()
  const { set } = await open(disk)
  await append(set, 'acks', 'an outcome')
  await set.close()
  t.strictSame((await open(lostPower(disk))).doubted, [])
})

t.test('a tail stays in doubt from opening to opening until it is accounted for', async t => {
  const disk = lostPower(await killed())
  const first = await open(disk)
  first.process.kill()
  const second = await open(disk)
  t.strictSame(second.doubted, ['acks'], 'though nothing else happened than a kill')
  await second.set.log('acks').settleTail()
  second.process.kill()
  t.strictSame((await open(disk)).doubted, [])
})

t.test('a log that does not account for its tail never has it in doubt', async t => {
  const { set, doubted } = await open(new RecordingDisk())
  t.strictSame(doubted, [])
  await set.log('messages').settleTail()
})

t.test('after a failed sync the tail is in doubt until accepted records are written again', async t => {
  const time = new VirtualTime()
  const uninstall = time.install()
  try {
    const disk = new RecordingDisk()
    let fails = false
    const { set, process } = await open(disk, ({ kind, path }) =>
      fails && path.includes('/acks/') && (kind === 'sync' || kind === 'write') ? { code: 'EIO' } : undefined,
    )
    await time.run(append(set, 'acks', 'an outcome'), 'append')
    fails = true
    await time.run(
      set
        .log('acks')
        .sync()
        .catch(() => {}),
      'sync',
    )
    await time.run(append(set, 'messages', 'a message'), 'a manifest')
    process.kill()
    t.strictSame((await open(disk)).doubted, ['acks'])
  } finally {
    time.forgetTimers()
    uninstall()
  }
})
