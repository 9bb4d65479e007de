/**
 * An hour's life in minutes: mixed traffic, a receiver with moods, dead letters, redrives, withdrawals, compaction,
 * orderly restarts and kills. What is acknowledged must be delivered, and memory, file descriptors and disk must stay
 * flat. `node dist/bench/scale/soak.js [--full]` writes soak.svg into the working directory; the run fails where
 * something was lost.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OutboundQueue, SendError } from '../../lib/index.js'
import { toSvg } from './plot.js'
import {
  ascending,
  diskUse,
  inDirectory,
  mebibytes,
  messageOf,
  percentile,
  printTable,
  scaled,
} from './scale.js'

const TOTAL_MS = scaled(180, 3600) * 1000
const LIFE_MS = scaled(8, 60) * 1000
const SAMPLE_MS = 500
const CHANNELS = 200
/** Of all messages, so many are refused for good, withdrawn, or meet a receiver that is down. */
const SHARE = { refused: 0.01, withdrawn: 0.03, down: 0.02 }

/** From a life to the parent: what may not be undone, and how it is doing. */
type Report =
  | { readonly kind: 'enqueued' | 'delivered' | 'gone'; readonly ids: readonly string[] }
  | {
      readonly kind: 'sample'
      readonly rssBytes: number
      readonly descriptors: number
      readonly pending: number
    }

const life = process.env.WAQ_SOAK_LIFE
if (life === undefined) await inDirectory(supervise)
else await live(JSON.parse(life) as { directory: string; number: number })

// ── One life ──────────────────────────────────────────────────────────────────────────────────────────────────

async function live({ directory, number }: { directory: string; number: number }): Promise<void> {
  const tell = (report: Report): void => {
    process.send!(report)
  }
  const queue = await OutboundQueue.open<{ text: string }, void>(directory, {
    concurrency: 64,
    retry: { maxAttempts: Number.POSITIVE_INFINITY, initialDelayMs: 50, maxDelayMs: 500 },
    dedupe: { maxIds: 10_000 },
    deadLetters: { maxCount: 200 },
    advanced: { segmentBytes: 2 * 2 ** 20, cacheBytes: 4 * 2 ** 20 },
    send: async ({ id, payload }) => {
      await sleep(Math.random() * 5)
      const mood = Math.random()
      if (payload.text.startsWith('bad')) throw new SendError('refused', { kind: 'permanent' })
      if (mood < SHARE.down) throw Object.assign(new Error('down'), { code: 'ECONNREFUSED' })
      tell({ kind: 'delivered', ids: [id] })
    },
  })
  let stopping = false
  process.on('message', () => {
    stopping = true
  })
  queue.on('dead', ({ id }) => tell({ kind: 'gone', ids: [id] }))
  const sampling = setInterval(() => {
    const descriptors = readdirSync('/proc/self/fd').length
    tell({ kind: 'sample', rssBytes: process.memoryUsage.rss(), descriptors, pending: queue.stats().pending })
  }, SAMPLE_MS)

  for (let i = 0; !stopping; i += 1) {
    const size = 1 + Math.floor(Math.random() * 20)
    const messages = Array.from({ length: size }, (_, part) => {
      const isBad = Math.random() < SHARE.refused
      const { channel, payload } = messageOf(Math.floor(Math.random() * CHANNELS), CHANNELS)
      return {
        id: `${number}-${i}-${part}`,
        channel,
        payload: isBad ? { text: `bad ${payload.text}` } : payload,
      }
    })
    const receipts = await queue.enqueue(messages)
    tell({ kind: 'enqueued', ids: receipts.map(({ id }) => id) })
    for (const { id } of receipts) {
      if (Math.random() >= SHARE.withdrawn) continue
      tell({ kind: 'gone', ids: [id] })
      await queue.cancel(id)
    }
    if (i % 400 === 399) await queue.retryDead({ all: true })
    if (i % 900 === 899) await queue.compact()
    // The receiver is slower than the sender now and then, and catches up.
    while (queue.stats().pending > 3000 && !stopping) await sleep(20)
    await sleep(Math.random() * 4)
  }
  clearInterval(sampling)
  await queue.close()
  process.disconnect()
}

