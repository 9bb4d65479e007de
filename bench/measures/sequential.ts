import { drive } from '../method/drive.js'
import { messagesOf } from '../method/messages.js'
import { LATENCY_COLUMNS } from './latency-columns.js'
import { type Measure, ONE_POINT } from './measure.js'
import { about } from './opened.js'

const TEXT_BYTES = 200

export const sequential: Measure = {
  name: 'sequential',
  title: 'Enqueue until durable, one at a time',
  explanation: `One caller enqueues messages of ${TEXT_BYTES} bytes of text and waits for each: what a reply of a bot costs before it may be sent.`,
  pointTitle: '',
  points: () => ONE_POINT,
  suits: () => true,
  columns: LATENCY_COLUMNS,
  async prepare(peer, directory, { budgetMs }) {
    const opened = await peer.open(directory, { delivering: false })
    const message = messagesOf(TEXT_BYTES)
    return {
      ...about(opened),
      async round() {
        return {
          ...(await drive(nth => opened.enqueue(message(nth)), { callers: 1, budgetMs, maxMessages: 1e6 })),
        }
      },
      async close() {
        await opened.close()
      },
    }
  },
}
