import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Latencies } from '../method/latencies.js'
import { messagesFor, messagesOf } from '../method/messages.js'
import type { Measure, MeasureOptions, Shared } from './measure.js'
import { about } from './opened.js'

const TEXT_BYTES = 200
/** Requests under way at once, for all candidates: as many as `waq` makes by default. */
const IN_FLIGHT = 64
/** Of what the process can send without any queue. */
const SHARES: Readonly<Record<string, number>> = { 'a tenth': 0.1, half: 0.5, '0.8': 0.8 }
/** A round is so many budgets long: arrivals are too few in one. */
const BUDGETS = 5

/** What all candidates share: where to send, and how many a second the loop of `fetch` alone got through. */
interface Receiver {
  readonly url: string
  readonly perSecond: number
}

export const busy: Measure = {
  name: 'busy',
  title: 'In a process that is busy sending',
  explanation:
    `Messages of ${TEXT_BYTES} bytes of text, or real ones, arrive at a fixed rate, and each is sent over HTTP to a server in another process, at most ${IN_FLIGHT} at once, and removed. ` +
    'The rates are shares of what a loop of `fetch` without any queue achieved on this machine just before; they are the same for all. ' +
    'Latencies run from the moment when a message was due. `waq` sends by itself; for the others the bench calls `fetch` once the enqueue has resolved, and then removes the message. Queues that hand messages to workers of their own (BullMQ, NATS, plainjob) are left out, and one whose removals fail beside others (@openclaw/fs-safe).',
  pointTitle: 'of what the process can send',
  points: ({ size }) =>
    size === 'tiny'
      ? [{ name: 'a tenth', value: SHARES['a tenth']! }]
      : Object.entries(SHARES).map(([name, value]) => ({ name, value })),
  extraCandidates: ['no-queue'],
  suits: ({ kind, name }) => name === 'no-queue' || name === 'waq' || (kind === 'peer' && KEEPERS.has(name)),
  columns: [
    { figure: 'perSecond', title: 'arrivals a second', format: 'perSecond' },
    { figure: 'p50Us', title: 'enqueue p50', format: 'us' },
    { figure: 'p99Us', title: 'p99', format: 'us' },
    { figure: 'sentP50Us', title: 'answered p50', format: 'us' },
    { figure: 'sentP99Us', title: 'p99', format: 'us' },
    { figure: 'cpuUs', title: 'CPU a message', format: 'us' },
  ],
  begin,
  async prepare(peer, directory, options) {
    const { url, perSecond: most } = options.shared as Receiver
    const message = messagesFor(options, TEXT_BYTES)
    let answered: (nth: number) => void = () => {}
    // A message is told by the number before its text.
    const send = async ({ text }: { text: string }): Promise<void> => {
      await post(url, text)
      answered(Number.parseInt(text, 10))
    }
    const opened = await peer.open(directory, { delivering: true, send })
    const slots = new Slots(IN_FLIGHT)
    return {
      ...about(opened),
      async round(point) {
        const perSecond = most * SHARES[point]!
        const count = Math.max(3, Math.round((perSecond * BUDGETS * options.budgetMs) / 1e3))
        const enqueues = new Latencies()
        const sends = new Latencies()
        const startedAt = performance.now()
        const dueAt = (nth: number): number => startedAt + (nth * 1e3) / perSecond
        let left = count
        const allAnswered = new Promise<void>(resolve => {
          answered = nth => {
            sends.add(dueAt(nth), performance.now())
            if (--left === 0) resolve()
          }
        })
        const handle = async (nth: number): Promise<void> => {
          const { channel, text } = message(nth)
          const numbered = { channel, text: `${nth} ${text}` }
          const enqueued = await opened.enqueue(numbered)
          enqueues.add(dueAt(nth), performance.now())
          if (opened.remove === undefined) return
          await slots.take()
          await send(numbered)
          await opened.remove(enqueued)
          slots.giveBack()
        }
        const cpu = process.cpuUsage()
        const handled: Promise<void>[] = []
        for (let nth = 0; nth < count; ) {
          while (nth < count && dueAt(nth) <= performance.now()) handled.push(handle(nth++))
          if (nth < count) await setTimeout(Math.max(1, dueAt(nth) - performance.now()))
        }
        await Promise.all(handled)
        await allAnswered
        const { user, system } = process.cpuUsage(cpu)
        const { p50Us, p99Us } = enqueues.percentiles()
        const { p50Us: sentP50Us, p99Us: sentP99Us } = sends.percentiles()
        return { perSecond, p50Us, p99Us, sentP50Us, sentP99Us, cpuUs: (user + system) / count }
      },
      async close() {
        await opened.close()
      },
    }
  },
}

/** Those whose messages the bench can send and remove itself. */
const KEEPERS: ReadonlySet<string> = new Set([
  'better-sqlite3',
  'better-sqlite3-batched',
  'node-sqlite',
  'lmdb',
  'classic-level',
  'files',
  'files-fsync',
])

/** Starts the server, and measures what a loop of `fetch` gets through. */
async function begin({ budgetMs }: MeasureOptions): Promise<Shared> {
  const server = fork(join(import.meta.dirname, '../method/receiver.js'), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [port] = (await once(server, 'message')) as [number]
  const url = `http://127.0.0.1:${port}/`
  const message = messagesOf(TEXT_BYTES)
  let sent = 0
  let perSecond = 0
  // Twice: code is compiled meanwhile in the first.
  for (let pass = 0; pass < 2; pass++) {
    sent = 0
    const startedAt = performance.now()
    const caller = async (): Promise<void> => {
      while (performance.now() - startedAt < BUDGETS * budgetMs) await post(url, message(sent++).text)
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, caller))
    perSecond = (sent * 1e3) / (performance.now() - startedAt)
  }
  return { shared: { url, perSecond } satisfies Receiver, end: () => server.disconnect() }
}

async function post(url: string, text: string): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text }),
  })
  await response.arrayBuffer()
}

/** So many at once; the others wait in line. */
class Slots {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(count: number) {
    this.#free = count
  }

  async take(): Promise<void> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
  }

  giveBack(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free += 1
    else next()
  }
}
