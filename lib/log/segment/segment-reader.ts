import type { DirectoryContext } from '../directory/directory-context.js'
import { WaqError } from '../errors/waq-error.js'
import { FRAME_HEADER_BYTES } from '../format/format.js'
import type { FileHandle } from '../fs/file-system.js'
import { readUpTo } from '../fs/read-file.js'
import { type FrameAt, headerIn, noRecord, payloadIn } from './frame-at.js'
import { type ReadAheadBuffer, ReadAheadBuffers } from './read-ahead-buffers.js'
import type { Segment } from './segment.js'

const MAX_OPEN_FILES = 32

interface OpenFile {
  readonly opening: Promise<FileHandle>
  /** Undefined while it is being opened. */
  file: FileHandle | undefined
  /**
   * Number of reads in progress. If the descriptor were closed during one, the read could hit another file.
   */
  users: number
  forgotten: boolean
}

interface SegmentFrame extends FrameAt {
  readonly segment: Segment
}

/**
 * Reads single frames. Keeps the most recently used files open and part of what it read. Every message of a
 * backlog is read here, so a record in memory is returned without a promise: a promise costs as much as a
 * small read.
 */
export class SegmentReader {
  readonly #directory: DirectoryContext
  readonly #readAhead = new ReadAheadBuffers()
  readonly #files = new Map<number, OpenFile>()
  #closed = false

  constructor(directory: DirectoryContext) {
    this.#directory = directory
  }

  /**
   * The payload of the frame at `offset`. Rejects with WAQ_CORRUPT if the frame is not intact, WAQ_IO if it
   * cannot be read, WAQ_CLOSED after `close`.
   */
  read(segment: Segment, offset: number): Buffer | Promise<Buffer> {
    // The length is taken now: if a failed sync cuts the segment meanwhile, this record is still the one
    // asked for.
    const place: SegmentFrame = { segment, offset, room: segment.length - offset }
    const near = this.#readAhead.covering(segment.id, offset)
    if (near === undefined) return this.#readFile(place)
    if (near.bytes === undefined) return this.#readAfter(near, place)
    // If the buffer does not hold it whole and intact, it is read from the file.
    return recordIn(near, place) ?? this.#readFile(place)
  }

