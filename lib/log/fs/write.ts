import { systemCode } from '../errors/system-error.js'
import type { FileHandle } from './file-system.js'

/**
 * Up to this, a synchronous write into the page cache costs less than a trip through the thread pool; above
 * it the copy would block the event loop.
 */
const SYNCHRONOUS_WRITE_BYTES = 64 * 1024

/** A source of zeros to write. Longer fills take it in pieces. */
export const ZEROS = Buffer.alloc(1024 * 1024)

/** How far a write came before it failed: invariant 5 needs to know whether a byte reached the file. */
export class WriteError extends Error {
  readonly written: number
  /** The system error's code, as on any failed call. */
  readonly code: string | undefined

  constructor(written: number, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.written = written
    this.code = systemCode(cause)
  }
}

/**
 * Writes all of `bytes` at `position`, looping over short writes (invariant 4). Fails with a `WriteError`.
 * Returns a promise only if the write is large.
 */
export function writeFully(file: FileHandle, bytes: Uint8Array, position: number): void | Promise<void> {
  if (bytes.length > SYNCHRONOUS_WRITE_BYTES) return writeLarge(file, bytes, position)
  let written = 0
  try {
    while (written < bytes.length) {
      const count = file.writeSync(bytes, written, bytes.length - written, position + written)
      if (count === 0) throw new Error('the file system accepted no byte')
      written += count
    }
  } catch (error) {
    throw new WriteError(written, error)
  }
}

async function writeLarge(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0
  try {
    while (written < bytes.length) {
      const count = await file.write(bytes, written, bytes.length - written, position + written)
      if (count === 0) throw new Error('the file system accepted no byte')
      written += count
    }
  } catch (error) {
    throw new WriteError(written, error)
  }
}
