import t from 'tap'
import { BALLAST_BYTES, Ballast } from '../../../lib/log/directory/ballast.js'
import { isDiskFull } from '../../../lib/log/errors/system-error.js'
import { asWaqError } from '../../../lib/log/errors/waq-error.js'
import {
  DiskProcess,
  type Fault,
  type Operation,
  systemError,
} from '../../../lib/testing/disk/disk-process.js'
import { RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'

const TOKEN = 'b'.repeat(16)
const PATH = `/ballast-${TOKEN}`
const MIB = 1024 * 1024

async function stage(
  options: { capacityBytes?: number; fault?: (operation: Operation) => Fault | undefined } = {},
) {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk, options)
  const clock = { now: 1_000_000 }
  const ballast = new Ballast(process, '/', () => clock.now)
  const size = () => (disk.find(PATH) === undefined ? undefined : disk.file(PATH).live.size)
  return { disk, process, clock, ballast, size }
}

t.test('a new ballast is written in full, not only reserved', async t => {
  const { ballast, size, process } = await stage()
  t.equal(ballast.short, true)
  await ballast.load(TOKEN)
  t.equal(ballast.short, false)
  t.equal(ballast.bytes, BALLAST_BYTES)
  t.equal(size(), BALLAST_BYTES)
  t.ok(process.counts.write)
  t.notOk(process.counts.truncate)
})

t.test('a ballast that exists is not written again', async t => {
  const { ballast, disk, process } = await stage()
  await ballast.load(TOKEN)
  const writes = process.counts.write
  const again = new Ballast(process, '/', () => 0)
  await again.load(TOKEN)
  t.equal(process.counts.write, writes)
  t.equal(again.short, false)
  t.equal(disk.usedBytes(), BALLAST_BYTES)
})

t.test('the ballast is given up step by step until nothing is left', async t => {
  const { ballast, size } = await stage()
  await ballast.load(TOKEN)
  for (const left of [3 * MIB, 2 * MIB, MIB, 0]) {
    t.equal(await ballast.shrink(), true)
    t.equal(size(), left)
    t.equal(ballast.bytes, left)
    t.equal(ballast.short, true)
  }
  t.equal(await ballast.shrink(), false)
})

t.test('an opener that has not loaded the ballast may shrink it if there is one', async t => {
  const { ballast, process } = await stage()
  t.equal(await ballast.shrink(), false)
  await ballast.load(TOKEN)
  const opener = new Ballast(process, '/', () => 0)
  t.equal(await opener.shrink(), true)
})

t.test('the ballast is refilled when there is space, and the attempts have intervals', async t => {
  const { ballast, clock, process, size } = await stage({ capacityBytes: 10 * MIB })
  await ballast.load(TOKEN)
  await ballast.shrink()
  process.capacityBytes = 3 * MIB
  t.equal(await ballast.restore(), false, 'too early')
  clock.now += 250
  t.equal(await ballast.restore(), false, 'still full')
  t.equal(size(), 3 * MIB, 'half a ballast is not kept')
  process.capacityBytes = 10 * MIB
  t.equal(await ballast.restore(), false, 'too early again')
  clock.now += 250
  t.equal(await ballast.restore(), true)
  t.equal(ballast.short, false)
  t.equal(size(), BALLAST_BYTES)
  t.equal(await ballast.restore(), true)
})

t.test('a clock that was set back does not keep the ballast short', async t => {
  const { ballast, clock } = await stage()
  await ballast.load(TOKEN)
  await ballast.shrink()
  clock.now -= 1_000_000
  t.equal(await ballast.restore(), true)
})

t.test('concurrent calls of restore() fill the ballast once', async t => {
  const { ballast, clock, process } = await stage()
  await ballast.load(TOKEN)
  await ballast.shrink()
  clock.now += 250
  const writes = process.counts.write!
  t.same(await Promise.all([ballast.restore(), ballast.restore()]), [true, true])
  t.equal(process.counts.write, writes + 1)
})

t.test('the ballast fails with any error but a lack of space', async t => {
  const { ballast } = await stage({ fault: ({ kind }) => (kind === 'sync' ? { code: 'EIO' } : undefined) })
  await t.rejects(ballast.load(TOKEN), { code: 'WAQ_IO', message: /restoring the ballast of \/ failed/ })
  t.equal(ballast.short, true)
})

t.test('a full disk is recognised through the errors that wrap it', async t => {
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC' })
  // Node has no name for it.
  const quota = systemError('EDQUOT', 'write', '/queue')
  t.not(quota.code, 'EDQUOT')
  const other = Object.assign(new Error('sick'), { code: 'EIO' })
  for (const error of [full, quota, asWaqError(full, 'x'), new Error('x', { cause: asWaqError(quota, 'y') })])
    t.equal(isDiskFull(error), true)
  for (const error of [other, asWaqError(other, 'x'), new Error('x'), undefined, 'ENOSPC'])
    t.equal(isDiskFull(error), false)
})
