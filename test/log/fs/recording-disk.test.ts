import t from 'tap'
import { DiskProcess } from '../../../lib/testing/disk/disk-process.js'
import { type Fate, RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'

// The rules at the head of recording-disk.ts, one by one: a proof is worth what its disk is worth.

const NONE: Fate = { kind: 'absent' }
const WHOLE: Fate = { kind: 'whole' }

/** Every combination of absent and whole, as what a path then holds (undefined: no such file). */
function states(disk: RecordingDisk, path: string): (string | undefined)[] {
  const count = disk.pending().length
  const found: (string | undefined)[] = []
  for (let subset = 0; subset < 2 ** count; subset++) {
    found.push(contentOf(disk.afterPowerLoss(fates(subset, count)), path))
  }
  return found
}

function fates(subset: number, count: number): Fate[] {
  return Array.from({ length: count }, (_, i) => ((subset >> i) & 1 ? WHOLE : NONE))
}

function contentOf(disk: RecordingDisk, path: string): string | undefined {
  const node = disk.find(path)
  return node?.kind === 'file' ? node.live.bytes().toString('latin1') : undefined
}

async function diskWithFile(content: string, fault?: () => boolean) {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk, {
    fault: ({ kind }) => (/sync/.test(kind) && fault?.() ? { code: 'EIO' } : undefined),
  })
  const file = await process.create('/f')
  file.writeSync(Buffer.from(content), 0, content.length, 0)
  return { disk, process, file }
}

t.test('a write is live at once, and durable after a sync of its file', async t => {
  const { disk, process, file } = await diskWithFile('one')
  await process.syncDirectory('/')
  t.equal(contentOf(disk, '/f'), 'one')
  t.same(states(disk, '/f'), ['', 'one'])
  await file.sync()
  t.same(states(disk, '/f'), ['one'])
  file.writeSync(Buffer.from('two'), 0, 3, 3)
  t.same(states(disk, '/f'), ['one', 'onetwo'])
})

t.test('pending writes survive a power loss independently of each other', async t => {
  const { disk, process, file } = await diskWithFile('....')
  await process.syncDirectory('/')
  await file.sync()
  file.writeSync(Buffer.from('a'), 0, 1, 0)
  file.writeSync(Buffer.from('b'), 0, 1, 1)
  t.same(states(disk, '/f').sort(), ['....', '.b..', 'a...', 'ab..'])
})

t.test('a write cut by a power loss may leave a prefix, zeros, garbage or some of its sectors', async t => {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk)
  const file = await process.create('/f')
  await process.syncDirectory('/')
  file.writeSync(Buffer.alloc(1200, 'x'), 0, 1200, 300)
  const of = (fate: Fate) => contentOf(disk.afterPowerLoss([fate]), '/f')!
  t.equal(of({ kind: 'prefix', bytes: 10 }), '\0'.repeat(300) + 'x'.repeat(10))
  t.equal(of({ kind: 'zeroed' }), '\0'.repeat(1500))
  const garbage = of({ kind: 'garbage', seed: 7 })
  t.equal(garbage.length, 1500)
  t.equal(garbage.slice(0, 300), '\0'.repeat(300))
  t.not(garbage, of({ kind: 'garbage', seed: 9 }))
  t.equal(
    of({ kind: 'sectors', mask: 0b101 }),
    '\0'.repeat(300) + 'x'.repeat(212) + '\0'.repeat(512) + 'x'.repeat(476),
    'sectors are those of the file',
  )
  t.equal(of({ kind: 'sectors', mask: 0 }), '\0'.repeat(1500))
})

t.test('a sync covers the writes before its call, not those during it', async t => {
  const { disk, process, file } = await diskWithFile('one')
  await process.syncDirectory('/')
  const syncing = file.sync()
  await Promise.resolve()
  await Promise.resolve()
  file.writeSync(Buffer.from('two'), 0, 3, 3)
  await syncing
  t.ok(states(disk, '/f').includes('one'))
})

