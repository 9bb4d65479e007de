import type { Directory } from './directory.js'
import { asWaqError, WaqError } from './errors.js'
import type { FileHandle } from './file-system.js'
import { FRAME_HEADER_BYTES, payloadIsIntact, readFrameHeader } from './format.js'
import type { Segment } from './segment.js'

/** Most records are smaller than this: one read gets header and payload. */
const FIRST_READ_BYTES = 4096
const MAX_OPEN_FILES = 32

interface OpenFile {
  readonly opening: Promise<FileHandle>
  /** Reads under way. A descriptor closed under one could be another file's by the time it is read. */
  users: number
  forgotten: boolean
}

/** Reads single frames, and keeps a few files open for it: the ones used last. */
export class SegmentReader {
  readonly #directory: Directory
  readonly #files = new Map<number, OpenFile>()
  #closed = false

  constructor(directory: Directory) {
    this.#directory = directory
  }

  /**
   * The payload of the frame at `offset`. Rejects with WAQ_CORRUPT where it is not intact, WAQ_IO where it can not be
   * read, WAQ_CLOSED after `close`.
   */
  async read(segment: Segment, offset: number): Promise<Buffer> {
    // Nobody would close what is opened now, and the next owner may have rewritten it.
    if (this.#closed) throw new WaqError('WAQ_CLOSED', `${this.#directory.root} was closed`)
    const entry = this.#entry(segment)
    entry.users += 1
    try {
      const payload = await readFrame(await entry.opening, segment, offset)
      if (payload !== undefined) return payload
    } catch (error) {
      throw asWaqError(error, `reading ${segment.file} at ${offset} failed`)
    } finally {
      entry.users -= 1
      if (entry.forgotten) closeWhenUnused(entry)
    }
    throw new WaqError('WAQ_CORRUPT', `${segment.file} holds no intact record at ${offset}`)
  }

  /** For a segment that does not count any more. */
  forget(segment: Segment): void {
    const entry = this.#files.get(segment.id)
    if (entry === undefined) return
    this.#files.delete(segment.id)
    entry.forgotten = true
    closeWhenUnused(entry)
  }

  close(): void {
    this.#closed = true
    for (const [id, entry] of this.#files) {
      this.#files.delete(id)
      entry.forgotten = true
      closeWhenUnused(entry)
    }
  }

  #entry(segment: Segment): OpenFile {
    const known = this.#files.get(segment.id)
    if (known !== undefined) {
      // To the end of the Map: the first is the one that was not used for longest.
      this.#files.delete(segment.id)
      this.#files.set(segment.id, known)
      return known
    }
    const { fileSystem } = this.#directory
    const entry = {
      opening: fileSystem.open(this.#directory.path(segment.file), 'read'),
      users: 0,
      forgotten: false,
    }
    entry.opening.catch(() => this.#files.delete(segment.id))
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

/** Undefined where no intact frame stands at `offset`. */
async function readFrame(file: FileHandle, segment: Segment, offset: number): Promise<Buffer | undefined> {
  const room = segment.length - offset
  if (room < FRAME_HEADER_BYTES) return undefined
  let bytes = Buffer.allocUnsafe(Math.min(room, FIRST_READ_BYTES))
  let filled = await readUpTo(file, bytes, 0, offset)
  if (filled < FRAME_HEADER_BYTES) return undefined
  const header = readFrameHeader(bytes, 0, segment.salted, offset, room)
  if (header === undefined) return undefined
  const end = FRAME_HEADER_BYTES + header.payloadLength
  if (end > filled) {
    const whole = Buffer.allocUnsafe(end)
    bytes.copy(whole, 0, 0, filled)
    bytes = whole
    filled = await readUpTo(file, bytes, filled, offset)
    if (filled < end) return undefined
  }
  const payload = bytes.subarray(FRAME_HEADER_BYTES, end)
  return payloadIsIntact(payload, header, segment.salted, offset) ? payload : undefined
}

async function readUpTo(file: FileHandle, bytes: Buffer, filled: number, offset: number): Promise<number> {
  let end = filled
  while (end < bytes.length) {
    const read = await file.read(bytes, end, bytes.length - end, offset + end)
    if (read === 0) break
    end += read
  }
  return end
}
