import { WaqError } from '../errors/waq-error.js'
import { FRAME_HEADER_BYTES, type FrameHeader, payloadIsIntact, readFrameHeader } from '../format/format.js'
import type { Segment } from './segment.js'

/** The position of a frame. */
export interface FrameAt {
  readonly segment: Pick<Segment, 'file' | 'salted'>
  readonly offset: number
  /** Bytes of the segment from there on. */
  readonly room: number
}

/**
 * The payload of that frame, a view of `bytes`, which begin at `from`; undefined if it is not whole or not
 * intact.
 */
export function payloadIn(bytes: Buffer, from: number, place: FrameAt): Buffer | undefined {
  const { segment, offset } = place
  const header = headerIn(bytes, from, place)
  if (header === undefined) return undefined
  const start = offset - from + FRAME_HEADER_BYTES
  const end = start + header.payloadLength
  if (end > bytes.length) return undefined
  const payload = bytes.subarray(start, end)
  return payloadIsIntact(payload, header, segment.salted, offset) ? payload : undefined
}

export function headerIn(
  bytes: Buffer,
  from: number,
  { segment, offset, room }: FrameAt,
): FrameHeader | undefined {
  const at = offset - from
  if (at + FRAME_HEADER_BYTES > bytes.length) return undefined
  return readFrameHeader(bytes, at, segment.salted, offset, room)
}

export function noRecord({ segment, offset }: FrameAt): WaqError {
  return new WaqError('WAQ_CORRUPT', `${segment.file} holds no intact record at ${offset}`)
}
