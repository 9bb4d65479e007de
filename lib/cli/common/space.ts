import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES } from '../../log/format/format.js'
import type { CompactionReport } from '../../queue/types.js'
import { MESSAGE_LOG } from '../../store/log-names.js'
import type { StoreReader } from '../../store/reader/store-reader.js'

/** A segment with a smaller share of live bytes is rewritten; the default of `liveRatio`. */
const LIVE_RATIO = 0.5

/**
 * Estimates the result of a compaction: message segments without a live message are removed, those with few
 * are rewritten. Outcomes are not considered.
 */
export async function estimateCompaction(reader: StoreReader): Promise<CompactionReport> {
  const live = new Map<string, number>()
  for await (const { messages } of reader.found()) {
    for (const { file, bytes } of messages) live.set(file, (live.get(file) ?? 0) + bytes + FRAME_HEADER_BYTES)
  }
  const { diskBytes, segments } = await reader.disk()
  let freed = 0
  let removed = 0
  let rewrittenBytes = 0
  for (const { file, log, diskBytes: held } of segments) {
    if (log !== MESSAGE_LOG) continue
    const bytes = live.get(file) ?? 0
    if (bytes / held >= LIVE_RATIO) continue
    freed += held
    removed += 1
    rewrittenBytes += bytes
  }
  const written = rewrittenBytes === 0 ? 0 : rewrittenBytes + SEGMENT_HEADER_BYTES
  return {
    before: { diskBytes, segments: segments.length },
    after: {
      diskBytes: diskBytes - freed + written,
      segments: segments.length - removed + (rewrittenBytes === 0 ? 0 : 1),
    },
  }
}
