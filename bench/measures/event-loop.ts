import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { drive } from '../method/drive.js'
import { messagesOf } from '../method/messages.js'
import { type Measure, ONE_POINT } from './measure.js'
import { about } from './opened.js'

const TEXT_BYTES = 200
const CALLERS = 64
/** The monitor's timer; what it reports includes it. */
const RESOLUTION_MS = 1
const NS_PER_US = 1e3

export const eventLoop: Measure = {
  name: 'event-loop',
  title: 'What everything else in the process waits',
  explanation:
    `${CALLERS} callers enqueue messages of ${TEXT_BYTES} bytes of text, and between two messages each waits for one turn of the event loop, as network requests do. ` +
    'The delay is how late a timer fires meanwhile.',
  pointTitle: '',
  points: () => ONE_POINT,
  suits: () => true,
  columns: [
    { figure: 'delayP50Us', title: 'delay p50', format: 'us' },
    { figure: 'delayP99Us', title: 'delay p99', format: 'us' },
    { figure: 'delayMaxUs', title: 'delay max', format: 'us' },
    { figure: 'perSecond', title: 'messages a second', format: 'perSecond', moreIsBetter: true },
  ],
  async prepare(peer, directory, { budgetMs }) {
    const opened = await peer.open(directory, { delivering: false })
    const message = messagesOf(TEXT_BYTES)
    return {
      ...about(opened),
      async round() {
        const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
        delay.enable()
        // It counts from one firing of its timer to the next: the first must be over.
        await setTimeout(5 * RESOLUTION_MS)
        delay.reset()
        const load = { callers: CALLERS, budgetMs, maxMessages: 1e6, byEventLoop: true }
        const { perSecond } = await drive(nth => opened.enqueue(message(nth)), load)
        // What held the loop last is seen by the timer after it.
        await setTimeout(2 * RESOLUTION_MS)
        delay.disable()
        const late = (ns: number): number => Math.max(0, ns / NS_PER_US - RESOLUTION_MS * 1e3)
        return {
          perSecond,
          delayP50Us: late(delay.percentile(50)),
          delayP99Us: late(delay.percentile(99)),
          delayMaxUs: late(delay.max),
        }
      },
      async close() {
        await opened.close()
      },
    }
  },
}
