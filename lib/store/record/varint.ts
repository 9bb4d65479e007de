/**
 * Whole numbers from 0 to 2⁵³ − 1 as LEB128: seven bits a byte, the lowest first; the eighth bit says that
 * more follow. Most numbers of an outcome are close to a neighbouring one: the difference takes a byte or
 * two.
 */

/** The length of the largest number. */
export const MAX_VARINT_BYTES = 8

/** Shifts work on 32 bits: below this, a shift by seven loses none. */
const SHIFTABLE = 0x1000_0000

/** Returns where it ends. */
export function writeVarint(buffer: Buffer, value: number, at: number): number {
  let rest = value
  let end = at
  while (rest >= SHIFTABLE) {
    buffer[end++] = (rest & 0x7f) | 0x80
    rest = Math.floor(rest / 0x80)
  }
  while (rest > 0x7f) {
    buffer[end++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  buffer[end++] = rest
  return end
}

export class VarintReader {
  bytes: Buffer = Buffer.alloc(0)
  at = 0

  begin(bytes: Buffer): void {
    this.bytes = bytes
    this.at = 0
  }

  /** NaN if there is none, or one above 2⁵³ − 1. */
  next(): number {
    // Beyond the end the byte is `undefined`: it fails the comparison, and `#longer` returns NaN.
    const byte = this.bytes[this.at++]!
    return byte < 0x80 ? byte : this.#longer(byte)
  }

  /** Separate, so that reading a short number, the usual case, is little code. */
  #longer(first: number): number {
    const { bytes } = this
    let value = first & 0x7f
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = bytes[this.at++]!
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    for (let scale = SHIFTABLE; scale <= 2 ** 49; scale *= 0x80) {
      const byte = bytes[this.at++]!
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return Number.isSafeInteger(value) ? value : Number.NaN
    }
    return Number.NaN
  }
}
