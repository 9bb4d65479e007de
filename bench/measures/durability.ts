import { drive } from '../method/drive.js'
import { messagesOf } from '../method/messages.js'
import type { Measure } from './measure.js'
import { about } from './opened.js'

const TEXT_BYTES = 200
const CALLERS = [1, 64]

export const durability: Measure = {
  name: 'durability',
  title: 'The durabilities of waq',
  explanation: `Messages of ${TEXT_BYTES} bytes of text: synced before an enqueue resolves, synced every 10 ms, or left to the operating system.`,
  pointTitle: 'callers',
  points: () => CALLERS.map(value => ({ name: String(value), value })),
  suits: peer => ['floor', 'waq', 'waq-10ms', 'waq-os', 'files'].includes(peer.name),
  extraCandidates: ['waq-10ms', 'waq-os'],
  columns: [
    { figure: 'p50Us', title: 'p50', format: 'us', toFloor: true },
    { figure: 'p99Us', title: 'p99', format: 'us' },
    { figure: 'perSecond', title: 'messages a second', format: 'perSecond', moreIsBetter: true },
  ],
  async prepare(peer, directory, { budgetMs }) {
    const opened = await peer.open(directory, { delivering: false })
    const message = messagesOf(TEXT_BYTES)
    return {
      ...about(opened),
      async round(point) {
        const load = { callers: Number(point), budgetMs, maxMessages: 20_000 }
        return { ...(await drive(nth => opened.enqueue(message(nth)), load)) }
      },
      async close() {
        await opened.close()
      },
    }
  },
}
