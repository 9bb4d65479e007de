import t from 'tap'
import { FinishedRecords } from '../../../lib/log/commit/append.js'
import { SEGMENT_HEADER_BYTES } from '../../../lib/log/format/format.js'
import { DiskProcess } from '../../../lib/testing/disk/disk-process.js'
import { RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'
import * as damage from '../../fixtures/disk/damage.js'
import { append, openLogs, ROOT, textsOf } from '../fixtures/logs.js'

/** What another opening finds after a power loss that takes all that it may. */
async function recovered(disk: RecordingDisk) {
  const after = disk.afterPowerLoss(disk.pending().map(() => ({ kind: 'absent' })))
  return openLogs(new DiskProcess(after))
}

t.test('1,000 concurrent appends need a handful of syncs', async t => {
  const process = new DiskProcess(new RecordingDisk())
  const { set } = await openLogs(process, { segmentBytes: 1 << 20 })
  await append(set, 'messages', 'warm')
  const before = process.counts.sync!
  const places = await Promise.all(Array.from({ length: 1000 }, (_, i) => append(set, 'messages', `m${i}`)))
  t.ok(process.counts.sync! - before <= 3, `${process.counts.sync! - before} syncs`)
  t.same(
    places.map(place => place.sequence),
    places.map((_, i) => i + 2),
    'each with its sequence',
  )
})

t.test('appends that arrive during a flush form the next flush', async t => {
  const process = new DiskProcess(new RecordingDisk())
  const { set } = await openLogs(process, { segmentBytes: 1 << 20 })
  await append(set, 'messages', 'warm')
  const before = process.counts.sync!
  const first = append(set, 'messages', 'first')
  let others: Promise<unknown>[] = []
  process.gate = ({ kind }) => {
    if (kind === 'sync' && others.length === 0) {
      others = ['a', 'b', 'c'].map(text => append(set, 'messages', text))
    }
    return undefined
  }
  await first
  await Promise.all(others)
  t.equal(process.counts.sync! - before, 2)
})

t.test('a list that one write cannot hold is refused before a byte is written', async t => {
  const process = new DiskProcess(new RecordingDisk())
  const { set } = await openLogs(process)
  await append(set, 'messages', 'first')
  const before = process.counts.write
  // The same buffer again and again: only its length counts.
  const records = new Array<Buffer>(17).fill(Buffer.alloc(64 * 1024 * 1024))
  const silent = { accepted: () => {}, failed: () => {} }
  t.throws(() => set.log('messages').append(new FinishedRecords(1, records, silent)), {
    code: 'WAQ_TOO_LARGE',
    message: /a list of 17 records, 1140850688 bytes/,
  })
  t.equal(process.counts.write, before)
  t.equal(set.log('messages').nextSequence, 2)
})

t.test('no append is accepted before it is on the device', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk))
  for (let i = 0; i < 5; i++) await append(set, 'messages', `m${i}`)
  const { frames, set: again } = await recovered(disk)
  t.same(textsOf(frames.messages), ['1 m0', '2 m1', '3 m2', '4 m3', '5 m4'])
  t.equal(again.log('messages').nextSequence, 6)
})

t.test('an accepted record is read from its place', async t => {
  const { set } = await openLogs(new DiskProcess(new RecordingDisk()))
  const [one, two] = await Promise.all([
    append(set, 'messages', 'one'),
    append(set, 'messages', 'x'.repeat(9000)),
  ])
  t.equal(String(await set.log('messages').read(one.segment, one.offset)), 'one')
  t.equal(String(await set.log('messages').read(two.segment, two.offset)), 'x'.repeat(9000))
  await t.rejects(async () => set.log('messages').read(one.segment, one.offset + 1), { code: 'WAQ_CORRUPT' })
  await t.rejects(async () => set.log('messages').read(9_999_999, 64), {
    code: 'WAQ_CORRUPT',
    message: /no segment/,
  })
})

t.test('the records of a list are contiguous, and their place is that of the first one', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk))
  const [list, single] = await Promise.all([
    append(set, 'messages', ['a', 'b', 'c']),
    append(set, 'messages', 'single'),
  ])
  t.same([list.sequence, single.sequence], [1, 4])
  const { frames } = await recovered(disk)
  t.same(textsOf(frames.messages), ['1 a', '2 b', '3 c', '4 single'])
  t.equal(frames.messages![0]!.offset, list.offset)
})

