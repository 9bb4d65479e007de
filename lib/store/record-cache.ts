/**
 * The newest records, bounded in bytes, by sequence: a message that is sent soon after it was enqueued is not read
 * back from the disk. The oldest entry goes first; reading does not make an entry newer.
 */
import { AgedMap } from './aged-map.js'

/** What an entry costs beside its record: its place in the map, the buffer object, the DataView that msgpackr hangs on it. */
const ENTRY_OVERHEAD_BYTES = 256

export class RecordCache {
  readonly #limitBytes: number
  readonly #records = new AgedMap<number, Uint8Array>()
  #bytes = 0

  /** 0: keeps nothing. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get(sequence: number): Uint8Array | undefined {
    return this.#records.get(sequence)
  }

  set(sequence: number, record: Uint8Array): void {
    this.delete(sequence)
    const bytes = record.length + ENTRY_OVERHEAD_BYTES
    if (bytes > this.#limitBytes) return
    this.#records.set(sequence, record)
    this.#bytes += bytes
    while (this.#bytes > this.#limitBytes) this.delete(this.#records.oldest()!)
  }

  delete(sequence: number): void {
    const record = this.#records.get(sequence)
    if (record === undefined) return
    this.#records.delete(sequence)
    this.#bytes -= record.length + ENTRY_OVERHEAD_BYTES
  }
}
