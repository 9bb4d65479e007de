/**
 * Compaction on a disk that may lose power, kill the process, fail or run full at every single operation: what the
 * store holds afterwards is what it held before. Everything was on the device when the compaction began, so there is
 * exactly one right answer.
 */
import t from 'tap'
import type { LogStore } from '../../../lib/store/log-store.js'
import type { MessageRef } from '../../../lib/store/message-store.js'
import { encodeResult } from '../../../lib/store/record/result.js'
import { DiskProcess } from '../../../lib/testing/disk/disk-process.js'
import { type Fate, RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'
import { contentsOf, openDiskStore } from '../fixtures/disk-store.js'
import { enqueueOne, outcomeOf } from '../fixtures/messages.js'

/** Messages of which most are settled, in several segments of both logs, with an outcome of every kind that has to stay. */
async function fill(store: LogStore): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < 45; i += 1) {
    const id = `m${i}`
    ids.push(id)
    const ref = await enqueueOne(store, { id, channel: `c${i % 7}`, payload: { text: 'x'.repeat(200 + i) } })
    const { written } = store.record(ref, outcomeOf('attempt'))
    await written
    if (i % 9 === 0) await store.record(ref, outcomeOf('retry')).written
    else if (i % 9 === 1) await store.record(ref, { ...outcomeOf('dead'), haltsChannel: i % 2 === 0 }).written
    else if (i % 9 === 2) await store.record(ref, outcomeOf('rate-limited')).written
    else if (i === 30) {
      await store.record(ref, outcomeOf('dead')).written
      await store.record(ref, outcomeOf('redriven')).written
    } else if (i % 5 === 0) await store.record(ref, outcomeOf('cancelled')).written
    else if (i % 5 === 1) await store.record(ref, outcomeOf('delivered')).written
    else {
      const result = encodeResult({ of: id, text: 'r'.repeat(10 * i) }, 4096)
      await store.record(ref, { ...outcomeOf('delivered'), result }).written
    }
    if (i === 40) await store.recordResumed('c1', 0).written
  }
  await store.syncOutcomes()
  return ids
}

interface Filled {
  readonly disk: RecordingDisk
  readonly ids: readonly string[]
  readonly contents: readonly string[]
}

async function filled(): Promise<Filled> {
  const disk = new RecordingDisk()
  const { store } = await openDiskStore(disk)
  const ids = await fill(store)
  const contents = await contentsOf(store, ids)
  await store.close()
  return { disk: disk.settled(), ids, contents }
}

/** Opened anew, it holds the same; and again after another compaction and an orderly close. */
async function holdsTheSame(disk: RecordingDisk, { ids, contents }: Filled): Promise<boolean> {
  const { store } = await openDiskStore(disk)
  const found = await contentsOf(store, ids)
  await store.close()
  return found.join('\n') === contents.join('\n')
}

/** Fates of what was pending: none came, all came, and some drawn by a seed. */
function someFates(count: number, seed: number): Fate[][] {
  const kinds: Fate[] = [{ kind: 'absent' }, { kind: 'whole' }, { kind: 'zeroed' }, { kind: 'garbage', seed }]
  const drawn = (turn: number): Fate[] =>
    Array.from({ length: count }, (_, i) => kinds[(Math.imul(seed + turn * 31 + i, 2654435761) >>> 9) % 4]!)
  return [
    Array.from({ length: count }, () => kinds[0]!),
    Array.from({ length: count }, () => kinds[1]!),
    drawn(1),
    drawn(2),
  ]
}

t.test('a power loss at any operation of a compaction changes nothing that the store holds', async t => {
  const before = await filled()
  const disk = before.disk.clone()
  const crashes: RecordingDisk[] = []
  let compacting = false
  const process = new DiskProcess(disk, {
    onChange: () => {
      if (compacting) crashes.push(disk.clone())
    },
  })
  const { store } = await openDiskStore(disk, {}, process)
  compacting = true
  const report = await store.compact()
  compacting = false
  t.ok(report.after.segments < report.before.segments, 'it did something')
  t.strictSame(await contentsOf(store, before.ids), before.contents)
  await store.close()
  t.ok(crashes.length > 40, `${crashes.length} operations`)
  let states = 0
  const wrong: string[] = []
  for (const [at, crash] of crashes.entries()) {
    for (const fates of someFates(crash.pending().length, at)) {
      states += 1
      if (!(await holdsTheSame(crash.afterPowerLoss(fates), before))) wrong.push(`operation ${at}`)
    }
  }
  t.comment(`${states} states`)
  t.strictSame(wrong, [])
})

