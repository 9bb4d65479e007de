/**
 * A segment of copied frames: an opening copies those not proven to be on the device (invariant 8), a
 * compaction those still needed (invariant 12). It does not count until a manifest lists it.
 */
import { randomBytes } from 'node:crypto'
import type { DirectoryContext } from '../directory/directory-context.js'
import {
  encodeSegmentHeader,
  FLAG_MORE,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  SALT_BYTES,
  SEGMENT_HEADER_BYTES,
  sealFrame,
} from '../format/format.js'
import type { LogIdentity } from '../types.js'
import { Segment } from './segment.js'

/**
 * `firstSequence`: for its header, a lower bound. `compacted`: as in the manifest. The caller writes the
 * header and the frames after it.
 */
export function beginCopiedSegment(
  directory: DirectoryContext,
  { name, id: logId }: LogIdentity,
  firstSequence: number,
  compacted: boolean,
): { segment: Segment; header: Buffer } {
  const id = directory.nextFileId()
  const salt = randomBytes(SALT_BYTES)
  const segment = new Segment({
    log: name,
    ...id,
    salt,
    firstSequence,
    lastSequence: 0,
    length: SEGMENT_HEADER_BYTES,
    diskBytes: 0,
    compacted,
  })
  const createdAt = directory.now()
  return { segment, header: encodeSegmentHeader({ logId, ...id, salt, firstSequence, createdAt }) }
}

/** What a copy keeps of the frame's header. */
export type CopiedHeader = Pick<FrameHeader, 'sequence' | 'type' | 'flags'>

/**
 * Encodes a copy of a frame for the end of a segment, and extends the segment by it. No copied list can be
 * torn, so `FLAG_MORE` is cleared.
 */
export function copyFrame(
  segment: Segment,
  { sequence, type, flags }: CopiedHeader,
  payload: Buffer,
): Buffer {
  const offset = segment.length
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length)
  payload.copy(frame, FRAME_HEADER_BYTES)
  // A copied segment counts only once all of it is on the device: the manifest gives the proven length.
  const durable = SEGMENT_HEADER_BYTES
  sealFrame(frame, 0, payload.length, type, flags & ~FLAG_MORE, durable, sequence, segment.salted, offset)
  segment.firstSequence = segment.holdsFrames ? Math.min(segment.firstSequence, sequence) : sequence
  segment.lastSequence = Math.max(segment.lastSequence, sequence)
  segment.limit(offset + frame.length)
  return frame
}
