import type { DispatcherStats } from '../../delivery/types.js'
import { crcImplementation } from '../../log/format/crc32c.js'
import type { StoreStats } from '../../store/types.js'
import type { QueueStats } from '../types.js'
import { percentilesOf, type RecentDurations } from './recent-durations.js'

export interface StatsSources {
  readonly store: StoreStats
  readonly dispatcher: DispatcherStats
  /** Unsettled messages that `open` found to be lost. */
  readonly lost: number
  /** Messages accepted since `open`. */
  readonly enqueued: number
  readonly enqueueDurations: RecentDurations
  readonly sendDurations: RecentDurations
  /** In the queue's time. */
  readonly nowMs: number
}

export function assembleStats(sources: StatsSources): QueueStats {
  const { store, dispatcher, lost, enqueued, enqueueDurations, sendDurations, nowMs } = sources
  const {
    pending,
    sending,
    dead,
    oldestPendingAt,
    oldestUnpausedAt,
    diskBytes,
    liveBytes,
    segments,
    syncs,
    commits,
  } = store
  const { channels, halted, haltedCount, braked, brakedCount, paused, pausedCount } = dispatcher
  const { delivered, dead: deadLettered, retried, rateLimited } = dispatcher
  return {
    pending,
    sending,
    dead,
    lost,
    channels,
    halted,
    haltedCount,
    braked,
    brakedCount,
    paused,
    pausedCount,
    oldestPendingMs: ageMs(oldestPendingAt, nowMs),
    oldestUnpausedMs: ageMs(oldestUnpausedAt, nowMs),
    diskBytes,
    liveBytes,
    segments,
    enqueued,
    delivered,
    deadLettered,
    retried,
    rateLimited,
    syncs,
    syncMs: percentilesOf(store.syncMs),
    commits,
    enqueueMs: enqueueDurations.percentiles(),
    sendMs: sendDurations.percentiles(),
    crc: crcImplementation,
  }
}

function ageMs(at: number | undefined, nowMs: number): number | null {
  return at === undefined ? null : Math.max(0, nowMs - at)
}
