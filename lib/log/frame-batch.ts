import type { Append } from './append-queue.js'
import { FLAG_MORE, FRAME_HEADER_BYTES, sealFrame } from './format.js'
import { recordBuffer } from './record-buffer.js'
import type { Segment } from './segment.js'

/** The frames of a batch as they are written behind what `segment` holds; notes in each append where it will stand. */
export function frameBatch(batch: readonly Append[], bytes: number, segment: Segment): Buffer {
  const inPlace = recordBuffer.framesOf(batch)
  const frames = inPlace ?? Buffer.allocUnsafe(bytes)
  const durable = segment.synced
  let at = 0
  for (const append of batch) {
    append.segment = segment
    append.offset = segment.written + at
    let sequence = append.firstSequence
    const last = append.lastSequence
    for (const record of append.records) {
      if (inPlace === undefined) frames.set(record, at + FRAME_HEADER_BYTES)
      const flags = sequence < last ? FLAG_MORE : 0
      at = sealFrame(
        frames,
        at,
        record.length,
        append.type,
        flags,
        durable,
        sequence,
        segment.salted,
        segment.written + at,
        Buffer.isBuffer(record) ? record : undefined,
      )
      sequence += 1
    }
  }
  return frames
}
