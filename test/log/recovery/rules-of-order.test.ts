/** What is written, listed and copied in which order and with which marks, watched on a disk in memory. */
import t from 'tap'
import { FRAME_HEADER_BYTES } from '../../../lib/log/format/format.js'
import { LogReader } from '../../../lib/log/reader/log-reader.js'
import { DiskProcess } from '../../../lib/testing/disk/disk-process.js'
import { type Fate, RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'
import * as damage from '../../fixtures/disk/damage.js'
import { append, openLogs, queueLogs, ROOT, textsOf } from '../fixtures/logs.js'

const open = (disk: RecordingDisk) => openLogs(new DiskProcess(disk))
const turn = () => new Promise(resolve => setImmediate(resolve))

/** Both copies of every manifest are bad. */
function loseManifests(disk: RecordingDisk): void {
  for (const path of disk.files(`${ROOT}/manifests`))
    damage.zeroBlock(disk, path, 0, disk.file(path).live.size)
}

t.test('a frame written before a sync ended does not prove the frame in front of it', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk), { durability: 'os' })
  await append(set, 'messages', 'one')
  await set.log('messages').sync()
  await append(set, 'messages', 'two')
  await append(set, 'messages', 'three')
  const pending = disk.pending().filter(({ operation }) => operation.kind === 'write')
  t.equal(pending.length, 2)
  const fates = disk
    .pending()
    .map(({ operation }): Fate => ({ kind: operation === pending[0]!.operation ? 'absent' : 'whole' }))
  const { set: again, frames } = await open(disk.afterPowerLoss(fates))
  t.same(textsOf(frames.messages), ['1 one'])
  t.same(again.report.corrupt, [], 'a tear')
  t.ok(again.report.tornBytes > 0)
})

t.test('the surviving records of a list that corruption cut are copied as single records', async t => {
  const disk = new RecordingDisk()
  const { set } = await open(disk)
  const { offset } = await append(set, 'messages', ['one', 'two', 'three'])
  await append(set, 'messages', 'four')
  await append(set, 'messages', 'five')
  const settled = disk.settled()
  const [path] = settled.files(`${ROOT}/messages`)
  const third = offset + 2 * (FRAME_HEADER_BYTES + 3)
  damage.flipBit(settled, path!, (third + FRAME_HEADER_BYTES) * 8)
  const { set: second, frames } = await open(settled)
  t.same(textsOf(frames.messages), ['1 one', '2 two', '4 four', '5 five'])
  await second.log('messages').rewrite(
    second
      .log('messages')
      .segments()
      .map(segment => segment.id),
    { keep: ({ sequence }) => sequence < 3, moved: () => {} },
  )
  await second.close()
  const third2 = settled.settled()
  loseManifests(third2)
  t.same(textsOf((await open(third2)).frames.messages), ['1 one', '2 two'])
})

t.test('a bad record in a list that an opening copied costs no other record', async t => {
  const disk = new RecordingDisk()
  const { set } = await open(disk)
  await append(set, 'messages', 'one')
  await append(set, 'messages', ['two', 'three', 'four'])
  const settled = disk.settled()
  await open(settled)
  const opened = settled.settled()
  // Whole, and proven by being copied. Then the device loses a bit of it, the manifests, and what it was copied from.
  const [original, copy] = opened.files(`${ROOT}/messages`) as [string, string]
  damage.removeFile(opened, original)
  damage.flipBit(opened, copy, opened.file(copy).live.bytes().indexOf('four') * 8)
  loseManifests(opened)
  t.same(textsOf((await open(opened)).frames.messages), ['2 two', '3 three'])
})

t.test('without a manifest segments are ordered by their records, not by their names', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk), { segmentBytes: 1024 })
  for (let i = 1; i <= 30; i++) await append(set, 'messages', `${i}`.padEnd(100, '.'))
  await turn()
  const log = set.log('messages')
  await log.rewrite([log.segments()[0]!.id], { keep: () => true, moved: () => {} })
  await set.close()
  const settled = disk.settled()
  loseManifests(settled)
  const sequences = (await open(settled)).frames.messages!.map(frame => frame.sequence)
  t.same(
    sequences,
    [...sequences].sort((a, b) => a - b),
  )
  t.equal(sequences.length, 30)
})

t.test('the copies of a rewrite take the place of their originals in the order', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk), { segmentBytes: 1024 })
  for (let i = 1; i <= 30; i++) await append(set, 'messages', `${i}`.padEnd(100, '.'))
  await turn()
  const log = set.log('messages')
  await log.rewrite([log.segments()[1]!.id], { keep: () => true, moved: () => {} })
  await set.close()
  const sequences = (await open(disk.settled())).frames.messages!.map(frame => frame.sequence)
  t.same(
    sequences,
    [...sequences].sort((a, b) => a - b),
  )
})

