/**
 * The newest records, bounded in bytes, by sequence: a message that is sent soon after it was enqueued is not read
 * back from the disk. The oldest entry goes first; reading does not make an entry newer.
 *
 * A slot for each sequence of a window, no hash table: sequences come without gaps to speak of, so that neighbours
 * never meet, and at full speed a `Map` costs more than everything else that is done for a record.
 */

/** What an entry costs beside its record: its slot, the buffer object, the DataView that msgpackr hangs on it. */
const ENTRY_OVERHEAD_BYTES = 256
const FEWEST_SLOTS = 64

export class RecordCache {
  readonly #limitBytes: number
  /** By the low bits of the sequence. The length is a power of 2. */
  #sequences = new Float64Array(FEWEST_SLOTS)
  #records: (Uint8Array | undefined)[] = emptySlots(FEWEST_SLOTS)
  /** Where the oldest entry is looked for next: slots are filled in the order of their sequences. */
  #hand = 0
  #bytes = 0

  /** 0: keeps nothing. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  get(sequence: number): Uint8Array | undefined {
    const slot = this.#slot(sequence)
    return this.#sequences[slot] === sequence ? this.#records[slot] : undefined
  }

  set(sequence: number, record: Uint8Array): void {
    const bytes = bytesOf(record)
    if (bytes > this.#limitBytes) {
      this.delete(sequence)
      return
    }
    let slot = this.#slot(sequence)
    while (this.#records[slot] !== undefined && this.#sequences[slot] !== sequence && this.#grow())
      slot = this.#slot(sequence)
    this.#clear(slot)
    this.#sequences[slot] = sequence
    this.#records[slot] = record
    this.#bytes += bytes
    while (this.#bytes > this.#limitBytes) this.#evictOne(slot)
  }

  delete(sequence: number): void {
    const slot = this.#slot(sequence)
    if (this.#sequences[slot] === sequence) this.#clear(slot)
  }

  /** The next entry under the hand, other than the one that room is made for. */
  #evictOne(kept: number): void {
    if (this.#hand !== kept) this.#clear(this.#hand)
    this.#hand = (this.#hand + 1) & (this.#records.length - 1)
  }

  #clear(slot: number): void {
    const record = this.#records[slot]
    if (record === undefined) return
    this.#records[slot] = undefined
    this.#bytes -= bytesOf(record)
  }

  /** False: there are as many slots as entries could ever be; the older of two goes. */
  #grow(): boolean {
    const before = this.#records
    const sequences = this.#sequences
    if (before.length * ENTRY_OVERHEAD_BYTES >= this.#limitBytes) return false
    this.#sequences = new Float64Array(before.length * 2)
    this.#records = emptySlots(before.length * 2)
    let oldest = Number.POSITIVE_INFINITY
    for (const [at, record] of before.entries()) {
      if (record === undefined) continue
      const sequence = sequences[at]!
      const slot = this.#slot(sequence)
      this.#sequences[slot] = sequence
      this.#records[slot] = record
      oldest = Math.min(oldest, sequence)
    }
    this.#hand = oldest === Number.POSITIVE_INFINITY ? 0 : this.#slot(oldest)
    return true
  }

  #slot(sequence: number): number {
    // Also above 2^31, where `&` takes the low 32 bits.
    return sequence & (this.#records.length - 1)
  }
}

function bytesOf(record: Uint8Array): number {
  return record.length + ENTRY_OVERHEAD_BYTES
}

/** Filled, so that the array stays a plain one. */
function emptySlots(count: number): (Uint8Array | undefined)[] {
  return new Array<Uint8Array | undefined>(count).fill(undefined)
}