  /**
   * The entry is created before the first wait: later the segment may no longer count, and no one would close
   * the file.
   */
  #readAfter(near: ReadAheadBuffer, place: SegmentFrame): Promise<Buffer> {
    return this.#finish(this.#entry(place.segment), near, place)
  }

  #readFile(place: SegmentFrame): Buffer | Promise<Buffer> {
    // No one would close what is opened now, and the next owner may have rewritten it.
    if (this.#closed) return Promise.reject(new WaqError('WAQ_CLOSED', `${this.#directory.root} was closed`))
    const { segment, offset, room } = place
    if (room < FRAME_HEADER_BYTES) return Promise.reject(noRecord(place))
    const entry = this.#entry(segment)
    const window = this.#readAhead.begin(segment.id, offset, offset + room)
    if (entry.file !== undefined) {
      const record = readNow(entry.file, window, place)
      if (record !== undefined) return record
    } else {
      window.reading = entry.opening.then(file => readStretch(file, window))
      window.reading.catch(() => {}) // reported to the caller that asked for the record
    }
    return this.#finish(entry, window, place)
  }

  /** The slow path, for records that need a promise. */
  async #finish(entry: OpenFile, window: ReadAheadBuffer, place: SegmentFrame): Promise<Buffer> {
    const { segment, offset } = place
    entry.users += 1
    window.users += 1
    try {
      try {
        await window.reading
      } catch {
        // The stretch contains a bad block. Reading this record alone shows whether it is affected.
        this.#readAhead.drop(window)
      }
      const record = recordIn(window, place) ?? (await readAlone(await entry.opening, place))
      if (record !== undefined) return record
    } catch (error) {
      throw this.#directory.failure(error, `reading ${segment.file} at ${offset} failed`)
    } finally {
      window.users -= 1
      entry.users -= 1
      if (entry.forgotten) closeWhenUnused(entry)
    }
    // If a copy has replaced the directory, its files have the same names and may be shorter.
    throw this.#directory.failure(noRecord(place), `reading ${segment.file} failed`)
  }

  /** For a segment that no longer counts. */
  forget(segment: Segment): void {
    this.#readAhead.forget(segment.id)
    const entry = this.#files.get(segment.id)
    if (entry === undefined) return
    this.#files.delete(segment.id)
    entry.forgotten = true
    closeWhenUnused(entry)
  }

  close(): void {
    this.#closed = true
    this.#readAhead.clear()
    for (const [id, entry] of this.#files) {
      this.#files.delete(id)
      entry.forgotten = true
      closeWhenUnused(entry)
    }
  }

  #entry(segment: Segment): OpenFile {
    const known = this.#files.get(segment.id)
    if (known !== undefined) {
      // Moved to the end of the Map: the first entry is the least recently used.
      this.#files.delete(segment.id)
      this.#files.set(segment.id, known)
      return known
    }
    const { fileSystem } = this.#directory
    const entry: OpenFile = {
      opening: fileSystem.open(this.#directory.path(segment.file), 'read'),
      file: undefined,
      users: 0,
      forgotten: false,
    }
    entry.opening.then(
      file => {
        entry.file = file
      },
      () => {
        // Reported to the callers that read.
        if (this.#files.get(segment.id) === entry) this.#files.delete(segment.id)
      },
    )
    this.#files.set(segment.id, entry)
    for (const [id, oldest] of this.#files) {
      if (this.#files.size <= MAX_OPEN_FILES) break
      this.#files.delete(id)
      oldest.forgotten = true
      closeWhenUnused(oldest)
    }
    return entry
  }
}

function closeWhenUnused(entry: OpenFile): void {
  if (entry.users > 0) return
  entry.opening.then(file => file.close()).catch(() => {}) // nothing was written through it
}

/**
 * The record, if the file answers synchronously and the stretch holds it whole; otherwise `stretch.reading`
 * continues.
 */
function readNow(file: FileHandle, window: ReadAheadBuffer, place: SegmentFrame): Buffer | undefined {
  const { buffer, from, to } = window
  let first: number | Promise<number>
  try {
    first = file.read(buffer, 0, to - from, from)
  } catch (error) {
    window.reading = Promise.reject(error)
    window.reading.catch(() => {}) // reported to the caller that asked for the record
    return undefined
  }
  if (first === to - from) {
    window.bytes = buffer.subarray(0, first)
    return recordIn(window, place)
  }
  window.reading = readStretch(file, window, first)
  window.reading.catch(() => {}) // as above
  return undefined
}

/** `first`: the result of the first read, if one was started. */
async function readStretch(
  file: FileHandle,
  window: ReadAheadBuffer,
  first?: number | Promise<number>,
): Promise<void> {
  const { buffer, from, to } = window
  const filled = (await first) ?? 0
  window.bytes = await readUpTo(file, buffer.subarray(0, to - from), filled, from)
}

/** Reads a record that no buffer holds whole and intact; undefined if there is no such record. */
async function readAlone(file: FileHandle, place: SegmentFrame): Promise<Buffer | undefined> {
  const { offset } = place
  const start = await readUpTo(file, Buffer.allocUnsafe(FRAME_HEADER_BYTES), 0, offset)
  const header = headerIn(start, offset, place)
  if (header === undefined) return undefined
  const whole = Buffer.allocUnsafe(FRAME_HEADER_BYTES + header.payloadLength)
  start.copy(whole)
  return payloadIn(await readUpTo(file, whole, start.length, offset), offset, place)
}

/** The record in a buffer of its own, so that keeping it does not keep the read-ahead buffer. */
function recordIn({ bytes, from }: ReadAheadBuffer, place: SegmentFrame): Buffer | undefined {
  const payload = bytes && payloadIn(bytes, from, place)
  if (payload === undefined) return undefined
  const record = Buffer.allocUnsafe(payload.length)
  payload.copy(record)
  return record
}