t.test('the segment that is written to is neither rewritten nor retired', async t => {
  const disk = new RecordingDisk()
  const { set } = await open(disk)
  await append(set, 'messages', 'one')
  const log = set.log('messages')
  const { id, file } = log.segments()[0]!
  t.equal(await log.rewrite([id], { keep: () => false, moved: () => {} }), 0)
  await log.retire([id])
  t.ok(disk.find(`${ROOT}/${file}`))
  await append(set, 'messages', 'two')
  t.same(textsOf((await open(disk.settled())).frames.messages), ['1 one', '2 two'])
})

t.test('a rewritten segment gets a salt of its own', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk), { segmentBytes: 1024 })
  for (let i = 1; i <= 30; i++) await append(set, 'messages', 'x'.repeat(100))
  await turn()
  const log = set.log('messages')
  for (const { id } of log.segments().slice(0, 2))
    await log.rewrite([id], { keep: () => true, moved: () => {} })
  const salts = log
    .segments()
    .map(({ file }) => disk.file(`${ROOT}/${file}`).live.bytes().subarray(32, 40).toString('hex'))
  t.equal(new Set(salts).size, salts.length)
})

t.test('every kept record can be read at each moment of a rewrite', async t => {
  const process = new DiskProcess(new RecordingDisk())
  const { set } = await openLogs(process, { segmentBytes: 1024 })
  const places = []
  for (let i = 1; i <= 12; i++) places.push(await append(set, 'messages', `${i}`.padEnd(100, '.')))
  await turn()
  const log = set.log('messages')
  const first = log.segments()[0]!.id
  const inFirst = places.filter(place => place.segment === first)
  const wrong: unknown[] = []
  const reads: Promise<unknown>[] = []
  let isTold = false
  process.gate = ({ kind }) => {
    if (isTold || kind === 'read' || kind === 'open' || kind === 'close') return undefined
    for (const { segment, offset } of inFirst) {
      reads.push(Promise.resolve(log.read(segment, offset)).catch(error => wrong.push(error)))
    }
    return undefined
  }
  await log.rewrite([first], {
    keep: () => true,
    moved: () => {
      isTold = true
    },
  })
  await Promise.all(reads)
  t.ok(reads.length > inFirst.length * 3)
  t.same(wrong, [])
})

for (const [what, change] of [
  [
    'a flipped bit',
    (disk: RecordingDisk, path: string, at: number) =>
      damage.flipBit(disk, path, (at + FRAME_HEADER_BYTES) * 8),
  ],
  [
    'zeros at its end',
    (disk: RecordingDisk, path: string, at: number) =>
      damage.zeroBlock(disk, path, at, disk.file(path).live.size - at),
  ],
] as const) {
  t.test(`a rewrite that meets ${what} leaves everything as it was`, async t => {
    const disk = new RecordingDisk()
    const { set } = await openLogs(new DiskProcess(disk), { segmentBytes: 1024 })
    const places = []
    for (let i = 1; i <= 30; i++) places.push(await append(set, 'messages', 'x'.repeat(100)))
    await turn()
    const log = set.log('messages')
    const first = log.segments()[0]!
    const last = places.filter(place => place.segment === first.id).at(-1)!
    change(disk, `${ROOT}/${first.file}`, last.offset)
    await t.rejects(log.rewrite([first.id], { keep: () => true, moved: () => {} }), { code: 'WAQ_CORRUPT' })
    t.ok(disk.find(`${ROOT}/${first.file}`))
    t.equal(log.segments()[0]!.id, first.id)
  })
}

/** What happens to the copies and the originals of a rewrite whose manifest fails at this operation. */
for (const kind of ['create', 'syncDirectory'] as const) {
  t.test(`a rewrite whose manifest fails at ${kind} leaves everything as it was`, async t => {
    const disk = new RecordingDisk()
    let failing = false
    const process = new DiskProcess(disk, {
      fault: operation =>
        failing && operation.kind === kind && operation.path.includes('/manifests')
          ? { code: 'EIO' }
          : undefined,
    })
    const { set } = await openLogs(process, { segmentBytes: 1024 })
    for (let i = 1; i <= 30; i++) await append(set, 'messages', 'x'.repeat(100))
    await turn()
    const log = set.log('messages')
    const before = log.segments().map(segment => segment.file)
    failing = true
    await t.rejects(log.rewrite([log.segments()[0]!.id], { keep: () => true, moved: () => {} }), {
      code: 'WAQ_IO',
    })
    await turn()
    t.same(
      log.segments().map(segment => segment.file),
      before,
    )
    for (const fate of ['absent', 'whole'] as const) {
      const after = disk.afterPowerLoss(disk.pending().map(() => ({ kind: fate })))
      const { set: again, frames } = await open(after)
      t.equal(frames.messages!.length, 30, fate)
      t.same(again.report.corrupt, [], `${fate}: neither the originals nor the copies were removed too early`)
    }
  })
}