t.test(
  'an outcome recorded while an earlier one is compacted leaves at least one of them after a crash',
  async t => {
    const disk = new RecordingDisk()
    const crashes: RecordingDisk[] = []
    let compacting = false
    let overtake: (() => void) | undefined
    const process = new DiskProcess(disk, {
      onChange: ({ kind, path }) => {
        if (!compacting) return
        if (kind === 'create' && path.startsWith('/queue/acks/')) {
          overtake?.()
          overtake = undefined
        }
        crashes.push(disk.clone())
      },
    })
    const { store } = await openDiskStore(disk, { ackSyncMs: 60_000 }, process)
    const refs: MessageRef[] = []
    for (let i = 0; i < 40; i += 1)
      refs.push(await enqueueOne(store, { channel: `c${i}`, payload: 'x'.repeat(300) }))
    for (const ref of refs) {
      for (let i = 0; i < 3; i += 1) await store.record(ref, outcomeOf('attempt')).written
      await store.record(ref, outcomeOf('dead')).written
    }
    await store.syncOutcomes()
    overtake = () => {
      for (const ref of refs) store.record(ref, outcomeOf('redriven'))
    }
    compacting = true
    await store.compact()
    compacting = false
    t.equal(overtake, undefined)
    await store.close()
    const wrong: string[] = []
    for (const [at, crash] of crashes.entries()) {
      for (const fates of someFates(crash.pending().length, at)) {
        const { store: next } = await openDiskStore(crash.afterPowerLoss(fates))
        for (const ref of next.live()) {
          const state = `${next.state(ref)} ${next.attempts(ref)} ${next.orderKey(ref)}`
          if (state !== 'pending 0 0.5' && !state.startsWith('dead 1 ')) wrong.push(`${at}: ${state}`)
        }
        if ([...next.live()].length !== refs.length) wrong.push(`${at}: messages are missing`)
        await next.close()
      }
    }
    t.strictSame(wrong, [])
  },
)

t.test(
  'a kill at any operation of a compaction changes nothing, and the next compaction goes on',
  async t => {
    const before = await filled()
    const counting = await openDiskStore(before.disk.clone())
    const opened = counting.process.operations
    await counting.store.compact()
    const operations = counting.process.operations
    await counting.store.close()
    const wrong: number[] = []
    for (let killAt = opened; killAt < operations; killAt += 3) {
      const disk = before.disk.clone()
      const { store, process } = await openDiskStore(disk, {}, { killAt })
      store.compact().catch(() => {})
      await process.whenKilled
      const again = disk.clone()
      const { store: next } = await openDiskStore(again)
      await next.compact()
      const found = await contentsOf(next, before.ids)
      await next.close()
      if (found.join('\n') !== before.contents.join('\n') || !(await holdsTheSame(again, before)))
        wrong.push(killAt)
    }
    t.strictSame(wrong, [])
  },
)

for (const code of ['EIO', 'ENOSPC']) {
  t.test(`a compaction that meets ${code} at any operation says so and loses nothing`, async t => {
    const before = await filled()
    const counting = await openDiskStore(before.disk.clone())
    const opened = counting.process.operations
    await counting.store.compact()
    const operations = counting.process.operations
    await counting.store.close()
    const wrong: string[] = []
    let refused = 0
    for (let failAt = opened; failAt < operations; failAt += 1) {
      const disk = before.disk.clone()
      let fails = true
      const process = new DiskProcess(disk, {
        fault: ({ index, kind }) => {
          // That the owner file cannot be seen is a lost lock: another matter.
          if (index !== failAt || !fails || kind === 'inode') return undefined
          if (code === 'ENOSPC' && !['create', 'write', 'rename'].includes(kind)) return undefined
          fails = false
          return { code }
        },
      })
      const { store } = await openDiskStore(disk, {}, process)
      await store.compact().catch(error => {
        refused += 1
        if (!['WAQ_IO', 'WAQ_DISK_FULL', 'WAQ_CORRUPT'].includes(error.code)) wrong.push(`${failAt} ${error}`)
      })
      const found = await contentsOf(store, before.ids)
      if (found.join('\n') !== before.contents.join('\n')) wrong.push(`${failAt}: in this life`)
      await store.compact()
      await store.close()
      if (!(await holdsTheSame(disk.settled(), before))) wrong.push(`${failAt}: in the next life`)
    }
    t.ok(refused > 0, `${refused} compactions failed`)
    t.strictSame(wrong, [])
  })
}

t.test('a compaction that ran out of space leaves no copies behind', async t => {
  const before = await filled()
  const disk = before.disk.clone()
  const { store, process } = await openDiskStore(disk)
  const used = disk.usedBytes()
  // Not even the ballast helps: whatever it gives is taken at once.
  process.capacityBytes = 0
  await t.rejects(store.compact(), { code: 'WAQ_DISK_FULL' })
  const segments = disk.files('/queue/messages').length + disk.files('/queue/acks').length
  process.capacityBytes = Number.POSITIVE_INFINITY
  t.ok(disk.usedBytes() <= used)
  t.equal(segments, before.disk.files('/queue/messages').length + before.disk.files('/queue/acks').length)
  const { after } = await store.compact()
  t.ok(after.segments < segments, 'with space again, it goes on')
  t.strictSame(await contentsOf(store, before.ids), before.contents)
  await store.close()
})
