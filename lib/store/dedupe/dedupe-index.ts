/**
 * The ids of settled messages, kept for the dedupe window. Rebuilt from settling outcomes after a restart.
 *
 * A queue remembers 100,000 ids by default, so they are kept in pages of columns: about 110 bytes each with
 * the id, and no objects for the garbage collector to visit. They are found by a hash of the id. Pages and
 * their rows are in the order of settlement: new ids are added at the end, old ones are forgotten from the
 * front, and a page is dropped with the last of its ids.
 */
import { DeferredUpdates } from '../index/deferred-updates.js'
import type { MessageRef } from '../message-store.js'
import type { SettlingKind } from '../record/outcome.js'
import { DIGEST_BYTES } from '../record/outcome-format.js'
import type { ResultPlace } from '../record/result.js'
import type { SettledBlock } from '../record/settled-block.js'
import type { SettledRecord } from '../record/settled-record.js'
import { hashAsciiId, hashId, type IdHash } from '../tables/id-hash.js'
import { PAGE_MASK, PAGE_ROWS, PAGE_SHIFT } from '../tables/paged-columns.js'
import { RefTable } from '../tables/ref-table.js'
import type { DedupeOptions } from '../types.js'
import { type DedupePage, DedupePages } from './dedupe-pages.js'
import { ReplacedRows } from './replaced-rows.js'
import { ResultPlaces } from './result-places.js'

export interface SettledId {
  readonly id: string
  readonly channel: string
  readonly digest: string
  readonly sequence: number
  readonly state: SettlingKind
  readonly attempts: number
  /** In the queue's time. */
  readonly at: number
  /** The ack segment that keeps it across a restart; compaction can change it. */
  readonly segment: number
  /** Where its result is in that segment; undefined: not kept. */
  readonly result?: ResultPlace | undefined
}

/** Where compaction moved the outcome of a message, together with its result. */
export interface CopyPlace {
  readonly segment: number
  /** Undefined: the copy has no result. */
  readonly resultOffset: number | undefined
}

/** What a remembered message leaves behind in an ack segment. */
export interface Left {
  readonly segment: number
  /** 0: it has no result. */
  readonly resultBytes: number
}

/** Ids of an opening that are indexed in one batch; those beyond the limit are forgotten only then. */
const PLACED_AT_ONCE = 128 * 1024
/** Replaced messages may take this part of the remembered ids. */
const REPLACED_SHARE = 0.1
/** The most ids outside the index: a lookup compares them one by one. */
const MAX_LATEST = 64

export class DedupeIndex {
  readonly #options: DedupeOptions
  /**
   * Called for each id that is forgotten or replaced: its outcome in this ack segment is no longer needed.
   */
  readonly #forgotten: (segment: number, sequence: number) => void
  readonly #deferred: DeferredUpdates
  /** The latest ids, oldest first, not yet in the pages: placing many at once costs less per id. */
  readonly #latest: SettledId[] = []
  #latestAt = 0
  #pages = new DedupePages()
  readonly #results: ResultPlaces
  readonly #replaced = new ReplacedRows()
  /** An opening has read the id of a replaced message. */
  #scannedReplaced = false
  #byHash = this.#emptyTable()
  /** For the page being written: where channel names are in its texts. */
  readonly #channels = new Map<string, number>()
  #channelsOf: DedupePage | undefined
  #scan: Scan | undefined

  /** Every lookup applies `deferred` first. */
  constructor(
    options: DedupeOptions,
    forgotten: (segment: number, sequence: number) => void,
    deferred = new DeferredUpdates(),
    results = new ResultPlaces(0, () => {}),
  ) {
    this.#options = options
    this.#forgotten = forgotten
    this.#deferred = deferred
    this.#results = results
  }

  get size(): number {
    this.#catchUp()
    return this.#pages.size
  }

