import t from 'tap'
import { SEGMENT_HEADER_BYTES } from '../../../lib/log/format/format.js'
import type { FileHandle } from '../../../lib/log/fs/file-system.js'
import { ActiveSegment, Segment } from '../../../lib/log/segment/segment.js'
import { Device } from '../../../lib/log/sync/device.js'
import { SyncMeter } from '../../../lib/log/sync/sync-meter.js'

/** A file whose syncs end when the test says so. */
function stage() {
  const syncs: { succeed: () => void; fail: () => void }[] = []
  const calls: string[] = []
  const file = {
    sync: () => {
      calls.push('sync')
      return new Promise<void>((resolve, reject) => {
        syncs.push({ succeed: resolve, fail: () => reject(new Error('the device says no')) })
      })
    },
    close: async () => {
      calls.push('close')
    },
  } as unknown as FileHandle
  const segment = new Segment({
    log: 'messages',
    epoch: 1,
    token: 'a'.repeat(16),
    ordinal: 2,
    salt: Buffer.alloc(8),
    firstSequence: 1,
    lastSequence: 0,
    length: undefined,
    diskBytes: SEGMENT_HEADER_BYTES,
    compacted: false,
  })
  return {
    active: new ActiveSegment(segment, file, 4096, { device: new Device(), syncMeter: new SyncMeter() }),
    segment,
    syncs,
    calls,
  }
}

const turn = () => new Promise(resolve => setImmediate(resolve))

t.test('after a failed sync its segment is not synced again, and every later sync rejects', async t => {
  const { active, segment, syncs, calls } = stage()
  active.advance(100, 1, 4)
  const first = active.sync()
  syncs[0]!.fail()
  await t.rejects(first, { code: 'WAQ_IO' })
  active.advance(100, 5, 8)
  const second = active.sync()
  syncs[1]?.succeed()
  await t.rejects(second, { code: 'WAQ_IO' })
  t.same(calls, ['sync'])
  t.equal(segment.synced, SEGMENT_HEADER_BYTES)
})

t.test('a sync covers what was written before it began', async t => {
  const { active, segment, syncs } = stage()
  active.advance(100, 1, 4)
  const first = active.sync()
  active.advance(50, 5, 6)
  syncs[0]!.succeed()
  await first
  t.equal(segment.synced, SEGMENT_HEADER_BYTES + 100)
})

t.test(
  'a segment has one sync in flight, and a caller that comes meanwhile waits for the next one',
  async t => {
    const { active, segment, syncs } = stage()
    active.advance(100, 1, 4)
    const first = active.sync()
    active.advance(50, 5, 6)
    const second = active.sync()
    await turn()
    t.equal(syncs.length, 1)
    syncs[0]!.succeed()
    await first
    await turn()
    t.equal(syncs.length, 2)
    syncs[1]!.succeed()
    await second
    t.equal(segment.synced, SEGMENT_HEADER_BYTES + 150)
  },
)

t.test('a sync that ends after its segment was sealed proves no byte behind the seal', async t => {
  const { active, segment, syncs } = stage()
  active.advance(100, 1, 4)
  const syncing = active.sync()
  segment.seal()
  syncs[0]!.succeed()
  await t.rejects(syncing, { code: 'WAQ_IO', message: /ended before it was synced/ })
  t.equal(segment.length, SEGMENT_HEADER_BYTES)
  t.equal(segment.synced, SEGMENT_HEADER_BYTES)
})

t.test(
  'a manifest lists no sequence of a segment that no sync covered, whether the segment is open or ended',
  async t => {
    const { active, segment, syncs } = stage()
    active.advance(100, 7, 9)
    t.match(segment.toManifest(), { firstSequence: 7, lastSequence: 6, length: undefined }, 'none is synced')
    const first = active.sync()
    active.advance(50, 10, 12)
    syncs[0]!.succeed()
    await first
    t.match(segment.toManifest(), { firstSequence: 7, lastSequence: 9, length: undefined })
    t.equal(segment.lastSequence, 12)
    segment.seal()
    t.match(segment.toManifest(), { lastSequence: 9, length: SEGMENT_HEADER_BYTES + 100 })
    t.equal(segment.lastSequence, 9, 'the others are written again elsewhere')
  },
)

t.test('the file of a segment is not closed while its sync runs', async t => {
  const { active, syncs, calls } = stage()
  active.advance(100, 1, 4)
  const syncing = active.sync()
  const closing = active.close()
  await turn()
  t.same(calls, ['sync'])
  syncs[0]!.succeed()
  await syncing
  await closing
  t.same(calls, ['sync', 'close'])
})

t.test('a frame whose sequence does not rise contradicts its segment and is not counted', async t => {
  const { active, segment } = stage()
  active.advance(100, 1, 4)
  t.throws(() => active.advance(100, 4, 5), /invariant of waq does not hold: .* gets 4 behind 4/)
  t.equal(segment.written, SEGMENT_HEADER_BYTES + 100)
})

t.test('a sync beyond the written bytes contradicts its segment', async t => {
  const { active, segment } = stage()
  active.advance(100, 1, 4)
  t.throws(
    () => segment.syncedTo(SEGMENT_HEADER_BYTES + 101, 4),
    /invariant of waq does not hold: .* is synced to/,
  )
})
