import t from 'tap'
import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES } from '../../../lib/log/format/format.js'
import { parseFileId } from '../../../lib/log/format/names.js'
import { decodeManifest } from '../../../lib/log/manifest/manifest.js'
import { DiskProcess } from '../../../lib/testing/disk/disk-process.js'
import { type Fate, RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'
import * as damage from '../../fixtures/disk/damage.js'
import { append, type OpenOptions, openLogs, type Place, ROOT, textsOf } from '../fixtures/logs.js'

const open = (disk: RecordingDisk, options: OpenOptions = {}) => openLogs(new DiskProcess(disk), options)

/** A disk on which an owner was killed after it appended these messages one by one; everything reached the device. */
async function killedAfter(texts: readonly (string | readonly string[])[], options: OpenOptions = {}) {
  const disk = new RecordingDisk()
  const { set } = await open(disk, options)
  const places: Place[] = []
  for (const text of texts) places.push(await append(set, 'messages', text))
  await new Promise(resolve => setImmediate(resolve))
  return { disk: disk.settled(), places, set }
}

/** A disk that was closed in order after these. */
async function closedAfter(texts: readonly (string | readonly string[])[], options: OpenOptions = {}) {
  const disk = new RecordingDisk()
  const { set } = await open(disk, options)
  const places: Place[] = []
  for (const text of texts) places.push(await append(set, 'messages', text))
  const files = set
    .log('messages')
    .segments()
    .map(segment => segment.file)
  await set.close()
  return { disk: disk.settled(), places, files }
}

const segmentsOf = (disk: RecordingDisk, log = 'messages') => disk.files(`${ROOT}/${log}`)
const quarantined = (disk: RecordingDisk) => disk.files(`${ROOT}/quarantine`)

function manifestOf(disk: RecordingDisk) {
  const path = disk
    .files(`${ROOT}/manifests`)
    .filter(name => parseFileId(name.slice(name.lastIndexOf('/') + 1), '') !== undefined)
    .at(-1)!
  return { path, manifest: decodeManifest(disk.file(path).live.bytes(), path)! }
}

function powerLoss(disk: RecordingDisk, fate: Fate = { kind: 'absent' }): RecordingDisk {
  return disk.afterPowerLoss(disk.pending().map(() => fate))
}

t.test('an opening of a new directory finds no records and reports nothing', async t => {
  const { set, frames, lost } = await open(new RecordingDisk())
  t.same(frames, { messages: [], acks: [] })
  t.same(lost, [])
  t.same(set.report, { tornBytes: 0, corrupt: [], lost: [] })
  t.equal(set.log('messages').nextSequence, 1)
})

t.test('after a clean close an opening finds every record and copies none', async t => {
  const { disk, files } = await closedAfter(['one', 'two', ['three', 'four']])
  const process = new DiskProcess(disk)
  const { set, frames } = await openLogs(process)
  t.same(textsOf(frames.messages), ['1 one', '2 two', '3 three', '4 four'])
  t.same(
    set
      .log('messages')
      .segments()
      .map(segment => segment.file),
    files,
  )
  t.equal(set.log('messages').nextSequence, 5)
})

t.test(
  'after a kill unproven frames are copied with their sequences, and the rest of their segment is cut',
  async t => {
    const { disk } = await killedAfter(['one', 'two', 'three'])
    const [original] = segmentsOf(disk)
    const { set, frames } = await open(disk)
    t.same(textsOf(frames.messages), ['1 one', '2 two', '3 three'])
    const [first, second] = set.log('messages').segments()
    t.equal(`${ROOT}/${first!.file}`, original)
    // The third frame names what was durable before it: one and two. It alone is unproven.
    t.equal(frames.messages![1]!.segment, first!.id)
    t.equal(frames.messages![2]!.segment, second!.id)
    t.equal(second!.firstSequence, 3)
    const listed = manifestOf(disk).manifest.logs[0]!.segments
    t.same(
      listed.map(segment => segment.length),
      [first!.length, second!.length],
      'both at exact length',
    )
  },
)

t.test('copies are durable before the manifest that lists them', async t => {
  const { disk } = await killedAfter(['one', 'two', 'three'])
  const process = new DiskProcess(disk)
  let checked = 0
  process.gate = ({ kind }) => {
    if (kind === 'rename') {
      checked += 1
      const after = powerLoss(disk)
      const copies = segmentsOf(after)
      t.equal(copies.length, 2)
      t.ok(after.file(copies[1]!).live.bytes().includes('three'))
    }
    return undefined
  }
  await openLogs(process)
  t.equal(checked, 1)
})

t.test(
  'frames that only the page cache holds are proven by copying them, even after a failed sync',
  async t => {
    // A sync fails; the process dies before it can write the batch again; the next opener reads it from the cache.
    const disk = new RecordingDisk()
    let syncs = 0
    const process = new DiskProcess(disk, {
      fault: ({ kind, path }) =>
        kind === 'sync' && path.includes('/messages/') && ++syncs > 2 ? { code: 'EIO' } : undefined,
    })
    const { set } = await openLogs(process)
    await append(set, 'messages', 'one')
    append(set, 'messages', 'two').catch(() => {})
    await new Promise(resolve => setImmediate(resolve))
    process.kill()
    const next = disk.clone()
    const { frames } = await open(next)
    const seen = textsOf(frames.messages)
    t.equal(seen[0], '1 one')
    const { frames: again } = await open(powerLoss(next))
    t.same(textsOf(again.messages), seen, 'what was shown once stays')
  },
)

t.test('a torn last frame is dropped and counted as a tear, not reported as corruption', async t => {
  const { disk, places } = await killedAfter(['one', 'two', 'three'])
  const [path] = segmentsOf(disk)
  damage.overwrite(disk, path!, places[2]!.offset + FRAME_HEADER_BYTES, Buffer.from('\0'))
  const { set, frames } = await open(disk)
  t.same(textsOf(frames.messages), ['1 one', '2 two'])
  t.same(set.report, { tornBytes: FRAME_HEADER_BYTES + 'three'.length, corrupt: [], lost: [] })
  t.same(quarantined(disk), [])
  t.equal(set.log('messages').nextSequence, 4, 'its sequence is not given again: its header is intact')
})

t.test('a tear at any byte of the last frame drops that frame only', async t => {
  const { disk, places } = await killedAfter(['one', 'two', 'three'])
  const [path] = segmentsOf(disk)
  const { offset } = places[2]!
  const end = offset + FRAME_HEADER_BYTES + 'three'.length
  for (let cut = offset; cut < end; cut++) {
    const torn = disk.clone()
    damage.zeroBlock(torn, path!, cut, end - cut)
    const { set, frames } = await open(torn)
    t.same(textsOf(frames.messages), ['1 one', '2 two'], `zeros from ${cut}`)
    t.same(set.report.corrupt, [])
    const short = disk.clone()
    damage.truncateFile(short, path!, cut)
    t.same(textsOf((await open(short)).frames.messages), ['1 one', '2 two'], `cut at ${cut}`)
  }
})

t.test('valid frames behind a tear are void', async t => {
  const disk = new RecordingDisk()
  const { set } = await open(disk)
  await append(set, 'messages', 'one')
  const places = await Promise.all(['two', 'three'].map(text => append(set, 'messages', text)))
  const settled = disk.settled()
  const [path] = segmentsOf(settled)
  damage.flipBit(settled, path!, (places[0]!.offset + FRAME_HEADER_BYTES) * 8)
  const { set: again, frames } = await open(settled)
  t.same(textsOf(frames.messages), ['1 one'], 'both were written in one flush, after the last proof')
  t.same(again.report.corrupt, [])
  t.ok(again.report.tornBytes > 0)
  t.equal(again.log('messages').nextSequence, 4, 'and their sequences are not given again')
  const next = await append(again, 'messages', 'four')
  t.equal(next.sequence, 4)
  t.same(
    textsOf((await open(settled.settled())).frames.messages),
    ['1 one', '4 four'],
    'also for later openings',
  )
})

t.test('a list that a tear cuts is dropped whole', async t => {
  const { disk, places } = await killedAfter(['one', ['two', 'three', 'four']])
  const [path] = segmentsOf(disk)
  const list = places[1]!.offset
  const ends = [list + 31, list + 31 + 33, list + 31 + 33 + 32]
  for (let at = list; at < ends[2]!; at++) {
    const torn = disk.clone()
    damage.zeroBlock(torn, path!, at, ends[2]! - at)
    const { frames, set } = await open(torn)
    t.same(textsOf(frames.messages), ['1 one'], `zeros from ${at}`)
    t.same(set.report.corrupt, [])
  }
})

t.test('a tear right behind corruption is still a tear, and cuts its list whole', async t => {
  const { disk, places } = await killedAfter(['one', 'two', ['three', 'four', 'five']])
  const [path] = segmentsOf(disk)
  // The headers of "two", which was proven, and of "three", which was not.
  damage.flipBit(disk, path!, places[1]!.offset * 8)
  damage.flipBit(disk, path!, places[2]!.offset * 8)
  const { set, frames } = await open(disk)
  t.same(textsOf(frames.messages), ['1 one'])
  t.match(set.report.corrupt, [{ offset: places[1]!.offset, length: FRAME_HEADER_BYTES + 3 }])
  t.equal(set.report.corrupt.length, 1)
  t.equal(set.report.tornBytes, 3 * FRAME_HEADER_BYTES + 'threefourfive'.length)
  t.equal(set.log('messages').nextSequence, 6, 'no sequence of a void frame is given again')
})

t.test('zeros behind the last frame are a clean end, whatever their number', async t => {
  const { disk } = await killedAfter(['one'])
  const [path] = segmentsOf(disk)
  damage.overwrite(disk, path!, disk.file(path!).live.size, Buffer.alloc(10_000))
  const { set, frames } = await open(disk)
  t.same(textsOf(frames.messages), ['1 one'])
  t.same(set.report, { tornBytes: 0, corrupt: [], lost: [] })
})

t.test(
  'a bad frame that a later one proves is reported as corruption and quarantined, and the rest loads',
  async t => {
    const { disk, places } = await killedAfter(['one', 'two', 'three', 'four'])
    const [path] = segmentsOf(disk)
    const at = places[1]!.offset
    const length = FRAME_HEADER_BYTES + 3
    damage.overwrite(disk, path!, at + FRAME_HEADER_BYTES, Buffer.from('TWO'))
    const bytes = disk
      .file(path!)
      .live.bytes()
      .subarray(at, at + length)
    const { set, frames, lost } = await open(disk)
    t.same(textsOf(frames.messages), ['1 one', '3 three', '4 four'])
    const range = {
      log: 'messages',
      file: path!.slice(ROOT.length + 1),
      offset: at,
      length,
      firstMissing: 2,
      lastMissing: 2,
      known: false,
    }
    t.match(set.report.corrupt, [range])
    t.match(lost, [range])
    t.equal(set.report.corrupt.length, 1)
    const [copy] = quarantined(disk)
    t.match(copy, new RegExp(`^${ROOT}/quarantine/${range.file.replace('/', '-')}-${at}-[\\da-f]{16}$`))
    t.ok(disk.file(copy!).live.bytes().equals(bytes), 'the bytes as they were')
    t.same(
      disk.pending().filter(pending => pending.path.includes('quarantine')),
      [],
      'durable',
    )
  },
)

t.test('damage is reported and quarantined once, and passed to the store at every opening', async t => {
  const { disk, places } = await killedAfter(['one', 'two', 'three', 'four'])
  const [path] = segmentsOf(disk)
  damage.flipBit(disk, path!, (places[1]!.offset + 3) * 8)
  const first = await open(disk)
  t.equal(first.set.report.corrupt.length, 1)
  const next = disk.settled()
  const second = await open(next)
  t.same(second.set.report.corrupt, [])
  t.match(second.lost, [
    { offset: places[1]!.offset, known: true, nextSequences: first.lost[0]!.nextSequences },
  ])
  t.same(textsOf(second.frames.messages), ['1 one', '3 three', '4 four'])
  t.equal(quarantined(next).length, 1)
  await second.set.close()
  t.match((await open(next.settled())).lost, [{ known: true }], 'also after a clean close')
})

t.test('with refuse, an opening of a damaged directory changes nothing but its claim', async t => {
  const { disk, places } = await killedAfter(['one', 'two', 'three', 'four'])
  const [path] = segmentsOf(disk)
  damage.flipBit(disk, path!, (places[1]!.offset + 3) * 8)
  const before = disk.files()
  await t.rejects(open(disk, { onCorruption: 'refuse' }), {
    code: 'WAQ_CORRUPT',
    message: new RegExp(`messages/.*seg at ${places[1]!.offset}, 31 bytes`),
  })
  t.same(
    disk.files().filter(name => !name.includes('owners')),
    before.filter(name => !name.includes('owners')),
  )
  const { set } = await open(disk)
  t.equal(set.report.corrupt.length, 1, 'a later opening still reports it')
  await set.close()
  await open(disk, { onCorruption: 'refuse' })
})

t.test('in a closed segment every bad byte is corruption, also in its last frame', async t => {
  const { disk, files, places } = await closedAfter(['one', 'two'])
  const path = `${ROOT}/${files[0]}`
  damage.flipBit(disk, path, (places[1]!.offset + FRAME_HEADER_BYTES) * 8)
  const { set, frames } = await open(disk)
  t.same(textsOf(frames.messages), ['1 one'])
  t.match(set.report.corrupt, [{ offset: places[1]!.offset, length: 31, firstMissing: 2, lastMissing: 2 }])
  t.equal(set.log('messages').nextSequence, 3)
})

t.test('a closed segment that ends too early, or in zeros, is corruption', async t => {
  for (const change of [
    damage.truncateFile,
    (d: RecordingDisk, p: string, at: number) => damage.zeroBlock(d, p, at, 31),
  ]) {
    const { disk, files, places } = await closedAfter(['one', 'two'])
    change(disk, `${ROOT}/${files[0]}`, places[1]!.offset)
    const { set, frames } = await open(disk)
    t.same(textsOf(frames.messages), ['1 one'])
    t.match(set.report.corrupt, [{ offset: places[1]!.offset, length: 31, firstMissing: 2, lastMissing: 2 }])
    t.equal(set.log('messages').nextSequence, 3)
  }
})

t.test('bytes past an accepted length are void for ever', async t => {
  const { disk, files, places } = await closedAfter(['one', 'two'])
  const path = `${ROOT}/${files[0]}`
  const whole = disk.file(path).live.bytes()
  damage.overwrite(disk, path, whole.length, whole.subarray(places[1]!.offset))
  const { set, frames } = await open(disk)
  t.same(textsOf(frames.messages), ['1 one', '2 two'])
  t.same(set.report, { tornBytes: 0, corrupt: [], lost: [] })
})

t.test('a listed segment that is missing is corruption, named with what it held', async t => {
  const { disk, files } = await closedAfter(['one', 'two'])
  damage.removeFile(disk, `${ROOT}/${files[0]}`)
  const { set, frames } = await open(disk)
  t.same(frames.messages, [])
  t.match(set.report.corrupt, [{ file: files[0], offset: 0, firstMissing: 1, lastMissing: 2, known: false }])
  t.equal(set.log('messages').nextSequence, 3)
  t.same((await open(disk.settled())).set.report.corrupt, [], 'reported once')
})

t.test('a segment that no manifest lists is void, and removed', async t => {
  const { disk, files } = await closedAfter(['one', 'two'])
  const stray = `${ROOT}/messages/0000000001-0000000099-aaaaaaaaaaaaaaaa.seg`
  damage.copyFile(disk, `${ROOT}/${files[0]}`, disk, stray)
  const { set, frames } = await open(disk)
  t.same(textsOf(frames.messages), ['1 one', '2 two'])
  t.same(set.report.corrupt, [])
  await new Promise(resolve => setImmediate(resolve))
  t.notOk(disk.find(stray))
})

t.test('another queue’s segment in the place of ours gives none of its records', async t => {
  const ours = await closedAfter(['one', 'two'])
  const theirs = await closedAfter(['secret', 'letter'])
  damage.copyFile(theirs.disk, `${ROOT}/${theirs.files[0]}`, ours.disk, `${ROOT}/${ours.files[0]}`)
  const { set, frames } = await open(ours.disk)
  t.same(frames.messages, [])
  t.ok(set.report.corrupt.length > 0)
  t.match(set.report.corrupt.at(-1), { file: ours.files[0], lastMissing: 2 })
})

t.test('a damaged segment header is reported, and costs no record', async t => {
  const { disk, files } = await closedAfter(['one', 'two'])
  damage.zeroBlock(disk, `${ROOT}/${files[0]}`, 0, SEGMENT_HEADER_BYTES)
  const { set, frames } = await open(disk)
  t.same(textsOf(frames.messages), ['1 one', '2 two'])
  t.match(set.report.corrupt, [{ file: files[0], offset: 0, length: SEGMENT_HEADER_BYTES }])
  t.equal(set.report.corrupt[0]!.firstMissing, undefined)
})

t.test('an unreadable newest manifest is reported, and every segment counts', async t => {
  const { disk, files } = await closedAfter(['one', 'two', ['three', 'four']])
  const { path } = manifestOf(disk)
  damage.zeroBlock(disk, path, 0, 8192)
  const { set, frames } = await open(disk)
  t.same(textsOf(frames.messages), ['1 one', '2 two', '3 three', '4 four'])
  t.match(set.report.corrupt, [{ log: 'manifests', file: path.slice(ROOT.length + 1), length: 8192 }])
  t.ok(disk.find(`${ROOT}/${files[0]}`))
  t.equal(quarantined(disk).length, 1)
  t.equal(set.log('messages').nextSequence, 5)
  t.same((await open(disk.settled())).set.report.corrupt, [], 'reported once')
})

t.test('segments without a manifest are reported as a lost manifest', async t => {
  const { disk } = await closedAfter(['one', 'two'])
  damage.removeFile(disk, manifestOf(disk).path)
  const { set, frames } = await open(disk)
  t.same(textsOf(frames.messages), ['1 one', '2 two'])
  t.match(set.report.corrupt, [{ log: 'manifests', file: 'manifests', length: 0 }])
})

t.test('without a manifest the next sequence exceeds every sequence in a header', async t => {
  const disk = new RecordingDisk()
  const { set } = await open(disk, { segmentBytes: 1024 })
  for (let i = 0; i < 12; i++) await append(set, 'messages', 'x'.repeat(60))
  await new Promise(resolve => setImmediate(resolve))
  const settled = disk.settled()
  damage.removeFile(settled, manifestOf(settled).path)
  const paths = segmentsOf(settled)
  const newest = paths.at(-1)!
  t.ok(paths.length > 1)
  const named = Number(settled.file(newest).live.bytes().readBigUInt64LE(40))
  for (const path of paths.slice(0, -1)) damage.removeFile(settled, path)
  damage.truncateFile(settled, newest, SEGMENT_HEADER_BYTES)
  const { set: again } = await open(settled)
  t.ok(again.log('messages').nextSequence >= named, `${again.log('messages').nextSequence} >= ${named}`)
})

t.test('one bad copy of a manifest costs no record and is not corruption', async t => {
  const { disk } = await closedAfter(['one'])
  damage.zeroBlock(disk, manifestOf(disk).path, 0, 4096)
  const { set, frames } = await open(disk)
  t.same(textsOf(frames.messages), ['1 one'])
  t.same(set.report.corrupt, [])
})

t.test('a manifest of another set of logs is refused', async t => {
  const { disk } = await closedAfter(['one'])
  await t.rejects(
    open(disk, { logs: [{ name: 'records', id: 3, durability: 'fsync', onFailure: 'reject' }] }),
    {
      code: 'WAQ_NOT_A_QUEUE',
      message: /holds the logs messages, acks, not records/,
    },
  )
})

t.test('a read error is neither tear nor corruption: the opening fails and changes nothing', async t => {
  for (const kind of ['read', 'open', 'stat', 'readdir', 'size'] as const) {
    const { disk } = await killedAfter(['one', 'two', 'three'])
    const files = disk.files().filter(path => /seg$|manifests/.test(path))
    const process = new DiskProcess(disk, {
      fault: operation =>
        operation.kind === kind && /messages|manifests/.test(operation.path) ? { code: 'EIO' } : undefined,
    })
    await t.rejects(openLogs(process), { code: 'WAQ_IO' }, kind)
    t.same(
      disk.files().filter(path => /seg$|manifests/.test(path)),
      files,
      kind,
    )
    t.same(textsOf((await open(disk)).frames.messages), ['1 one', '2 two', '3 three'], kind)
  }
})

t.test('a bad byte in any segment but the last one with a frame is corruption, not a tear', async t => {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk)
  const { set } = await openLogs(process, { segmentBytes: 1024 })
  const places: Place[] = []
  // The manifest that closes the first segment does not come through.
  process.gate = ({ kind, path }) => {
    if (kind !== 'sync' || !path.includes('/manifests')) return undefined
    const { segments } = decodeManifest(disk.file(path).live.bytes(), path)!.logs[0]!
    return segments.length === 2 && segments[0]!.length !== undefined ? new Promise(() => {}) : undefined
  }
  do {
    places.push(await append(set, 'messages', 'x'.repeat(100)))
  } while (places.at(-1)!.segment === places[0]!.segment)
  const settled = disk.settled()
  const listed = manifestOf(settled).manifest.logs[0]!.segments
  t.match(listed, [{ length: undefined }, { length: undefined }])
  const last = places.at(-2)!
  const [first] = segmentsOf(settled)
  damage.flipBit(settled, first!, (last.offset + FRAME_HEADER_BYTES) * 8)
  const { set: again, frames } = await open(settled)
  t.equal(frames.messages!.length, places.length - 1)
  t.match(again.report.corrupt, [
    { offset: last.offset, firstMissing: last.sequence, lastMissing: last.sequence },
  ])
  t.equal(again.report.tornBytes, 0)
})

