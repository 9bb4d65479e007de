import { basename } from 'node:path'
import t, { type Test } from 'tap'
import { FinishedRecords } from '../../../lib/log/commit/append.js'
import { BALLAST_BYTES } from '../../../lib/log/directory/ballast.js'
import { WaqError } from '../../../lib/log/errors/waq-error.js'
import { parseFileId, segmentName } from '../../../lib/log/format/names.js'
import type { LogDirectory } from '../../../lib/log/log-directory.js'
import { decodeManifest } from '../../../lib/log/manifest/manifest.js'
import { sleep } from '../../../lib/log/runtime/real-time.js'
import type { LogSpec } from '../../../lib/log/types.js'
import {
  DiskProcess,
  type DiskProcessOptions,
  type Fault,
  type Operation,
} from '../../../lib/testing/disk/disk-process.js'
import { RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'
import { VirtualTime } from '../../fixtures/disk/virtual-time.js'
import { append, ballastOf, type OpenOptions, openLogs, queueLogs, ROOT, textsOf } from '../fixtures/logs.js'

const time = new VirtualTime()

/** Timers fire when nothing else is left to do; see `virtual-time.ts`. */
function test(name: string, body: (t: Test) => Promise<unknown>): void {
  t.test(name, async t => {
    const uninstall = time.install()
    try {
      await time.run(body(t), name)
    } finally {
      time.forgetTimers()
      uninstall()
    }
  })
}

interface Stage {
  disk: RecordingDisk
  process: DiskProcess
  set: LogDirectory
  errors: WaqError[]
  /** From now on these operations fail; each entry once. */
  faults: ((operation: Operation) => Fault | undefined)[]
}

async function stage(options: OpenOptions & DiskProcessOptions = {}): Promise<Stage> {
  const disk = new RecordingDisk()
  const faults: Stage['faults'] = []
  const process = new DiskProcess(disk, {
    ...options,
    fault: operation => {
      const hit = faults.findIndex(each => each(operation) !== undefined)
      return hit < 0 ? undefined : faults.splice(hit, 1)[0]!(operation)
    },
  })
  const { set } = await openLogs(process, { segmentBytes: 64 * 1024, now: () => time.now, ...options })
  const errors: WaqError[] = []
  set.onError(error => errors.push(error))
  return { disk, process, set, errors, faults }
}

/** The next operation of this kind on a file of this log fails. */
const failing =
  (kind: Operation['kind'], inPath: string, fault: Fault = { code: 'EIO' }) =>
  (operation: Operation) =>
    operation.kind === kind && operation.path.includes(inPath) ? fault : undefined

async function afterPowerLoss(disk: RecordingDisk, kind: 'absent' | 'whole' = 'absent') {
  return openLogs(new DiskProcess(disk.afterPowerLoss(disk.pending().map(() => ({ kind })))))
}

const paths = (disk: RecordingDisk, log: string) => disk.files(`${ROOT}/${log}`)

async function outcome(work: Promise<unknown>): Promise<unknown> {
  try {
    return await work
  } catch (error) {
    return error
  }
}

test('after one failed sync the batch is written again to a fresh segment, and accepted', async t => {
  const { disk, set, errors, faults } = await stage()
  await append(set, 'messages', 'one')
  faults.push(failing('sync', 'messages'))
  const two = await append(set, 'messages', 'two')
  t.equal(two.sequence, 2)
  t.equal(String(await set.log('messages').read(two.segment, two.offset)), 'two')
  t.equal(paths(disk, 'messages').length, 2)
  t.match(errors, [{ code: 'WAQ_IO', message: /syncing messages\/.* failed/ }], 'and it is not swallowed')
  for (const kind of ['absent', 'whole'] as const) {
    const { frames, set: again } = await afterPowerLoss(disk, kind)
    t.same(textsOf(frames.messages), ['1 one', '2 two'], kind)
    t.same(again.report.corrupt, [])
  }
})

test('a file is never synced, written or cut again after a failed sync', async t => {
  const { process, disk, set, faults } = await stage()
  await append(set, 'messages', 'one')
  const [file] = paths(disk, 'messages')
  faults.push(failing('sync', 'messages'))
  let failed = false
  const later: string[] = []
  process.gate = ({ kind, path }) => {
    if (path === file && failed && kind !== 'close' && kind !== 'read' && kind !== 'open') later.push(kind)
    if (path === file && kind === 'sync') failed = true
    return undefined
  }
  await append(set, 'messages', 'two')
  await append(set, 'messages', 'three')
  await set.close()
  t.equal(failed, true)
  t.same(later, [])
})

test('a manifest that cuts the failed segment is durable before anything is appended to the next', async t => {
  const { process, disk, set, faults } = await stage()
  await append(set, 'messages', 'one')
  const [file] = paths(disk, 'messages')
  faults.push(failing('sync', 'messages'))
  let checked = 0
  process.gate = ({ kind, path }) => {
    if (kind === 'sync' && path !== file && path.includes('messages') && disk.file(path).live.size > 64) {
      const content = disk.file(path).live.bytes()
      if (content.includes('two')) {
        checked += 1
        t.notOk(
          disk.pending().some(({ operation }) => operation.kind === 'rename'),
          'no manifest is in doubt',
        )
      }
    }
    return undefined
  }
  await append(set, 'messages', 'two')
  t.ok(checked > 0)
})

test('a batch that fails twice is rejected as indeterminate, and the queue heals by itself', async t => {
  const { disk, set, faults } = await stage()
  await append(set, 'messages', 'one')
  faults.push(failing('sync', 'messages'), failing('write', 'messages', { code: 'EIO', bytes: 10 }))
  faults.push(failing('sync', 'messages'), failing('sync', 'messages'))
  const error = await outcome(append(set, 'messages', 'two'))
  t.match(error, { code: 'WAQ_IO', indeterminate: true })
  faults.length = 0
  let healed: unknown
  for (let tries = 0; tries < 20; tries++) {
    healed = await outcome(append(set, 'messages', 'three'))
    if (!(healed instanceof WaqError)) break
    t.equal(healed.indeterminate, false, 'no byte of it was written')
    await sleep(100)
  }
  t.notMatch(healed, { code: 'WAQ_IO' })
  const { frames } = await afterPowerLoss(disk)
  t.match(textsOf(frames.messages).at(0), '1 one')
  t.match(textsOf(frames.messages).at(-1), / three$/)
})

test('a write of which a full disk takes no byte leaves the segment open, and is refused for certain', async t => {
  const { disk, set, faults } = await stage()
  await append(set, 'messages', 'one')
  faults.push(failing('write', 'messages', { code: 'ENOSPC' }))
  t.match(await outcome(append(set, 'messages', 'two')), { code: 'WAQ_DISK_FULL', indeterminate: false })
  const three = await append(set, 'messages', 'three')
  t.equal(three.sequence, 3, 'the sequence of the refused one is skipped')
  t.equal(paths(disk, 'messages').length, 1)
  t.same(textsOf((await afterPowerLoss(disk)).frames.messages), ['1 one', '3 three'])
})

test('a write of which a full disk takes some bytes ends the segment', async t => {
  const { disk, set, faults } = await stage()
  await append(set, 'messages', 'one')
  faults.push(failing('write', 'messages', { code: 'ENOSPC', bytes: 5 }))
  const two = await append(set, 'messages', 'two')
  t.equal(two.sequence, 2)
  t.equal(paths(disk, 'messages').length, 2)
  for (const kind of ['absent', 'whole'] as const) {
    const { frames, set: again } = await afterPowerLoss(disk, kind)
    t.same(textsOf(frames.messages), ['1 one', '2 two'])
    t.same(again.report.corrupt, [])
  }
})

test('a short write is no failure', async t => {
  const { disk, set, faults, errors } = await stage()
  faults.push(
    failing('write', 'messages', { code: 'short', bytes: 1 }),
    failing('write', 'messages', { code: 'short', bytes: 7 }),
  )
  await append(set, 'messages', 'one')
  faults.push(failing('write', 'messages', { code: 'short', bytes: 30 }))
  await append(set, 'messages', 'two')
  t.same(errors, [])
  t.same(textsOf((await afterPowerLoss(disk)).frames.messages), ['1 one', '2 two'])
})

test('appends that may not be refused are kept, and written in order when the disk recovers', async t => {
  const { disk, set, faults } = await stage()
  await append(set, 'acks', 'one')
  for (let i = 0; i < 3; i++) faults.push(failing('write', 'acks', { code: 'EIO', bytes: 3 }))
  for (let i = 0; i < 3; i++) faults.push(failing('create', 'acks'))
  const places = await Promise.all(['two', 'three', 'four'].map(text => append(set, 'acks', text)))
  t.same(
    places.map(place => place.sequence),
    [2, 3, 4],
  )
  await set.log('acks').sync()
  t.same(textsOf((await afterPowerLoss(disk)).frames.acks), ['1 one', '2 two', '3 three', '4 four'])
})

test('outcomes are synced within syncEveryMs without a call of sync()', async t => {
  const [messages, acks] = queueLogs() as [LogSpec, LogSpec]
  const { disk, set } = await stage({ logs: [messages, { ...acks, durability: { syncEveryMs: 20 } }] })
  await append(set, 'acks', 'one')
  await sleep(100)
  t.same(textsOf((await afterPowerLoss(disk)).frames.acks), ['1 one'])
})

test('an outcome whose writing fails again and again is kept until it succeeds', async t => {
  const { disk, set, faults } = await stage()
  await append(set, 'acks', 'one')
  const frame = (operation: Operation) =>
    operation.kind === 'write' && operation.path.includes('acks') && disk.file(operation.path).live.size > 0
      ? { code: 'EIO' }
      : undefined
  for (let i = 0; i < 3; i++) faults.push(frame)
  t.equal((await append(set, 'acks', 'two')).sequence, 2)
  t.same(faults, [])
  await set.log('acks').sync()
  t.same(textsOf((await afterPowerLoss(disk)).frames.acks), ['1 one', '2 two'])
})

test('a message whose second sync fails as well is refused, and may be there all the same', async t => {
  const { disk, set, faults } = await stage()
  await append(set, 'messages', 'one')
  const ofTwo = ({ kind, path }: Operation) =>
    kind === 'sync' && path.includes('messages') && disk.file(path).live.bytes().includes('two')
      ? { code: 'EIO' }
      : undefined
  faults.push(ofTwo, ofTwo)
  t.match(await outcome(append(set, 'messages', 'two')), { code: 'WAQ_IO', indeterminate: true })
  t.same(faults, [])
})

test('records that a large write puts behind the end of a segment that failed meanwhile are written again', async t => {
  const { disk, process, set, faults } = await stage()
  await append(set, 'acks', 'one')
  let syncing: Promise<unknown> | undefined
  process.gate = ({ kind, path }) => {
    // The descriptor of the failed segment stays open until the write is through.
    if (kind === 'close') return sleep(1000)
    if (kind !== 'write' || !path.includes('acks') || syncing !== undefined) return undefined
    faults.push(failing('sync', 'acks'))
    syncing = outcome(set.log('acks').sync())
    return syncing.then(() => {})
  }
  const two = await append(set, 'acks', 'x'.repeat(70_000))
  t.ok(syncing)
  t.equal((await set.log('acks').read(two.segment, two.offset)).length, 70_000)
  await set.log('acks').sync()
  t.equal((await afterPowerLoss(disk)).frames.acks!.length, 2)
})

test('records accepted before a background sync failed are written again, and their new place is reported', async t => {
  const { disk, set, faults, errors } = await stage()
  const moved: number[] = []
  const place = await new Promise<{ segment: number; offset: number }>((resolve, reject) => {
    set.log('acks').append(
      new FinishedRecords(1, [Buffer.from('one')], {
        accepted: (segment, offset) => resolve({ segment, offset }),
        moved: segment => moved.push(segment),
        failed: reject,
      }),
    )
  })
  faults.push(failing('sync', 'acks'))
  await outcome(set.log('acks').sync())
  await append(set, 'acks', 'two')
  await set.log('acks').sync()
  t.equal(moved.length, 1)
  t.not(moved[0], place.segment)
  t.ok(errors.length > 0)
  for (const kind of ['absent', 'whole'] as const)
    t.same(textsOf((await afterPowerLoss(disk, kind)).frames.acks), ['1 one', '2 two'], kind)
})

test('sync() rejects when the sync fails, and covers everything when it resolves', async t => {
  const { disk, set, faults } = await stage()
  await append(set, 'acks', 'one')
  faults.push(failing('sync', 'acks'))
  const first = await outcome(set.log('acks').sync())
  if (first instanceof WaqError) t.equal(first.code, 'WAQ_IO')
  else t.same(textsOf((await afterPowerLoss(disk)).frames.acks), ['1 one'])
  await sleep(5000)
  await set.log('acks').sync()
  t.same(textsOf((await afterPowerLoss(disk)).frames.acks), ['1 one'], 'once it resolves, it is true')
})

test('sync() rejects while appended records cannot be written', async t => {
  const { disk, process, set } = await stage()
  process.capacityBytes = 0
  const written = append(set, 'acks', 'a'.repeat(5_000_000))
  await sleep(5000)
  t.match(await outcome(set.log('acks').sync()), { code: 'WAQ_DISK_FULL', indeterminate: true })
  process.capacityBytes = Number.POSITIVE_INFINITY
  await written
  await set.log('acks').sync()
  t.equal((await afterPowerLoss(disk)).frames.acks!.length, 1)
})

test('records keep their order when a sync fails while a later batch is being written', async t => {
  const { disk, process, set, faults } = await stage()
  await append(set, 'acks', 'one')
  await append(set, 'acks', 'two')
  // Three is large, so it is written in the background: the sync of one and two fails meanwhile.
  let syncing: Promise<unknown> | undefined
  process.gate = ({ kind, path }) => {
    if (kind !== 'write' || !path.includes('acks') || syncing !== undefined) return undefined
    faults.push(failing('sync', 'acks'))
    syncing = outcome(set.log('acks').sync())
    return syncing.then(() => {})
  }
  await append(set, 'acks', 'x'.repeat(70_000))
  await set.log('acks').sync()
  t.ok(syncing)
  const { frames } = await afterPowerLoss(disk)
  t.same(
    frames.acks!.map(frame => frame.sequence),
    [1, 2, 3],
    'in the order of the file',
  )
})

test('no later batch overtakes the records of a full segment whose last sync failed', async t => {
  const { disk, set, faults } = await stage({ segmentBytes: 4096 })
  for (let i = 1; i <= 3; i++) await append(set, 'acks', `${i}`.repeat(1200))
  // The next one does not fit: the segment is synced to its end first, and that fails.
  faults.push(failing('sync', 'acks'))
  const order: number[] = []
  const last = await append(set, 'acks', '4'.repeat(12_000))
  await set.log('acks').sync()
  const { frames } = await afterPowerLoss(disk)
  for (const frame of frames.acks!) order.push(frame.sequence)
  t.equal(last.sequence, 4)
  t.same(order, [1, 2, 3, 4])
})

test('a sync that fails while the next segment is being listed stands in a manifest before that segment gets a frame', async t => {
  const { disk, process, set, faults } = await stage({ segmentBytes: 4096 })
  await append(set, 'acks', 'x'.repeat(1800))
  let metFailure: Promise<unknown> | undefined
  // The next append needs a segment of its own. While that is listed, the sync of the first one fails.
  process.gate = ({ kind, path }) => {
    if (kind !== 'rename' || !path.includes('manifests') || metFailure !== undefined) return undefined
    faults.push(failing('sync', 'acks'))
    metFailure = outcome(set.log('acks').sync())
    return metFailure.then(() => {})
  }
  const last = append(set, 'acks', 'y'.repeat(20_000))
  let checked = 0
  const inForce = () => {
    const path = disk
      .files(`${ROOT}/manifests`)
      .filter(name => parseFileId(basename(name), '') !== undefined)
      .at(-1)!
    return decodeManifest(disk.file(path).live.bytes(), path)!.logs[1]!.segments
  }
  const [first] = paths(disk, 'acks')
  const gate = process.gate
  process.gate = operation => {
    const { kind, path } = operation
    if (
      kind === 'sync' &&
      path.includes('/acks/') &&
      path !== first &&
      disk.file(path).live.bytes().includes('xxx')
    ) {
      checked += 1
      t.ok(
        inForce().every(segment => !first!.includes(segmentName(segment)) || segment.length !== undefined),
        'the first one has its length',
      )
    }
    return gate?.(operation)
  }
  await last
  await set.log('acks').sync()
  t.ok(metFailure)
  t.ok(checked > 0)
  for (const kind of ['absent', 'whole'] as const) {
    const { frames, set: again } = await afterPowerLoss(disk, kind)
    t.same(
      frames.acks!.map(frame => frame.sequence),
      [1, 2],
    )
    t.same(again.report.corrupt, [])
  }
})

test('an accepted record can be read at any time, also while it is written again', async t => {
  const { process, set, faults } = await stage()
  const log = set.log('acks')
  let place = { segment: 0, offset: 0 }
  await new Promise<void>((resolve, reject) => {
    log.append(
      new FinishedRecords(1, [Buffer.from('one')], {
        accepted: (segment, offset) => {
          place = { segment, offset }
          resolve()
        },
        moved: (segment, offset) => {
          place = { segment, offset }
        },
        failed: reject,
      }),
    )
  })
  const wrong: unknown[] = []
  const reads: Promise<void>[] = []
  process.gate = ({ kind }) => {
    if (kind === 'read' || kind === 'open' || kind === 'close') return undefined
    reads.push(
      Promise.resolve(log.read(place.segment, place.offset))
        .then(data => t.equal(String(data), 'one'))
        .catch(error => wrong.push(error))
        .then(() => {}),
    )
    return undefined
  }
  faults.push(failing('sync', 'acks'))
  await outcome(log.sync())
  await append(set, 'acks', 'two')
  await log.sync()
  await Promise.all(reads)
  t.ok(reads.length > 3)
  t.same(wrong, [])
})

test('a close whose first sync fails still writes the accepted records', async t => {
  const { disk, set, faults } = await stage()
  await append(set, 'acks', 'one')
  faults.push(failing('sync', 'acks'))
  await outcome(set.close())
  t.same(textsOf((await afterPowerLoss(disk)).frames.acks), ['1 one'])
})

for (const kind of ['create', 'write', 'sync', 'rename', 'syncDirectory'] as const) {
  test(`a close whose manifest fails at ${kind} says so, and loses nothing`, async t => {
    const { disk, set, faults } = await stage({ segmentBytes: 4096 })
    for (let i = 0; i < 12; i++) await append(set, 'messages', 'x'.repeat(200))
    await sleep(1)
    faults.push(failing(kind, 'manifests'))
    t.match(await outcome(set.close()), { code: 'WAQ_IO' })
    for (const fate of ['absent', 'whole'] as const) {
      const { frames, set: again } = await afterPowerLoss(disk, fate)
      t.equal(frames.messages!.length, 12)
      t.same(again.report.corrupt, [], `${fate}: a file that a manifest may still list is not removed`)
    }
    const { frames, set: again } = await openLogs(new DiskProcess(disk))
    t.equal(frames.messages!.length, 12)
    t.same(again.report.corrupt, [])
  })
}

test('once the fence is lost, waiting appends are refused, and the files are closed', async t => {
  const { disk, process, set } = await stage()
  const lost: WaqError[] = []
  set.onLost(error => lost.push(error))
  await append(set, 'messages', 'one')
  await openLogs(new DiskProcess(disk))
  t.equal(set.fenceStands(), false)
  t.match(await outcome(append(set, 'messages', 'two')), { code: 'WAQ_LOCK_LOST', indeterminate: true })
  t.match(await outcome(append(set, 'messages', 'three')), { code: 'WAQ_LOCK_LOST', indeterminate: false })
  t.match(await outcome(append(set, 'acks', 'ack')), { code: 'WAQ_LOCK_LOST' })
  t.equal(lost.length, 1)
  await set.close()
  await sleep(1)
  t.equal(
    process.counts.close,
    process.counts.create! + (process.counts.open ?? 0),
    'every file that it opened',
  )
})

for (const [full, code, remedy] of [
  ['a full disk', 'ENOSPC', /The device is full: free some space/],
  // Node has no name for its error.
  ['a quota that is used up', 'EDQUOT', /quota .* is used up: free some, or have it raised/],
] as const) {
  test(`with ${full} outcomes are recorded out of the ballast, messages are refused, and the log recovers by itself`, async t => {
    const { disk, process, set } = await stage({ segmentBytes: 64 * 1024 })
    await append(set, 'messages', 'one')
    await append(set, 'acks', 'before')
    process.fullCode = code
    process.capacityBytes = disk.usedBytes()
    const acks: Promise<unknown>[] = []
    for (let i = 0; i < 40; i++) acks.push(append(set, 'acks', 'a'.repeat(10_000)))
    await Promise.all(acks)
    t.ok(ballastOf(disk).live.size < BALLAST_BYTES)
    t.match(await outcome(append(set, 'messages', 'two')), {
      code: 'WAQ_DISK_FULL',
      indeterminate: false,
      message: remedy,
    })
    process.capacityBytes = Number.POSITIVE_INFINITY
    await sleep(1000)
    await append(set, 'messages', 'three')
    t.equal(ballastOf(disk).live.size, BALLAST_BYTES)
    await set.log('acks').sync()
    const { frames } = await afterPowerLoss(disk)
    t.equal(frames.acks!.length, 41)
    t.same(
      textsOf(frames.messages).map(text => text.split(' ')[1]),
      ['one', 'three'],
    )
  })
}

for (const ends of ['a close', 'a sync'] as const) {
  test(`accepted records that lost their segment on a full disk are written out of the ballast at ${ends}`, async t => {
    const { disk, process, set, faults } = await stage({ durability: { syncEveryMs: 60_000 } })
    await append(set, 'messages', 'one')
    process.capacityBytes = disk.usedBytes()
    // Outcomes have made use of the ballast already.
    for (let i = 0; i < 20; i++) await append(set, 'acks', 'a'.repeat(10_000))
    t.ok(ballastOf(disk).live.size < BALLAST_BYTES)
    faults.push(failing('sync', 'messages'))
    const refused = outcome(append(set, 'messages', 'two'))
    await outcome(set.log('messages').sync())
    t.match(await refused, { code: 'WAQ_DISK_FULL' })
    if (ends === 'a close') await set.close()
    else {
      await sleep(10_000)
      await set.log('messages').sync()
      t.match(await outcome(append(set, 'messages', 'three')), {
        code: 'WAQ_DISK_FULL',
        indeterminate: false,
      })
    }
    t.same(textsOf((await afterPowerLoss(disk)).frames.messages), ['1 one'])
  })
}

test('a segment of 256 KiB for which a full disk has no room leaves no file behind', async t => {
  const { disk, process, set } = await stage()
  process.capacityBytes = disk.usedBytes() + 1000
  t.match(await outcome(append(set, 'messages', 'one')), { code: 'WAQ_DISK_FULL', indeterminate: false })
  t.same(paths(disk, 'messages'), [])
  process.capacityBytes = Number.POSITIVE_INFINITY
  await sleep(3000)
  await append(set, 'messages', 'two')
})

test('an append that meets an undecided manifest is refused, or survives a power loss', async t => {
  const { disk, set, faults, errors } = await stage()
  await append(set, 'messages', 'one')
  faults.push(failing('sync', 'messages'))
  faults.push(failing('syncDirectory', 'manifests'), failing('syncDirectory', 'manifests'))
  const two = await outcome(append(set, 'messages', 'two'))
  if (two instanceof WaqError) t.equal(two.code, 'WAQ_IO')
  await sleep(5000)
  await outcome(append(set, 'messages', 'three'))
  await sleep(5000)
  const four = await append(set, 'messages', 'four')
  t.ok(errors.length > 0)
  t.ok(four.sequence >= 3)
  const { frames, set: again } = await afterPowerLoss(disk)
  const texts = textsOf(frames.messages).map(text => text.split(' ')[1])
  t.ok(texts.includes('one') && texts.includes('four'))
  if (!(two instanceof WaqError)) t.ok(texts.includes('two'))
  t.same(again.report.corrupt, [])
})

test('a discard that could not be published is published by the next call', async t => {
  const { disk, set, faults } = await stage()
  for (const text of ['one', 'two', 'three']) await append(set, 'messages', text)
  faults.push(failing('create', 'manifests'))
  t.match(await outcome(set.discardBefore('messages', 3)), { code: 'WAQ_IO' })
  await set.discardBefore('messages', 3)
  t.same(textsOf((await afterPowerLoss(disk)).frames.messages), ['3 three'])
})

test('segments whose retirement failed are removed once it is published', async t => {
  const { disk, set, faults } = await stage({ segmentBytes: 1024 })
  for (let i = 0; i < 30; i++) await append(set, 'messages', 'x'.repeat(100))
  await sleep(1)
  const first = set.log('messages').segments()[0]!
  faults.push(failing('create', 'manifests'))
  t.match(await outcome(set.log('messages').retire([first.id])), { code: 'WAQ_IO' })
  await set.log('messages').retire([first.id])
  t.notOk(disk.find(`${ROOT}/${first.file}`), 'a second try removes it')
})

test('a retirement during a rewrite of the same segments loses nothing', async t => {
  const { disk, process, set } = await stage({ segmentBytes: 1024 })
  for (let i = 0; i < 60; i++) await append(set, 'messages', `${i} ${'x'.repeat(100)}`)
  await sleep(1)
  const log = set.log('messages')
  const [first, second] = log.segments()
  let retired: Promise<unknown> | undefined
  process.gate = ({ kind, path }) => {
    if (kind === 'open' && path.endsWith(second!.file) && retired === undefined)
      retired = log.retire([first!.id])
    return undefined
  }
  await outcome(log.rewrite([first!.id, second!.id], { keep: () => true, moved: () => {} }))
  await retired
  const { frames } = await afterPowerLoss(disk)
  const found = new Set(frames.messages!.map(frame => frame.sequence))
  for (let sequence = second!.firstSequence; sequence <= 60; sequence++) {
    if (!found.has(sequence)) t.fail(`${sequence} is lost`)
  }
  t.ok(found.size >= 60 - (second!.firstSequence - 1))
})

test('a segment that takes over the records of a failed one is listed from the first of those', async t => {
  const { disk, set, faults } = await stage({ segmentBytes: 1024 })
  const inForce = () => {
    const path = disk
      .files(`${ROOT}/manifests`)
      .filter(name => parseFileId(basename(name), '') !== undefined)
      .at(-1)!
    return decodeManifest(disk.file(path).live.bytes(), path)!.logs[1]!.segments
  }
  await append(set, 'acks', 'synced')
  await set.log('acks').sync()
  // More than half of a segment, so that the next one is made ahead, and listed from what was next then.
  for (let i = 0; i < 6; i++) await append(set, 'acks', 'x'.repeat(100))
  await sleep(1)
  t.match(inForce(), [{ firstSequence: 1 }, { firstSequence: 6 }])
  const [, second] = paths(disk, 'acks')
  let listed: ReturnType<typeof inForce> | undefined
  faults.push(failing('sync', 'acks'), ({ kind, path }) => {
    if (kind === 'write' && path === second) listed ??= inForce()
    return undefined
  })
  await outcome(set.log('acks').sync())
  await sleep(10_000)
  await set.log('acks').sync()
  t.match(listed, [{ firstSequence: 1, lastSequence: 1 }, { firstSequence: 2 }], 'before it holds a frame')
})
