/**
 * Claims: opening a queue with 1,000,000 pending takes at most 3 times as long as to read the same files and check the
 * CRCs of every record in one pass; opening one with 1,000 pending after 2,000,000 were delivered at most 3 times as
 * long as opening a fresh one with 1,000 pending. In turns, each opening in a process of its own.
 */
import { mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { OutboundQueue } from '../../lib/index.js'
import { crc32c, preferNativeCrc } from '../../lib/log/format/crc32c.js'
import { decodeSegmentHeader, SEGMENT_HEADER_BYTES, saltState } from '../../lib/log/format/format.js'
import { nodeFileSystem } from '../../lib/log/fs/node-file-system.js'
import { scanSegment } from '../../lib/log/segment/scan.js'
import { files } from '../peers/files.js'
import type { Peer } from '../peers/peer.js'
import { betterSqlite } from '../peers/sqlite.js'
import {
  inDirectory,
  median,
  messageOf,
  messagesOf,
  peerRow,
  printTable,
  scaled,
  withRoles,
} from './scale.js'

const PENDING = scaled(200_000, 1_000_000)
const DELIVERED = scaled(100_000, 2_000_000)
const LEFT = 1000
const ROUNDS = scaled(5, 5)
const PEER_PENDING = scaled(20_000, 100_000)
const LIST = 1000

const roles = {
  /** Leaves so many pending, in a queue that delivered others before; closed in an orderly way. */
  async fill(input: {
    directory: string
    pending: number
    delivered: number
    maxIds: number
  }): Promise<void> {
    const queue = await OutboundQueue.open<{ text: string }, void>(input.directory, {
      concurrency: 256,
      dedupe: { maxIds: input.maxIds },
    })
    if (input.delivered > 0) queue.start(async () => {})
    for (let sent = 0; sent < input.delivered; sent += LIST) {
      await queue.enqueue(messagesOf(sent, LIST))
      if (sent % (20 * LIST) === 0) await queue.drain()
    }
    await queue.drain()
    queue.pause()
    for (let sent = 0; sent < input.pending; sent += LIST) await queue.enqueue(messagesOf(sent, LIST))
    // What the background is about to reclaim.
    await new Promise(done => setTimeout(done, 2000))
    await queue.close()
  },

  async open(input: { directory: string; maxIds: number }): Promise<{ ms: number; pending: number }> {
    const startedAt = performance.now()
    const queue = await OutboundQueue.open(input.directory, { dedupe: { maxIds: input.maxIds } })
    const ms = performance.now() - startedAt
    const { pending } = queue.stats()
    await queue.close()
    return { ms, pending }
  },

  /** Every record's two CRCs, as they stand in the files, and nothing else; computed as an opening does. */
  async readRecords(input: { directory: string }): Promise<{ ms: number }> {
    await preferNativeCrc()
    const startedAt = performance.now()
    for (const path of segmentsOf(input.directory)) {
      const file = await nodeFileSystem.open(path, 'read')
      const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES)
      await file.read(bytes, 0, SEGMENT_HEADER_BYTES, 0)
      const salted = saltState(decodeSegmentHeader(bytes, path)!.salt)
      const source = { file, name: path, salted, from: SEGMENT_HEADER_BYTES, to: await file.size() }
      await scanSegment(source, { frame() {}, bad() {} })
      await file.close()
    }
    return { ms: performance.now() - startedAt }
  },

  /** One CRC over all of it, in large pieces. */
  async readBytes(input: { directory: string }): Promise<{ ms: number; bytes: number }> {
    await preferNativeCrc()
    const startedAt = performance.now()
    const buffer = Buffer.allocUnsafe(512 * 1024)
    let crc = 0
    let bytes = 0
    for (const path of segmentsOf(input.directory)) {
      const file = await nodeFileSystem.open(path, 'read')
      for (let at = 0, read = 1; read > 0; at += read) {
        read = await file.read(buffer, 0, buffer.length, at)
        crc = crc32c(buffer.subarray(0, read), crc)
        bytes += read
      }
      await file.close()
    }
    return { ms: performance.now() - startedAt, bytes }
  },

  async openPeer(input: { directory: string; peer: string }): Promise<{ ms: number; pending: number }> {
    const peer = [betterSqlite, files].find(({ name }) => name === input.peer)!
    const startedAt = performance.now()
    const open = await peer.open(input.directory, { delivering: false })
    const pending = await open.pending!()
    const ms = performance.now() - startedAt
    await open.close()
    return { ms, pending }
  },
}

