import { drive } from '../method/drive.js'
import { messagesFrom, messagesOf } from '../method/messages.js'
import { LATENCY_COLUMNS } from './latency-columns.js'
import type { Measure } from './measure.js'
import { about } from './opened.js'

const REAL = 'real messages'
const BYTES = new Map([
  ['100 B', 100],
  ['500 B', 500],
  ['4 KB', 4_000],
  ['64 KB', 64_000],
  ['1 MB', 1_000_000],
])

export const payload: Measure = {
  name: 'payload',
  title: 'Small and large messages',
  explanation: 'One caller, as above, with messages of so many bytes of text.',
  pointTitle: '',
  points: ({ messagesFile }) => [
    ...[...BYTES].map(([name, value]) => ({ name, value })),
    ...(messagesFile === undefined ? [] : [{ name: REAL, value: 0 }]),
  ],
  suits: () => true,
  columns: LATENCY_COLUMNS,
  async prepare(peer, directory, { budgetMs, messagesFile }) {
    const opened = await peer.open(directory, { delivering: false })
    return {
      ...about(opened),
      async round(point) {
        const message = point === REAL ? messagesFrom(messagesFile!) : messagesOf(BYTES.get(point)!)
        // Large ones fill the disk before they fill the time.
        const maxMessages = point === '1 MB' ? 50 : 1e6
        return {
          ...(await drive(nth => opened.enqueue(message(nth)), { callers: 1, budgetMs, maxMessages })),
        }
      },
      async close() {
        await opened.close()
      },
    }
  },
}
