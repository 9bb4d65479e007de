/** How the two logs of a queue are written: durability, segment size, and what a failure does. */
import type { LogSpec } from '../log/types.js'
import { ackLog, messageLog } from './log-names.js'
import type { LogStoreOptions } from './types.js'

/** A smaller segment is hardly worth its header, its manifest entry and its syncs. */
const MIN_ACK_SEGMENT_BYTES = 4096

/** Outcomes are short: smaller segments are freed sooner, and hold fewer zeros ahead of the last frame. */
export function ackSegmentBytes(segmentBytes: number): number {
  return Math.max(MIN_ACK_SEGMENT_BYTES, Math.floor(segmentBytes / 4))
}

/** In the order of `logIdentities`. */
export function logSpecs(
  options: Pick<LogStoreOptions, 'durability' | 'ackSyncMs' | 'segmentBytes'>,
): LogSpec[] {
  const { durability, ackSyncMs, segmentBytes } = options
  return [
    {
      ...ackLog,
      durability: { syncEveryMs: ackSyncMs },
      segmentBytes: ackSegmentBytes(segmentBytes),
      onFailure: 'retain',
      accountsForTail: true,
    },
    { ...messageLog, durability, onFailure: 'reject' },
  ]
}