t.test('a segment knows its lowest sequence, records written again after a failure included', async t => {
  const disk = new RecordingDisk()
  let failing = false
  const process = new DiskProcess(disk, {
    fault: ({ kind, path }) => {
      if (!failing || kind !== 'sync' || !path.includes('/acks/')) return undefined
      failing = false
      return { code: 'EIO' }
    },
  })
  const { set } = await openLogs(process, { segmentBytes: 1024 })
  for (let i = 0; i < 5; i++) await append(set, 'acks', 'x'.repeat(100))
  await new Promise(resolve => setImmediate(resolve))
  failing = true
  await set
    .log('acks')
    .sync()
    .catch(() => {})
  await append(set, 'acks', 'again')
  await set.log('acks').sync()
  await append(set, 'acks', 'last')
  const { set: again, frames } = await open(disk.settled())
  t.equal(frames.acks!.length, 7)
  for (const segment of again.log('acks').segments()) {
    const held = frames.acks!.filter(frame => frame.segment === segment.id).map(frame => frame.sequence)
    t.ok(
      segment.firstSequence <= Math.min(...held),
      `${segment.file} says ${segment.firstSequence}, holds ${held}`,
    )
    t.ok(segment.lastSequence >= Math.max(...held))
  }
})

t.test('no sequence that a record of another log names is given again', async t => {
  const { disk } = await closedAfter(['one'])
  const { set } = await open(disk, { nextSequenceAtLeast: 100 })
  t.equal(set.log('messages').nextSequence, 100)
  t.equal((await append(set, 'messages', 'next')).sequence, 100)
})

t.test('an opening writes into no file that it did not create', async t => {
  const { disk } = await killedAfter(['one', 'two', 'three'])
  const there = new Set(disk.files())
  const touched: string[] = []
  const process = new DiskProcess(disk, {
    onChange: ({ kind, path }) => {
      if ((kind === 'write' || kind === 'truncate') && there.has(path)) touched.push(path)
    },
  })
  const { set } = await openLogs(process)
  await append(set, 'messages', 'four')
  await append(set, 'acks', 'ack')
  await set.close()
  t.same(touched, [])
})

t.test(
  'copies of one opening are not copied by the next, so repeated openings do not grow the log',
  async t => {
    let { disk } = await killedAfter(['one', 'two', 'three'])
    for (let i = 0; i < 5; i++) {
      const { frames } = await open(disk)
      t.same(textsOf(frames.messages), ['1 one', '2 two', '3 three'])
      disk = disk.settled()
    }
    t.equal(segmentsOf(disk).length, 2)
  },
)
