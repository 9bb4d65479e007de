import { fdatasyncSync, fsyncSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** The size of a typical message in the log. */
const WRITE_BYTES = 256
const FILE_BYTES = 256 * 1024
/** Sampling blocks the event loop for at most this fraction: a slow device is sampled less often. */
const HELD_AT_MOST_ONE_IN = 10

export interface FloorSample {
  /** From when the sample was due to its end. It includes a late event loop, as a message's latency does. */
  fromDueMs: number
  /** The write and the fdatasync alone. */
  syncMs: number
}

/**
 * Samples, every `periodMs` from `firstDueAt` on (by `performance.now()`), the cost of the least work that
 * makes a message durable: a write and an `fdatasync` on the event loop, to a zero-filled file on the queue's
 * device. Returns the function that stops it.
 */
export function sampleFloor(
  directory: string,
  firstDueAt: number,
  periodMs: number,
  onSample: (sample: FloorSample) => void,
): () => void {
  const path = join(directory, 'floor')
  const file = openSync(path, 'w')
  // Unlinked, so a kill leaves no file behind.
  unlinkSync(path)
  writeSync(file, Buffer.alloc(FILE_BYTES))
  fsyncSync(file)

  const bytes = Buffer.alloc(WRITE_BYTES, 'waq')
  let position = 0
  let dueAt = firstDueAt
  let timer = setTimeout(sampleDue, dueAt - performance.now())
  return () => clearTimeout(timer)

  function sampleDue(): void {
    const startedAt = performance.now()
    // A timer may be early.
    if (startedAt >= dueAt) sample(startedAt)
    timer = setTimeout(sampleDue, dueAt - performance.now())
  }

  function sample(startedAt: number): void {
    writeSync(file, bytes, 0, WRITE_BYTES, position)
    fdatasyncSync(file)
    const endedAt = performance.now()
    position = (position + WRITE_BYTES) % FILE_BYTES
    const syncMs = endedAt - startedAt
    // Samples that fell due while the event loop was late share the sync, as messages do.
    for (; dueAt <= startedAt; dueAt += periodMs) onSample({ fromDueMs: endedAt - dueAt, syncMs })
    while (dueAt < startedAt + syncMs * HELD_AT_MOST_ONE_IN) dueAt += periodMs
  }
}