t.test('a name is durable after a sync of its directory, not of its file', async t => {
  const { disk, process, file } = await diskWithFile('one')
  await file.sync()
  t.same(states(disk, '/f'), [undefined, 'one'])
  await process.syncDirectory('/')
  t.same(states(disk, '/f'), ['one'])
  await process.unlink('/f')
  t.same(states(disk, '/f'), ['one', undefined])
})

t.test('a rename is atomic on the recording disk', async t => {
  const { disk, process, file } = await diskWithFile('one')
  await file.sync()
  await process.syncDirectory('/')
  await process.rename('/f', '/g')
  const seen = [0, 1].map(subset => {
    const after = disk.afterPowerLoss(fates(subset, 1))
    return [contentOf(after, '/f'), contentOf(after, '/g')]
  })
  t.same(seen, [
    ['one', undefined],
    [undefined, 'one'],
  ])
})

t.test('files under a directory whose name was lost are lost', async t => {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk)
  await process.mkdir('/d')
  const file = await process.create('/d/f')
  await file.sync()
  await process.syncDirectory('/d')
  t.same(states(disk, '/d/f'), [undefined, ''])
  await process.syncDirectory('/')
  t.same(states(disk, '/d/f'), [''])
})

t.test('a sync after a failed one does not make the earlier pending writes durable', async t => {
  let sick = true
  const { disk, process, file } = await diskWithFile('one', () => sick)
  await t.rejects(file.sync(), { code: 'EIO' })
  await t.rejects(process.syncDirectory('/'), { code: 'EIO' })
  sick = false
  file.writeSync(Buffer.from('two'), 0, 3, 3)
  await file.sync()
  await process.syncDirectory('/')
  t.same([...new Set(states(disk, '/f'))], [undefined, '\0\0\0two', 'onetwo'])
  t.equal(contentOf(disk, '/f'), 'onetwo', 'while every process still reads it')
})

t.test('the end of a process leaves its writes live and pending', async t => {
  const { disk } = await diskWithFile('one')
  const after = disk.clone()
  t.equal(contentOf(after, '/f'), 'one')
  t.equal(after.pending().length, 2)
  const again = await new DiskProcess(after).open('/f', 'read-write')
  await again.truncate(1)
  await again.sync()
  t.equal(contentOf(disk, '/f'), 'one', 'the copy is a disk of its own')
  t.same(states(after, '/f'), [undefined, 'o'])
})

t.test('no call of a killed process takes effect or returns', async t => {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk, { killAt: 2 })
  await process.create('/a')
  await process.create('/b')
  let returned = false
  process.create('/c').finally(() => {
    returned = true
  })
  await process.whenKilled
  await new Promise(resolve => setImmediate(resolve))
  t.same(disk.files(), ['/a', '/b'])
  t.equal(returned, false)
})

t.test('a full disk takes the bytes that fit, then none', async t => {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk, { capacityBytes: 10 })
  const file = await process.create('/f')
  t.equal(file.writeSync(Buffer.alloc(8), 0, 8, 0), 8)
  t.equal(file.writeSync(Buffer.alloc(8), 0, 8, 8), 2)
  t.throws(() => file.writeSync(Buffer.alloc(8), 0, 8, 10), { code: 'ENOSPC' })
  t.equal(file.writeSync(Buffer.alloc(8), 0, 8, 0), 8, 'what is there can be overwritten')
  await file.truncate(5)
  t.equal(file.writeSync(Buffer.alloc(8), 0, 8, 5), 5)
})

t.test('two disks with the same bytes have the same digest', async t => {
  const one = await diskWithFile('same')
  const two = await diskWithFile('sa')
  two.file.writeSync(Buffer.from('me'), 0, 2, 2)
  t.equal(one.disk.settled().digest(), two.disk.settled().digest())
  two.file.writeSync(Buffer.from('x'), 0, 1, 4000)
  t.not(one.disk.settled().digest(), two.disk.settled().digest())
})
