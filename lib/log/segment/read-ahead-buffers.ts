/**
 * Keeps bytes read from segments for later reads. A backlog is delivered roughly in log order, so the next
 * record usually follows the last one read: sequential reads read more and more at once, all others only what
 * a record is likely to need.
 *
 * The bytes of an accepted frame never change, so they stay valid as long as the segment counts. Bytes after
 * the last accepted frame are never kept.
 */

/** Most records are smaller than this: one read gets header and payload. */
const FIRST_BYTES = 4096
const MAX_BYTES = 128 * 1024
const GROWTH = 4
/** How many of the most recently used buffers are kept: readers may be at several places at once. */
const KEPT = 8

const done = Promise.resolve()

export interface ReadAheadBuffer {
  readonly segment: number
  readonly from: number
  /** Only frames before this offset are looked up in it. */
  to: number
  readonly buffer: Buffer
  /** The part of the buffer that was read; undefined during the read, and if it failed. */
  bytes: Buffer | undefined
  reading: Promise<unknown>
  /** Reads that wait for it: its buffer is not reused before they end. */
  users: number
}

export class ReadAheadBuffers {
  /** Freed buffers for reuse, by length: allocating one costs more than reading into it. */
  readonly #spare = new Map<number, Buffer[]>()
  /** The most recently used one is last. */
  readonly #kept: ReadAheadBuffer[] = []

  /** The buffer that holds the byte at `offset`, or will. */
  covering(segment: number, offset: number): ReadAheadBuffer | undefined {
    const at = this.#kept.findLastIndex(
      window => window.segment === segment && window.from <= offset && offset < window.to,
    )
    if (at < 0) return undefined
    const stretch = this.#kept[at]!
    if (at < this.#kept.length - 1) this.#kept.push(...this.#kept.splice(at, 1))
    return stretch
  }

  /** A new buffer for the bytes from `offset`, not beyond `end`. The caller fills it. */
  begin(segment: number, offset: number, end: number): ReadAheadBuffer {
    // A sequential read continues where another buffer ends, or at the frame that its end cut.
    const before = this.#kept.findLast(
      window =>
        window.segment === segment && window.from < offset && offset < window.to + (window.to - window.from),
    )
    // Only a few lengths exist, whatever was cut off the previous one: otherwise few buffers could be reused.
    const length = before === undefined ? FIRST_BYTES : Math.min(MAX_BYTES, GROWTH * before.buffer.length)
    const stretch: ReadAheadBuffer = {
      segment,
      from: offset,
      to: Math.min(end, offset + length),
      buffer: this.#spare.get(length)?.pop() ?? Buffer.allocUnsafeSlow(length),
      bytes: undefined,
      reading: done,
      users: 0,
    }
    // The frame cut by its end is read from the new one.
    if (before !== undefined && before.to > offset) before.to = offset
    this.#kept.push(stretch)
    if (this.#kept.length > KEPT) this.#reuse(this.#kept.shift()!)
    return stretch
  }

  drop(window: ReadAheadBuffer): void {
    this.#keep(other => other !== window)
  }

  /** For a segment that no longer counts. */
  forget(segment: number): void {
    this.#keep(window => window.segment !== segment)
  }

  clear(): void {
    this.#keep(() => false)
    this.#spare.clear()
  }

  /** A buffer still being read or waited for is left to the garbage collector. */
  #reuse({ bytes, buffer, users }: ReadAheadBuffer): void {
    if (bytes === undefined || users > 0) return
    const spare = this.#spare.get(buffer.length)
    if (spare === undefined) this.#spare.set(buffer.length, [buffer])
    else if (spare.length < KEPT) spare.push(buffer)
  }

  #keep(isKept: (window: ReadAheadBuffer) => boolean): void {
    this.#kept.splice(0, Infinity, ...this.#kept.filter(isKept))
  }
}
