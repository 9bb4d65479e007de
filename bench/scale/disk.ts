/**
 * Claim: after any number of messages through a queue that keeps 1,000 pending, disk use is at most twice the live
 * bytes and four segments, at all times. `--full`: 2,000,000 messages.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { OutboundQueue } from '../../lib/index.js'
import { files } from '../peers/files.js'
import type { Peer } from '../peers/peer.js'
import { betterSqlite } from '../peers/sqlite.js'
import {
  diskUse,
  inDirectory,
  mebibytes,
  messageOf,
  messagesOf,
  peerRow,
  printTable,
  scaled,
} from './scale.js'

const PENDING = 1000
const MESSAGES = scaled(200_000, 2_000_000)
const PEER_MESSAGES = scaled(5_000, 100_000)
const SEGMENT_BYTES = 16 * 2 ** 20
const LIST = 500

/** What ids within the dedupe window take as outcomes on disk, about. */
const ID_BYTES = 160

interface Used {
  readonly messages: number
  readonly liveBytes: number
  readonly idBytes: number
  readonly mostBytes: number
  readonly lastBytes: number
}

/** Lets so many through. */
class Gate {
  #passed = 0
  #allowed = 0
  #waiting: (() => void)[] = []
  #reached = (): void => {}

  async pass(): Promise<void> {
    while (this.#passed >= this.#allowed) await new Promise<void>(resolve => this.#waiting.push(resolve))
    this.#passed += 1
    if (this.#passed >= this.#allowed) this.#reached()
  }

  /** Resolves when all of them are through. */
  let(allowed: number): Promise<void> {
    this.#allowed = allowed
    for (const wake of this.#waiting.splice(0)) wake()
    if (this.#passed >= allowed) return Promise.resolve()
    return new Promise(resolve => {
      this.#reached = resolve
    })
  }
}

async function stream(directory: string, maxIds: number): Promise<Used> {
  const gate = new Gate()
  const queue = await OutboundQueue.open<{ text: string }, void>(directory, {
    concurrency: 256,
    dedupe: { maxIds },
    advanced: { segmentBytes: SEGMENT_BYTES },
    send: () => gate.pass(),
  })
  let mostBytes = 0
  for (let sent = 0; sent < MESSAGES; sent += LIST) {
    await queue.enqueue(messagesOf(sent, LIST))
    // Held back so that 1,000 wait at any time.
    await gate.let(sent + LIST - PENDING)
    mostBytes = Math.max(mostBytes, diskUse(directory))
  }
  const { liveBytes } = queue.stats()
  const used = {
    messages: MESSAGES,
    liveBytes,
    idBytes: maxIds * ID_BYTES,
    mostBytes,
    lastBytes: diskUse(directory),
  }
  const closing = queue.close()
  void gate.let(Number.POSITIVE_INFINITY)
  await closing
  return used
}

async function peerStream(peer: Peer, directory: string): Promise<Used> {
  mkdirSync(directory)
  const open = await peer.open(directory, { delivering: true })
  await open.fill!(Array.from({ length: PENDING }, (_, i) => toPeer(i)))
  let mostBytes = 0
  for (let i = 0; i < PEER_MESSAGES; i += 1) {
    await open.trip!(toPeer(i))
    if (i % LIST === 0) mostBytes = Math.max(mostBytes, diskUse(directory))
  }
  const lastBytes = diskUse(directory)
  await open.close()
  return { messages: PEER_MESSAGES, liveBytes: PENDING * 600, idBytes: 0, mostBytes, lastBytes }
}

function toPeer(nth: number): { channel: string; text: string } {
  const { channel, payload } = messageOf(nth)
  return { channel, text: payload.text }
}

await inDirectory(async parent => {
  const rows: [string, Used | undefined][] = [
    ['waq, no ids remembered', await stream(join(parent, 'bare'), 0)],
    ['waq, ids remembered', await stream(join(parent, 'ids'), scaled(20_000, 100_000))],
  ]
  for (const peer of [betterSqlite, files]) {
    rows.push([peer.title, await peerRow(peer.name, () => peerStream(peer, join(parent, peer.name)))])
  }
  printTable(
    `Disk use with ${PENDING} pending, segments of ${mebibytes(SEGMENT_BYTES)} MiB; bound: 2 × (live + ids) + 4 segments`,
    rows.flatMap(([name, used]) => {
      if (used === undefined) return []
      const bound = 2 * (used.liveBytes + used.idBytes) + 4 * SEGMENT_BYTES
      return {
        queue: name,
        'messages through': used.messages,
        'live MiB': mebibytes(used.liveBytes),
        'ids MiB': mebibytes(used.idBytes),
        'most MiB': mebibytes(used.mostBytes),
        'at the end MiB': mebibytes(used.lastBytes),
        'most / bound': used.mostBytes / bound,
      }
    }),
  )
})
