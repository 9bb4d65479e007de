/**
 * Decides which segments of a log to give up, and which to rewrite together. Pure: facts in, plan out.
 *
 * - A segment that nothing needs is given up.
 * - A segment of which little is needed (`liveRatio`) is rewritten, together with the small ones beside it.
 *   So are segments whose records can be made denser, and many small ones in a row (openings that wrote
 *   little leave some).
 * - Segments are rewritten in runs without a gap, so that a log's segments stay in the order of its records.
 * - A run fills about one segment at most, which bounds the cost of a single rewrite.
 */

/** What is known of one segment. */
export interface SegmentShare {
  readonly id: number
  /** Bytes of records. */
  readonly bytes: number
  /** Bytes of these that are needed; an estimate will do. */
  readonly neededBytes: number
  /** A rewrite would make its records denser. */
  readonly loose: boolean
  /** `free`: nothing needs it. `fixed`: it is still written to, or must stay as it is for another reason. */
  readonly state: 'free' | 'movable' | 'fixed'
}

export interface CompactionLimits {
  /** A segment with a lower share of needed bytes is worth rewriting. */
  readonly liveRatio: number
  /** A run that frees fewer bytes is not rewritten, unless it makes one segment of many. */
  readonly leastFreedBytes: number
  /** A smaller segment joins a run beside it. */
  readonly smallBytes: number
  /** This many small ones in a row are made one. */
  readonly leastSmall: number
  /** A run needs no more bytes than this, unless it is a single segment. */
  readonly runBytes: number
  /** A run has at most this many segments. */
  readonly runSegments: number
  /** Segments that the traffic is about to free by itself are left alone. */
  readonly sparesRecent: boolean
}

export interface CompactionRun {
  readonly ids: readonly number[]
  readonly bytes: number
  readonly neededBytes: number
}

/** In the background: only rewrites that cost little for what they free. */
export function backgroundLimits(segmentBytes: number, liveRatio: number): CompactionLimits {
  return {
    liveRatio,
    leastFreedBytes: Math.ceil(segmentBytes / 16),
    smallBytes: segmentBytes / 4,
    leastSmall: 4,
    runBytes: segmentBytes,
    runSegments: 64,
    sparesRecent: true,
  }
}

/** On demand: everything, except segments of which nearly all is needed. */
export function thoroughLimits(segmentBytes: number): CompactionLimits {
  return {
    liveRatio: 0.95,
    leastFreedBytes: 1,
    smallBytes: segmentBytes / 4,
    leastSmall: 2,
    runBytes: segmentBytes,
    runSegments: 64,
    sparesRecent: false,
  }
}

/** `segments`: in log order, oldest first. The run that frees the largest share comes first. */
export function planCompaction(
  segments: readonly SegmentShare[],
  limits: CompactionLimits,
): readonly CompactionRun[] {
  const rewrite = runsOf(segments, limits).filter(run => isWorthIt(run, limits))
  rewrite.sort((one, other) => one.neededBytes / one.bytes - other.neededBytes / other.bytes)
  return rewrite.map(({ ids, bytes, neededBytes }) => ({ ids, bytes, neededBytes }))
}

interface Run {
  readonly ids: number[]
  bytes: number
  neededBytes: number
  small: number
  hasSparse: boolean
}

/**
 * Runs of neighbouring segments that are sparse or small, split where a run would grow too large. Free
 * segments are gone by then and split nothing.
 */
function runsOf(segments: readonly SegmentShare[], limits: CompactionLimits): Run[] {
  const runs: Run[] = []
  let run: Run | undefined
  for (const segment of segments) {
    if (segment.state === 'free') continue
    const isSparse = segment.loose || segment.neededBytes < limits.liveRatio * segment.bytes
    const isSmall = segment.bytes < limits.smallBytes
    if (segment.state === 'fixed' || !(isSparse || isSmall)) {
      run = undefined
      continue
    }
    const isFull =
      run !== undefined &&
      (run.neededBytes + segment.neededBytes > limits.runBytes || run.ids.length >= limits.runSegments)
    if (run === undefined || isFull) {
      run = { ids: [], bytes: 0, neededBytes: 0, small: 0, hasSparse: false }
      runs.push(run)
    }
    run.ids.push(segment.id)
    run.bytes += segment.bytes
    run.neededBytes += segment.neededBytes
    if (isSmall) run.small += 1
    if (isSparse) run.hasSparse = true
  }
  return runs
}

function isWorthIt(run: Run, limits: CompactionLimits): boolean {
  if (run.ids.length > 1 && run.small >= limits.leastSmall) return true
  return run.hasSparse && run.bytes - run.neededBytes >= limits.leastFreedBytes
}
