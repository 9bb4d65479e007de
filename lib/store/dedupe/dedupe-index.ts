/**
 * The ids of settled messages, kept for the dedupe window. Rebuilt from settling outcomes after a restart.
 *
 * A queue remembers 100,000 of them by default, so they stand in pages of columns: some 110 bytes each with
 * the id, in no object that the collector would have to look at. They are found by the hash of their ids.
 * They come and go in the order in which they were settled, so that is the order of the pages and of their
 * rows: new ones are put at the end, old ones are forgotten from the front, and a page goes with the last of
 * its ids.
 */
import { DeferredUpdates } from '../index/deferred-updates.js'
import type { MessageRef } from '../message-store.js'
import type { SettlingKind } from '../record/outcome.js'
import { DIGEST_BYTES } from '../record/outcome-format.js'
import type { SettledBlock } from '../record/settled-block.js'
import type { SettledRecord } from '../record/settled-record.js'
import { hashAsciiId, hashId, type IdHash } from '../tables/id-hash.js'
import { PAGE_MASK, PAGE_ROWS, PAGE_SHIFT } from '../tables/paged-columns.js'
import { RefTable } from '../tables/ref-table.js'
import type { DedupeOptions } from '../types.js'
import { type DedupePage, DedupePages } from './dedupe-pages.js'

export interface SettledId {
  readonly id: string
  readonly channel: string
  readonly digest: string
  readonly sequence: number
  readonly state: SettlingKind
  readonly attempts: number
  /** In the queue's time. */
  readonly at: number
  /** The ack segment that keeps it across a restart; compaction moves it. */
  readonly segment: number
}

/** How many ids of an opening are indexed at once; only then are those beyond the limit forgotten. */
const PLACED_AT_ONCE = 128 * 1024
/** The most ids outside the index: a look-up compares them one by one. */
const MAX_LATEST = 64

export class DedupeIndex {
  readonly #options: DedupeOptions
  /**
   * Called for each id that is forgotten or replaced: nothing needs its outcome, in this ack segment, any
   * more.
   */
  readonly #forgotten: (segment: number, sequence: number) => void
  readonly #deferred: DeferredUpdates
  /**
   * The latest, oldest first, which are not in the pages yet: to place many at once costs a part of it each.
   */
  readonly #latest: SettledId[] = []
  #latestAt = 0
  #pages = new DedupePages()
  #byHash = this.#emptyTable()
  /** Of the page that is written to, where the names of channels stand in its texts. */
  readonly #channels = new Map<string, number>()
  #channelsOf: DedupePage | undefined
  #scan: Scan | undefined

  /** Whatever is looked up applies `deferred` first. */
  constructor(
    options: DedupeOptions,
    forgotten: (segment: number, sequence: number) => void,
    deferred = new DeferredUpdates(),
  ) {
    this.#options = options
    this.#forgotten = forgotten
    this.#deferred = deferred
  }

  get size(): number {
    this.#catchUp()
    return this.#pages.size
  }

  /** As the newest. */
  add(entry: SettledId, now: number): void {
    if (this.#options.maxIds === 0) {
      this.#forgotten(entry.segment, entry.sequence)
      return
    }
    this.#latestAt = now
    if (this.#latest.push(entry) >= MAX_LATEST) this.#placeLatest()
  }

  #catchUp(): void {
    this.#deferred.apply()
    this.#placeLatest()
  }

