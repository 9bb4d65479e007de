import { deviceCounts, syncEverything } from '../method/device.js'
import { drive } from '../method/drive.js'
import { messagesOf } from '../method/messages.js'
import type { Measure } from './measure.js'
import { about } from './opened.js'

const TEXT_BYTES = 200
const CALLERS = [1, 64]

export const written: Measure = {
  name: 'written',
  title: 'What reaches the device',
  explanation:
    `Bytes that the block device was given for each message of ${TEXT_BYTES} bytes of text, journal of the file system included, until nothing is left in the page cache, and how often it was told to flush its cache. ` +
    'The whole device is counted, so this wants a machine that does nothing else.',
  pointTitle: 'callers',
  points: () => CALLERS.map(value => ({ name: String(value), value })),
  suits: () => true,
  columns: [
    { figure: 'writtenBytes', title: 'bytes a message', format: 'bytes', toFloor: true },
    { figure: 'amplification', title: 'times its text', format: 'number' },
    { figure: 'flushes', title: 'flushes a message', format: 'number' },
  ],
  async prepare(peer, directory, { budgetMs }) {
    const opened = await peer.open(directory, { delivering: false })
    const message = messagesOf(TEXT_BYTES)
    return {
      ...about(opened),
      async round(point) {
        await syncEverything()
        const before = deviceCounts(directory)
        const load = { callers: Number(point), budgetMs, maxMessages: 1e6 }
        const { messages } = await drive(nth => opened.enqueue(message(nth)), load)
        await syncEverything()
        const after = deviceCounts(directory)
        if (before === undefined || after === undefined) return {}
        const writtenBytes = (after.writtenBytes - before.writtenBytes) / messages
        return {
          writtenBytes,
          amplification: writtenBytes / TEXT_BYTES,
          flushes: (after.flushes - before.flushes) / messages,
        }
      },
      async close() {
        await opened.close()
      },
    }
  },
}
