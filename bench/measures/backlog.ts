import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { drive } from '../method/drive.js'
import { messagesOf } from '../method/messages.js'
import type { OpenPeer, Peer } from '../peers/peer.js'
import { LATENCY_COLUMNS } from './latency-columns.js'
import type { Measure, Point, Size } from './measure.js'
import { about } from './opened.js'

const TEXT_BYTES = 200
const FILL_AT_ONCE = 1_000
const WAITING: Readonly<Record<Size, readonly number[]>> = {
  tiny: [10, 100],
  short: [1_000, 10_000, 100_000],
  long: [1_000, 10_000, 100_000, 1_000_000],
}
/** One file each: more would take longer than everything else together. */
const MAX_FILES = 10_000

/** One of each kind: filling takes longer than measuring. */
const COMPARED = ['waq', 'better-sqlite3', 'node-sqlite', 'plainjob', 'lmdb', 'classic-level', 'files']

export function backlogPoints(size: Size): readonly Point[] {
  return WAITING[size].map(value => ({
    name: value.toLocaleString('en'),
    value,
    onlyFor: peer => value <= MAX_FILES || !keepsFiles(peer),
  }))
}

export async function fillTo(opened: OpenPeer, count: number): Promise<void> {
  const message = messagesOf(TEXT_BYTES)
  for (let filled = 0; filled < count; filled += FILL_AT_ONCE) {
    const messages = Array.from({ length: Math.min(FILL_AT_ONCE, count - filled) }, (_, at) =>
      message(filled + at),
    )
    await opened.fill!(messages)
  }
}

function keepsFiles({ name }: Peer): boolean {
  return name.startsWith('files') || name === 'fs-safe'
}

export const backlog: Measure = {
  name: 'backlog',
  title: 'The same with a backlog',
  explanation: `Round trips as above, while this many other messages wait and cannot be sent. Memory is that of the whole process, with all backlogs of this table.`,
  pointTitle: 'waiting',
  points: ({ size }) => backlogPoints(size),
  suits: ({ name }) => COMPARED.includes(name),
  columns: LATENCY_COLUMNS,
  async prepare(peer, directory, options) {
    const opened = new Map<string, OpenPeer>()
    for (const { name, value, onlyFor } of this.points(options)) {
      if (onlyFor?.(peer) === false) continue
      const place = join(directory, String(value))
      mkdirSync(place)
      const filled = await peer.open(place, { delivering: true })
      await fillTo(filled, value)
      opened.set(name, filled)
    }
    const message = messagesOf(TEXT_BYTES)
    const [first] = opened.values()
    return {
      ...about(first!),
      async round(point) {
        const one = opened.get(point)!
        const load = { callers: 1, budgetMs: options.budgetMs, maxMessages: 1e6 }
        return { ...(await drive(nth => one.trip!(message(nth)), load)) }
      },
      async close() {
        for (const one of opened.values()) await one.close()
      },
    }
  },
}