t.test('a list never spans segments, however large', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk), { segmentBytes: 1024 })
  for (let i = 0; i < 10; i++)
    await append(
      set,
      'messages',
      Array.from({ length: 5 }, () => 'x'.repeat(100)),
    )
  const { frames } = await recovered(disk)
  t.equal(frames.messages!.length, 50)
  for (let i = 0; i < 50; i += 5) {
    const segments = new Set(frames.messages!.slice(i, i + 5).map(frame => frame.segment))
    t.equal(segments.size, 1)
  }
  t.ok(set.log('messages').segments().length > 1)
})

t.test('an append is withdrawn before it is written, and its sequence is skipped', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk))
  const heard: string[] = []
  const log = set.log('messages')
  const listenerOf = (name: string) => ({
    accepted: () => heard.push(`${name} accepted`),
    failed: () => heard.push(`${name} failed`),
  })
  const gone = new FinishedRecords(1, [Buffer.from('gone')], listenerOf('gone'))
  const kept = new FinishedRecords(1, [Buffer.from('kept')], listenerOf('kept'))
  log.append(gone)
  log.append(kept)
  t.equal(log.withdraw(gone), true)
  t.equal(log.withdraw(gone), false, 'it is gone')
  await append(set, 'messages', 'later')
  t.equal(kept.firstSequence, gone.firstSequence + 1)
  t.equal(log.withdraw(kept), false, 'too late')
  t.same(heard, ['kept accepted'], 'its listener hears nothing')
  t.same(textsOf((await recovered(disk)).frames.messages), ['2 kept', '3 later'])
})

t.test('the next segment is prepared and listed ahead of need', async t => {
  const process = new DiskProcess(new RecordingDisk())
  const { set } = await openLogs(process, { segmentBytes: 4096 })
  const payload = 'x'.repeat(200)
  for (let i = 0; i < 12; i++) await append(set, 'messages', payload)
  await new Promise(resolve => setImmediate(resolve))
  const kinds: string[] = []
  process.gate = ({ kind, path }) => {
    if (path.includes('messages')) kinds.push(kind)
    // No manifest gets through any more: an append that needed one would wait for ever.
    return path.includes('manifests') ? new Promise(() => {}) : undefined
  }
  const first = set.log('messages').segments()[0]!
  for (let i = 0; i < 6; i++) await append(set, 'messages', payload)
  t.equal(set.log('messages').segments().length, 2)
  t.equal(first.sealed, true)
  t.same([...new Set(kinds)].sort(), ['close', 'sync', 'truncate'])
  t.equal(first.diskBytes, first.length, 'the rest of its zeros went back to the disk')
})

t.test('the length of a full segment soon stands in a manifest', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk), { segmentBytes: 1024 })
  let last = await append(set, 'messages', 'x'.repeat(100))
  const first = last.segment
  while (last.segment === first) {
    await new Promise(resolve => setImmediate(resolve))
    last = await append(set, 'messages', 'x'.repeat(100))
  }
  await new Promise(resolve => setImmediate(resolve))
  const settled = disk.settled()
  const [path] = settled.files(`${ROOT}/messages`)
  damage.truncateFile(settled, path!, SEGMENT_HEADER_BYTES + 128)
  const { set: again } = await openLogs(new DiskProcess(settled))
  t.match(again.report.corrupt, [
    { offset: SEGMENT_HEADER_BYTES + 128, firstMissing: 2, lastMissing: last.sequence - 1 },
  ])
})

t.test('while the next segment is not ready, the active one takes more than its target', async t => {
  const process = new DiskProcess(new RecordingDisk())
  const { set } = await openLogs(process, { segmentBytes: 4096 })
  await append(set, 'messages', 'x'.repeat(2100))
  let open: (() => void) | undefined
  const gate = new Promise<void>(resolve => {
    open = resolve
  })
  process.gate = ({ kind, path }) => (kind === 'create' && path.endsWith('.seg') ? gate : undefined)
  await append(set, 'messages', 'y'.repeat(2100))
  await append(set, 'messages', 'z'.repeat(2100))
  t.equal(set.log('messages').segments().length, 1)
  t.ok(set.log('messages').segments()[0]!.length > 4096)
  open?.()
  await new Promise(resolve => setImmediate(resolve))
  await append(set, 'messages', 'next')
  t.equal(set.log('messages').segments().length, 2)
})

