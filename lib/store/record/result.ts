/**
 * What `send` returned for a delivered message, if `keepResults` says so: a MessagePack value in a frame of
 * its own, written as one atomic list with the outcome.
 *
 *     The result of the outcome with ack sequence n is the frame of this type with ack sequence n - 1, in the
 *     same segment and before the frame of the outcome.
 *
 * Copying keeps that: an opening copies whatever one flush wrote together, and compaction writes the results
 * of a block right before it. So neither names the other, and the place of a result takes eight bytes in
 * memory: its offset and its length.
 */
import { recordBuffer } from '../../log/commit/record-buffer.js'
import { UnfitPayload, writePayload } from './payload-writer.js'

export const RESULT_FRAME_TYPE = 17

/** The place of a result in the ack segment of its outcome. */
export interface ResultPlace {
  readonly offset: number
  /** Of its record. */
  readonly bytes: number
}

/**
 * In a buffer of its own. Throws `UnfitPayload`, also if it takes more than `maxBytes`, and whatever a getter
 * or a proxy in the value throws.
 */
export function encodeResult(value: unknown, maxBytes: number): Buffer {
  const outer = recordBuffer.begin()
  try {
    // Room for the length before it, which is not counted.
    const bytes = writePayload(value, maxBytes + MAX_LENGTH_BYTES)
    if (bytes > maxBytes) throw new UnfitPayload('too large', value)
    return Buffer.from(recordBuffer.bytes.subarray(recordBuffer.at - bytes, recordBuffer.at))
  } finally {
    recordBuffer.finish(outer)
  }
}

const MAX_LENGTH_BYTES = 5
