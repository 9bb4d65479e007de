import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { OutboundQueue } from '../../../lib/index.js'
import { prepareDirectory } from '../../../lib/log/directory/prepare-directory.js'
import { nodeFileSystem } from '../../../lib/log/fs/node-file-system.js'
import { LogReader } from '../../../lib/log/reader/log-reader.js'
import { StoreReader } from '../../../lib/store/reader/store-reader.js'
import { verifyStore } from '../../../lib/store/reader/verify.js'
import { DiskProcess } from '../../../lib/testing/disk/disk-process.js'
import { RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'

const LOGS = ['messages', 'acks']
const ALL = ['acks', 'control', 'manifests', 'messages', 'owners', 'quarantine']

function temporary(t: Test): string {
  const directory = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), 'waq-prepare-')))
  t.teardown(() => fs.rmSync(directory, { recursive: true, force: true }))
  return directory
}

const prepare = (path: string) => prepareDirectory(nodeFileSystem, path, LOGS)

t.test('a missing directory is made with its parents, private under any umask', async t => {
  const base = temporary(t)
  const old = process.umask(0o000)
  t.teardown(() => process.umask(old))
  const root = await prepare(join(base, 'a', 'b'))
  t.equal(root, join(base, 'a', 'b'))
  t.same(fs.readdirSync(root).sort(), ALL)
  for (const path of [join(base, 'a'), root, ...ALL.map(name => join(root, name))])
    t.equal(fs.statSync(path).mode & 0o777, 0o700, path)
})

t.test('an existing directory is used, also through a symbolic link', async t => {
  const base = temporary(t)
  fs.mkdirSync(join(base, 'real'))
  fs.symlinkSync(join(base, 'real'), join(base, 'link'))
  t.equal(await prepare(join(base, 'link')), join(base, 'real'))
  t.equal(await prepare(join(base, 'real')), join(base, 'real'))
})

t.test('nothing is written into a stranger’s directory', async t => {
  const base = temporary(t)
  fs.writeFileSync(join(base, 'thesis.txt'), 'x')
  await t.rejects(prepare(base), { code: 'WAQ_NOT_A_QUEUE', message: /it has "thesis\.txt"/ })
  t.same(fs.readdirSync(base), ['thesis.txt'])
})

t.test('a file in the place of a directory is refused by name', async t => {
  const base = temporary(t)
  fs.writeFileSync(join(base, 'file'), 'x')
  await t.rejects(prepare(join(base, 'file')), { code: 'WAQ_NOT_A_QUEUE' })
  fs.mkdirSync(join(base, 'queue'))
  fs.writeFileSync(join(base, 'queue', 'messages'), 'x')
  await t.rejects(prepare(join(base, 'queue')), {
    code: 'WAQ_NOT_A_QUEUE',
    message: /queue\/messages is not a directory/,
  })
})

t.test('a path that leads to no directory is refused as no queue', async t => {
  const base = temporary(t)
  fs.symlinkSync(join(base, 'nothing'), join(base, 'dangling'))
  fs.symlinkSync(join(base, 'loop'), join(base, 'loop'))
  fs.writeFileSync(join(base, 'file'), 'x')
  const paths = ['dangling', 'loop', 'file/queue', 'dangling/queue', 'loop/queue'].map(name =>
    join(base, name),
  )
  for (const path of [...paths, os.devNull, join(os.devNull, 'queue')]) {
    await t.rejects(prepare(path), { code: 'WAQ_NOT_A_QUEUE' }, path)
    await t.rejects(LogReader.open(path, []), { code: 'WAQ_NOT_A_QUEUE' }, path)
  }
  t.same(fs.readdirSync(base).sort(), ['dangling', 'file', 'loop'], 'and nothing was made')
})

t.test('a symbolic link in the place of a subdirectory is refused: it leads out of the queue', async t => {
  const base = temporary(t)
  fs.mkdirSync(join(base, 'elsewhere'))
  fs.mkdirSync(join(base, 'queue'))
  fs.symlinkSync(join(base, 'elsewhere'), join(base, 'queue', 'acks'))
  await t.rejects(prepare(join(base, 'queue')), {
    code: 'WAQ_NOT_A_QUEUE',
    message: /acks is not a directory but a link/,
  })
  t.same(fs.readdirSync(join(base, 'elsewhere')), [])
})

t.test('an empty path, and one with a NUL byte, are refused', async t => {
  await t.rejects(prepare(''), { code: 'WAQ_INVALID_OPTION' })
  await t.rejects(prepare('/tmp/a\0b'), { code: 'WAQ_INVALID_OPTION' })
})

t.test('every directory that an opening made is durable when preparing ends', async t => {
  const disk = new RecordingDisk()
  await prepareDirectory(new DiskProcess(disk), '/a/b/queue', LOGS)
  t.same(disk.pending(), [])
})

t.test('directories that a killed opener left unsynced are synced by the next one', async t => {
  const whole = new DiskProcess(new RecordingDisk())
  await prepareDirectory(whole, '/a/b/queue', LOGS)
  for (let killAt = 0; killAt < whole.operations; killAt++) {
    const disk = new RecordingDisk()
    const first = new DiskProcess(disk, { killAt })
    prepareDirectory(first, '/a/b/queue', LOGS).catch(() => {})
    await first.whenKilled
    await prepareDirectory(new DiskProcess(disk), '/a/b/queue', LOGS)
    if (disk.pending().length > 0) {
      t.fail(
        `killed at ${killAt}: ${disk.pending().map(({ path, operation }) => `${operation.kind} in ${path}`)}`,
      )
    }
  }
  t.ok(whole.operations > 20)
})

t.test('a new directory is refused where its parent cannot be synced', async t => {
  const disk = new RecordingDisk()
  await new DiskProcess(disk).mkdir('/a')
  const process = new DiskProcess(disk, {
    fault: ({ kind, path }) => (kind === 'syncDirectory' && path === '/a' ? { code: 'EACCES' } : undefined),
  })
  // Where it was there before, that of a place which this user may not open is no one's concern (see above).
  await t.rejects(prepareDirectory(process, '/a/queue', LOGS), { code: 'WAQ_IO' })
})

t.test('the files of a fresh volume do not make its directory a stranger’s', async t => {
  const base = temporary(t)
  const places = ['.', 'messages', 'manifests', 'owners', 'control'].map(name =>
    join(base, name, 'lost+found'),
  )
  fs.mkdirSync(places[0]!)
  await (await OutboundQueue.open(base)).close()
  for (const place of places.slice(1)) fs.mkdirSync(place)
  const queue = await OutboundQueue.open(base)
  await queue.enqueue({ channel: 'c', payload: 'one' })
  await queue.close()
  const again = await OutboundQueue.open(base)
  t.match(again.recovery, { pending: 1, corrupt: [] })
  await again.close()
  t.match(await verifyStore(await StoreReader.open(base)), { corrupt: [], voidFiles: [] })
  t.ok(places.every(place => fs.existsSync(place)))
})
