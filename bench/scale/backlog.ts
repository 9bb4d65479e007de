/**
 * Claims: an enqueue with 1,000,000 pending takes at most 1.2 times as long (p50) as with 1,000, and the delivery rate
 * is the same within 20 %. And an outage night: a receiver that was down while messages came; when it is up again, the
 * backlog drains in the order of each channel, at the rate of a small one, memory flat. Two queues, in turns.
 */
import { join } from 'node:path'
import { OutboundQueue } from '../../lib/index.js'
import {
  ascending,
  inDirectory,
  mebibytes,
  median,
  messageOf,
  messagesOf,
  percentile,
  printTable,
  scaled,
} from './scale.js'

const SMALL = 1000
const LARGE = scaled(200_000, 1_000_000)
const ROUNDS = scaled(7, 15)
const ENQUEUES = scaled(150, 500)
const DELIVERIES = scaled(2_000, 20_000)
const LIST = 1000
const CHANNELS = 1000

interface Sent {
  readonly channel: string
  readonly sequence: number
}

/** A queue whose receiver is down until it is let up for so many messages. */
class Subject {
  readonly queue: OutboundQueue<{ text: string }, void>
  readonly enqueueMs: number[] = []
  readonly perSecond: number[] = []
  readonly #receiver: Receiver

  static async open(directory: string, pending: number): Promise<Subject> {
    const receiver = new Receiver()
    const queue = await OutboundQueue.open<{ text: string }, void>(directory, {
      concurrency: 64,
      send: message => receiver.take(message),
      retry: { maxAttempts: Number.POSITIVE_INFINITY, initialDelayMs: 100, maxDelayMs: 100 },
    })
    queue.pause()
    for (let sent = 0; sent < pending; sent += LIST) await queue.enqueue(messagesOf(sent, LIST, CHANNELS))
    return new Subject(queue, receiver)
  }

  private constructor(queue: OutboundQueue<{ text: string }, void>, receiver: Receiver) {
    this.queue = queue
    this.#receiver = receiver
  }

  async enqueueSome(round: number): Promise<void> {
    for (let i = 0; i < ENQUEUES; i += 1) {
      const startedAt = performance.now()
      await this.queue.enqueue(messageOf(round * ENQUEUES + i, CHANNELS))
      this.enqueueMs.push(performance.now() - startedAt)
    }
  }

  async deliverSome(): Promise<void> {
    await this.queue.enqueue(messagesOf(0, DELIVERIES, CHANNELS))
    const startedAt = performance.now()
    const taken = this.#receiver.up(DELIVERIES)
    this.queue.resume()
    await taken
    this.perSecond.push(DELIVERIES / ((performance.now() - startedAt) / 1000))
    this.queue.pause()
    // What was taken and not recorded yet.
    await new Promise(done => setTimeout(done, 100))
  }

  /** Everything that waits, at once: how fast, and whether each channel's came in order. */
  async drain(): Promise<{ messages: number; seconds: number; outOfOrder: number; mostRssBytes: number }> {
    const messages = this.queue.stats().pending
    let mostRssBytes = 0
    const sampling = setInterval(() => {
      mostRssBytes = Math.max(mostRssBytes, process.memoryUsage.rss())
    }, 100)
    this.#receiver.watchOrder()
    const startedAt = performance.now()
    const taken = this.#receiver.up(messages)
    this.queue.resume()
    await taken
    const seconds = (performance.now() - startedAt) / 1000
    clearInterval(sampling)
    return { messages, seconds, outOfOrder: this.#receiver.outOfOrder, mostRssBytes }
  }
}

class Receiver {
  outOfOrder = 0
  #left = 0
  #taken = (): void => {}
  #latest: Map<string, number> | undefined

  async take({ channel, sequence }: Sent): Promise<void> {
    if (this.#left === 0) throw Object.assign(new Error('the receiver is down'), { code: 'ECONNREFUSED' })
    this.#left -= 1
    if (this.#latest !== undefined) {
      if (sequence < (this.#latest.get(channel) ?? 0)) this.outOfOrder += 1
      this.#latest.set(channel, sequence)
    }
    if (this.#left === 0) this.#taken()
  }

  up(messages: number): Promise<void> {
    this.#left = messages
    return new Promise(resolve => {
      this.#taken = resolve
    })
  }

  watchOrder(): void {
    this.#latest = new Map()
  }
}

await inDirectory(async parent => {
  const small = await Subject.open(join(parent, 'small'), SMALL)
  const large = await Subject.open(join(parent, 'large'), LARGE)
  for (let round = 0; round < ROUNDS; round += 1) {
    await small.enqueueSome(round)
    await large.enqueueSome(round)
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    await small.deliverSome()
    await large.deliverSome()
  }
  const rows = [
    { pending: SMALL, subject: small },
    { pending: LARGE, subject: large },
  ].map(({ pending, subject }) => {
    const enqueues = ascending(subject.enqueueMs)
    return {
      pending,
      'enqueue p50 ms': percentile(enqueues, 0.5),
      'enqueue p99 ms': percentile(enqueues, 0.99),
      '× p50 with few': percentile(enqueues, 0.5) / percentile(ascending(small.enqueueMs), 0.5),
      'delivered a second': median(subject.perSecond),
      '× rate with few': median(subject.perSecond) / median(small.perSecond),
    }
  })
  printTable(`Enqueue one by one, and deliveries, beside a backlog; ${ROUNDS} rounds in turns`, rows)

  const rssBefore = process.memoryUsage.rss()
  const few = await small.drain()
  const many = await large.drain()
  printTable(
    'The receiver is up again',
    [few, many].map(({ messages, seconds, outOfOrder, mostRssBytes }) => ({
      messages,
      seconds,
      'a second': messages / seconds,
      'out of order': outOfOrder,
      'resident MiB, most above the start': mebibytes(Math.max(0, mostRssBytes - rssBefore)),
    })),
  )
  await small.queue.close()
  await large.queue.close()
})
