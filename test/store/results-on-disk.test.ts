/** Where results go on a disk: beside their outcomes, whatever is copied, and whatever fails. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { LogStore } from '../../lib/store/log-store.js'
import { encodeResult } from '../../lib/store/record/result.js'
import { DiskProcess, type Operation } from '../../lib/testing/disk/disk-process.js'
import { RecordingDisk } from '../../lib/testing/disk/recording-disk.js'
import { contentsOf, openDiskStore } from './fixtures/disk-store.js'
import { enqueueOne, outcomeOf } from './fixtures/messages.js'

async function deliver(store: LogStore, id: string, bytes: number): Promise<void> {
  const ref = await enqueueOne(store, { id })
  const result = encodeResult({ of: id, text: 'r'.repeat(bytes) }, 4096)
  await store.record(ref, { ...outcomeOf('delivered'), result }).written
}

async function resultOf(store: LogStore, id: string): Promise<unknown> {
  const found = await store.find(id)
  if (found === undefined || !('settled' in found)) return 'not settled'
  const result = (await store.result(found.settled))?.value as { of: string } | undefined
  return result?.of
}

t.test(
  'a rewrite keeps a result with its outcome in one segment, though both are larger than one',
  async t => {
    const disk = new RecordingDisk()
    const { store } = await openDiskStore(disk)
    const ids = Array.from({ length: 12 }, (_, i) => `m${i}`)
    // The smallest ack segments have 4,096 bytes.
    for (const [i, id] of ids.entries()) await deliver(store, id, i % 3 === 0 ? 4_000 : 700)
    await store.compact()
    for (const id of ids) t.equal(await resultOf(store, id), id)
    await store.close()
    const { store: next } = await openDiskStore(disk)
    for (const id of ids) t.equal(await resultOf(next, id), id, 'after a restart')
    await next.compact()
    for (const id of ids) t.equal(await resultOf(next, id), id, 'after another rewrite')
    await next.close()
  },
)

/** A store whose ack segment fails at its first sync; nothing of it is left then. */
async function withFailedSync(
  disk: RecordingDisk,
  fill: (store: LogStore) => Promise<void>,
): Promise<LogStore> {
  let fails = false
  const fault = ({ kind, path }: Operation) =>
    fails && kind === 'sync' && path.includes('/acks/') ? { code: 'EIO' } : undefined
  const { store } = await openDiskStore(disk, { ackSyncMs: 60_000 }, new DiskProcess(disk, { fault }))
  store.onError(() => {})
  await fill(store)
  fails = true
  await store.syncOutcomes().catch(() => {})
  fails = false
  const isSynced = (): Promise<boolean> =>
    store.syncOutcomes().then(
      () => true,
      () => false,
    )
  // It tries again by itself, soon.
  while (!(await isSynced())) await sleep(5)
  return store
}

t.test('a result that was written again after a failed sync is read where it stands now', async t => {
  const disk = new RecordingDisk()
  const store = await withFailedSync(disk, async failing => {
    for (const id of ['a', 'b']) await deliver(failing, id, 100)
  })
  for (const id of ['a', 'b']) t.equal(await resultOf(store, id), id)
  await deliver(store, 'c', 100)
  await store.compact()
  for (const id of ['a', 'b', 'c']) t.equal(await resultOf(store, id), id, 'after a compaction')
  await store.close()
  const { store: next } = await openDiskStore(disk)
  for (const id of ['a', 'b', 'c']) t.equal(await resultOf(next, id), id, 'after a restart')
  await next.compact()
  for (const id of ['a', 'b', 'c']) t.equal(await resultOf(next, id), id, 'after a rewrite')
  await next.close()
})

t.test('outcomes that were written again after a failed sync outlast a compaction', async t => {
  const disk = new RecordingDisk()
  const store = await withFailedSync(disk, async failing => {
    const settled = await enqueueOne(failing, { id: 'settled' })
    await failing.record(settled, outcomeOf('delivered')).written
    const dead = await enqueueOne(failing, { id: 'dead', payload: 'hi' })
    await failing.record(dead, outcomeOf('dead')).written
  })
  await store.compact()
  await store.close()
  const { store: next } = await openDiskStore(disk)
  t.strictSame(await contentsOf(next, ['settled', 'dead']), ['2 dead dead 1 0 2 4', 'settled was delivered'])
  await next.close()
})

t.test('a power loss takes a result with its outcome, and what the next attempt returned counts', async t => {
  const disk = new RecordingDisk()
  const { store } = await openDiskStore(disk, { ackSyncMs: 60_000 })
  await deliver(store, 'a', 10)
  await store.syncOutcomes()
  await deliver(store, 'b', 10)
  const lost = disk.pending().map(() => ({ kind: 'absent' }) as const)
  t.ok(lost.length > 0)
  const { store: next } = await openDiskStore(disk.afterPowerLoss(lost))
  t.equal(await resultOf(next, 'a'), 'a')
  t.equal(await resultOf(next, 'b'), 'not settled')
  const [ref] = [...next.live()]
  await next.record(ref!, { ...outcomeOf('delivered'), result: encodeResult({ of: 'again' }, 4096) }).written
  t.equal(await resultOf(next, 'b'), 'again')
  await next.close()
})
