import t from 'tap'
import { Ballast } from '../../../lib/log/directory/ballast.js'
import { DirectoryContext } from '../../../lib/log/directory/directory-context.js'
import type { WaqError } from '../../../lib/log/errors/waq-error.js'
import { Fence } from '../../../lib/log/lock/fence.js'
import { decodeManifest } from '../../../lib/log/manifest/manifest.js'
import { ManifestPublisher } from '../../../lib/log/manifest/manifest-publisher.js'
import { DiskProcess, type Fault, type Operation } from '../../../lib/testing/disk/disk-process.js'
import { RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'

const TOKEN = 'a'.repeat(16)
const BALLAST = `/q/ballast-${TOKEN}`

interface Stage {
  disk: RecordingDisk
  process: DiskProcess
  directory: DirectoryContext
  publisher: ManifestPublisher
  /** What the next manifest says; each build adds one to it. */
  builds: number[]
  errors: WaqError[]
}

async function stage(
  fault?: (operation: Operation) => Fault | undefined,
  standing: string[] = [],
): Promise<Stage> {
  const disk = new RecordingDisk()
  const setUp = new DiskProcess(disk)
  for (const path of ['/q', '/q/manifests', '/q/owners']) await setUp.mkdir(path)
  const owner = await setUp.create('/q/owners/1')
  for (const name of standing) await setUp.create(`/q/manifests/${name}`)
  for (const path of ['/', '/q', '/q/manifests', '/q/owners']) await setUp.syncDirectory(path)
  const process = new DiskProcess(disk, fault === undefined ? {} : { fault })
  const now = () => 0
  const directory = new DirectoryContext({
    root: '/q',
    fileSystem: process,
    now,
    epoch: 1,
    token: TOKEN,
    fence: new Fence(process, '/q', '/q/owners/1', owner),
    ballast: new Ballast(process, '/q', now),
    commits: 'auto',
  })
  const builds: number[] = []
  const publisher = new ManifestPublisher(directory, standing, id => {
    builds.push(id.ordinal)
    const durability = 'fsync' as const
    const log = {
      name: 'messages',
      nextSequence: builds.length,
      lowWater: 0,
      tailInDoubt: false,
      durability,
      segments: [],
    }
    return { ...id, identity: '0'.repeat(32), bootId: null, logs: [log], corrupt: [] }
  })
  const errors: WaqError[] = []
  directory.onError(error => errors.push(error))
  return { disk, process, directory, publisher, builds, errors }
}

/** How many builds the newest manifest on the disk knows of. */
function inForce(disk: RecordingDisk): number | undefined {
  const name = disk
    .files('/q/manifests')
    .filter(path => !path.endsWith('.tmp'))
    .at(-1)
  return name === undefined
    ? undefined
    : decodeManifest(disk.file(name).live.bytes(), name)?.logs[0]?.nextSequence
}

/** After a power loss that takes all that it may, or nothing. */
function afterCrash(disk: RecordingDisk, kind: 'absent' | 'whole'): number | undefined {
  return inForce(disk.afterPowerLoss(disk.pending().map(() => ({ kind }))))
}

t.test('a published manifest is durable, and the older ones are gone', async t => {
  const { disk, publisher } = await stage(undefined, ['0000000000-0000000001', '0000000000-0000000002'])
  await publisher.publish()
  t.equal(afterCrash(disk, 'absent'), 1)
  t.same(disk.files('/q/manifests'), ['/q/manifests/0000000001-0000000001-aaaaaaaaaaaaaaaa'])
  await publisher.publish()
  t.equal(afterCrash(disk, 'absent'), 2)
  t.same(disk.files('/q/manifests'), ['/q/manifests/0000000001-0000000002-aaaaaaaaaaaaaaaa'])
})

t.test('manifests are published one by one, and waiting requests share the next one', async t => {
  const { publisher, builds, process } = await stage()
  let running = 0
  let most = 0
  process.gate = operation => {
    if (operation.kind === 'create') most = Math.max(most, ++running)
    if (operation.kind === 'syncDirectory') running -= 1
    return undefined
  }
  const first = publisher.publish()
  const waiting = [publisher.publish(), publisher.publish(), publisher.publish()]
  await first
  t.equal(builds.length, 1, 'the others are not built before the first is durable')
  await Promise.all(waiting)
  t.equal(builds.length, 2)
  t.equal(most, 1)
})

t.test('waiting requests for a manifest are served though the publication before them failed', async t => {
  let failures = 1
  const { publisher, disk } = await stage(({ kind }) =>
    kind === 'rename' && failures-- > 0 ? { code: 'EIO' } : undefined,
  )
  const first = publisher.publish()
  const second = publisher.publish()
  await t.rejects(first, { code: 'WAQ_IO' })
  await second
  t.equal(afterCrash(disk, 'absent'), 2)
})

for (const kind of ['create', 'write', 'sync'] as const) {
  t.test(`a manifest whose ${kind} fails was never published`, async t => {
    let failures = 1
    const { publisher, disk } = await stage(operation =>
      operation.kind === kind && operation.path.includes('manifests') && failures-- > 0
        ? { code: 'EIO' }
        : undefined,
    )
    await t.rejects(publisher.publish(), {
      code: 'WAQ_IO',
      message: /writing manifest 0000000001-0000000001-aaaaaaaaaaaaaaaa/,
    })
    t.equal(publisher.undecided, false)
    t.equal(afterCrash(disk, 'whole'), undefined)
    t.same(disk.files('/q/manifests'), [], 'nothing is left of it')
    await publisher.settle()
    t.equal(afterCrash(disk, 'whole'), undefined, 'there was nothing to settle')
  })
}

for (const kind of ['rename', 'syncDirectory'] as const) {
  t.test(`a manifest whose ${kind} fails is undecided until a later one is durable`, async t => {
    let failures = 2
    const { publisher, disk } = await stage(operation =>
      operation.kind === kind && failures-- > 0 ? { code: 'EIO' } : undefined,
    )
    await t.rejects(publisher.publish(), { code: 'WAQ_IO' })
    t.equal(publisher.undecided, true)
    await t.rejects(publisher.settle(), { code: 'WAQ_IO' })
    t.equal(publisher.undecided, true)
    await publisher.settle()
    t.equal(publisher.undecided, false)
    t.equal(afterCrash(disk, 'absent'), 3)
    t.same(
      disk.files('/q/manifests').filter(name => !name.endsWith('.tmp')),
      ['/q/manifests/0000000001-0000000003-aaaaaaaaaaaaaaaa'],
    )
  })
}

t.test('no older manifest is removed before the newer one is durable', async t => {
  let failing = true
  const { publisher, disk } = await stage(
    ({ kind }) => (kind === 'syncDirectory' && failing ? { code: 'EIO' } : undefined),
    ['0000000000-0000000001'],
  )
  await t.rejects(publisher.publish())
  t.ok(disk.find('/q/manifests/0000000000-0000000001'))
  failing = false
  await publisher.publish()
  t.notOk(disk.find('/q/manifests/0000000000-0000000001'))
})

t.test('an owner that lost the directory publishes no manifest, and removes none', async t => {
  const { publisher, process, disk } = await stage(undefined, ['0000000000-0000000001'])
  await process.unlink('/q/owners/1')
  await t.rejects(publisher.publish(), { code: 'WAQ_LOCK_LOST' })
  t.ok(disk.find('/q/manifests/0000000000-0000000001'))
})

t.test(
  'an owner that lost the directory while its manifest became durable refuses to rely on it',
  async t => {
    const { publisher, process, disk } = await stage(undefined, ['0000000000-0000000001'])
    process.gate = ({ kind }) =>
      kind === 'syncDirectory' ? new DiskProcess(disk).unlink('/q/owners/1') : undefined
    await t.rejects(publisher.publish(), { code: 'WAQ_LOCK_LOST' })
    t.ok(disk.find('/q/manifests/0000000000-0000000001'))
  },
)

t.test('an owner that lost the directory on a full disk does not shrink its successor’s ballast', async t => {
  const { publisher, process, disk } = await stage(({ kind, path }) =>
    kind === 'create' && path.includes('/manifests/') ? { code: 'ENOSPC' } : undefined,
  )
  const ballast = await new DiskProcess(disk).create(BALLAST)
  await ballast.truncate(2 * 1024 * 1024)
  await process.unlink('/q/owners/1')
  await t.rejects(publisher.publish(), { code: 'WAQ_LOCK_LOST' })
  t.equal(disk.file(BALLAST).live.size, 2 * 1024 * 1024)
})

t.test('an older manifest that cannot be removed is reported, and the publication succeeds', async t => {
  const { publisher, errors } = await stage(
    ({ kind }) => (kind === 'unlink' ? { code: 'EPERM' } : undefined),
    ['0000000000-0000000001'],
  )
  await publisher.publish()
  t.match(errors, [{ code: 'WAQ_IO', message: /removing manifest 0000000000-0000000001 failed/ }])
})

t.test('on a full disk the ballast makes room for a manifest', async t => {
  const { publisher, process, disk } = await stage()
  const ballast = await process.create(BALLAST)
  await ballast.truncate(2 * 1024 * 1024)
  process.capacityBytes = 2 * 1024 * 1024
  await publisher.publish()
  t.equal(afterCrash(disk, 'absent'), 1)
  t.equal(disk.file(BALLAST).live.size, 1024 * 1024)
})

t.test('an owner that loses the directory while it removes older manifests stops removing them', async t => {
  let failing = true
  const { process, publisher, disk } = await stage(({ kind, path }) =>
    failing && kind === 'syncDirectory' && path.endsWith('/manifests') ? { code: 'EIO' } : undefined,
  )
  await t.rejects(publisher.publish())
  await t.rejects(publisher.publish())
  failing = false
  let removals = 0
  process.gate = ({ kind, path }) => {
    if (kind !== 'unlink' || path.endsWith('.tmp')) return undefined
    removals += 1
    return removals === 1 ? new DiskProcess(disk).unlink('/q/owners/1') : undefined
  }
  await publisher.publish()
  t.equal(removals, 1, 'of the two older ones')
})
