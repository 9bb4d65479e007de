import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { SegmentedLog, type SegmentedLogOptions } from '../../lib/log/segmented-log.js'
import { DiskProcess } from '../../lib/testing/disk/disk-process.js'
import { environmentOf } from '../../lib/testing/disk/environment.js'
import { RecordingDisk } from '../../lib/testing/disk/recording-disk.js'
import * as damage from '../fixtures/disk/damage.js'

const open = (disk: RecordingDisk, options: SegmentedLogOptions = {}) =>
  SegmentedLog.open('/journal', { environment: environmentOf(new DiskProcess(disk)), ...options })

const afterPowerLoss = (disk: RecordingDisk) =>
  disk.afterPowerLoss(disk.pending().map(() => ({ kind: 'absent' })))

async function texts(log: SegmentedLog, from?: number): Promise<string[]> {
  const found: string[] = []
  for await (const { sequence, data } of log.read(from === undefined ? {} : { from }))
    found.push(`${sequence} ${data}`)
  return found
}

t.test('appended records are read back in order from a real disk', async t => {
  const directory = join(fs.mkdtempSync(join(os.tmpdir(), 'waq-log-')), 'journal')
  t.teardown(() => fs.rmSync(join(directory, '..'), { recursive: true, force: true }))
  {
    await using log = await SegmentedLog.open(directory, { segmentBytes: 4096 })
    t.equal(log.directory, fs.realpathSync(directory))
    t.same([log.firstSequence, log.nextSequence], [1, 1])
    t.equal(await log.append(Buffer.from('one')), 1)
    t.equal(await log.append([Buffer.from('two'), new Uint8Array([0x33])]), 2)
    await Promise.all(Array.from({ length: 300 }, (_, i) => log.append(Buffer.from(`m${i}`))))
    await t.rejects(SegmentedLog.open(directory, { lock: { waitMs: 0 } }), { code: 'WAQ_LOCKED' })
  }
  const log = await SegmentedLog.open(directory)
  t.same((await texts(log)).slice(0, 4), ['1 one', '2 two', '3 3', '4 m0'])
  t.same(await texts(log, 303), ['303 m299'])
  t.same([log.firstSequence, log.nextSequence], [1, 304])
  t.same(log.corrupt, [])
  await log.close()
})

t.test('an append that resolved survives a power loss', async t => {
  const disk = new RecordingDisk()
  const log = await open(disk)
  await log.append(Buffer.from('one'))
  await log.append([Buffer.from('two'), Buffer.from('three')])
  t.same(await texts(await open(afterPowerLoss(disk))), ['1 one', '2 two', '3 three'])
})

t.test('a caller may reuse its buffers as soon as append() returned', async t => {
  const log = await open(new RecordingDisk())
  const buffer = Buffer.from('one')
  const appended = log.append(buffer)
  buffer.fill('x')
  await appended
  t.same(await texts(log), ['1 one'])
})

t.test('the next sequence never goes back, even after every record was discarded', async t => {
  let disk = new RecordingDisk()
  let log = await open(disk, { segmentBytes: 4096 })
  for (let i = 0; i < 40; i++) await log.append(Buffer.alloc(200, 'x'))
  await log.discardBefore(log.nextSequence)
  t.same(await texts(log), [])
  t.same([log.firstSequence, log.nextSequence], [41, 41])
  await log.close()
  for (let i = 0; i < 3; i++) {
    disk = afterPowerLoss(disk)
    log = await open(disk)
    t.same([log.firstSequence, log.nextSequence], [41, 41])
    t.same(await texts(log), [])
    await log.close()
  }
  t.equal(await (await open(disk)).append(Buffer.from('next')), 41)
})

t.test('a low-water mark survives a reopening, also inside a segment', async t => {
  const disk = new RecordingDisk()
  const log = await open(disk)
  for (const text of ['one', 'two', 'three']) await log.append(Buffer.from(text))
  t.equal(await log.discardBefore(3), 0, 'no segment holds nothing else')
  t.same(await texts(log), ['3 three'])
  t.equal(log.firstSequence, 3)
  t.same(await texts(await open(afterPowerLoss(disk))), ['3 three'])
  t.equal(await log.discardBefore(1), 0, 'it never falls')
  t.same(await texts(await open(afterPowerLoss(disk))), ['3 three'])
})