  #placeLatest(): void {
    if (this.#latest.length === 0) return
    for (const entry of this.#latest) this.#place(entry)
    this.#latest.length = 0
    this.evict(this.#latestAt)
  }

  #place(entry: SettledId): void {
    const { id, digest } = entry
    const hash = hashId(id)
    const known = this.#find(id, hash)
    if (known !== undefined) this.#forget(known)
    const row = this.#pages.append() as MessageRef
    const page = this.#pages.pages[row >>> PAGE_SHIFT]!
    const slot = row & PAGE_MASK
    const idBytes = Buffer.byteLength(id)
    const textFrom = page.allocateText(DIGEST_BYTES + idBytes)
    page.texts.write(digest, textFrom, DIGEST_BYTES, 'latin1')
    page.texts.write(id, textFrom + DIGEST_BYTES, idBytes, 'utf8')
    page.textFrom[slot] = textFrom
    page.idBytes[slot] = idBytes
    this.#setChannel(page, slot, entry.channel)
    page.fill(slot, hash, entry.sequence, entry.at, entry.attempts, entry.segment, entry.state)
    this.#byHash.add(row, hash.low)
  }

  /**
   * Of so many settlements that follow, `addScanned` or not, the texts stand here: they are taken up at once.
   */
  scanTexts(bytes: Buffer, from: number, to: number, count: number): void {
    this.#scan ??= new Scan()
    this.#scan.giveBackTexts()
    const page = this.#pages.newest(count)
    // It may be one that began anew; rows of a block name no channel that would tell.
    this.#channelsOf = undefined
    this.#scan.takeTexts(page, bytes, from, to)
  }

  /**
   * One that an opening met, in whatever order. Where its id was settled twice, the later message counts.
   * `scanned` follows the last one; nothing is found before.
   */
  addScanned(settlement: SettledRecord, segment: number, ackSequence: number): void {
    this.#scan ??= new Scan()
    const scan = this.#scan
    const { hash, bytes, idFrom, idTo, digestFrom } = settlement
    const row = this.#pages.append()
    const page = this.#pages.pages[row >>> PAGE_SHIFT]!
    const slot = row & PAGE_MASK
    const idBytes = idTo - idFrom
    if (bytes === scan.texts) {
      page.textFrom[slot] = digestFrom + scan.textsMoved
      page.channelFrom[slot] = settlement.channelFrom + scan.textsMoved
      page.channelBytes[slot] = settlement.channelTo - settlement.channelFrom
    } else {
      const textFrom = page.allocateText(DIGEST_BYTES + idBytes)
      bytes.copy(page.texts, textFrom, digestFrom, idTo)
      page.textFrom[slot] = textFrom
      this.#setChannel(page, slot, settlement.channel)
    }
    page.idBytes[slot] = idBytes
    const { sequence, at, attempts, kind } = settlement
    page.fill(slot, hash, sequence, at, attempts, segment, kind)
    if (!scan.add(row, ackSequence)) return
    // The page that the texts went to may begin anew now; those of the rows that follow are taken up one by
    // one.
    scan.leaveTexts()
    this.#placeScanned(scan)
  }

  /**
   * As `scanTexts` and then `addScanned` of every row of a block. Most of its columns are taken up as they
   * stand: that is less work a row, and it counts most before that of an opening is compiled.
   */
  addBlock(block: SettledBlock, segment: number): void {
    const { count, textsFrom, digestFroms, idBytes, channels, channelFroms, channelBytes } = block
    const { bytes } = block.settlement
    this.scanTexts(bytes, textsFrom, bytes.length, count)
    const scan = this.#scan!
    if (!scan.hasRoom(count)) {
      while (block.next()) this.addScanned(block.settlement, segment, block.ackSequence)
      return
    }
    const first = this.#pages.append(count)
    const page = this.#pages.pages[first >>> PAGE_SHIFT]!
    const firstSlot = first & PAGE_MASK
    page.sequence.set(block.sequences.subarray(0, count), firstSlot)
    page.at.set(block.ats.subarray(0, count), firstSlot)
    page.attempts.set(block.attempts.subarray(0, count), firstSlot)
    page.idBytes.set(idBytes.subarray(0, count), firstSlot)
    page.segment.fill(segment, firstSlot, firstSlot + count)
    const moved = textsFrom + scan.textsMoved
    const hash = { low: 0, high: 0 }
    for (let row = 0; row < count; row += 1) {
      const slot = firstSlot + row
      const idFrom = textsFrom + digestFroms[row]! + DIGEST_BYTES
      const idTo = idFrom + idBytes[row]!
      const isAscii = hashAsciiId(bytes, idFrom, idTo, hash)
      const { low, high } = isAscii ? hash : hashId(bytes.toString('utf8', idFrom, idTo))
      page.hashLow[slot] = low
      page.hashHigh[slot] = high
      const channel = channels[row]!
      page.textFrom[slot] = moved + digestFroms[row]!
      page.channelFrom[slot] = moved + channelFroms[channel]!
      page.channelBytes[slot] = channelBytes[channel]!
      page.setState(slot, block.kind(row))
      scan.add(first + row, block.ackSequenceOf(row))
    }
  }

  /**
   * The opening has read both logs, and knows what time it is: of those that it met the old ones are
   * forgotten.
   */
  scanned(now: number): void {
    const scan = this.#scan
    if (scan === undefined) return
    scan.giveBackTexts()
    this.#placeScanned(scan)
    if (!scan.inOrder) this.#sortByAge(scan)
    this.#scan = undefined
    this.evict(now)
  }

  get(id: string, now: number): SettledId | undefined {
    this.#deferred.apply()
    // Those beyond the limit are forgotten first.
    if (this.#pages.size + this.#latest.length > this.#options.maxIds) this.#placeLatest()
    const latest = this.#latest.findLast(entry => entry.id === id)
    if (latest !== undefined) return this.#isCurrent(latest.at, now) ? latest : undefined
    const row = this.#find(id, hashId(id))
    if (row === undefined) return undefined
    const settled = this.#at(row)
    return this.#isCurrent(settled.at, now) ? settled : undefined
  }

  /** What is remembered of these messages. It looks through all of them. */
  ofMessages(sequences: ReadonlySet<number>): SettledId[] {
    this.#catchUp()
    const found: SettledId[] = []
    for (const row of this.#pages.rows()) {
      if (sequences.has(this.#pages.pages[row >>> PAGE_SHIFT]!.sequence[row & PAGE_MASK]!))
        found.push(this.#at(row))
    }
    return found.sort((one, other) => one.sequence - other.sequence)
  }

  #at(row: number): SettledId {
    const page = this.#pages.pages[row >>> PAGE_SHIFT]!
    const slot = row & PAGE_MASK
    return {
      id: page.id(slot),
      channel: page.channel(slot),
      digest: page.digest(slot),
      sequence: page.sequence[slot]!,
      state: page.state(slot),
      attempts: page.attempts[slot]!,
      at: page.at[slot]!,
      segment: page.segment[slot]!,
    }
  }

  /** Whether it is this message whose id is remembered, be it current or not. */
  holds(settlement: SettledRecord): boolean {
    return this.#rowOf(settlement) !== undefined
  }

  /**
   * The outcome of this message was written again, to another ack segment. Returns the one that kept its id
   * before; undefined: the id is not remembered, or that of another.
   */
  move(settlement: SettledRecord, segment: number): number | undefined {
    const row = this.#rowOf(settlement)
    if (row === undefined) return undefined
    const { segment: segments } = this.#pages.pages[row >>> PAGE_SHIFT]!
    const before = segments[row & PAGE_MASK]!
    segments[row & PAGE_MASK] = segment
    return before
  }

  /** Forgets what is older than the window or beyond the limit, the oldest first. */
  evict(now: number): void {
    this.#catchUp()
    for (;;) {
      const row = this.#pages.oldest() as MessageRef | undefined
      if (row === undefined) return
      const at = this.#pages.pages[row >>> PAGE_SHIFT]!.at[row & PAGE_MASK]!
      if (this.#pages.size <= this.#options.maxIds && this.#isCurrent(at, now)) return
      this.#forget(row)
    }
  }

  /** False: no id is ever remembered. */
  get remembersAny(): boolean {
    return this.#options.maxIds > 0
  }

  /** Whether what was settled then is within the window. */
  #isCurrent(at: number, now: number): boolean {
    return at > now - this.#options.windowMs
  }

  #rowOf({ hash, bytes, idFrom, idTo, sequence }: SettledRecord): MessageRef | undefined {
    this.#catchUp()
    return this.#byHash.find(hash.low, row => {
      const page = this.#pages.pages[row >>> PAGE_SHIFT]!
      const slot = row & PAGE_MASK
      if (page.hashLow[slot] !== hash.low || page.hashHigh[slot] !== hash.high) return false
      return page.sequence[slot] === sequence && isId(page, slot, bytes, idFrom, idTo)
    })
  }

  #find(id: string, { low, high }: IdHash): MessageRef | undefined {
    return this.#byHash.find(low, row => {
      const page = this.#pages.pages[row >>> PAGE_SHIFT]!
      const slot = row & PAGE_MASK
      return page.hashLow[slot] === low && page.hashHigh[slot] === high && page.id(slot) === id
    })
  }

  /**
   * Makes what was scanned findable, the latest first: of an id that was settled twice the later message
   * stays, and what is beyond the limit is never looked at.
   */
  #placeScanned(scan: Scan): void {
    const { rows } = scan
    const { maxIds } = this.#options
    const table = this.#byHash
    let at = scan.take()
    if (at === 0) return
    table.reserve(Math.min(at, maxIds))
    let page: DedupePage = this.#pages.pages[rows[0]! >>> PAGE_SHIFT]!
    let slot = 0
    let high = 0
    // One for all of them.
    const isSameId = (other: MessageRef): boolean => {
      const present = this.#pages.pages[other >>> PAGE_SHIFT]!
      if (present.hashHigh[other & PAGE_MASK] !== high) return false
      const idFrom = page.textFrom[slot]! + DIGEST_BYTES
      return isId(present, other & PAGE_MASK, page.texts, idFrom, idFrom + page.idBytes[slot]!)
    }
    for (let room = maxIds; at > 0; at -= 1) {
      if (scan.inOrder && room === 0) break
      const row = rows[at - 1] as MessageRef
      page = this.#pages.pages[row >>> PAGE_SHIFT]!
      slot = row & PAGE_MASK
      high = page.hashHigh[slot]!
      const low = page.hashLow[slot]!
      const known = table.findOrAdd(low, row, isSameId)
      room -= 1
      if (known === undefined) continue
      // An id is free again only when its message was forgotten: the later message has the higher sequence.
      const isLater =
        page.sequence[slot]! > this.#pages.pages[known >>> PAGE_SHIFT]!.sequence[known & PAGE_MASK]!
      if (isLater) {
        this.#forget(known)
        table.add(row, low)
      } else {
        this.#release(row)
        room += 1
      }
    }
    for (; at > 0; at -= 1) this.#release(rows[at - 1] as MessageRef)
    // Before they are sorted no one knows which are the oldest.
    if (scan.inOrder) this.evict(-Infinity)
  }

  /** Where an opening met them in another order than that in which they were settled. */
  #sortByAge(scan: Scan): void {
    const before = this.#pages
    const rows = [...before.rows()].sort((one, other) => scan.ackSequence(one) - scan.ackSequence(other))
    this.#pages = new DedupePages()
    for (const from of rows) {
      const old = before.pages[from >>> PAGE_SHIFT]!
      const oldSlot = from & PAGE_MASK
      const row = this.#pages.append()
      const page = this.#pages.pages[row >>> PAGE_SHIFT]!
      const slot = row & PAGE_MASK
      const textBytes = DIGEST_BYTES + old.idBytes[oldSlot]!
      const textFrom = page.allocateText(textBytes)
      old.texts.copy(page.texts, textFrom, old.textFrom[oldSlot], old.textFrom[oldSlot]! + textBytes)
      page.textFrom[slot] = textFrom
      page.idBytes[slot] = old.idBytes[oldSlot]!
      this.#setChannel(page, slot, old.channel(oldSlot))
      page.fill(
        slot,
        { low: old.hashLow[oldSlot]!, high: old.hashHigh[oldSlot]! },
        old.sequence[oldSlot]!,
        old.at[oldSlot]!,
        old.attempts[oldSlot]!,
        old.segment[oldSlot]!,
        old.state(oldSlot),
      )
    }
    this.#byHash = this.#emptyTable()
    this.#byHash.addAll(Uint32Array.from(this.#pages.rows()))
  }

  /** In the newest page: each name stands there once. */
  #setChannel(page: DedupePage, slot: number, name: string): void {
    // A page that was empty began anew, though it is the same one.
    if (page !== this.#channelsOf || slot === 0) this.#channels.clear()
    this.#channelsOf = page
    const bytes = Buffer.byteLength(name)
    let from = this.#channels.get(name)
    if (from === undefined) {
      from = page.allocateText(bytes)
      page.texts.write(name, from, bytes, 'utf8')
      this.#channels.set(name, from)
    }
    page.channelFrom[slot] = from
    page.channelBytes[slot] = bytes
  }

  #emptyTable(): RefTable {
    return new RefTable(row => this.#pages.pages[row >>> PAGE_SHIFT]!.hashLow[row & PAGE_MASK]!)
  }

  #forget(row: MessageRef): void {
    this.#byHash.delete(row)
    this.#release(row)
  }

  /** It is not in the table. */
  #release(row: MessageRef): void {
    const page = this.#pages.pages[row >>> PAGE_SHIFT]!
    const slot = row & PAGE_MASK
    const segment = page.segment[slot]!
    const sequence = page.sequence[slot]!
    this.#pages.release(row)
    this.#forgotten(segment, sequence)
  }
}

