/**
 * What becomes of an owner whose directory is removed, made anew, restored from a copy or moved, and of the one that
 * stands in its place: the owner loses its queue at its next look, and the other one loses nothing.
 */
import t, { type Test } from 'tap'
import { Ballast } from '../../../lib/log/directory/ballast.js'
import { identityIn, newToken, segmentName } from '../../../lib/log/format/names.js'
import { encodeManifest } from '../../../lib/log/manifest/manifest.js'
import { DiskProcess, type OperationKind } from '../../../lib/testing/disk/disk-process.js'
import { RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'
import * as damage from '../../fixtures/disk/damage.js'
import { append, ballastOf, openLogs, ROOT, textsOf } from '../fixtures/logs.js'

const settled = () => new Promise<void>(resolve => setImmediate(resolve))

async function owned(disk = new RecordingDisk()) {
  const process = new DiskProcess(disk)
  const { set } = await openLogs(process, { segmentBytes: 1024 })
  await append(set, 'messages', 'before')
  await settled()
  return { disk, process, set }
}

/** `rm -rf`, and another process that opens a directory of that name and accepts a message. */
async function madeAnew(disk: RecordingDisk) {
  damage.removeTree(disk, ROOT)
  const process = new DiskProcess(disk)
  const { set } = await openLogs(process, { segmentBytes: 1024 })
  await append(set, 'messages', 'after')
  await settled()
  return { process, set }
}

const textsThere = async (t: Test, disk: RecordingDisk) => {
  const { set, frames } = await openLogs(new DiskProcess(disk))
  t.same(set.report.corrupt, [])
  return textsOf(frames.messages)
}

for (const [what, replace, message] of [
  ['removed', damage.removeTree, /the directory \/queue was removed;/],
  [
    'moved away',
    (disk: RecordingDisk) => damage.moveTree(disk, ROOT, '/elsewhere'),
    /\/queue was moved away, or can no longer be read;/,
  ],
  [
    'removed, and restored from a copy',
    (disk: RecordingDisk) => {
      damage.copyTree(disk, ROOT, '/copy')
      damage.removeTree(disk, ROOT)
      damage.moveTree(disk, '/copy', ROOT)
    },
    /a copy of the directory \/queue was put in its place;/,
  ],
] as const) {
  t.test(`an owner whose directory was ${what} loses its queue, and is told so`, async t => {
    const { disk, process, set } = await owned()
    replace(disk, ROOT)
    const before = disk.find(ROOT) === undefined ? [] : disk.files(ROOT)
    await t.rejects(append(set, 'messages', 'late'), { code: 'WAQ_LOCK_LOST', message })
    t.equal(set.fenceStands(), false)
    await set.close()
    t.same(
      disk.find(ROOT) === undefined ? [] : disk.files(ROOT),
      before,
      'and nothing is touched by its close',
    )
    t.notOk(process.killed)
  })
}

t.test('a directory that was moved away and back is used as before', async t => {
  const { disk, set } = await owned()
  damage.moveTree(disk, ROOT, '/elsewhere')
  damage.moveTree(disk, '/elsewhere', ROOT)
  await append(set, 'messages', 'on')
  await set.close()
  t.same(await textsThere(t, disk), ['1 before', '2 on'])
})

t.test(
  'the error of a lost directory says whether it was made anew or another stands in its place',
  async t => {
    const { disk, set } = await owned()
    await madeAnew(disk)
    await t.rejects(append(set, 'messages', 'late'), { message: /was removed and created again;/ })
    const second = await owned()
    damage.moveTree(second.disk, ROOT, '/elsewhere')
    await openLogs(new DiskProcess(second.disk))
    await t.rejects(append(second.set, 'messages', 'late'), {
      message: /^something else stands at \/queue: the directory was moved away, or mounted over;/,
    })
  },
)

t.test('the close of an owner changes nothing in a directory that was made anew in its place', async t => {
  const { disk, set } = await owned()
  for (let i = 0; i < 40; i++) await append(set, 'messages', 'x'.repeat(200))
  const next = await madeAnew(disk)
  const before = disk.files(ROOT)
  await set.close()
  t.same(disk.files(ROOT), before)
  next.process.kill()
  t.same(await textsThere(t, disk), ['1 after'])
})

t.test('a read that fails because its directory is gone rejects with WAQ_LOCK_LOST', async t => {
  const { disk, set } = await owned()
  const places = []
  for (let i = 0; i < 40; i++) places.push(await append(set, 'messages', 'x'.repeat(200)))
  await settled()
  damage.removeTree(disk, ROOT)
  const first = set.log('messages').segments()[0]!
  await t.rejects((async () => set.log('messages').read(first.id, places[1]!.offset))(), {
    code: 'WAQ_LOCK_LOST',
  })
})

t.test('an owner whose segment directory was removed loses its queue, and another opens it', async t => {
  const { disk, set } = await owned()
  damage.removeTree(disk, `${ROOT}/messages`)
  const late = (async () => {
    for (;;) await append(set, 'messages', 'x'.repeat(200))
  })()
  await t.rejects(late, { code: 'WAQ_LOCK_LOST', message: /^a part of the directory \/queue was removed;/ })
  await set.close()
  const { set: next, frames } = await openLogs(new DiskProcess(disk))
  t.same(textsOf(frames.messages), [])
  await append(next, 'messages', 'on')
  await next.close()
})

/** While a call is under way, after its look: the directory is removed, and made anew by another process. */
async function slippedIn(t: Test, kind: OperationKind, inPath: string) {
  const { disk, process, set } = await owned()
  let next: Awaited<ReturnType<typeof madeAnew>> | undefined
  let before: string[] = []
  process.gate = operation => {
    if (next !== undefined || operation.kind !== kind || !operation.path.includes(inPath)) return undefined
    process.gate = undefined
    return madeAnew(disk).then(made => {
      next = made
      before = disk.files(ROOT)
    })
  }
  for (let i = 0; i < 40; i++) await append(set, 'messages', 'x'.repeat(200)).catch(() => {})
  await set.close()
  t.ok(next, `${kind} in ${inPath} was met`)
  t.same(disk.files(ROOT), before, `${kind} in ${inPath}`)
  next?.process.kill()
  t.same(await textsThere(t, disk), ['1 after'], `${kind} in ${inPath}`)
}

t.test('a call that slips into a directory made anew after the check leaves nothing there', async t => {
  await slippedIn(t, 'create', '/messages/')
  await slippedIn(t, 'create', '/manifests/')
  await slippedIn(t, 'rename', '/manifests/')
  await slippedIn(t, 'unlink', '/manifests/')
})

t.test('an owner renames no manifest once its directory is gone', async t => {
  const { disk, process, set } = await owned()
  let renamed = 0
  process.gate = ({ kind, path }) => {
    if (kind === 'rename') renamed += 1
    if (kind === 'sync' && path.includes('/manifests/')) damage.removeTree(disk, ROOT)
    return undefined
  }
  await set.close()
  t.equal(renamed, 0)
})

t.test('a manifest of another directory is void, whatever its epoch, and is removed', async t => {
  const { disk, set } = await owned()
  await set.close()
  const token = newToken()
  const stray = `${ROOT}/manifests/0000000050-0000000009-${token}`
  const identity = 'f'.repeat(32)
  const durability = 'fsync' as const
  const logs = ['messages', 'acks'].map(name => {
    const segments =
      name === 'acks'
        ? []
        : [
            {
              epoch: 50,
              ordinal: 1,
              token,
              salt: Buffer.alloc(8),
              firstSequence: 1,
              lastSequence: 900,
              length: 4096,
              compacted: false,
            },
          ]
    return { name, nextSequence: 1000, lowWater: 0, tailInDoubt: false, durability, segments }
  })
  const file = await new DiskProcess(disk).create(stray)
  await file.write(
    encodeManifest({ identity, epoch: 50, ordinal: 9, bootId: null, logs, corrupt: [] }),
    0,
    8192,
    0,
  )
  t.same(await textsThere(t, disk), ['1 before'])
  await settled()
  t.equal(disk.find(stray), undefined)
})

t.test('the newest manifest identifies a directory whose identity file is missing', async t => {
  const { disk, set } = await owned()
  await set.close()
  const names = () =>
    disk.files(`${ROOT}/manifests`).filter(path => identityIn(path.slice(path.lastIndexOf('/') + 1)))
  const [name] = names()
  damage.removeFile(disk, name!)
  t.same(await textsThere(t, disk), ['1 before'])
  t.same(names(), [name], 'and it is given again')
})

t.test('every manifest of a directory bears one identity, and every directory another', async t => {
  const one = await owned()
  const other = await owned()
  const identityOf = ({ disk }: { disk: RecordingDisk }) =>
    disk.files(`${ROOT}/manifests`).flatMap(path => identityIn(path.slice(path.lastIndexOf('/') + 1)) ?? [])
  const [first] = identityOf(one)
  await one.set.close()
  await owned(one.disk)
  t.same(identityOf(one), [first])
  t.notSame(identityOf(other), [first])
})

t.test('an opening removes no file of a higher epoch than its own', async t => {
  const { disk, set } = await owned()
  await set.close()
  const process = new DiskProcess(disk)
  const stray = `${ROOT}/messages/${segmentName({ epoch: 99, ordinal: 1, token: newToken() })}`
  process.gate = ({ kind, path }) => {
    if (kind !== 'syncDirectory' || path !== `${ROOT}/owners`) return undefined
    process.gate = undefined
    return new DiskProcess(disk).create(stray).then(file => file.close())
  }
  await openLogs(process)
  await settled()
  t.ok(disk.find(stray))
})

t.test('an owner shrinks the ballast that it has open, not the one in a directory made anew', async t => {
  const { disk } = await owned()
  const ballast = new Ballast(new DiskProcess(disk), ROOT, () => 0)
  await ballast.load(newToken())
  await madeAnew(disk)
  const { size } = ballastOf(disk).live
  t.equal(await ballast.shrink(), true)
  t.equal(ballastOf(disk).live.size, size)
})

t.test('a ballast that a slipped-in call left is removed by the next opening', async t => {
  const { disk, set } = await owned()
  await set.close()
  const stray = `${ROOT}/ballast-${newToken()}`
  await (await new DiskProcess(disk).create(stray)).close()
  await openLogs(new DiskProcess(disk))
  await settled()
  t.equal(disk.find(stray), undefined)
  ballastOf(disk)
})

t.test('a close leaves the owner file in a restored copy of the directory', async t => {
  const { disk, process, set } = await owned()
  const [owner] = disk.files(`${ROOT}/owners`)
  process.gate = ({ kind, path }) => {
    // After its last look at a manifest.
    if (kind === 'truncate' || (kind === 'close' && path.includes('/messages/'))) {
      process.gate = undefined
      damage.copyTree(disk, ROOT, '/copy')
      damage.removeTree(disk, ROOT)
      damage.moveTree(disk, '/copy', ROOT)
    }
    return undefined
  }
  await set.close()
  t.ok(disk.find(owner!))
})
