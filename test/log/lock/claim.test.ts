import t from 'tap'
import { ownerName, segmentName } from '../../../lib/log/format/names.js'
import { claimEpoch, readNewestOwner } from '../../../lib/log/lock/claim.js'
import { ownIdentity } from '../../../lib/log/lock/identity.js'
import { DiskProcess, type Fault, type Operation } from '../../../lib/testing/disk/disk-process.js'
import { RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'

const LOGS = ['messages', 'acks']
const now = () => 42

async function queueWith(files: string[] = [], fault?: (operation: Operation) => Fault | undefined) {
  const disk = new RecordingDisk()
  const setUp = new DiskProcess(disk)
  await setUp.mkdir('/q')
  for (const name of [...LOGS, 'manifests', 'owners', 'quarantine']) await setUp.mkdir(`/q/${name}`)
  for (const file of files) await setUp.create(`/q/${file}`)
  const settled = disk.settled()
  return { disk: settled, process: new DiskProcess(settled, fault === undefined ? {} : { fault }) }
}

const claim = (process: DiskProcess) => claimEpoch(process, '/q', LOGS, now)

t.test('the first claim of a directory has epoch 1 and is durable', async t => {
  const { disk, process } = await queueWith()
  const { epoch, token, ownerFile } = await claim(process)
  t.equal(epoch, 1)
  t.match(token, /^[\da-f]{16}$/)
  t.equal(ownerFile, `/q/owners/${ownerName(1, token)}`)
  const after = disk.afterPowerLoss(disk.pending().map(() => ({ kind: 'absent' })))
  t.ok(after.file(ownerFile).live.size > 0)
})

t.test('an epoch exceeds every epoch in any name of the directory', async t => {
  const id = { epoch: 7, ordinal: 1, token: 'a'.repeat(16) }
  const places = [
    'owners/0000000007-aaaaaaaaaaaaaaaa.json',
    'manifests/0000000007-0000000001-aaaaaaaaaaaaaaaa',
    'manifests/0000000007-0000000001-aaaaaaaaaaaaaaaa.tmp',
    `messages/${segmentName(id)}`,
    `acks/${segmentName(id)}`,
    `quarantine/messages-${segmentName(id)}-64`,
  ]
  for (const place of places) {
    const { process } = await queueWith([place, 'owners/0000000003-aaaaaaaaaaaaaaaa.json'])
    t.equal((await claim(process)).epoch, 8, place)
  }
})

t.test('a claim removes every lower owner file, after its own is durable', async t => {
  const { disk, process } = await queueWith([
    'owners/0000000003-aaaaaaaaaaaaaaaa.json',
    'owners/0000000002-aaaaaaaaaaaaaaaa.json',
  ])
  const { epoch, ownerFile } = await claim(process)
  t.equal(epoch, 4)
  t.same(disk.files('/q/owners'), [ownerFile])
  for (const { operation } of disk.pending()) {
    t.equal(operation.kind, 'unlink', 'nothing else is in doubt')
  }
})

t.test('an opener that finds a higher claim than its own claims a higher one', async t => {
  const { disk, process } = await queueWith()
  let interfered = false
  process.gate = ({ kind }) => {
    if (kind !== 'syncDirectory' || interfered) return undefined
    interfered = true
    return new DiskProcess(disk).create('/q/owners/0000000005-aaaaaaaaaaaaaaaa.json').then(() => {})
  }
  const { epoch, ownerFile } = await claim(process)
  t.ok(epoch > 5)
  t.same(disk.files('/q/owners'), [ownerFile])
})

t.test('no two openers get the same epoch', async t => {
  const { disk, process } = await queueWith()
  const claims = await Promise.all([
    claim(process),
    claim(new DiskProcess(disk)),
    claim(new DiskProcess(disk)),
  ])
  t.equal(new Set(claims.map(each => each.epoch)).size, 3)
  const highest = claims.sort((a, b) => a.epoch - b.epoch).at(-1)!
  t.same(disk.files('/q/owners'), [highest.ownerFile], 'the highest stands, and no other')
})

t.test('a claim that cannot be written leaves no owner file, and the error names the file', async t => {
  for (const kind of ['create', 'write', 'sync'] as const) {
    const { disk, process } = await queueWith([], operation =>
      operation.kind === kind ? { code: 'EIO' } : undefined,
    )
    await t.rejects(
      claim(process),
      { code: 'WAQ_IO', message: /owners\/0000000001-[\da-f]{16}\.json failed/ },
      kind,
    )
    t.same(disk.files('/q/owners'), [], kind)
  }
})

t.test('the newest owner of a directory is read back', async t => {
  const { process } = await queueWith(['owners/.DS_Store'])
  t.equal(await readNewestOwner(process, '/q'), undefined)
  const { token } = await claim(process)
  t.same(await readNewestOwner(process, '/q'), {
    identity: ownIdentity(),
    since: 42,
    file: `owners/${ownerName(1, token)}`,
    isCopy: false,
  })
})

t.test('a torn owner file has no identity', async t => {
  const { process } = await queueWith(['owners/0000000009-aaaaaaaaaaaaaaaa.json'])
  t.same(await readNewestOwner(process, '/q'), {
    identity: undefined,
    since: 0,
    file: 'owners/0000000009-aaaaaaaaaaaaaaaa.json',
    isCopy: false,
  })
})

t.test('a directory without owner files has no owner', async t => {
  t.equal(await readNewestOwner(new DiskProcess(new RecordingDisk()), '/nowhere'), undefined)
})
