/** No one can tell which of two manifests a power loss would leave in force: nothing is answered until one is durable. */
import t from 'tap'
import type { Durability } from '../../../lib/log/types.js'
import { DiskProcess } from '../../../lib/testing/disk/disk-process.js'
import { RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'
import { append, openLogs } from '../fixtures/logs.js'

/** An opened set whose rotation has just published a manifest whose directory could not be synced. */
async function undecided(durability: Durability) {
  let failing = false
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk, {
    fault: ({ kind, path }) =>
      failing && kind === 'syncDirectory' && path.endsWith('/manifests') ? { code: 'EIO' } : undefined,
  })
  const { set } = await openLogs(process, { durability, segmentBytes: 4096 })
  await append(set, 'acks', 'before')
  await append(set, 'messages', 'first')
  failing = true
  // More than half of the segment: the next one is made ahead, and listed.
  await append(set, 'messages', 'x'.repeat(2500))
  await new Promise(resolve => setImmediate(resolve))
  return {
    set,
    heal: () => {
      failing = false
    },
  }
}

for (const durability of ['fsync', 'os'] as const) {
  t.test(`with durability ${durability} no message is accepted while a manifest is undecided`, async t => {
    const { set, heal } = await undecided(durability)
    await t.rejects(append(set, 'messages', 'meanwhile'), { code: 'WAQ_IO', indeterminate: true })
    heal()
    await set.close()
  })
}

t.test('no outcome counts as written while a manifest is undecided', async t => {
  const { set, heal } = await undecided('fsync')
  let written = false
  const appending = append(set, 'acks', 'an attempt').then(() => {
    written = true
  })
  for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
  t.equal(written, false)
  heal()
  // Its own next try has a timer that keeps no process alive.
  await set.close()
  await appending
})

t.test('sync() rejects while a manifest is undecided', async t => {
  const { set, heal } = await undecided('fsync')
  await t.rejects(set.log('acks').sync(), { code: 'WAQ_IO' })
  heal()
  await set.log('acks').sync()
  await set.close()
})
