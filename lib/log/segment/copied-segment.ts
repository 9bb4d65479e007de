/**
 * A segment made of copied frames: an opening copies those that are not proven to be on the device (invariant
 * 8), a compaction those that are still needed (invariant 12). It does not count until a manifest lists it.
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
 * `firstSequence`: what its header foretells. `compacted`: as in the manifest. The caller writes the header,
 * and the frames behind it.
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
 * The copy of a frame for the end of a segment, which then reaches so far. What is copied is whole, so no
 * list is open any more.
 */
export function copyFrame(
  segment: Segment,
  { sequence, type, flags }: CopiedHeader,
  payload: Buffer,
): Buffer {
  const offset = segment.length
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length)
  payload.copy(frame, FRAME_HEADER_BYTES)
  // A copy counts only once all of it is on the device: what is proven there is told by the manifest.
  const durable = SEGMENT_HEADER_BYTES
  sealFrame(frame, 0, payload.length, type, flags & ~FLAG_MORE, durable, sequence, segment.salted, offset)
  segment.firstSequence = segment.holdsFrames ? Math.min(segment.firstSequence, sequence) : sequence
  segment.lastSequence = Math.max(segment.lastSequence, sequence)
  segment.limit(offset + frame.length)
  return frame
}