t.test('segments below the low-water mark are removed', async t => {
  const disk = new RecordingDisk()
  const log = await open(disk, { segmentBytes: 4096 })
  for (let i = 0; i < 100; i++) {
    await log.append(Buffer.alloc(200, 'x'))
    await new Promise(resolve => setImmediate(resolve))
  }
  const before = log.segments().length
  t.ok(before > 2)
  const removed = await log.discardBefore(60)
  t.equal(log.segments().length, before - removed)
  t.ok(removed > 0)
  t.ok(log.segments()[0]!.lastSequence >= 60)
  t.equal((await texts(log)).length, 41)
})

t.test('a reader sees the records that are appended while it reads', async t => {
  const log = await open(new RecordingDisk())
  await log.append(Buffer.from('one'))
  const found: string[] = []
  for await (const { data } of log.read()) {
    found.push(String(data))
    if (found.length < 3) await log.append(Buffer.from(`m${found.length}`))
  }
  t.same(found, ['one', 'm1', 'm2'])
})

t.test('a damaged log reports the damage and yields the healthy records', async t => {
  const disk = new RecordingDisk()
  const log = await open(disk)
  for (const text of ['one', 'two', 'three']) await log.append(Buffer.from(text))
  await log.close()
  const settled = disk.settled()
  const [path] = settled.files('/journal/records')
  damage.flipBit(settled, path!, (64 + 31 + 28) * 8)
  const again = await open(settled)
  t.same(await texts(again), ['1 one', '3 three'])
  t.match(again.corrupt, [{ offset: 95, length: 31, firstMissing: 2, lastMissing: 2 }])
  await again.close()
  await t.rejects(
    open(
      (() => {
        damage.flipBit(settled, path!, (64 + 28) * 8)
        return settled
      })(),
      { onCorruption: 'refuse' },
    ),
    { code: 'WAQ_CORRUPT' },
  )
})

t.test('with a relaxed durability an append is accepted without a sync, and close() syncs', async t => {
  for (const durability of ['os', { syncEveryMs: 60_000 }] as const) {
    const disk = new RecordingDisk()
    const process = new DiskProcess(disk)
    const log = await SegmentedLog.open('/journal', { durability, environment: environmentOf(process) })
    await log.append(Buffer.from('warm'))
    const syncs = process.counts.sync!
    for (let i = 0; i < 10; i++) await log.append(Buffer.from(`m${i}`))
    t.equal(process.counts.sync, syncs)
    t.equal((await texts(await open(disk.clone()))).length, 11, 'a killed process loses nothing')
    await log.close()
    t.equal((await texts(await open(afterPowerLoss(disk)))).length, 11)
  }
})