// ── The one who watches ───────────────────────────────────────────────────────────────────────────────────────

async function supervise(parent: string): Promise<void> {
  const directory = join(parent, 'queue')
  const open = new Set<string>()
  const delivered = new Map<string, number>()
  const gone = new Set<string>()
  const seconds: number[] = []
  const samples = {
    rss: [] as number[],
    descriptors: [] as number[],
    disk: [] as number[],
    pending: [] as number[],
  }
  const marks: { at: number; kind: string }[] = []
  const startedAt = performance.now()
  const elapsed = (): number => (performance.now() - startedAt) / 1000

  const hear = (report: Report): void => {
    switch (report.kind) {
      case 'enqueued':
        for (const id of report.ids) open.add(id)
        return
      case 'delivered':
        for (const id of report.ids) delivered.set(id, (delivered.get(id) ?? 0) + 1)
        return
      case 'gone':
        for (const id of report.ids) gone.add(id)
        return
      case 'sample':
        seconds.push(elapsed())
        samples.rss.push(mebibytes(report.rssBytes))
        samples.descriptors.push(report.descriptors)
        samples.pending.push(report.pending)
        samples.disk.push(mebibytes(diskUse(directory)))
    }
  }

  for (let number = 0; performance.now() - startedAt < TOTAL_MS; number += 1) {
    const child = fork(import.meta.filename, process.argv.slice(2), {
      env: { ...process.env, WAQ_SOAK_LIFE: JSON.stringify({ directory, number }) },
    })
    child.on('message', report => hear(report as Report))
    await sleep(LIFE_MS * (0.5 + Math.random()))
    const kind = number % 3 === 2 ? 'kill' : 'close'
    marks.push({ at: elapsed(), kind })
    await end(child, kind)
  }

  // What is left is delivered in a last life, by a receiver in the best of moods.
  const queue = await OutboundQueue.open<unknown, void>(directory, {
    send: async ({ id }) => {
      delivered.set(id, (delivered.get(id) ?? 0) + 1)
    },
  })
  await queue.drain()
  const { after } = await queue.compact()
  await queue.close()

  const lost = [...open].filter(id => !delivered.has(id) && !gone.has(id))
  const twice = [...delivered.values()].filter(times => times > 1).length
  writeFileSync(
    'soak.svg',
    toSvg({
      title: `waq, ${Math.round(elapsed())} s of mixed traffic with restarts and kills`,
      seconds,
      marks,
      panels: [
        { title: 'Resident memory', unit: 'MiB', values: samples.rss },
        { title: 'Disk', unit: 'MiB', values: samples.disk },
        { title: 'Open file descriptors', unit: 'count', values: samples.descriptors },
        { title: 'Pending', unit: 'messages', values: samples.pending },
      ],
    }),
  )
  const halves = (values: readonly number[]): [number, number] => {
    const middle = Math.floor(values.length / 2)
    return [
      percentile(ascending(values.slice(0, middle)), 0.9),
      percentile(ascending(values.slice(middle)), 0.9),
    ]
  }
  printTable(
    `Soak of ${Math.round(elapsed())} s: ${open.size} enqueued, ${delivered.size} delivered (${twice} more than once, after kills), ${gone.size} withdrawn or dead, ${lost.length} lost; ${mebibytes(after.diskBytes).toFixed(1)} MiB in ${after.segments} segments at the end`,
    Object.entries(samples).map(([what, values]) => {
      const [first, second] = halves(values)
      return {
        what,
        'p90, first half': first,
        'p90, second half': second,
        ratio: second / first,
        most: Math.max(...values),
      }
    }),
  )
  console.log('soak.svg was written')
  if (lost.length > 0) {
    console.error(`lost: ${lost.slice(0, 10).join(' ')}`)
    process.exitCode = 1
  }
}

async function end(child: ChildProcess, kind: string): Promise<void> {
  const ended = new Promise(resolve => child.once('exit', resolve))
  if (kind === 'kill') child.kill('SIGKILL')
  else child.send('close')
  await ended
}