function segmentsOf(directory: string): string[] {
  return ['acks', 'messages'].flatMap(log =>
    readdirSync(join(directory, log)).map(name => join(directory, log, name)),
  )
}

await withRoles(import.meta.filename, roles, run =>
  inDirectory(async parent => {
    const many = join(parent, 'many')
    await run('fill', { directory: many, pending: PENDING, delivered: 0, maxIds: 100_000 })
    const opens: number[] = []
    const records: number[] = []
    const bytes: number[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      records.push((await run('readRecords', { directory: many })).ms)
      bytes.push((await run('readBytes', { directory: many })).ms)
      opens.push((await run('open', { directory: many, maxIds: 100_000 })).ms)
    }
    printTable(`Opening with ${PENDING} pending, medians of ${ROUNDS}`, [
      { what: 'open', ms: median(opens), 'open / this': 1 },
      {
        what: 'read the files, check the CRCs of each record',
        ms: median(records),
        'open / this': median(opens) / median(records),
      },
      {
        what: 'read the files, one CRC over all',
        ms: median(bytes),
        'open / this': median(opens) / median(bytes),
      },
    ])

    const rows: { queue: string; ms: number; 'this / fresh': number }[] = []
    const histories = [
      { queue: 'fresh', delivered: 0, maxIds: 0 },
      { queue: `after ${DELIVERED} delivered, no ids remembered`, delivered: DELIVERED, maxIds: 0 },
      {
        queue: `after ${DELIVERED} delivered, 100,000 ids remembered`,
        delivered: DELIVERED,
        maxIds: 100_000,
      },
    ].map(history => ({
      ...history,
      directory: join(parent, `after-${history.delivered}-${history.maxIds}`),
    }))
    for (const history of histories) await run('fill', { ...history, pending: LEFT })
    const ms = histories.map(() => [] as number[])
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [i, history] of histories.entries()) ms[i]!.push((await run('open', history)).ms)
    }
    for (const [i, { queue }] of histories.entries()) {
      rows.push({ queue, ms: median(ms[i]!), 'this / fresh': median(ms[i]!) / median(ms[0]!) })
    }
    printTable(`Opening with ${LEFT} pending, medians of ${ROUNDS}`, rows)

    const peers: { queue: string; pending: number; ms: number; 'µs a message': number }[] = []
    for (const peer of [betterSqlite, files]) {
      const directory = join(parent, peer.name)
      const filled = await peerRow(peer.name, () => fillPeer(peer, directory))
      if (filled === undefined) continue
      const { ms, pending } = await run('openPeer', { directory, peer: peer.name })
      peers.push({ queue: peer.title, pending, ms, 'µs a message': (ms * 1000) / pending })
    }
    const own = {
      queue: 'waq',
      pending: PENDING,
      ms: median(opens),
      'µs a message': (median(opens) * 1000) / PENDING,
    }
    printTable('Peers: open, and read what a delivery needs to go on', [own, ...peers])
  }),
)

async function fillPeer(peer: Peer, directory: string): Promise<true> {
  mkdirSync(directory)
  const open = await peer.open(directory, { delivering: false })
  await open.fill!(
    Array.from({ length: PEER_PENDING }, (_, i) => {
      const { channel, payload } = messageOf(i)
      return { channel, text: payload.text }
    }),
  )
  await open.close()
  return true
}
