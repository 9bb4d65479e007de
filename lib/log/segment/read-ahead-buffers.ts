/**
 * What was read of segments, for the reads that follow. A backlog is delivered about in the order of the log,
 * so the next record mostly stands behind the one that was read last: reads that come in order read more and
 * more at once, and all others no more than a record is likely to need.
 *
 * Bytes of a frame that was accepted never change, so what was read once stays true as long as the segment
 * counts. Of what stands behind the last accepted frame nothing is kept.
 */

/** Most records are smaller than this: one read gets header and payload. */
const FIRST_BYTES = 4096
const MAX_BYTES = 128 * 1024
const GROWTH = 4
/** How many buffers are kept, the most recently used ones: readers may be at several places at once. */
const KEPT = 8

const done = Promise.resolve()

export interface ReadAheadBuffer {
  readonly segment: number
  readonly from: number
  /** Behind the last frame that is looked for in it. */
  to: number
  readonly buffer: Buffer
  /** Of the buffer, what was read; undefined while it is being read, and where that failed. */
  bytes: Buffer | undefined
  reading: Promise<unknown>
  /** Who waits for it: its buffer is not used again before they are served. */
  users: number
}

export class ReadAheadBuffers {
  /**
   * Of stretches that went, to be used again, by length: a fresh one costs more than what is read into it.
   */
  readonly #spare = new Map<number, Buffer[]>()
  /** The one used last at the end. */
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
    // One that was read in order goes on where another ends, or with the frame that its end cut.
    const before = this.#kept.findLast(
      window =>
        window.segment === segment && window.from < offset && offset < window.to + (window.to - window.from),
    )
    // Of a few lengths only, whatever was cut off the one before: or hardly a buffer would ever be used
    // again.
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
    // The frame that its end cut is found in the new one.
    if (before !== undefined && before.to > offset) before.to = offset
    this.#kept.push(stretch)
    if (this.#kept.length > KEPT) this.#reuse(this.#kept.shift()!)
    return stretch
  }

  drop(window: ReadAheadBuffer): void {
    this.#keep(other => other !== window)
  }

  /** For a segment that does not count any more. */
  forget(segment: number): void {
    this.#keep(window => window.segment !== segment)
  }

  clear(): void {
    this.#keep(() => false)
    this.#spare.clear()
  }

  /** What is still being read, or waited for, is left to the collector. */
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
