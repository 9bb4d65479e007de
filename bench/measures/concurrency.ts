import { drive } from '../method/drive.js'
import { messagesOf } from '../method/messages.js'
import type { Measure } from './measure.js'
import { about } from './opened.js'

const TEXT_BYTES = 200
const CALLERS = [1, 8, 64, 512, 1_024, 4_096]
const FEW_CALLERS = [1, 8]

export const concurrency: Measure = {
  name: 'concurrency',
  title: 'Many callers at once',
  explanation:
    `This many callers each enqueue a message of ${TEXT_BYTES} bytes of text, wait until it is durable, and go on with the next. ` +
    'A latency runs from the moment when the caller was ready. CPU time is that of the whole process, its threads and, where there is one, its server.',
  pointTitle: 'callers',
  points: ({ size }) =>
    (size === 'tiny' ? FEW_CALLERS : CALLERS).map(value => ({ name: String(value), value })),
  suits: () => true,
  columns: [
    { figure: 'perSecond', title: 'messages a second', format: 'perSecond', moreIsBetter: true },
    { figure: 'p50Us', title: 'p50', format: 'us', toFloor: true },
    { figure: 'p99Us', title: 'p99', format: 'us' },
    { figure: 'cpuUs', title: 'CPU a message', format: 'us' },
  ],
  async prepare(peer, directory, { budgetMs }) {
    const opened = await peer.open(directory, { delivering: false })
    const message = messagesOf(TEXT_BYTES)
    return {
      ...about(opened),
      async round(point) {
        const cpuBefore = process.cpuUsage()
        const serverBefore = opened.serverCpuMs?.() ?? 0
        const driven = await drive(nth => opened.enqueue(message(nth)), {
          callers: Number(point),
          budgetMs,
          maxMessages: 1e6,
        })
        const { user, system } = process.cpuUsage(cpuBefore)
        const serverUs = ((opened.serverCpuMs?.() ?? 0) - serverBefore) * 1e3
        return { ...driven, cpuUs: (user + system + serverUs) / driven.messages }
      },
      async close() {
        await opened.close()
      },
    }
  },
}
