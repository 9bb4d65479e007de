import type { ManifestSegment } from '../manifest/manifest.js'
import type { Segment } from '../segment/segment.js'
import type { CorruptRange } from '../types.js'

/** A segment and how much of it counts. */
export interface RecoveredSegment {
  readonly segment: Segment
  readonly wasOpen: boolean
  readonly fileBytes: number
  /** If open: the last sequence that the manifest knows to be on the device; 0: none. */
  readonly syncedSequence: number
  /** Its bytes that count; set by the tail scan if it is open. */
  end: number
  /** From here to `end` its frames are not proven to be on the device. */
  provenEnd: number
  /** No frame in it has a higher sequence. */
  lastSequence: number
  holdsFrames: boolean
  /** If open: the sequence of its first frame, if intact; no frame in it has a lower one. */
  begins: number | undefined
  /**
   * It is open, and frames after the last one found are lost, though zeros follow: its synced header is
   * unreadable, or the manifest knows of a later frame on the device.
   */
  lostTail: boolean
}

/**
 * A segment that cannot be scanned: its file is missing or unrecognizable. It keeps its place in the order.
 */
export interface MissingSegment {
  /**
   * Number of candidates before it. Segments are in the order of their records, not of their names: a
   * rewritten one has a new name.
   */
  readonly after: number
  readonly range: CorruptRange
  /** Only its neighbours tell how many frames it held. */
  readonly unbounded: boolean
}

/** A segment of the manifest, and what was found. */
export interface ListedSegment {
  readonly entry: ManifestSegment
  readonly file: string
  /** Undefined: it is missing. */
  readonly candidate: RecoveredSegment | undefined
}
