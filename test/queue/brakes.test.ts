import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { formatStats } from '../../lib/cli/common/stats-text.js'
import { QueueReader } from '../../lib/index.js'
import { openQueue, temporaryDirectory } from './fixtures/open-queue.js'

t.test(
  'an unreachable gateway brakes its account, and its first answer lifts the brake until all is delivered',
  async t => {
    const receiver = { isUp: false, asked: 0 }
    const server = createServer((_, response) => {
      receiver.asked++
      response.writeHead(receiver.isUp ? 200 : 502).end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    const { port } = server.address() as AddressInfo
    const directory = temporaryDirectory(t)
    const queue = await openQueue<number>(
      t,
      {
        retry: { initialDelayMs: 1 },
        async send({ signal }) {
          const response = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', signal })
          if (response.ok) await response.arrayBuffer()
          return response
        },
      },
      directory,
    )
    const braked = once(queue, 'braked')
    const unbraked = once(queue, 'unbraked')
    for (let chat = 0; chat < 20; chat++) await queue.enqueue({ channel: `chat:bot:${chat}`, payload: chat })
    t.match(await braked, [{ scope: 'group', target: 'chat:bot:', reason: /502/, since: Number }])
    t.match(queue.stats(), { brakedCount: 1, braked: [{ scope: 'chat:bot:*', reason: /502/ }] })

    const reader = await QueueReader.open(directory)
    // The owner publishes now and then.
    let stats = await reader.stats()
    while (stats.brakedCount === 0) {
      await new Promise(resolve => setTimeout(resolve, 50))
      stats = await reader.stats()
    }
    const text = formatStats(directory, stats, { width: 160, nowMs: Date.now(), paint: (_, text) => text })
    t.match(text, /^ *braked +1\n +chat:bot:\*, .*502/m)

    receiver.isUp = true
    t.match(await unbraked, [{ scope: 'group', target: 'chat:bot:' }])
    t.same(await queue.drain(), { remaining: 0 })
    t.match(queue.stats(), { brakedCount: 0, braked: [], delivered: 20, dead: 0 })
  },
)
