/**
 * The ids of settled messages, for as long as the dedupe window says. Rebuilt from settling outcomes after a restart.
 *
 * A queue remembers 100,000 of them by default, so they stand in columns: some 110 bytes each with the id, in no object
 * that the collector would have to look at. They are chained in the order in which they were settled, and found by the
 * hash of their ids.
 */
import { ByteArena } from './byte-arena.js'
import { ChannelNames } from './channel-names.js'
import { hashId } from './id-hash.js'
import type { MessageRef } from './message-store.js'
import type { SettlingKind } from './outcome.js'
import { DIGEST_BYTES } from './outcome-format.js'
import { PAGE_ROWS, PagedColumns, slotOf } from './paged-columns.js'
import { RefTable } from './ref-table.js'
import type { Settlement } from './settlement.js'
import type { DedupeOptions } from './types.js'

export interface SettledId {
  readonly id: string
  readonly channel: string
  readonly digest: string
  readonly sequence: number
  readonly state: SettlingKind
  readonly attempts: number
  /** Epoch ms. */
  readonly at: number
  /** The ack segment that keeps it across a restart; compaction moves it. */
  readonly segment: number
}

const states: readonly SettlingKind[] = ['delivered', 'cancelled', 'purged']

class SettledPage {
  readonly sequence = new Float64Array(PAGE_ROWS)
  readonly at = new Float64Array(PAGE_ROWS)
  readonly hashLow = new Uint32Array(PAGE_ROWS)
  readonly hashHigh = new Uint32Array(PAGE_ROWS)
  readonly attempts = new Uint32Array(PAGE_ROWS)
  readonly segment = new Uint32Array(PAGE_ROWS)
  /** A number of `ChannelNames`. */
  readonly channel = new Uint32Array(PAGE_ROWS)
  /** Where the digest and then the id stand in the arena. */
  readonly arenaPage = new Uint32Array(PAGE_ROWS)
  readonly arenaOffset = new Uint32Array(PAGE_ROWS)
  readonly idBytes = new Uint32Array(PAGE_ROWS)
  /** The one that was settled before, and the one after, plus 1; 0: none. The latter chains the free rows. */
  readonly older = new Uint32Array(PAGE_ROWS)
  readonly newer = new Uint32Array(PAGE_ROWS)
  /** Index into `states`. */
  readonly state = new Uint8Array(PAGE_ROWS)
}

