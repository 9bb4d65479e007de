/**
 * Reads the frames of one segment and reports the ranges that hold none. Whether a bad range is a torn tail
 * or corruption is decided by the recovery, which knows the manifest.
 *
 * The segment is streamed through a window while the next stretch is read ahead. The window grows only for a
 * frame larger than itself, and never beyond the segment's bytes.
 */

import { asWaqError } from '../errors/waq-error.js'
import { loadingNativeCrc } from '../format/crc32c.js'
import { FRAME_HEADER_BYTES, type FrameHeader, payloadIsIntact, readFrameHeader } from '../format/format.js'
import type { FileHandle } from '../fs/file-system.js'
import { nextTurn } from '../runtime/real-time.js'

const WINDOW_BYTES = 512 * 1024
/** Bytes read ahead synchronously before the event loop gets a turn. */
const TURN_BYTES = 512 * 1024

export interface ScanSource {
  readonly file: FileHandle
  /** Its name, for errors. */
  readonly name: string
  readonly salted: number
  /** Where the first frame is due. */
  readonly from: number
  /** Where the bytes that may hold frames end: the accepted length, or the file's size. */
  readonly to: number
  /** Bytes per read. Default 512 KiB. */
  readonly windowBytes?: number
  /** For callers that scan one segment after another with the default window. */
  readonly buffers?: ScanBuffers
}

/** Window buffers for reuse: touching fresh memory is expensive, 0.2 ms per half megabyte. */
export class ScanBuffers {
  readonly #free: Buffer[] = []

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafe(HEADROOM_BYTES + WINDOW_BYTES)
  }

  give(buffer: Buffer | undefined): void {
    if (buffer?.length === HEADROOM_BYTES + WINDOW_BYTES) this.#free.push(buffer)
  }
}

export interface ScanSink {
  /** A frame whose two CRCs match. `payload` is a view that the next call overwrites. */
  frame(offset: number, header: FrameHeader, payload: Buffer): void
  /**
   * Bytes that hold no intact frame. `header`: set if they are exactly one frame with an intact header and a
   * damaged payload.
   */
  bad(offset: number, length: number, header: FrameHeader | undefined): void
  /** Awaited between two windows, for callers that must yield to other work. */
  turn?(): Promise<void>
}

export interface ScanEnd {
  /**
   * From here to the end all bytes are zero or missing; the end itself if none are. They are not reported as
   * bad.
   */
  readonly zerosFrom: number
  /** The highest `durable` in an intact header: every byte before it was once known to be on the device. */
  readonly proven: number
}

/** Scans a segment once, by offset. Rejects with WAQ_IO if the device fails to read. */
export async function scanSegment(source: ScanSource, sink: ScanSink): Promise<ScanEnd> {
  const window = new Window(source)
  try {
    return await scanWindow(window, source, sink)
  } finally {
    // The file may be closed as soon as this returns.
    await window.settled()
  }
}

async function scanWindow(window: Window, source: ScanSource, sink: ScanSink): Promise<ScanEnd> {
  const { salted, to } = source
  let at = source.from
  let zerosFrom = to
  let proven = at
  let badFrom = -1

  while (at < to) {
    if (!window.holds(at, FRAME_HEADER_BYTES)) {
      await window.fill(at, FRAME_HEADER_BYTES)
      if (sink.turn !== undefined) await sink.turn()
    }
    // A header cut short by the end is not a header.
    const header = window.holds(at, FRAME_HEADER_BYTES)
      ? readFrameHeader(window.bytes, window.index(at), salted, at, to - at)
      : undefined

    if (header === undefined) {
      let next = window.nonZeroFrom(at)
      while (next === window.end && next < to) {
        await window.fill(next, 1)
        if (window.end === next)
          next = to // the file is shorter than stated: missing bytes count as zeros
        else next = window.nonZeroFrom(next)
      }
      if (next >= to) {
        zerosFrom = at
        break
      }
      if (badFrom < 0) badFrom = at
      // A run of zeros is skipped at once. The first 12 bytes of a frame may be zero, but not the type after
      // them.
      at = Math.max(at + 1, next - FRAME_HEADER_BYTES + 1)
      continue
    }

    if (badFrom >= 0) sink.bad(badFrom, at - badFrom, undefined)
    badFrom = -1
    const length = FRAME_HEADER_BYTES + header.payloadLength
    if (!window.holds(at, length)) {
      await window.fill(at, length)
      // A window's end usually cuts a frame in its payload: without this, few windows would end in a turn.
      if (sink.turn !== undefined) await sink.turn()
    }
    const start = window.index(at) + FRAME_HEADER_BYTES
    const payload = window.bytes.subarray(start, start + header.payloadLength)
    if (window.holds(at, length) && payloadIsIntact(payload, header, salted, at)) {
      sink.frame(at, header, payload)
    } else {
      sink.bad(at, length, header)
    }
    if (header.durable > proven) proven = header.durable
    at += length
  }
  if (badFrom >= 0) sink.bad(badFrom, at - badFrom, undefined)
  return { zerosFrom, proven }
}

const ZEROS = Buffer.alloc(4096)

/** A stretch that has been read ahead, or is being read. */
interface Ahead {
  readonly from: number
  /** Has room in front for the end of the previous stretch. */
  readonly buffer: Buffer
  /**
   * Resolves to the number of bytes read. Never rejects: a stretch that failed is read again when it is
   * needed.
   */
  readonly reading: Promise<number>
}

