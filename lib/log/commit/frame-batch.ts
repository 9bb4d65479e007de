import { FLAG_MORE, FRAME_HEADER_BYTES, sealFrame } from '../format/format.js'
import type { Segment } from '../segment/segment.js'
import type { Append } from './append.js'
import { recordBuffer } from './record-buffer.js'

/**
 * Builds the frames of a batch, to be written at the end of `segment`, and notes in each append where its
 * frame will be.
 */
export function frameBatch(batch: readonly Append[], bytes: number, segment: Segment): Buffer {
  const inPlace = recordBuffer.framesOf(batch)
  const frames = inPlace ?? Buffer.allocUnsafe(bytes)
  const view = new DataView(frames.buffer, frames.byteOffset, frames.length)
  const durable = segment.synced
  let at = 0
  for (const append of batch) {
    const { type, leadType, count } = append
    append.writtenTo = segment
    append.offset = segment.written + at
    for (let index = 0; index < count; index += 1) {
      const record = append.record(index)
      if (inPlace === undefined) frames.set(record, at + FRAME_HEADER_BYTES)
      at = sealFrame(
        frames,
        at,
        record.length,
        index < count - 1 ? (leadType ?? type) : type,
        index < count - 1 ? FLAG_MORE : 0,
        durable,
        append.firstSequence + index,
        segment.salted,
        segment.written + at,
        Buffer.isBuffer(record) ? record : undefined,
        view,
      )
    }
  }
  return frames
}
