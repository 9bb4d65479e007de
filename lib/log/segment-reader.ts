import type { Directory } from './directory.js'
import { asWaqError, WaqError } from './errors.js'
import type { FileHandle } from './file-system.js'
import { FRAME_HEADER_BYTES, type FrameHeader, payloadIsIntact, readFrameHeader } from './format.js'
import type { Segment } from './segment.js'
import { Stretches } from './stretches.js'

const MAX_OPEN_FILES = 32

interface OpenFile {
  readonly opening: Promise<FileHandle>
  /** Reads under way. A descriptor closed under one could be another file's by the time it is read. */
  users: number
  forgotten: boolean
}

/** Where a frame stands. */
interface Place {
  readonly segment: Segment
  readonly offset: number
  /** Bytes that the segment has from there on. */
  readonly room: number
}

/** Reads single frames, and keeps a few files open for it, the ones used last, and a little of what it read. */
export class SegmentReader {
  readonly #directory: Directory
  readonly #stretches = new Stretches()
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
    // As it is now: where a failed sync cuts it meanwhile, the record is still what was asked for.
    const place: Place = { segment, offset, room: segment.length - offset }
    const near = this.#stretches.covering(segment.id, offset)
    if (near !== undefined) {
      if (near.bytes === undefined) await near.reading
      // Where it is not whole or not intact there, the file is asked.
      const payload = near.bytes && intactPayload(near.bytes, near.from, place)
      if (payload !== undefined) return copyOf(payload)
    }
    // Nobody would close what is opened now, and the next owner may have rewritten it.
    if (this.#closed) throw new WaqError('WAQ_CLOSED', `${this.#directory.root} was closed`)
    const entry = this.#entry(segment)
    entry.users += 1
    try {
      const payload = await this.#readFrame(entry.opening, place)
      if (payload !== undefined) return payload
    } catch (error) {
      throw asWaqError(error, `reading ${segment.file} at ${offset} failed`)
    } finally {
      entry.users -= 1
      if (entry.forgotten) closeWhenUnused(entry)
    }
    throw new WaqError('WAQ_CORRUPT', `${segment.file} holds no intact record at ${offset}`)
  }

  /** Undefined where no intact frame stands at `offset`. */
  async #readFrame(opening: Promise<FileHandle>, place: Place): Promise<Buffer | undefined> {
    const { segment, offset, room } = place
    if (room < FRAME_HEADER_BYTES) return undefined
    const stretch = this.#stretches.begin(segment.id, offset, offset + room)
    const buffer = Buffer.allocUnsafeSlow(stretch.to - offset)
    const reading = opening.then(file => readUpTo(file, buffer, 0, offset))
    stretch.reading = reading.then(
      bytes => {
        stretch.bytes = bytes
      },
      () => this.#stretches.drop(stretch), // told to whoever began it, below
    )
    const bytes = await reading
    const header = readableHeader(bytes, offset, place)
    if (header === undefined) return undefined
    const end = FRAME_HEADER_BYTES + header.payloadLength
    if (end <= bytes.length) {
      const payload = intactPayload(bytes, offset, place)
      return payload && copyOf(payload)
    }
    const whole = Buffer.allocUnsafe(end)
    bytes.copy(whole)
    const rest = readUpTo(await opening, whole, bytes.length, offset)
    return intactPayload(await rest, offset, place)
  }

  /** For a segment that does not count any more. */
  forget(segment: Segment): void {
    this.#stretches.forget(segment.id)
    const entry = this.#files.get(segment.id)
    if (entry === undefined) return
    this.#files.delete(segment.id)
    entry.forgotten = true
    closeWhenUnused(entry)
  }

  close(): void {
    this.#closed = true
    this.#stretches.clear()
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

/** The header of the frame there; `bytes` begin at `from`. */
function readableHeader(
  bytes: Buffer,
  from: number,
  { segment, offset, room }: Place,
): FrameHeader | undefined {
  const at = offset - from
  if (at + FRAME_HEADER_BYTES > bytes.length) return undefined
  return readFrameHeader(bytes, at, segment.salted, offset, room)
}

/** The payload of the frame there, a view of `bytes`, which begin at `from`; undefined where it is not whole or not intact. */
function intactPayload(bytes: Buffer, from: number, place: Place): Buffer | undefined {
  const { segment, offset } = place
  const header = readableHeader(bytes, from, place)
  if (header === undefined) return undefined
  const start = offset - from + FRAME_HEADER_BYTES
  const end = start + header.payloadLength
  if (end > bytes.length) return undefined
  const payload = bytes.subarray(start, end)
  return payloadIsIntact(payload, header, segment.salted, offset) ? payload : undefined
}

/** Of its own: whoever keeps a record keeps no stretch with it. */
function copyOf(payload: Buffer): Buffer {
  const copy = Buffer.allocUnsafe(payload.length)
  payload.copy(copy)
  return copy
}

/** The bytes from `offset` on, of which the first `filled` are there; fewer only where the file ends. */
async function readUpTo(file: FileHandle, bytes: Buffer, filled: number, offset: number): Promise<Buffer> {
  let end = filled
  while (end < bytes.length) {
    const read = await file.read(bytes, end, bytes.length - end, offset + end)
    if (read === 0) break
    end += read
  }
  return end === bytes.length ? bytes : bytes.subarray(0, end)
}