/**
 * The most that is left of a stretch when the next is needed, except for frames that are read whole anyway.
 */
const HEADROOM_BYTES = 64 * 1024

/** A part of the file in memory. */
class Window {
  readonly #source: ScanSource
  readonly #windowBytes: number
  bytes: Buffer = Buffer.allocUnsafe(0)
  #base: number
  /** The offset after the last byte in memory. */
  end: number
  #ahead: Ahead | undefined
  /** The buffer whose end `bytes` is; undefined if it cannot be reused. */
  #whole: Buffer | undefined
  /** The buffer of an earlier stretch, for reuse. */
  #spare: Buffer | undefined
  /** Bytes read since the last turn of the event loop. */
  #readOnTheSpot = 0

  constructor(source: ScanSource) {
    this.#source = source
    this.#windowBytes = source.windowBytes ?? WINDOW_BYTES
    this.#base = source.from
    this.end = source.from
  }

  index(at: number): number {
    return at - this.#base
  }

  holds(at: number, length: number): boolean {
    return at >= this.#base && at + length <= this.end
  }

  /** Brings at least `length` bytes from `at` into memory; fewer only if the source ends. */
  async fill(at: number, length: number): Promise<void> {
    await this.#takeAhead(at)
    if (!this.holds(at, Math.min(length, this.#source.to - at))) await this.#fillNow(at, length)
    this.#readAhead()
    if (loadingNativeCrc !== undefined) await loadingNativeCrc
    if (this.#readOnTheSpot < TURN_BYTES) return
    this.#readOnTheSpot = 0
    await nextTurn()
  }

  /** Resolves when no read is in progress. */
  async settled(): Promise<void> {
    await this.#ahead?.reading
    const { buffers } = this.#source
    if (buffers === undefined) return
    for (const buffer of [this.#whole, this.#spare, this.#ahead?.buffer]) buffers.give(buffer)
  }

  /** Makes the stretch that was read ahead the window, preceded by the rest of the present one. */
  async #takeAhead(at: number): Promise<void> {
    const ahead = this.#ahead
    if (ahead === undefined) return
    this.#ahead = undefined
    const count = await ahead.reading
    const kept = this.end - at
    if (count === 0 || ahead.from !== this.end || at < this.#base || kept < 0 || kept > HEADROOM_BYTES) {
      this.#spare = ahead.buffer
      return
    }
    this.bytes.copy(ahead.buffer, HEADROOM_BYTES - kept, this.index(at), this.index(at) + kept)
    this.#spare = this.#whole
    this.#whole = ahead.buffer
    this.bytes = ahead.buffer.subarray(HEADROOM_BYTES - kept)
    this.#base = at
    this.end = ahead.from + count
  }

  #readAhead(): void {
    const from = this.end
    const length = Math.min(this.#windowBytes, this.#source.to - from)
    if (length <= 0) return
    const buffer = this.#takeBuffer()
    this.#ahead = { from, buffer, reading: this.#readStretch(buffer, length, from) }
  }

  #takeBuffer(): Buffer {
    const spare = this.#spare
    this.#spare = undefined
    if (spare !== undefined) return spare
    const { buffers, windowBytes } = this.#source
    return windowBytes === undefined && buffers !== undefined
      ? buffers.take()
      : Buffer.allocUnsafe(HEADROOM_BYTES + this.#windowBytes)
  }

  async #readStretch(buffer: Buffer, length: number, from: number): Promise<number> {
    try {
      const read = this.#source.file.read(buffer, HEADROOM_BYTES, length, from)
      if (typeof read === 'number') this.#readOnTheSpot += read
      return await read
    } catch {
      return 0
    }
  }

  async #fillNow(at: number, length: number): Promise<void> {
    const { file, name, to } = this.#source
    const wanted = Math.min(Math.max(length, this.#windowBytes), to - at)
    const kept = at >= this.#base && at < this.end ? this.end - at : 0
    const from = this.index(at)
    if (wanted > this.bytes.length) {
      const before = this.#whole
      // A buffer of the usual size could be reused, but is too large for a small segment.
      const isUsual = wanted <= this.#windowBytes && 2 * wanted > this.#windowBytes
      this.#whole = isUsual ? this.#takeBuffer() : undefined
      const larger = this.#whole ?? Buffer.allocUnsafe(wanted)
      if (kept > 0) this.bytes.copy(larger, 0, from, from + kept)
      this.bytes = larger
      this.#spare ??= before
    } else if (kept > 0) {
      this.bytes.copyWithin(0, from, from + kept)
    }
    this.#base = at
    this.end = at + kept
    while (this.end < at + wanted) {
      let read: number
      try {
        read = await file.read(this.bytes, this.end - at, at + wanted - this.end, this.end)
      } catch (error) {
        // Neither a torn tail nor corruption: the bytes may be intact, only this read failed.
        throw asWaqError(error, `reading ${name} at ${this.end} failed`)
      }
      if (read === 0) return
      this.end += read
    }
  }

  /** The offset of the first nonzero byte in memory from `at` on, or `end`. */
  nonZeroFrom(at: number): number {
    const { bytes } = this
    const end = this.index(this.end)
    let i = this.index(at)
    while (end - i >= ZEROS.length && bytes.compare(ZEROS, 0, ZEROS.length, i, i + ZEROS.length) === 0) {
      i += ZEROS.length
    }
    while (i < end && bytes[i] === 0) i++
    return this.#base + i
  }
}