t.test('with syncEveryMs an append is on the device without a further call', async t => {
  const disk = new RecordingDisk()
  const log = await open(disk, { durability: { syncEveryMs: 1 } })
  await log.append(Buffer.from('one'))
  while ((await texts(await open(afterPowerLoss(disk)))).length === 0) {
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  await log.append(Buffer.from('two'))
  while ((await texts(await open(afterPowerLoss(disk)))).length === 1) {
    await new Promise(resolve => setTimeout(resolve, 1))
  }
  t.same(await texts(await open(afterPowerLoss(disk))), ['1 one', '2 two'], 'by itself, and again')
  await log.close()
})

t.test('a list of which a power loss took a part is dropped whole', async t => {
  const disk = new RecordingDisk()
  const log = await open(disk, { durability: 'os' })
  await log.append(Buffer.from('one'))
  await log.append([Buffer.alloc(600, 'a'), Buffer.alloc(600, 'b'), Buffer.alloc(600, 'c')])
  const last = disk.pending().length - 1
  const whole = disk.pending().map(() => ({ kind: 'whole' }) as const)
  for (let mask = 0; mask < 16; mask++) {
    const fates = whole.map((fate, i) => (i === last ? ({ kind: 'sectors', mask } as const) : fate))
    const found = (await texts(await open(disk.afterPowerLoss(fates)))).length
    t.ok(found === 1 || found === 4, `sectors ${mask}: ${found}`)
  }
})

t.test('an invalid record is refused before anything is written', async t => {
  const log = await open(new RecordingDisk())
  for (const bad of ['text', 7, undefined, null, [], [Buffer.from('x'), 'y'], {}, new ArrayBuffer(3)])
    await t.rejects(log.append(bad as never), { code: 'WAQ_INVALID_MESSAGE' }, String(bad))
  t.equal(await log.append(Buffer.alloc(0)), 1, 'an empty record is one')
  await t.rejects(texts(log, Number.NaN), { code: 'WAQ_INVALID_OPTION' })
  for (const bad of [-1, 1.5, Number.NaN, '3', undefined])
    await t.rejects(log.discardBefore(bad as never), { code: 'WAQ_INVALID_OPTION' }, String(bad))
})

t.test('options of a log out of bounds are refused, quoting the given value', async t => {
  const disk = new RecordingDisk()
  for (const segmentBytes of [0, 4095, 2 ** 31, 4096.5, '4096'])
    await t.rejects(open(disk, { segmentBytes: segmentBytes as never }), {
      code: 'WAQ_INVALID_OPTION',
      message: new RegExp(`got ${segmentBytes}`),
    })
  for (const durability of ['none', {}, { syncEveryMs: 0 }, { syncEveryMs: 70_000 }, null, 5])
    await t.rejects(open(disk, { durability: durability as never }), { code: 'WAQ_INVALID_OPTION' })
  for (const [options, message] of [
    [null, /options must be an object, got null/],
    [7, /options must be an object, got 7/],
    [{ segmentByte: 4096 }, /options has no property "segmentByte"/],
    [{ onCorruption: 'ignore' }, /onCorruption must be .* got ignore/],
    [{ lock: 5 }, /lock must be an object, got 5/],
    [{ lock: { stale: 5000 } }, /lock has no property "stale"/],
    [{ lock: { staleMs: 1999 } }, /lock\.staleMs must be .* got 1999/],
    [{ lock: { waitMs: -1 } }, /lock\.waitMs must be .* got -1/],
    [{ lock: { waitMs: 2 ** 31 } }, /lock\.waitMs must be .* got 2147483648/],
    [{ allowNetworkFileSystem: 'yes' }, /allowNetworkFileSystem must be true or false, got yes/],
    [{ commits: 'spot' }, /commits must be 'auto' or 'thread', got spot/],
  ] as const)
    await t.rejects(SegmentedLog.open('/journal', options as never), { code: 'WAQ_INVALID_OPTION', message })
  await t.rejects(SegmentedLog.open(7 as never), {
    code: 'WAQ_INVALID_OPTION',
    message: /must be a path, got 7/,
  })
  t.same(disk.files(), [], 'nothing was made')
})

t.test('a closed log says that it is closed, writes nothing and opens no file', async t => {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk)
  const log = await SegmentedLog.open('/journal', { environment: environmentOf(process) })
  await log.append(Buffer.from('one'))
  await log.close()
  await log.close()
  const files = disk.files()
  const { open: opened } = process.counts
  await t.rejects(log.append(Buffer.from('two')), { code: 'WAQ_CLOSED' })
  await t.rejects(texts(log), { code: 'WAQ_CLOSED' })
  await t.rejects(log.discardBefore(2), { code: 'WAQ_CLOSED' })
  t.same(disk.files(), files)
  t.equal(process.counts.open, opened)
})

t.test('records that were discarded while they were written are not read', async t => {
  const log = await open(new RecordingDisk())
  const appending = log.append(Buffer.from('one'))
  await log.discardBefore(2)
  t.equal(await appending, 1)
  await log.append(Buffer.from('two'))
  t.same(await texts(log), ['2 two'])
  t.equal(log.firstSequence, 2)
})
