/** Two logs bound each other: what damage may take of one of them without a word is what the other says nothing of. */
import t, { type Test } from 'tap'
import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES } from '../../../lib/log/format/format.js'
import { LogStore } from '../../../lib/store/log-store.js'
import type { Outcome } from '../../../lib/store/message-store.js'
import type { LogStoreOptions } from '../../../lib/store/types.js'
import { DiskProcess } from '../../../lib/testing/disk/disk-process.js'
import { environmentOf } from '../../../lib/testing/disk/environment.js'
import { RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'
import * as damage from '../../fixtures/disk/damage.js'
import { enqueueOne, message, NOW, outcomeOf, REJECT, storeOptions } from '../fixtures/messages.js'

const ROOT = '/data/queue'

type Options = Partial<LogStoreOptions> & { bootId?: string }

async function openOn(disk: RecordingDisk, { bootId, ...options }: Options = {}) {
  const process = new DiskProcess(disk)
  const environment = { ...environmentOf(process, () => NOW), bootId: bootId ?? null }
  const store = await LogStore.open(ROOT, storeOptions({ autoCompact: false, ...options, environment }))
  return { store, process }
}

/** Six messages, each with this outcome, and a killed owner. */
async function killedQueue(kind: Outcome['kind'] = 'retry', options: Options = {}): Promise<RecordingDisk> {
  const disk = new RecordingDisk()
  const { store, process } = await openOn(disk, options)
  for (let i = 1; i <= 6; i += 1) {
    const ref = await enqueueOne(store, { id: `m${i}`, channel: `c${i}` })
    await store.record(ref, outcomeOf('attempt')).written
    if (kind !== 'attempt') await store.record(ref, outcomeOf(kind)).written
    await store.syncOutcomes()
  }
  process.kill()
  return disk.settled()
}

/** The segments of a log that hold frames. */
function segmentsWithFrames(disk: RecordingDisk, log: 'messages' | 'acks'): string[] {
  const holdsFrames = (path: string): boolean =>
    disk
      .file(path)
      .live.bytes()
      .subarray(SEGMENT_HEADER_BYTES)
      .some(byte => byte !== 0)
  return disk.files(`${ROOT}/${log}`).filter(path => path.endsWith('.seg') && holdsFrames(path))
}

function segmentOf(disk: RecordingDisk, log: 'messages' | 'acks'): string {
  return segmentsWithFrames(disk, log)[0]!
}

/** Where its frames end. */
function frameEnds(disk: RecordingDisk, path: string): number[] {
  const bytes = disk.file(path).live.bytes()
  const ends: number[] = []
  for (let at = SEGMENT_HEADER_BYTES; at + FRAME_HEADER_BYTES <= bytes.length && bytes[at + 12] !== 0; ) {
    at += FRAME_HEADER_BYTES + bytes.readUInt32LE(at + 8)
    ends.push(at)
  }
  return ends
}

const ALL = Number.MAX_SAFE_INTEGER

/** Each takes these messages. */
const damages: Readonly<Record<string, { lost: number[]; apply: (disk: RecordingDisk) => void }>> = {
  'the segment zeroed': {
    lost: [1, 2, 3, 4, 5, 6],
    apply: disk => damage.zeroBlock(disk, segmentOf(disk, 'messages'), 0, ALL),
  },
  'its frames zeroed': {
    lost: [1, 2, 3, 4, 5, 6],
    apply: disk => damage.zeroBlock(disk, segmentOf(disk, 'messages'), SEGMENT_HEADER_BYTES, ALL),
  },
  'the segment emptied': {
    lost: [1, 2, 3, 4, 5, 6],
    apply: disk => damage.truncateFile(disk, segmentOf(disk, 'messages'), 0),
  },
  'the segment removed': {
    lost: [1, 2, 3, 4, 5, 6],
    apply: disk => damage.removeFile(disk, segmentOf(disk, 'messages')),
  },
  'the segment cut where a frame ends': {
    lost: [4, 5, 6],
    apply: disk => {
      const path = segmentOf(disk, 'messages')
      damage.truncateFile(disk, path, frameEnds(disk, path)[2]!)
    },
  },
  'the last frame zeroed': {
    lost: [6],
    apply: disk => {
      const path = segmentOf(disk, 'messages')
      const [from, to] = frameEnds(disk, path).slice(4) as [number, number]
      damage.zeroBlock(disk, path, from, to - from)
    },
  },
  'a bit of the last payload flipped': {
    lost: [6],
    apply: disk => {
      const path = segmentOf(disk, 'messages')
      damage.flipBit(disk, path, (frameEnds(disk, path)[5]! - 2) * 8)
    },
  },
  'two frames in the middle zeroed': {
    lost: [3, 4],
    apply: disk => {
      const path = segmentOf(disk, 'messages')
      const ends = frameEnds(disk, path)
      damage.zeroBlock(disk, path, ends[1]!, ends[3]! - ends[1]!)
    },
  },
}

for (const [what, { lost, apply }] of Object.entries(damages)) {
  t.test(`with ${what}, each lost message that an outcome names is reported once`, async t => {
    const disk = await killedQueue()
    apply(disk)
    await refuses(t, disk)
    const { store } = await openOn(disk)
    const { corrupt, messages, tornBytes, lost: told } = store.recovery
    t.equal(messages, 6 - lost.length, 'the healthy rest loads')
    t.ok(corrupt.length > 0)
    t.equal(tornBytes, 0, 'nothing of it was an unfinished write')
    t.match(told, { unsettled: lost.length, settled: 0 })
    t.strictSame(
      told.messages,
      lost.map(sequence => ({ sequence, lastOutcome: 'retry', attempts: 1, at: NOW })),
    )
    await store.close()
    const again = await openOn(disk)
    t.strictSame(again.store.recovery.corrupt, [])
    t.match(again.store.recovery.lost, { unsettled: 0, settled: 0 })
    await again.store.close()
  })
}

async function refuses(t: Test, disk: RecordingDisk, options: Options = {}): Promise<void> {
  await t.rejects(openOn(disk.clone(), { onCorruption: 'refuse', ...options }), { code: 'WAQ_CORRUPT' })
}

t.test('the id and channel of a lost settled message are known from its outcome', async t => {
  const disk = await killedQueue('delivered')
  damage.zeroBlock(disk, segmentOf(disk, 'messages'), SEGMENT_HEADER_BYTES, ALL)
  const { store } = await openOn(disk)
  t.match(store.recovery.lost, { unsettled: 0, settled: 6, messages: { length: 6 } })
  t.match(store.recovery.lost.messages[2], {
    sequence: 3,
    lastOutcome: 'delivered',
    id: 'm3',
    channel: 'c3',
    attempts: 1,
  })
  t.ok(store.recovery.corrupt.length > 0, 'what else stood there may have waited')
  await store.close()
})

t.test('a torn end that no outcome names is a tear, not a loss', async t => {
  const disk = new RecordingDisk()
  const { store, process } = await openOn(disk)
  await enqueueOne(store, { id: 'sent' })
  await store.record(((await store.find('sent')) as { ref: never }).ref, outcomeOf('attempt')).written
  await enqueueOne(store, { id: 'waiting' })
  await store.syncOutcomes()
  process.kill()
  const killed = disk.settled()
  const path = segmentOf(killed, 'messages')
  damage.flipBit(killed, path, (frameEnds(killed, path)[1]! - 2) * 8)
  const { store: again } = await openOn(killed, { onCorruption: 'refuse' })
  t.match(again.recovery, { messages: 1, corrupt: [], lost: { unsettled: 0, settled: 0 } })
  t.ok(again.recovery.tornBytes > 0)
  await again.close()
})

t.test('a tear is reported as a tear, whatever an earlier life has lost', async t => {
  const disk = await killedQueue('retry', { durability: 'os', bootId: 'first' })
  damage.zeroBlock(disk, segmentOf(disk, 'messages'), SEGMENT_HEADER_BYTES, ALL)
  const { store, process } = await openOn(disk, { bootId: 'second' })
  t.match(store.recovery, { messages: 0, corrupt: [], lost: { unsettled: 6 } })
  await enqueueOne(store, { id: 'unfinished' })
  process.kill()
  const killed = disk.settled()
  damage.flipBit(killed, segmentOf(killed, 'messages'), SEGMENT_HEADER_BYTES * 8)
  const { store: again } = await openOn(killed, { bootId: 'third', onCorruption: 'refuse' })
  t.match(again.recovery, { messages: 0, corrupt: [] })
  t.ok(again.recovery.tornBytes > 0)
  await again.close()
})

t.test('an attempt that outlives its message through a compaction reports no loss', async t => {
  const disk = new RecordingDisk()
  const { store } = await openOn(disk, { segmentBytes: 4096, liveRatio: 1 })
  const ids = Array.from({ length: 60 }, (_, i) => `m${i}`)
  for (const id of ids) await store.enqueue([message({ id, payload: 'x'.repeat(200) })], REJECT)
  for (const [i, id] of ids.entries()) {
    const { ref } = (await store.find(id)) as { ref: never }
    await store.record(ref, outcomeOf('attempt')).written
    if (i % 5 !== 0) await store.record(ref, outcomeOf('delivered')).written
  }
  await store.syncOutcomes()
  await store.compact()
  await store.close()
  for (const onCorruption of ['refuse', 'quarantine'] as const) {
    const { store: again } = await openOn(disk, { onCorruption, segmentBytes: 4096 })
    t.match(again.recovery, { corrupt: [], lost: { unsettled: 0, settled: 0 } })
    t.equal(again.recovery.inDoubt, 12)
    await again.close()
  }
})

for (const durability of ['os', { syncEveryMs: 60_000 }] as const) {
  const name = JSON.stringify(durability)
  t.test(
    `after a power loss with durability ${name} messages are reported lost and nothing corrupt`,
    async t => {
      const disk = await killedQueue('retry', { durability, bootId: 'first' })
      const path = segmentOf(disk, 'messages')
      damage.truncateFile(disk, path, frameEnds(disk, path)[2]!)
      const { store } = await openOn(disk.clone(), { durability, bootId: 'second', onCorruption: 'refuse' })
      t.match(store.recovery, { messages: 3, corrupt: [], lost: { unsettled: 3, settled: 0 } })
      await store.close()
      t.comment('in the same boot the page cache had them')
      await refuses(t, disk, { durability, bootId: 'first' })
      t.comment('the header was synced')
      const headless = disk.clone()
      damage.zeroBlock(headless, path, 0, SEGMENT_HEADER_BYTES)
      await refuses(t, headless, { durability, bootId: 'second' })
    },
  )
}

t.test(
  'with a relaxed durability a lost message that an ended life had synced is reported as corruption',
  async t => {
    const disk = new RecordingDisk()
    const options: Options = { durability: 'os', bootId: 'first', segmentBytes: 4096 }
    const { store, process } = await openOn(disk, options)
    for (let i = 0; i < 60; i += 1) {
      const ref = await enqueueOne(store, { payload: 'x'.repeat(200) })
      await store.record(ref, outcomeOf('attempt')).written
    }
    await store.syncOutcomes()
    process.kill()
    const killed = disk.settled()
    damage.zeroBlock(killed, killed.files(`${ROOT}/messages`)[0]!, SEGMENT_HEADER_BYTES, ALL)
    await refuses(t, killed, { ...options, bootId: 'second' })
  },
)

t.test('with a relaxed durability a lost message in a sealed segment is reported as corruption', async t => {
  const disk = new RecordingDisk()
  const options: Options = { durability: 'os', bootId: 'first', segmentBytes: 4096 }
  const { store, process } = await openOn(disk, options)
  const held = new Promise<void>(() => {})
  // No manifest has the length of the first segment: the one that is to tell it never becomes durable.
  process.gate = ({ kind, path }) =>
    kind === 'rename' && path.includes('/manifests/') && isFollowed() ? held : undefined
  const isFollowed = (): boolean => segmentsWithFrames(disk, 'messages').length > 1
  while (!isFollowed()) {
    const ref = await enqueueOne(store, { payload: 'x'.repeat(200) })
    await store.record(ref, outcomeOf('attempt')).written
  }
  await store.syncOutcomes()
  process.kill()
  const killed = disk.settled()
  const [first] = segmentsWithFrames(killed, 'messages')
  const ends = frameEnds(killed, first!)
  damage.zeroBlock(killed, first!, ends.at(-2)!, ends.at(-1)! - ends.at(-2)!)
  await refuses(t, killed, { ...options, bootId: 'second' })
  const { store: again } = await openOn(killed, { ...options, bootId: 'second' })
  t.match(again.recovery.lost, { unsettled: 1 })
  t.equal(again.recovery.corrupt.length, 1)
  await again.close()
})

const ackDamages: Readonly<Record<string, (disk: RecordingDisk, path: string) => void>> = {
  zeroed: (disk, path) => damage.zeroBlock(disk, path, 0, ALL),
  emptied: (disk, path) => damage.truncateFile(disk, path, 0),
  'cut inside its header': (disk, path) => damage.truncateFile(disk, path, 17),
  removed: (disk, path) => damage.removeFile(disk, path),
}

for (const [what, apply] of Object.entries(ackDamages)) {
  t.test(
    `with an ack segment ${what}, delivered messages that come back are in doubt, also after another crash`,
    async t => {
      const disk = await killedQueue('delivered')
      apply(disk, segmentOf(disk, 'acks'))
      await refuses(t, disk)
      for (const opening of ['first', 'second']) {
        const { store, process } = await openOn(disk)
        t.match(store.recovery, { pending: 0, inDoubt: 6 }, opening)
        t.equal(store.recovery.corrupt.length, opening === 'first' ? 1 : 0)
        for (const ref of store.live()) t.ok(store.mayHaveBeenSent(ref))
        const fresh = await enqueueOne(store)
        t.notOk(store.mayHaveBeenSent(fresh))
        t.equal(store.state(fresh), 'pending')
        await store.record(fresh, outcomeOf('cancelled')).written
        await store.syncOutcomes()
        process.kill()
      }
    },
  )
}

t.test('frames behind an unreadable header of the ack log load, and its end is in doubt', async t => {
  const disk = await killedQueue('retry')
  const path = segmentOf(disk, 'acks')
  const end = frameEnds(disk, path).at(-1)
  damage.zeroBlock(disk, path, 0, SEGMENT_HEADER_BYTES)
  const { store, process } = await openOn(disk)
  t.match(store.recovery.corrupt, [
    { offset: 0, length: SEGMENT_HEADER_BYTES },
    { offset: end, firstMissing: 13 },
  ])
  t.match(store.recovery, { inDoubt: 6, pending: 0 })
  for (const ref of store.live()) t.equal(store.attempts(ref), 1, 'what is known of them is kept')
  process.kill()
  const { store: again } = await openOn(disk)
  t.match(again.recovery, { inDoubt: 6, pending: 0, corrupt: [] }, 'nor is it forgotten')
  await again.close()
})

t.test('lost messages without an outcome are reported where the manifest has them as synced', async t => {
  const disk = new RecordingDisk()
  const { store, process } = await openOn(disk)
  const refs = []
  for (let i = 0; i < 5; i += 1) refs.push(await enqueueOne(store))
  // The first outcome needs a segment, and with it a manifest.
  await store.record(refs[0]!, outcomeOf('attempt')).written
  await store.syncOutcomes()
  process.kill()
  const path = segmentOf(disk, 'messages')
  damage.truncateFile(disk, path, frameEnds(disk, path)[1]!)
  await refuses(t, disk)
  const { store: again } = await openOn(disk)
  t.match(again.recovery, { messages: 2, lost: { unsettled: 0 } })
  t.match(again.recovery.corrupt, [{ firstMissing: 3 }])
  await again.close()
})

t.test('a removed manifest is reported as damage, and no loss of messages is inferred', async t => {
  const disk = await killedQueue()
  for (const path of disk.files(`${ROOT}/manifests`)) damage.removeFile(disk, path)
  await refuses(t, disk)
  const { store } = await openOn(disk)
  t.match(store.recovery, { messages: 6, lost: { unsettled: 0, settled: 0 } })
  t.ok(store.recovery.corrupt.length > 0)
  await store.close()
})
