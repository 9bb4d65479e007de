/**
 * Claims: with 1,000,000 pending, the resident set above that of an empty queue is at most 160 bytes a message and the
 * cache, after garbage was collected, whether they were enqueued in this life or read by an opening; and it is flat
 * while an endless stream passes through. Beside it: what a message with a priority of its own, or with a key of its own in
 * `replaces`, takes.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { OutboundQueue } from '../../lib/index.js'
import { betterSqlite } from '../peers/sqlite.js'
import {
  inDirectory,
  type Memory,
  mebibytes,
  memoryAfterGc,
  messageOf,
  messagesOf,
  peerRow,
  printTable,
  scaled,
  withRoles,
} from './scale.js'

const PENDING = scaled(200_000, 1_000_000)
const STREAM = scaled(200_000, 2_000_000)
const PEER_PENDING = scaled(50_000, 1_000_000)
const CACHE_BYTES = 16 * 2 ** 20
const LIST = 1000
const CHANNELS = [1, 1000, PENDING]
/** What a message may have besides. */
const EXTRAS = {
  priority: () => ({ priority: 3 }),
  replaces: (n: number) => ({ replaces: `edit:${n}` }),
} as const

interface Held {
  readonly empty: Memory
  readonly full: Memory
}

const roles = {
  async enqueued(input: { directory: string; channels: number; extra?: keyof typeof EXTRAS }): Promise<Held> {
    const queue = await OutboundQueue.open(input.directory, { advanced: { cacheBytes: CACHE_BYTES } })
    // What is compiled and cached by the first messages is no cost of the million.
    await queue.enqueue(messagesOf(0, LIST, input.channels))
    for await (const { id } of queue.list()) await queue.cancel(id)
    const empty = await memoryAfterGc()
    const extra = input.extra === undefined ? () => ({}) : EXTRAS[input.extra]
    for (let sent = 0; sent < PENDING; sent += LIST)
      await queue.enqueue(
        messagesOf(sent, LIST, input.channels).map((message, i) => ({ ...message, ...extra(sent + i) })),
      )
    const full = await memoryAfterGc()
    await queue.close()
    return { empty, full }
  },

  async opened(input: { directory: string; emptyDirectory: string }): Promise<Held> {
    const other = await OutboundQueue.open(input.emptyDirectory, { advanced: { cacheBytes: CACHE_BYTES } })
    await other.enqueue(messagesOf(0, LIST))
    const empty = await memoryAfterGc()
    const queue = await OutboundQueue.open(input.directory, { advanced: { cacheBytes: CACHE_BYTES } })
    const full = await memoryAfterGc()
    await queue.close()
    await other.close()
    return { empty, full }
  },

  async stream(input: { directory: string }): Promise<{ passed: number; memory: Memory }[]> {
    const queue = await OutboundQueue.open<{ text: string }, void>(input.directory, {
      concurrency: 256,
      send: async () => {},
    })
    const samples: { passed: number; memory: Memory }[] = []
    for (let sent = 0; sent < STREAM; sent += LIST) {
      await queue.enqueue(messagesOf(sent, LIST))
      if ((sent + LIST) % (STREAM / 5) !== 0) continue
      await queue.drain()
      samples.push({ passed: sent + LIST, memory: await memoryAfterGc() })
    }
    await queue.close()
    return samples
  },

  /** Rows are in pages of its own; what a program must hold of them is up to the program. */
  async sqlite(input: { directory: string }): Promise<Held> {
    const open = await betterSqlite.open(input.directory, { delivering: false })
    const empty = await memoryAfterGc()
    for (let sent = 0; sent < PEER_PENDING; sent += LIST) {
      await open.fill!(
        Array.from({ length: LIST }, (_, i) => {
          const { channel, payload } = messageOf(sent + i)
          return { channel, text: payload.text }
        }),
      )
    }
    const full = await memoryAfterGc()
    await open.close()
    return { empty, full }
  },
}

await withRoles(import.meta.filename, roles, run =>
  inDirectory(async parent => {
    const rows = []
    for (const channels of CHANNELS) {
      const directory = join(parent, `channels-${channels}`)
      rows.push(row(`enqueued, ${channels} channels`, await run('enqueued', { directory, channels })))
    }
    for (const extra of ['priority', 'replaces'] as const) {
      const held = { directory: join(parent, extra), channels: 1000, extra }
      rows.push(row(`enqueued, 1000 channels, ${extra}`, await run('enqueued', held)))
    }
    const directory = join(parent, 'channels-1000')
    rows.push(
      row('opened, 1000 channels', await run('opened', { directory, emptyDirectory: join(parent, 'empty') })),
    )
    printTable(
      `Memory with ${PENDING} pending, after GC; the cache holds ${mebibytes(CACHE_BYTES)} MiB`,
      rows,
    )

    const samples = await run('stream', { directory: join(parent, 'stream') })
    printTable(
      'Memory while a stream passes through, nothing pending, after GC',
      samples.map(({ passed, memory }) => ({
        passed,
        'resident MiB': mebibytes(memory.rssBytes),
        'heap MiB': mebibytes(memory.heapBytes),
        'external MiB': mebibytes(memory.externalBytes),
      })),
    )

    const sqlite = join(parent, 'sqlite')
    mkdirSync(sqlite)
    const held = await peerRow('better-sqlite3', async () => {
      await (await betterSqlite.open(sqlite, { delivering: false })).close()
      return run('sqlite', { directory: sqlite })
    })
    if (held !== undefined) {
      const bytes = held.full.rssBytes - held.empty.rssBytes
      printTable(`Peer: rows that no one holds, ${PEER_PENDING} of them`, [
        {
          queue: betterSqlite.title,
          'resident MiB above empty': mebibytes(bytes),
          'bytes a message': bytes / PEER_PENDING,
        },
      ])
    }
  }),
)

function row(what: string, { empty, full }: Held): Record<string, string | number> {
  const resident = full.rssBytes - empty.rssBytes
  const held = full.heapBytes + full.externalBytes - empty.heapBytes - empty.externalBytes
  return {
    what,
    'resident MiB above empty': mebibytes(resident),
    'less the cache, bytes a message':
      Math.max(0, resident - (what.startsWith('enq') ? CACHE_BYTES : 0)) / PENDING,
    'heap and buffers, bytes a message':
      Math.max(0, held - (what.startsWith('enq') ? CACHE_BYTES : 0)) / PENDING,
  }
}
