import { join } from 'node:path'
import { OutboundQueue } from 'waq'
import { drive } from '../method/drive.js'
import { messagesOf } from '../method/messages.js'
import { waqVersion } from '../peers/waq.js'
import type { Measure, Size } from './measure.js'

const TEXT_BYTES = 200
const CALLERS = 256
const MAX_CHANNELS: Readonly<Record<Size, number>> = { tiny: 100, short: 100_000, long: 100_000 }
const CHANNELS = [1, 100, 10_000, 100_000]

export const channels: Measure = {
  name: 'channels',
  title: 'Many channels',
  explanation: `${CALLERS} callers enqueue messages of ${TEXT_BYTES} bytes of text over this many channels, with a send function that does nothing. The time ends when the last one is delivered and recorded.`,
  pointTitle: 'channels',
  points: ({ size }) =>
    CHANNELS.filter(value => value <= MAX_CHANNELS[size]).map(value => ({
      name: value.toLocaleString('en'),
      value,
    })),
  // Order by channel is what the others leave to their user.
  suits: peer => peer.name === 'waq',
  columns: [
    { figure: 'perSecond', title: 'messages a second, delivered', format: 'perSecond', moreIsBetter: true },
    { figure: 'p50Us', title: 'enqueue p50', format: 'us' },
    { figure: 'p99Us', title: 'enqueue p99', format: 'us' },
    { figure: 'cpuUs', title: 'CPU a message', format: 'us' },
  ],
  async prepare(_, directory, options) {
    const queues = new Map<string, { queue: OutboundQueue; message: ReturnType<typeof messagesOf> }>()
    for (const { name, value } of this.points(options)) {
      const queue = await OutboundQueue.open<unknown, unknown>(join(directory, String(value)), {
        send: () => {},
      })
      queues.set(name, { queue, message: messagesOf(TEXT_BYTES, value) })
    }
    return {
      version: waqVersion,
      async round(point) {
        const { queue, message } = queues.get(point)!
        const cpuBefore = process.cpuUsage()
        const startedAt = performance.now()
        const load = { callers: CALLERS, budgetMs: options.budgetMs, maxMessages: 1e6 }
        const driven = await drive(nth => {
          const { channel, text } = message(nth)
          return queue.enqueue({ channel, payload: { text } })
        }, load)
        await queue.drain()
        const elapsedMs = performance.now() - startedAt
        const { user, system } = process.cpuUsage(cpuBefore)
        return {
          ...driven,
          perSecond: (driven.messages / elapsedMs) * 1e3,
          cpuUs: (user + system) / driven.messages,
        }
      },
      async close() {
        for (const { queue } of queues.values()) await queue.close()
      },
    }
  },
}