  /** Adds it as the newest. */
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
    if (entry.result !== undefined) this.#results.set(page, slot, entry.result)
    if (entry.state === 'replaced') this.#replaced.add(row)
    this.#byHash.add(row, hash.low)
  }

  /**
   * Copies the texts of the given number of following settlements in one go, whether or not `addScanned` is
   * called for each.
   */
  scanTexts(bytes: Buffer, from: number, to: number, count: number): void {
    this.#scan ??= new Scan()
    this.#scan.giveBackTexts()
    const page = this.#pages.newest(count)
    // The page may have begun anew; `#setChannel`, which notices that, is not called for rows of a block.
    this.#channelsOf = undefined
    this.#scan.takeTexts(page, bytes, from, to)
  }

  /**
   * Adds a settlement that an opening read, in any order. If its id was settled twice, the later message
   * counts. `scanned` must follow the last one; lookups find nothing before.
   */
  addScanned(settlement: SettledRecord, segment: number, ackSequence: number, result?: ResultPlace): void {
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
    if (result !== undefined) this.#results.set(page, slot, result)
    if (kind === 'replaced') this.#scannedReplaced = true
    if (!scan.add(row, ackSequence)) return
    // The page with the texts may begin anew now; following rows are copied one by one.
    scan.leaveTexts()
    this.#placeScanned(scan)
  }

  /**
   * As `scanTexts` followed by `addScanned` for every row of a block. Most of its columns are copied whole:
   * that is less work per row, which matters most before the code of an opening is compiled. `results`: by
   * row; undefined: no row has one.
   */
  addBlock(block: SettledBlock, segment: number, results?: readonly (ResultPlace | undefined)[]): void {
    const { count, textsFrom, digestFroms, idBytes, channels, channelFroms, channelBytes } = block
    const { bytes } = block.settlement
    this.scanTexts(bytes, textsFrom, bytes.length, count)
    const scan = this.#scan!
    if (!scan.hasRoom(count)) {
      for (let row = 0; block.next(); row += 1)
        this.addScanned(block.settlement, segment, block.ackSequence, results?.[row])
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
      const kind = block.kind(row)
      page.setState(slot, kind)
      if (kind === 'replaced') this.#scannedReplaced = true
      const result = results?.[row]
      if (result !== undefined) this.#results.set(page, slot, result)
      scan.add(first + row, block.ackSequenceOf(row))
    }
  }

  /** The opening has read both logs and knows the time: forgets the expired ids that it read. */
  scanned(now: number): void {
    const scan = this.#scan
    if (scan === undefined) return
    scan.giveBackTexts()
    this.#placeScanned(scan)
    if (!scan.inOrder) this.#sortByAge(scan)
    this.#scan = undefined
    if (this.#scannedReplaced) this.#listReplaced()
    this.evict(now)
  }

  #listReplaced(): void {
    for (const row of this.#pages.rows())
      if (this.#pages.pages[row >>> PAGE_SHIFT]!.state(row & PAGE_MASK) === 'replaced')
        this.#replaced.add(row)
  }

  get(id: string, now: number): SettledId | undefined {
    this.#deferred.apply()
    // Ids beyond the limit are forgotten first.
    if (this.#pages.size + this.#latest.length > this.#options.maxIds) this.#placeLatest()
    const latest = this.#latest.findLast(entry => entry.id === id)
    if (latest !== undefined) return this.#isCurrent(latest.at, now) ? latest : undefined
    const row = this.#find(id, hashId(id))
    if (row === undefined) return undefined
    const settled = this.#at(row)
    return this.#isCurrent(settled.at, now) ? settled : undefined
  }

  /** What is remembered of these messages. Scans all remembered ids. */
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
    const result = this.#results.get(page, slot)
    return {
      id: page.id(slot),
      channel: page.channel(slot),
      digest: page.digest(slot),
      sequence: page.sequence[slot]!,
      state: page.state(slot),
      attempts: page.attempts[slot]!,
      at: page.at[slot]!,
      segment: page.segment[slot]!,
      ...(result !== undefined && { result }),
    }
  }

  /** Whether the id is remembered for this very message, expired or not. */
  holds(settlement: SettledRecord): boolean {
    return this.#rowOf(settlement) !== undefined
  }

  /** Whether what `send` returned for this very message is remembered. */
  holdsResult(settlement: SettledRecord): boolean {
    const row = this.#rowOf(settlement)
    if (row === undefined) return false
    return this.#results.get(this.#pages.pages[row >>> PAGE_SHIFT]!, row & PAGE_MASK) !== undefined
  }

  /**
   * Compaction moved the outcome of this message. Returns what it left behind; undefined: the id is not
   * remembered, or belongs to another message.
   */
  move(settlement: SettledRecord, place: CopyPlace): Left | undefined {
    const row = this.#rowOf(settlement)
    return row === undefined ? undefined : this.#move(row, place)
  }

  /** As `move`, by the id and sequence of the message. */
  moveById(id: string, sequence: number, place: CopyPlace): Left | undefined {
    this.#catchUp()
    const row = this.#find(id, hashId(id))
    if (row === undefined) return undefined
    const isIt = this.#pages.pages[row >>> PAGE_SHIFT]!.sequence[row & PAGE_MASK] === sequence
    return isIt ? this.#move(row, place) : undefined
  }

  #move(row: MessageRef, { segment, resultOffset }: CopyPlace): Left {
    const page = this.#pages.pages[row >>> PAGE_SHIFT]!
    const slot = row & PAGE_MASK
    if (resultOffset === undefined) this.#results.forget(page, slot)
    const before = page.segment[slot]!
    page.segment[slot] = segment
    const resultBytes = this.#results.get(page, slot)?.bytes ?? 0
    if (resultBytes > 0) page.results!.offset[slot] = resultOffset!
    return { segment: before, resultBytes }
  }

  /**
   * Forgets ids older than the window or beyond the limit, and those of replaced messages and results beyond
   * theirs, oldest first.
   */
  evict(now: number): void {
    this.#catchUp()
    const maxReplaced = Math.floor(this.#options.maxIds * REPLACED_SHARE)
    while (this.#replaced.count > maxReplaced) this.#forget(this.#replaced.takeOldest() as MessageRef)
    for (;;) {
      const row = this.#pages.oldest() as MessageRef | undefined
      if (row === undefined) return
      const at = this.#pages.pages[row >>> PAGE_SHIFT]!.at[row & PAGE_MASK]!
      if (this.#pages.size <= this.#options.maxIds && this.#isCurrent(at, now)) break
      this.#forget(row)
    }
    this.#results.evict(this.#pages)
  }

  /** False: what `send` returned is never remembered. */
  get remembersResults(): boolean {
    return this.remembersAny && this.#results.remembersAny
  }

  /** False: ids are never remembered. */
  get remembersAny(): boolean {
    return this.#options.maxIds > 0
  }

  /** Whether a message settled at that time is within the window. */
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
   * Indexes the scanned ids, latest first: if an id was settled twice the later message stays, and ids beyond
   * the limit are never looked at.
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
    // One closure for all of them.
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
      // An id can be reused only after its message was forgotten: the later message has the higher sequence.
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
    // Until they are sorted, the oldest are not known.
    if (scan.inOrder) this.evict(-Infinity)
  }

  /** Needed if an opening did not read them in the order of settlement. */
  #sortByAge(scan: Scan): void {
    const before = this.#pages
    const rows = [...before.rows()].sort((one, other) => scan.ackSequence(one) - scan.ackSequence(other))
    this.#pages = new DedupePages()
    this.#results.clear()
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
      const result = this.#results.get(old, oldSlot)
      if (result !== undefined) this.#results.set(page, slot, result)
    }
    this.#byHash = this.#emptyTable()
    this.#byHash.addAll(Uint32Array.from(this.#pages.rows()))
  }

  /** Puts the name into the newest page, once per page. */
  #setChannel(page: DedupePage, slot: number, name: string): void {
    // An empty page was started anew, though it is the same object.
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

  /** The id is not in the table. */
  #release(row: MessageRef): void {
    const page = this.#pages.pages[row >>> PAGE_SHIFT]!
    const slot = row & PAGE_MASK
    const segment = page.segment[slot]!
    const sequence = page.sequence[slot]!
    if (page.results !== undefined) this.#results.forget(page, slot)
    if (this.#replaced.count > 0) this.#replaced.delete(row)
    this.#pages.release(row)
    this.#forgotten(segment, sequence)
  }
}