export class SettledIds {
  readonly #options: DedupeOptions
  /** Called for each id that is forgotten or replaced: nothing needs its outcome, in this ack segment, any more. */
  readonly #forgotten: (segment: number, sequence: number) => void
  readonly #rows = new PagedColumns(
    () => new SettledPage(),
    page => page.newer,
  )
  readonly #byHash: RefTable = new RefTable(row => this.#rows.page(row).hashLow[slotOf(row)]!)
  readonly #bytes = new ByteArena()
  readonly #channels = new ChannelNames()
  /** The ends of the chain, plus 1; 0: it is empty. */
  #oldest = 0
  #newest = 0
  /** While an opening reads the ack log: by row, the ack sequence of the outcome. */
  #ackSequences: number[] | undefined = []

  constructor(options: DedupeOptions, forgotten: (segment: number, sequence: number) => void) {
    this.#options = options
    this.#forgotten = forgotten
  }

  get size(): number {
    return this.#rows.size
  }

  /** As the newest. */
  add(entry: SettledId, now: number): void {
    const { id, digest } = entry
    if (this.#options.maxIds === 0) {
      this.#forgotten(entry.segment, entry.sequence)
      return
    }
    const { low, high } = hashId(id)
    const known = this.#find(id, low, high)
    if (known !== undefined) this.#forget(known)
    const idBytes = Buffer.byteLength(id)
    const row = this.#begin(low, high, idBytes, entry.channel)
    const page = this.#rows.page(row)
    const slot = slotOf(row)
    const bytes = this.#bytes.page(page.arenaPage[slot]!)
    const from = page.arenaOffset[slot]!
    bytes.write(digest, from, DIGEST_BYTES, 'latin1')
    bytes.write(id, from + DIGEST_BYTES, idBytes, 'utf8')
    this.#fill(row, entry.sequence, entry.at, entry.attempts, entry.segment, entry.state)
    this.#chain(row, this.#newest)
    this.evict(now)
  }

  /**
   * One that an opening met, in whatever order. False: the same id was settled later again, and that is known already.
   * `scanned` follows the last one.
   */
  addScanned(settlement: Settlement, segment: number, ackSequence: number, now: number): boolean {
    const { hash, bytes, idFrom, idTo, digestFrom } = settlement
    const known = this.#findBytes(settlement)
    if (known !== undefined) {
      // An id is free again only when its message was forgotten: the later message has the higher sequence.
      if (this.#rows.page(known).sequence[slotOf(known)]! > settlement.sequence) return false
      this.#forget(known)
    }
    const row = this.#begin(hash.low, hash.high, idTo - idFrom, settlement.channel)
    const page = this.#rows.page(row)
    const slot = slotOf(row)
    const target = this.#bytes.page(page.arenaPage[slot]!)
    const from = page.arenaOffset[slot]!
    for (let i = 0; i < DIGEST_BYTES; i += 1) target[from + i] = bytes[digestFrom + i]!
    for (let i = idFrom, to = from + DIGEST_BYTES; i < idTo; i += 1, to += 1) target[to] = bytes[i]!
    this.#fill(row, settlement.sequence, settlement.at, settlement.attempts, segment, settlement.kind)
    const ackSequences = this.#ackSequences!
    ackSequences[row] = ackSequence
    let older = this.#newest
    while (older !== 0 && ackSequences[older - 1]! > ackSequence) {
      older = this.#rows.page(older - 1).older[slotOf(older - 1)]!
    }
    this.#chain(row, older)
    this.evict(now)
    return true
  }

  /** The opening has read the ack log. */
  scanned(): void {
    this.#ackSequences = undefined
  }

  get(id: string, now: number): SettledId | undefined {
    const { low, high } = hashId(id)
    const row = this.#find(id, low, high)
    if (row === undefined || !this.#isCurrent(row, now)) return undefined
    const page = this.#rows.page(row)
    const slot = slotOf(row)
    const from = page.arenaOffset[slot]!
    return {
      id,
      channel: this.#channels.name(page.channel[slot]!),
      digest: this.#bytes.page(page.arenaPage[slot]!).toString('latin1', from, from + DIGEST_BYTES),
      sequence: page.sequence[slot]!,
      state: states[page.state[slot]!]!,
      attempts: page.attempts[slot]!,
      at: page.at[slot]!,
      segment: page.segment[slot]!,
    }
  }

  /** The ack segment that keeps the id of this message, be it current or not; undefined: the id is not remembered, or that of another. */
  segmentOf(id: string, sequence: number): number | undefined {
    const row = this.#rowOf(id, sequence)
    return row === undefined ? undefined : this.#rows.page(row).segment[slotOf(row)]!
  }

  /** The outcome of this message was written again, to another ack segment: as `segmentOf` before that. */
  move(id: string, sequence: number, segment: number): number | undefined {
    const row = this.#rowOf(id, sequence)
    if (row === undefined) return undefined
    const { segment: segments } = this.#rows.page(row)
    const before = segments[slotOf(row)]!
    segments[slotOf(row)] = segment
    return before
  }

  /** Forgets what is older than the window or beyond the limit, the oldest first. */
  evict(now: number): void {
    while (this.#oldest !== 0) {
      const row = (this.#oldest - 1) as MessageRef
      if (this.#rows.size <= this.#options.maxIds && this.#isCurrent(row, now)) return
      this.#forget(row)
    }
  }

  /** Whether an id that was settled at this time (epoch ms) is remembered at all; later ones may push it out. */
  remembers(at: number, now: number): boolean {
    return this.#options.maxIds > 0 && at > now - this.#options.windowMs
  }

  #isCurrent(row: MessageRef, now: number): boolean {
    return this.remembers(this.#rows.page(row).at[slotOf(row)]!, now)
  }

  #rowOf(id: string, sequence: number): MessageRef | undefined {
    const { low, high } = hashId(id)
    const row = this.#find(id, low, high)
    return row !== undefined && this.#rows.page(row).sequence[slotOf(row)] === sequence ? row : undefined
  }

  #find(id: string, low: number, high: number): MessageRef | undefined {
    return this.#byHash.find(low, row => {
      const page = this.#rows.page(row)
      const slot = slotOf(row)
      if (page.hashLow[slot] !== low || page.hashHigh[slot] !== high) return false
      const from = page.arenaOffset[slot]! + DIGEST_BYTES
      return this.#bytes.page(page.arenaPage[slot]!).toString('utf8', from, from + page.idBytes[slot]!) === id
    })
  }

  #findBytes({ hash, bytes, idFrom, idTo }: Settlement): MessageRef | undefined {
    return this.#byHash.find(hash.low, row => {
      const page = this.#rows.page(row)
      const slot = slotOf(row)
      if (page.hashLow[slot] !== hash.low || page.hashHigh[slot] !== hash.high) return false
      const from = page.arenaOffset[slot]! + DIGEST_BYTES
      const to = from + page.idBytes[slot]!
      return this.#bytes.page(page.arenaPage[slot]!).compare(bytes, idFrom, idTo, from, to) === 0
    })
  }

  /** A row with its hash, channel and room for its bytes; the caller sets the rest. */
  #begin(low: number, high: number, idBytes: number, channel: string): MessageRef {
    const row = this.#rows.allocate() as MessageRef
    const page = this.#rows.page(row)
    const slot = slotOf(row)
    page.hashLow[slot] = low
    page.hashHigh[slot] = high
    page.channel[slot] = this.#channels.acquire(channel)
    const place = this.#bytes.allocate(DIGEST_BYTES + idBytes)
    page.arenaPage[slot] = place.page
    page.arenaOffset[slot] = place.offset
    page.idBytes[slot] = idBytes
    this.#byHash.add(row, low)
    return row
  }

  #fill(
    row: MessageRef,
    sequence: number,
    at: number,
    attempts: number,
    segment: number,
    state: SettlingKind,
  ): void {
    const page = this.#rows.page(row)
    const slot = slotOf(row)
    page.sequence[slot] = sequence
    page.at[slot] = at
    page.attempts[slot] = attempts
    page.segment[slot] = segment
    page.state[slot] = states.indexOf(state)
  }

  /** Puts it behind `older` (plus 1; 0: in front of all). */
  #chain(row: MessageRef, older: number): void {
    const page = this.#rows.page(row)
    const slot = slotOf(row)
    const newer = older === 0 ? this.#oldest : this.#rows.page(older - 1).newer[slotOf(older - 1)]!
    page.older[slot] = older
    page.newer[slot] = newer
    if (older === 0) this.#oldest = row + 1
    else this.#rows.page(older - 1).newer[slotOf(older - 1)] = row + 1
    if (newer === 0) this.#newest = row + 1
    else this.#rows.page(newer - 1).older[slotOf(newer - 1)] = row + 1
  }

  #forget(row: MessageRef): void {
    const page = this.#rows.page(row)
    const slot = slotOf(row)
    const older = page.older[slot]!
    const newer = page.newer[slot]!
    if (older === 0) this.#oldest = newer
    else this.#rows.page(older - 1).newer[slotOf(older - 1)] = newer
    if (newer === 0) this.#newest = older
    else this.#rows.page(newer - 1).older[slotOf(newer - 1)] = older
    this.#byHash.delete(row)
    this.#channels.release(page.channel[slot]!)
    this.#bytes.release(page.arenaPage[slot]!)
    const segment = page.segment[slot]!
    const sequence = page.sequence[slot]!
    this.#rows.release(row)
    this.#forgotten(segment, sequence)
  }
}
