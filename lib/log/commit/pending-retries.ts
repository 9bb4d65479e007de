import type { Append } from './append.js'

/**
 * Accepted records whose segment failed and which are not written again yet. Reads by the old position are
 * served from memory until `moved` has reported the new one (invariant 5).
 */
export class PendingRetries {
  readonly #places: { append: Append; segment: number; offset: number }[] = []

  get size(): number {
    return this.#places.length
  }

  /** The append's position is still the one its listener was told. */
  add(append: Append): void {
    this.#places.push({ append, segment: append.writtenTo!.id, offset: append.offset })
  }

  moved(append: Append): void {
    const at = this.#places.findIndex(place => place.append === append)
    if (at >= 0) this.#places.splice(at, 1)
  }

  read(segment: number, offset: number): Buffer | undefined {
    for (const place of this.#places) {
      if (place.segment !== segment || offset < place.offset) continue
      const record = place.append.recordAt(offset, place.offset)
      if (record !== undefined) return Buffer.from(record)
    }
    return undefined
  }
}
