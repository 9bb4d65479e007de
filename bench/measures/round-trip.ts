import { drive } from '../method/drive.js'
import { messagesOf } from '../method/messages.js'
import { LATENCY_COLUMNS } from './latency-columns.js'
import { type Measure, ONE_POINT } from './measure.js'
import { about } from './opened.js'

const TEXT_BYTES = 200

export const roundTrip: Measure = {
  name: 'round-trip',
  title: 'Round trip: enqueued, sent, acknowledged',
  explanation:
    `One message of ${TEXT_BYTES} bytes of text at a time: enqueued until durable, handed to a send function that does nothing, and its delivery recorded. ` +
    'A lost record of a delivery is a duplicate, not a loss: `waq` writes it and syncs it within a second, the databases sync their delete. ' +
    'The floor is that of one durable write.',
  pointTitle: '',
  points: () => ONE_POINT,
  suits: peer => peer.name !== 'waq-log',
  columns: LATENCY_COLUMNS,
  async prepare(peer, directory, { budgetMs }) {
    const opened = await peer.open(directory, { delivering: true })
    const message = messagesOf(TEXT_BYTES)
    const work = (nth: number): unknown =>
      opened.trip ? opened.trip(message(nth)) : opened.enqueue(message(nth))
    return {
      ...about(opened),
      async round() {
        return { ...(await drive(work, { callers: 1, budgetMs, maxMessages: 1e6 })) }
      },
      async close() {
        await opened.close()
      },
    }
  },
}
