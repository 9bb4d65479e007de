import { bullmq } from './bullmq.js'
import { classicLevel } from './classic-level.js'
import { files, filesSynced } from './files.js'
import { floor, floorOnTheSpot, floorSynchronous } from './floor.js'
import { fsSafe } from './fs-safe.js'
import { lmdb } from './lmdb.js'
import { nats } from './nats.js'
import { noQueue } from './no-queue.js'
import type { Peer } from './peer.js'
import { plainjob } from './plainjob.js'
import { betterSqlite, betterSqliteBatched, nodeSqlite } from './sqlite.js'
import { waq, waqEvery10Ms, waqOs } from './waq.js'
import { waqLog } from './waq-log.js'

/** In the order of every table. */
export const allPeers: readonly Peer[] = [
  floor,
  floorSynchronous,
  floorOnTheSpot,
  noQueue,
  waq,
  waqEvery10Ms,
  waqOs,
  waqLog,
  betterSqlite,
  betterSqliteBatched,
  nodeSqlite,
  plainjob,
  lmdb,
  classicLevel,
  files,
  filesSynced,
  fsSafe,
  bullmq,
  nats,
]

export function peerNamed(name: string): Peer {
  const found = allPeers.find(peer => peer.name === name)
  if (found === undefined) {
    const names = allPeers.map(peer => peer.name).join(', ')
    throw new Error(`There is no candidate "${name}". There are: ${names}.`)
  }
  return found
}
