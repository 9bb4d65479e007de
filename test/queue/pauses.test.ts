import t from 'tap'
import { formatStats } from '../../lib/cli/common/stats-text.js'
import { QueueReader } from '../../lib/index.js'
import { openQueue, temporaryDirectory } from './fixtures/open-queue.js'

t.test('paused channels are reported until they are resumed', async t => {
  const queue = await openQueue(t)
  t.match(queue.stats(), { paused: [], pausedCount: 0 })
  queue.pause('telegram:*')
  queue.pause('chat')
  queue.pause('chat')
  t.match(queue.stats(), { paused: ['telegram:*', 'chat'], pausedCount: 2 })
  queue.pause()
  t.match(queue.stats(), { paused: ['*', 'telegram:*', 'chat'], pausedCount: 3 })
  queue.resume('chat')
  t.match(queue.stats(), { paused: ['*', 'telegram:*'], pausedCount: 2 })
  for (let n = 0; n < 200; n++) queue.pause(`many:${n}`)
  const { paused, pausedCount } = queue.stats()
  t.match({ listed: paused.length, pausedCount }, { listed: 100, pausedCount: 202 })
  queue.resume()
  t.match(queue.stats(), { paused: [], pausedCount: 0 })
})

t.test("another process sees the owner's pauses", async t => {
  const directory = temporaryDirectory(t)
  const queue = await openQueue(t, {}, directory)
  queue.pause('telegram:*')
  const reader = await QueueReader.open(directory)
  // The owner publishes now and then.
  let stats = await reader.stats()
  while (stats.pausedCount === 0) {
    await new Promise(resolve => setTimeout(resolve, 50))
    stats = await reader.stats()
  }
  t.match(stats, { paused: ['telegram:*'], pausedCount: 1 })
  const text = formatStats(directory, stats, { width: 80, nowMs: Date.now(), paint: (_, text) => text })
  t.match(text, /^ *paused +1: telegram:\*$/m)
  await queue.close()
  t.match(await reader.stats(), { paused: [], pausedCount: 0 })
})
