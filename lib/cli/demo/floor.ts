import { fdatasyncSync, fsyncSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** As much as a usual message takes in the log. */
const WRITE_BYTES = 256
const FILE_BYTES = 256 * 1024
/** The event loop is held for at most one part in so many: a slow device is sampled less often. */
const HELD_AT_MOST_ONE_IN = 10

export interface FloorSample {
  /**
   * From when the sample was due to its end: an event loop that was late is in it, as in the latency of a
   * message.
   */
  fromDueMs: number
  /** The write and the fdatasync alone. */
  syncMs: number
}

/**
 * Samples, every `periodMs` from `firstDueAt` on (by `performance.now()`), what the least costs that makes a
 * message durable: a write and an `fdatasync` on the event loop, to a file on the queue's device that is
 * filled with zeros. Returns what stops it.
 */
export function sampleFloor(
  directory: string,
  firstDueAt: number,
  periodMs: number,
  onSample: (sample: FloorSample) => void,
): () => void {
  const path = join(directory, 'floor')
  const file = openSync(path, 'w')
  // It has no name from here on: a kill leaves nothing behind.
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
    // What fell due while the event loop was late shares the sync, as the messages do.
    for (; dueAt <= startedAt; dueAt += periodMs) onSample({ fromDueMs: endedAt - dueAt, syncMs })
    while (dueAt < startedAt + syncMs * HELD_AT_MOST_ONE_IN) dueAt += periodMs
  }
}
