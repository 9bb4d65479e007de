import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { Latencies } from '../method/latencies.js'
import { messagesFor } from '../method/messages.js'
import type { Figures } from '../method/recording.js'
import type { Column, Measure, Point } from './measure.js'
import { about } from './opened.js'

const TEXT_BYTES = 200

/** A point's name is how many ms lie between two messages. */
const MESSAGES: Readonly<Record<string, number>> = { '20': 250, '1000': 30 }
const TINY_MESSAGES = 3

const COLUMNS: readonly Column[] = [
  { figure: 'p50Us', title: 'enqueue p50', format: 'us', toFloor: true },
  { figure: 'p99Us', title: 'p99', format: 'us', toFloor: true },
  { figure: 'tripP50Us', title: 'enqueued, sent, recorded p50', format: 'us' },
  { figure: 'tripP99Us', title: 'p99', format: 'us' },
  { figure: 'cpuUs', title: 'CPU a message', format: 'us' },
  { figure: 'firstUs', title: 'first message', format: 'us' },
  { figure: 'waitedUs', title: 'waited for a processor, a message', format: 'us' },
]

export const pace: Measure = {
  name: 'pace',
  title: 'At a bot’s pace: a message now and then',
  explanation:
    `Messages of ${TEXT_BYTES} bytes of text, or real ones, each enqueued, handed to a send function that does nothing, and recorded, in a process that was just started: code and caches never get hot. ` +
    `Every 20 ms, ${MESSAGES['20']} messages, the candidates in turns; every second, ${MESSAGES['1000']} messages, all candidates at once, each at its own moment of the second. ` +
    'The first message is counted apart, and so is for how long the candidate’s main thread was ready to run and had no processor.',
  pointTitle: 'ms apart',
  points: ({ size }): readonly Point[] =>
    size === 'tiny'
      ? [{ name: '20', value: 20 }]
      : [
          { name: '20', value: 20 },
          { name: '1000', value: 1_000, atOnce: true },
        ],
  freshProcesses: true,
  suits: peer => peer.name !== 'waq-log',
  columns: COLUMNS,
  async prepare(peer, directory, options) {
    const opened = await peer.open(directory, { delivering: true })
    const message = messagesFor(options, TEXT_BYTES)
    return {
      ...about(opened),
      async round(point, { nth, of }) {
        const intervalMs = Number(point)
        const count = options.size === 'tiny' ? TINY_MESSAGES : MESSAGES[point]!
        const enqueues = new Latencies()
        const trips = new Latencies()
        let firstUs = 0
        // What opening left to do is done.
        await setTimeout(100 + (intervalMs * nth) / of)
        const cpu = process.cpuUsage()
        const waitedNs = waitedForProcessorNs()
        for (let sent = 0; sent < count; sent++) {
          await setTimeout(intervalMs)
          const startedAt = performance.now()
          let enqueuedAt = startedAt
          const enqueued = (): void => {
            enqueuedAt = performance.now()
          }
          if (opened.trip === undefined) {
            await opened.enqueue(message(sent))
            enqueued()
          } else await opened.trip(message(sent), enqueued)
          const endedAt = performance.now()
          if (sent === 0) firstUs = (enqueuedAt - startedAt) * 1e3
          else {
            enqueues.add(startedAt, enqueuedAt)
            trips.add(startedAt, endedAt)
          }
        }
        const { user, system } = process.cpuUsage(cpu)
        const { p50Us, p99Us } = enqueues.percentiles()
        const { p50Us: tripP50Us, p99Us: tripP99Us } = trips.percentiles()
        const figures: Figures = {
          p50Us,
          p99Us,
          tripP50Us,
          tripP99Us,
          cpuUs: (user + system) / count,
          firstUs,
        }
        const waited = waitedForProcessorNs()
        if (waited === undefined || waitedNs === undefined) return figures
        return { ...figures, waitedUs: (waited - waitedNs) / 1e3 / count }
      },
      async close() {
        await opened.close()
      },
    }
  },
}

/** For how long the main thread was ready to run and had no processor; undefined where the system does not tell (Linux does). */
function waitedForProcessorNs(): number | undefined {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1])
  } catch {
    return undefined
  }
}