/** Ids that an opening has read and that are not indexed yet. */
class Scan {
  readonly rows = new Uint32Array(PLACED_AT_ONCE)
  #count = 0
  /** By page and slot. */
  readonly #ackSequences: Float64Array[] = []
  #latest = 0
  /** They came in the order in which they were settled. */
  inOrder = true
  /** Bytes whose texts were taken up at once, and how far they went. */
  texts: Buffer | undefined
  textsMoved = 0
  /** Where they went, and how the page stood before. */
  #page: DedupePage | undefined
  #pageRows = 0
  #pageTextBytes = 0

  /** For so many rows, and it is not full then. */
  hasRoom(rows: number): boolean {
    return this.#count + rows < PLACED_AT_ONCE
  }

  /** True: it is full, and to be taken. */
  add(row: number, ackSequence: number): boolean {
    if (ackSequence < this.#latest) this.inOrder = false
    this.#latest = ackSequence
    const page = row >>> PAGE_SHIFT
    // Asked first: to read beyond its end would cost an opening what was compiled so far.
    if (page >= this.#ackSequences.length || this.#ackSequences[page] === undefined)
      this.#ackSequences[page] = new Float64Array(PAGE_ROWS)
    this.#ackSequences[page]![row & PAGE_MASK] = ackSequence
    this.rows[this.#count] = row
    this.#count += 1
    return this.#count === PLACED_AT_ONCE
  }

  /** How many of `rows` there are; then there are none. */
  take(): number {
    const count = this.#count
    this.#count = 0
    return count
  }

  takeTexts(page: DedupePage, bytes: Buffer, from: number, to: number): void {
    this.#page = page
    this.#pageRows = page.rows
    this.#pageTextBytes = page.textBytes
    const moved = page.allocateText(to - from)
    page.texts.set(bytes.subarray(from, to), moved)
    this.texts = bytes
    this.textsMoved = moved - from
  }

  /** What follows of these bytes is taken up row by row. */
  leaveTexts(): void {
    this.texts = undefined
    this.#page = undefined
  }

  /** Where nothing of them was remembered, their room is free again. */
  giveBackTexts(): void {
    if (this.#page?.rows === this.#pageRows) this.#page.textBytes = this.#pageTextBytes
    this.#page = undefined
  }

  ackSequence(row: number): number {
    return this.#ackSequences[row >>> PAGE_SHIFT]![row & PAGE_MASK]!
  }
}

function isId(page: DedupePage, slot: number, bytes: Buffer, from: number, to: number): boolean {
  const length = to - from
  if (page.idBytes[slot] !== length) return false
  const { texts } = page
  const start = page.textFrom[slot]! + DIGEST_BYTES
  for (let i = 0; i < length; i += 1) if (texts[start + i] !== bytes[from + i]) return false
  return true
}
