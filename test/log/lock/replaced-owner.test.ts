/** What an owner does that was replaced and has not noticed: it asks its fence first, each time (invariant 3). */
import t from 'tap'
import { LogDirectory } from '../../../lib/log/log-directory.js'
import { DiskProcess } from '../../../lib/testing/disk/disk-process.js'
import { environmentOf } from '../../../lib/testing/disk/environment.js'
import { RecordingDisk } from '../../../lib/testing/disk/recording-disk.js'
import { append, openLogs, queueLogs, ROOT, textsOf } from '../fixtures/logs.js'

/** The owner file of this process goes, as when another one claims, at its first removal of such a file. */
function replacedAtFirstRemoval(process: DiskProcess, inPath: string): { removed: string[] } {
  const removed: string[] = []
  process.gate = ({ kind, path }) => {
    if (kind !== 'unlink' || !path.includes(inPath)) return undefined
    removed.push(path)
    if (removed.length > 1) return undefined
    const claimer = new DiskProcess(process.disk)
    return Promise.all(process.disk.files(`${ROOT}/owners`).map(file => claimer.unlink(file))).then(() => {})
  }
  return { removed }
}

async function filled(process: DiskProcess) {
  const { set } = await openLogs(process, { segmentBytes: 1024 })
  for (let i = 0; i < 30; i++) await append(set, 'messages', 'x'.repeat(100))
  await new Promise(resolve => setImmediate(resolve))
  return set
}

t.test('a replaced owner removes no further segment', async t => {
  const process = new DiskProcess(new RecordingDisk())
  const set = await filled(process)
  const log = set.log('messages')
  const { removed } = replacedAtFirstRemoval(process, '/messages/')
  const sealed = log.segments().filter(segment => segment.sealed)
  await t.rejects(log.retire(sealed.slice(0, 3).map(segment => segment.id)), { code: 'WAQ_LOCK_LOST' })
  t.equal(removed.length, 1)
})

t.test('a replaced owner removes no further void file', async t => {
  const disk = new RecordingDisk()
  const first = new DiskProcess(disk)
  await filled(first)
  first.kill()
  for (const name of [
    '0000000001-0000000090-aaaaaaaaaaaaaaaa.seg',
    '0000000001-0000000091-aaaaaaaaaaaaaaaa.seg',
  ])
    await (await new DiskProcess(disk).create(`${ROOT}/messages/${name}`)).close()
  const process = new DiskProcess(disk)
  const { removed } = replacedAtFirstRemoval(process, '/messages/')
  await openLogs(process, { segmentBytes: 1024 })
  await new Promise(resolve => setImmediate(resolve))
  t.equal(removed.length, 1)
})

t.test('a replaced owner confirms no outcome as synced', async t => {
  const disk = new RecordingDisk()
  const { set } = await openLogs(new DiskProcess(disk))
  await append(set, 'acks', 'one')
  await openLogs(new DiskProcess(disk))
  await t.rejects(set.log('acks').sync(), { code: 'WAQ_LOCK_LOST' })
})

t.test('a replaced owner changes no file when it closes', async t => {
  const disk = new RecordingDisk()
  const process = new DiskProcess(disk)
  const { set } = await openLogs(process)
  await append(set, 'messages', 'one')
  const { set: next } = await openLogs(new DiskProcess(disk))
  await append(next, 'messages', 'two')
  const changed: string[] = []
  process.gate = ({ kind, path }) => {
    if (kind === 'truncate' || kind === 'write' || (kind === 'unlink' && !path.endsWith('.tmp')))
      changed.push(`${kind} ${path}`)
    return undefined
  }
  await set.close()
  t.same(changed, [])
  await next.close()
  t.same(textsOf((await openLogs(new DiskProcess(disk))).frames.messages), ['1 one', '2 two'])
})

t.test('an owner that learns from the lock that it was replaced accepts nothing', async t => {
  const process = new DiskProcess(new RecordingDisk())
  const environment = environmentOf(process)
  let lose: (cause: unknown) => void = () => {}
  const set = await LogDirectory.open(
    ROOT,
    {
      logs: queueLogs(),
      segmentBytes: 4096,
      onCorruption: 'quarantine',
      lock: { staleMs: 10_000, waitMs: 0 },
      allowNetworkFileSystem: false,
      commits: 'auto',
      environment: {
        ...environment,
        acquireLock: async (directory, options, context) => {
          const acquired = await environment.acquireLock(directory, options, context)
          const onLost = (listener: (cause: unknown) => void) => {
            lose = listener
          }
          return { ...acquired, lock: { ...acquired.lock, onLost } }
        },
      },
    },
    { frame: () => {}, lost: () => {}, nextSequenceAtLeast: () => 1 },
  )
  await append(set, 'messages', 'one')
  lose(new Error('it was taken away'))
  await t.rejects(append(set, 'messages', 'two'), { code: 'WAQ_LOCK_LOST', indeterminate: false })
})
