import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import t, { type Test } from 'tap'
import { acquireLock } from '../../../lib/log/lock/lock.js'
import { ownerFiles } from '../fixtures/owner-files.js'

/** Far more than a test may take: what succeeds under it did not wait for staleness. */
const atOnce = { staleMs: 3_600_000, waitMs: 0 } as const
const onLinux = process.platform === 'linux' ? {} : { skip: 'threads are told apart by /proc' }

async function ownedByWorker(t: Test): Promise<{ directory: string; worker: Worker }> {
  const directory = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), 'waq-lock-')))
  const worker = new Worker(new URL('../fixtures/lock-worker.js', import.meta.url), { workerData: directory })
  t.teardown(async () => {
    await worker.terminate()
    fs.rmSync(directory, { recursive: true, force: true })
  })
  await once(worker, 'message')
  return { directory, worker }
}

t.test('a worker that owns a queue keeps the other threads of its process out', onLinux, async t => {
  const { directory, worker } = await ownedByWorker(t)
  await t.rejects(acquireLock(directory, { ...atOnce, waitMs: 'auto' }, ownerFiles(directory)), {
    code: 'WAQ_LOCKED',
    message: /That is another thread of this process/,
    owner: { pid: process.pid, alive: true },
  })
  worker.postMessage('release')
  await once(worker, 'exit')
  const { lock, tookOverFrom } = await acquireLock(directory, atOnce, ownerFiles(directory))
  t.equal(tookOverFrom, undefined)
  await lock.release()
})

t.test('a worker that was terminated while it owned a queue is replaced at once', onLinux, async t => {
  const { directory, worker } = await ownedByWorker(t)
  await worker.terminate()
  t.ok(fs.existsSync(join(directory, '.lock')), 'it left its lock')
  const { lock, tookOverFrom, waitedMs } = await acquireLock(directory, atOnce, ownerFiles(directory))
  t.match(tookOverFrom, { pid: process.pid, alive: false })
  t.equal(waitedMs, 0)
  await lock.release()
})

t.test(
  'a worker opens a directory that the main thread has lost, and none that it still owns',
  onLinux,
  async t => {
    const directory = fs.realpathSync(fs.mkdtempSync(join(os.tmpdir(), 'waq-lock-')))
    t.teardown(() => fs.rmSync(directory, { recursive: true, force: true }))
    const { lock } = await acquireLock(directory, atOnce, ownerFiles(directory))
    const start = () =>
      new Worker(new URL('../fixtures/lock-worker.js', import.meta.url), { workerData: directory })
    const [error] = (await once(start(), 'error')) as [Error & { code: string }]
    t.match(error, { message: /That is another thread of this process/ })
    await lock.release()
    const worker = start()
    t.same(await once(worker, 'message'), ['held'])
    await worker.terminate()
  },
)
