import t from 'tap'
import { QueueReader } from '../../lib/index.js'
import { openQueue, temporaryDirectory } from './fixtures/open-queue.js'

t.test('stats() and the published status tell where commits were synced', async t => {
  const directory = temporaryDirectory(t)
  const queue = await openQueue(t, {}, directory)
  for (let i = 0; i < 20; i += 1) await queue.enqueue({ channel: 'a', payload: i })
  const { commits, syncs } = queue.stats()
  t.equal(commits.onTheSpot + commits.onThread, 20)
  t.ok(syncs >= 20)
  // The opening tries the device too, so a slow one may hold the event loop without a commit there.
  t.ok(commits.heldMs > 0 || commits.onTheSpot === 0)
  t.match(commits.now, /^(quick|learning|slow)$/)
  t.equal(commits.slowUntil === null, commits.now !== 'slow')

  const reader = await QueueReader.open(directory)
  for (;;) {
    const { live } = await reader.stats()
    if (live !== null && live.enqueued === 20) {
      t.equal(live.commits.onTheSpot + live.commits.onThread, 20)
      break
    }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  await reader.close()
})

t.test("advanced.commits: 'thread' keeps commits off the event loop", async t => {
  const queue = await openQueue(t, { advanced: { commits: 'thread' } })
  await queue.enqueue({ channel: 'a', payload: 1 })
  t.strictSame(queue.stats().commits, { onTheSpot: 0, onThread: 1, heldMs: 0, now: 'off', slowUntil: null })
})

t.test('a send whose attempt must be on the device first waits for a commit', async t => {
  for (const [onAmbiguous, each] of [
    ['resend', 1],
    ['dead-letter', 2],
  ] as const) {
    const queue = await openQueue(t, { onAmbiguous, send: () => {} })
    const sent = async (payload: number) => queue.settled((await queue.enqueue({ channel: 'a', payload })).id)
    // The first one may find the window of attempts open that came with the directory.
    await sent(0)
    const before = queue.stats().commits
    for (let i = 1; i <= 10; i += 1) await sent(i)
    const { onTheSpot, onThread } = queue.stats().commits
    t.equal(onTheSpot + onThread - before.onTheSpot - before.onThread, 10 * each, onAmbiguous)
  }
})
