/**
 * Claims: an enqueue's p99 while the background compacts is at most 1.5 times that without; no slice holds the event
 * loop for 5 ms. Two queues get the same traffic in turns: of each ten messages one stays, the others are delivered, so
 * that every segment is sparse as soon as it is full. One queue compacts, the other does not. And the slices by themselves:
 * how long each turn of the event loop takes while a queue that no one uses compacts, and while one has nothing to do.
 */
import { join } from 'node:path'
import { createHistogram, monitorEventLoopDelay, type RecordableHistogram } from 'node:perf_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { OutboundQueue } from '../../lib/index.js'
import { ascending, inDirectory, mebibytes, messageOf, percentile, printTable, scaled } from './scale.js'

const ROUNDS = scaled(8, 30)
const ENQUEUES = scaled(600, 2_000)
const SEGMENT_BYTES = scaled(1, 4) * 2 ** 20
/** Beside the measured enqueues, so that there is something to compact. */
const FILL = scaled(4_000, 15_000)
const KEPT = 10
/** For the background alone: so many times `FILL`, and at most so long. */
const SPARSE_FILLS = scaled(3, 10)
const ALONE_MS = 10_000

class Subject {
  readonly name: string
  readonly queue: OutboundQueue<{ text: string }, void>
  readonly enqueueMs: number[] = []
  readonly #loop = monitorEventLoopDelay({ resolution: 1 })
  readonly delays: number[] = []
  compacted = 0
  reclaimedBytes = 0
  #sent = 0

  static async open(name: string, directory: string, autoCompact: boolean): Promise<Subject> {
    const queue = await OutboundQueue.open<{ text: string }, void>(directory, {
      concurrency: 256,
      dedupe: { maxIds: 1000 },
      advanced: { segmentBytes: SEGMENT_BYTES, autoCompact },
      send: async () => {},
    })
    queue.pause('kept')
    return new Subject(name, queue)
  }

  private constructor(name: string, queue: OutboundQueue<{ text: string }, void>) {
    this.name = name
    this.queue = queue
    queue.on('compacted', ({ before, after }) => {
      this.compacted += 1
      this.reclaimedBytes += before.diskBytes - after.diskBytes
    })
  }

  #next(): { channel: string; payload: { text: string } } {
    this.#sent += 1
    const message = messageOf(this.#sent, 200)
    return this.#sent % KEPT === 0 ? { ...message, channel: 'kept' } : message
  }

  async fill(): Promise<void> {
    for (let i = 0; i < FILL; i += 500)
      await this.queue.enqueue(Array.from({ length: 500 }, () => this.#next()))
  }

  async round(): Promise<void> {
    await this.fill()
    this.#loop.reset()
    this.#loop.enable()
    for (let i = 0; i < ENQUEUES; i += 1) {
      const startedAt = performance.now()
      await this.queue.enqueue(this.#next())
      this.enqueueMs.push(performance.now() - startedAt)
    }
    this.#loop.disable()
    this.delays.push(this.#loop.percentile(99.9) / 1e6)
  }
}

/** Turns of the event loop, one after another, while nothing but the background of a queue runs; ns. */
async function turnsWhile(goesOn: () => boolean): Promise<RecordableHistogram> {
  // No list: the collector, which would have to copy it, took more time than any turn.
  const turns = createHistogram({ figures: 3 })
  let startedAt = performance.now()
  while (goesOn()) {
    await nextTurn()
    const now = performance.now()
    turns.record(Math.max(1, Math.round((now - startedAt) * 1e6)))
    startedAt = now
  }
  return turns
}

/** A queue of sparse segments, opened by one that compacts them, or not, and does nothing else. */
async function backgroundAlone(
  directory: string,
  autoCompact: boolean,
): Promise<Record<string, string | number>> {
  const maker = await Subject.open('maker', directory, false)
  for (let i = 0; i < SPARSE_FILLS; i += 1) await maker.fill()
  await maker.queue.close({ graceMs: 0 })
  const queue = await OutboundQueue.open(directory, {
    advanced: { segmentBytes: SEGMENT_BYTES, autoCompact },
  })
  let compactions = 0
  let isDone = false
  queue.on('compacted', () => {
    compactions += 1
    isDone = true
  })
  const endAt = performance.now() + ALONE_MS
  const turns = await turnsWhile(() => performance.now() < endAt && !isDone)
  await queue.close({ graceMs: 0 })
  return {
    queue: autoCompact ? 'compacts' : 'does nothing',
    turns: turns.count,
    'p99 ms': turns.percentile(99) / 1e6,
    'p99.99 ms': turns.percentile(99.99) / 1e6,
    'longest ms': turns.max / 1e6,
    compactions,
  }
}

await inDirectory(async parent => {
  const without = await Subject.open('without', join(parent, 'without'), false)
  const during = await Subject.open('during compaction', join(parent, 'during'), true)
  for (let round = 0; round <= ROUNDS; round += 1) {
    for (const subject of [without, during]) {
      await subject.round()
      // The first round warms up.
      if (round === 0) subject.enqueueMs.length = 0
    }
  }
  const base = ascending(without.enqueueMs)
  printTable(
    `Enqueue one by one beside the background; ${ROUNDS} rounds in turns, segments of ${mebibytes(SEGMENT_BYTES)} MiB`,
    [without, during].map(({ name, enqueueMs, delays, compacted, reclaimedBytes }) => {
      const sorted = ascending(enqueueMs)
      return {
        queue: name,
        'p50 ms': percentile(sorted, 0.5),
        'p99 ms': percentile(sorted, 0.99),
        '× p99 without': percentile(sorted, 0.99) / percentile(base, 0.99),
        'event-loop delay p99.9 ms': percentile(ascending(delays), 0.5),
        compactions: compacted,
        'reclaimed MiB': mebibytes(reclaimedBytes),
      }
    }),
  )
  await without.queue.close({ graceMs: 0 })
  await during.queue.close({ graceMs: 0 })

  const alone = []
  for (const autoCompact of [false, true]) {
    alone.push(await backgroundAlone(join(parent, `alone-${autoCompact}`), autoCompact))
  }
  printTable('How long a turn of the event loop takes while only the background runs', alone)
})
