import type { DispatcherStats } from '../../delivery/types.js'
import { crcImplementation } from '../../log/format/crc32c.js'
import type { StoreStats } from '../../store/types.js'
import type { QueueStats } from '../types.js'
import { percentilesOf, type RecentDurations } from './recent-durations.js'

export interface StatsSources {
  readonly store: StoreStats
  readonly dispatcher: DispatcherStats
  /** Messages that `open` found to be lost and that were not settled. */
  readonly lost: number
  /** Messages accepted since `open`. */
  readonly enqueued: number
  readonly enqueueDurations: RecentDurations
  readonly sendDurations: RecentDurations
  /** In the queue's time. */
  readonly nowMs: number
}

export function assembleStats(sources: StatsSources): QueueStats {
  const { store, dispatcher, enqueued, enqueueDurations, sendDurations, nowMs } = sources
  return {
    pending: store.pending,
    sending: store.sending,
    dead: store.dead,
    lost: sources.lost,
    channels: dispatcher.channels,
    halted: dispatcher.halted,
    haltedCount: dispatcher.haltedCount,
    braked: dispatcher.braked,
    brakedCount: dispatcher.brakedCount,
    paused: dispatcher.paused,
    pausedCount: dispatcher.pausedCount,
    oldestPendingMs: store.oldestPendingAt === undefined ? null : Math.max(0, nowMs - store.oldestPendingAt),
    diskBytes: store.diskBytes,
    liveBytes: store.liveBytes,
    segments: store.segments,
    enqueued,
    delivered: dispatcher.delivered,
    deadLettered: dispatcher.dead,
    retried: dispatcher.retried,
    rateLimited: dispatcher.rateLimited,
    syncs: store.syncs,
    syncMs: percentilesOf(store.syncMs),
    commits: store.commits,
    enqueueMs: enqueueDurations.percentiles(),
    sendMs: sendDurations.percentiles(),
    crc: crcImplementation,
  }
}