t.test('the first segment of an opening is small, and the next ones grow', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk), { segmentBytes: 2 * 1024 * 1024 })
  const sizes = () =>
    disk
      .files(`${ROOT}/messages`)
      .map(path => disk.file(path).live.size)
      .sort((a, b) => a - b)
  await append(set, 'messages', 'one')
  t.same(sizes(), [256 * 1024])
  await append(set, 'messages', 'x'.repeat(130 * 1024))
  await new Promise(resolve => setTimeout(resolve, 20))
  await append(set, 'messages', 'two')
  t.same(sizes(), [256 * 1024, 1024 * 1024])
})

t.test('a log on which nothing was appended has no segment', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk))
  await set.close()
  t.same(
    disk.files(ROOT).filter(path => path.endsWith('.seg')),
    [],
  )
})

t.test('a clean close lists exact lengths, so that the next opening copies nothing', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk))
  const place = await append(set, 'messages', 'one')
  await append(set, 'acks', 'ack')
  await set.close()
  t.same(disk.files(`${ROOT}/owners`), [])
  const [file] = disk.files(`${ROOT}/messages`)
  t.equal(disk.file(file!).live.size, place.offset + 28 + 3)
  const { frames, set: again } = await recovered(disk)
  t.same(textsOf(frames.messages), ['1 one'])
  t.same(textsOf(frames.acks), ['1 ack'])
  t.equal(again.log('messages').segments()[0]!.file, file!.slice(ROOT.length + 1))
})

t.test('a close writes the records appended before, also in the same tick', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk))
  await new Promise<void>((resolve, reject) => {
    // From a timer: the jobs of process.nextTick run before those of promises here.
    setTimeout(() => {
      const appended = append(set, 'messages', 'last')
      set
        .close()
        .then(() => appended)
        .then(() => resolve(), reject)
    }, 1)
  })
  t.same(textsOf((await recovered(disk)).frames.messages), ['1 last'])
})

t.test('a close writes more records than one flush holds', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk), { segmentBytes: 1 << 20 })
  const appended: Promise<unknown>[] = []
  await new Promise<void>((resolve, reject) => {
    setTimeout(() => {
      for (let i = 0; i < 30; i++) appended.push(append(set, 'messages', 'x'.repeat(100_000)))
      set.close().then(() => resolve(), reject)
    }, 1)
  })
  await Promise.all(appended)
  t.equal((await recovered(disk)).frames.messages!.length, 30)
})

t.test('a closed log directory rejects appends with WAQ_CLOSED', async t => {
  const { set } = await openLogs(new DiskProcess(new RecordingDisk()))
  await set.close()
  await set.close()
  await t.rejects(append(set, 'messages', 'late'), { code: 'WAQ_CLOSED', indeterminate: false })
})

t.test('a retired segment leaves the manifest before its file leaves the disk', async t => {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk)
  const { set } = await openLogs(process, { segmentBytes: 1024 })
  for (let i = 0; i < 20; i++) await append(set, 'messages', 'x'.repeat(100))
  await new Promise(resolve => setImmediate(resolve))
  const [first, second] = set.log('messages').segments()
  t.equal(first!.firstSequence, 1)
  t.ok(first!.length > SEGMENT_HEADER_BYTES)
  let atUnlink: Promise<number> | undefined
  process.gate = ({ kind, path }) => {
    if (kind === 'unlink' && path.endsWith('.seg')) {
      atUnlink = recovered(disk.clone()).then(({ frames, set: again }) => {
        t.same(again.report.corrupt, [])
        return frames.messages![0]!.sequence
      })
    }
    return undefined
  }
  await set.log('messages').retire([first!.id])
  t.equal(await atUnlink, second!.firstSequence)
  t.notOk(disk.find(`${ROOT}/${first!.file}`))
  const active = set.log('messages').segments().at(-1)!
  await set.log('messages').retire([active.id])
  t.ok(disk.find(`${ROOT}/${active.file}`), 'one that is appended to is not retired')
})