t.test('a power loss at any moment of a rewrite leaves either the originals or the copies', async t => {
  const disk = new RecordingDisk()
  const states: RecordingDisk[] = []
  let watching = false
  const process = new DiskProcess(disk, {
    onChange: () => {
      if (!watching) return
      for (const kind of ['absent', 'whole'] as const)
        states.push(disk.afterPowerLoss(disk.pending().map(() => ({ kind }))))
      // Names come, bytes do not; and the other way round.
      for (const names of [true, false]) {
        states.push(
          disk.afterPowerLoss(
            disk.pending().map(({ operation }) => ({
              kind:
                (operation.kind === 'write' || operation.kind === 'truncate') === names ? 'absent' : 'whole',
            })),
          ),
        )
      }
    },
  })
  const { set } = await openLogs(process, { segmentBytes: 1024 })
  for (let i = 1; i <= 30; i++) await append(set, 'messages', 'x'.repeat(100))
  await turn()
  const log = set.log('messages')
  watching = true
  await log.rewrite([log.segments()[0]!.id, log.segments()[1]!.id], { keep: () => true, moved: () => {} })
  watching = false
  t.ok(states.length > 30)
  for (const state of states) {
    const { set: again, frames } = await open(state)
    if (frames.messages!.length !== 30 || again.report.corrupt.length > 0)
      t.fail(`${frames.messages!.length} records, ${again.report.corrupt.length} damages`)
  }
})

t.test('the state that a rewrite relied on is synced before its manifest', async t => {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk)
  const { set } = await openLogs(process, { segmentBytes: 1024 })
  for (let i = 1; i <= 30; i++) await append(set, 'messages', 'x'.repeat(100))
  await turn()
  const order: string[] = []
  process.gate = ({ kind }) => {
    if (kind === 'rename') order.push('manifest')
    return undefined
  }
  const log = set.log('messages')
  await log.rewrite([log.segments()[0]!.id], {
    keep: () => true,
    beforeItCounts: async () => {
      order.push('asked')
    },
    moved: () => {},
  })
  t.same(order, ['asked', 'manifest'])
})

t.test('records that a rewrite adds stand between those it keeps, and are reported apart', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk), { segmentBytes: 1024 })
  for (let i = 1; i <= 30; i++) await append(set, 'messages', `${i} ${'x'.repeat(100)}`)
  await turn()
  const log = set.log('messages')
  const originals = log.segments().slice(0, 2)
  const end = originals[1]!.lastSequence
  const moved: number[] = []
  const placed: [number, number][] = []
  await log.rewrite(
    originals.map(({ id }) => id),
    {
      keep({ sequence, data }, put) {
        if (sequence % 3 === 2) put(sequence - 1, 9, Buffer.from(`for ${data.toString('latin1', 0, 2)}`))
        return sequence % 3 === 0
      },
      putRest: put => put(end, 9, Buffer.from('rest')),
      moved: sequence => moved.push(sequence),
      placed: (sequence, segment) => placed.push([sequence, segment]),
    },
  )
  const kept = Array.from({ length: end }, (_, i) => i + 1).filter(
    sequence => sequence % 3 === 0 && sequence < end,
  )
  t.same(
    moved.filter(sequence => sequence < end),
    kept,
  )
  const made = new Set(log.segments().map(({ id }) => id))
  for (const [, segment] of placed) t.ok(made.has(segment), 'where it stands now')
  t.equal(placed.at(-1)![0], end)
  await set.close()
  const { frames } = await open(disk.settled())
  const texts = textsOf(frames.messages)
  t.ok(texts.includes('1 for 2 ') && texts.includes(`${end} rest`), 'after a restart it is there')
  t.notOk(texts.some(text => text.startsWith('2 ')))
  t.equal(texts.length, 30 - end + moved.length + placed.length)
})

t.test('a reader loads the manifest again when a listed file has vanished', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk), { segmentBytes: 1024 })
  for (let i = 1; i <= 30; i++) await append(set, 'messages', 'x'.repeat(100))
  await turn()
  const log = set.log('messages')
  const first = log.segments()[0]!
  const process = new DiskProcess(disk)
  let retired: Promise<void> | undefined
  process.gate = ({ kind, path }) => {
    if (kind !== 'stat' || !path.endsWith(first.file) || retired !== undefined) return undefined
    retired = log.retire([first.id])
    return retired
  }
  const reader = await LogReader.open(ROOT, queueLogs(), process)
  const snapshot = await reader.snapshot()
  const lost: unknown[] = []
  let frames = 0
  for (const { name } of queueLogs()) {
    await snapshot.visit(name, { frame: () => (frames += 1), lost: (_, range) => lost.push(range) })
  }
  t.ok(retired !== undefined)
  t.same(lost, [])
  t.ok(frames > 0)
  await snapshot.close()
})