/** Ids that an opening has read but not yet indexed. */
class Scan {
  readonly rows = new Uint32Array(PLACED_AT_ONCE)
  #count = 0
  /** By page and slot. */
  readonly #ackSequences: Float64Array[] = []
  #latest = 0
  /** They came in the order of settlement. */
  inOrder = true
  /** Bytes whose texts were copied in one go, and how far that moved them. */
  texts: Buffer | undefined
  textsMoved = 0
  /** Where they were copied to, and the state of the page before. */
  #page: DedupePage | undefined
  #pageRows = 0
  #pageTextBytes = 0

  /** Room for that many rows without becoming full. */
  hasRoom(rows: number): boolean {
    return this.#count + rows < PLACED_AT_ONCE
  }

  /** Returns true when it is full and must be taken. */
  add(row: number, ackSequence: number): boolean {
    if (ackSequence < this.#latest) this.inOrder = false
    this.#latest = ackSequence
    const page = row >>> PAGE_SHIFT
    // Checked first: reading beyond the end would cost an opening the code compiled so far.
    if (page >= this.#ackSequences.length || this.#ackSequences[page] === undefined)
      this.#ackSequences[page] = new Float64Array(PAGE_ROWS)
    this.#ackSequences[page]![row & PAGE_MASK] = ackSequence
    this.rows[this.#count] = row
    this.#count += 1
    return this.#count === PLACED_AT_ONCE
  }

  /** Returns the number of `rows` and resets it to 0. */
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

  /** The rest of these bytes is copied row by row. */
  leaveTexts(): void {
    this.texts = undefined
    this.#page = undefined
  }

  /** Frees the room of the texts if none of their ids was remembered. */
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
