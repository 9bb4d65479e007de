/**
 * Maps the sequence of a message to a number below 2^32 - 1, mostly the ref of a live one. Sequences come in
 * order and mostly stay together, so they are kept in blocks of sixteen: some 6 bytes a message in a full
 * queue, 85 for one that is alone, and no look-up at all for the next one in the same block.
 */

import type { MessageRef } from '../message-store.js'
import { hashSequence } from './id-hash.js'
import { PAGE_MASK, PAGE_ROWS, PAGE_SHIFT, PagedColumns } from './paged-columns.js'
import { RefTable } from './ref-table.js'

const BLOCK = 16

class BlockPage {
  /** The sequences of the block, divided by `BLOCK`. */
  readonly key = new Float64Array(PAGE_ROWS)
  /** Refs plus 1; 0: that sequence is not in the table. */
  readonly refs = new Uint32Array(PAGE_ROWS * BLOCK)
  /** How many of them are in the table; chains the free rows. */
  readonly used = new Uint32Array(PAGE_ROWS)
}

export class SequenceTable<T extends number = MessageRef> {
  readonly #blocks = new PagedColumns(
    () => new BlockPage(),
    page => page.used,
  )
  /** Numbers of blocks, not of messages. */
  readonly #byKey: RefTable = new RefTable(row => hashSequence(this.#keyOf(row)))
  /** The block that was last asked for. */
  #latestKey = -1
  #latestRow = 0
  /** The highest key that ever had a block: none is beyond it. */
  #highestKey = -1
  /**
   * Its block, which stays when it is empty: the next sequence belongs there, and a queue may be empty after
   * each.
   */
  #highestRow = -1

  add(sequence: number, ref: T): void {
    const key = Math.floor(sequence / BLOCK)
    const row = this.#row(key) ?? this.#begin(key)
    const page = this.#blocks.pages[row >>> PAGE_SHIFT]!
    const at = (row & PAGE_MASK) * BLOCK + (sequence - key * BLOCK)
    if (page.refs[at] === 0) page.used[row & PAGE_MASK]! += 1
    page.refs[at] = ref + 1
  }

  /** As `add`; returns false if the sequence is there already. */
  addNew(sequence: number, ref: T): boolean {
    const key = Math.floor(sequence / BLOCK)
    const row = key === this.#latestKey ? this.#latestRow : (this.#row(key) ?? this.#begin(key))
    const page = this.#blocks.pages[row >>> PAGE_SHIFT]!
    const slot = row & PAGE_MASK
    const at = slot * BLOCK + (sequence - key * BLOCK)
    if (page.refs[at] !== 0) return false
    page.used[slot]! += 1
    page.refs[at] = ref + 1
    return true
  }

  delete(sequence: number): void {
    const key = Math.floor(sequence / BLOCK)
    const row = this.#row(key)
    if (row === undefined) return
    const page = this.#blocks.pages[row >>> PAGE_SHIFT]!
    const slot = row & PAGE_MASK
    const at = slot * BLOCK + (sequence - key * BLOCK)
    if (page.refs[at] === 0) return
    page.refs[at] = 0
    page.used[slot]! -= 1
    if (page.used[slot] === 0 && row !== this.#highestRow) this.#release(row)
  }

  #release(row: number): void {
    this.#latestKey = -1
    this.#byKey.delete(row as MessageRef, hashSequence(this.#keyOf(row as MessageRef)))
    this.#blocks.release(row)
  }

  find(sequence: number): T | undefined {
    const key = Math.floor(sequence / BLOCK)
    const row = this.#row(key)
    if (row === undefined) return undefined
    const ref =
      this.#blocks.pages[row >>> PAGE_SHIFT]!.refs[(row & PAGE_MASK) * BLOCK + (sequence - key * BLOCK)]!
    return ref === 0 ? undefined : ((ref - 1) as T)
  }

  /** Those from `from` on, in no order. */
  *sequences(from: number): Generator<number> {
    for (const { key, refs, used } of this.#blocks.pages) {
      for (let slot = 0; slot < PAGE_ROWS; slot += 1) {
        const first = key[slot]! * BLOCK
        if (first + BLOCK <= from || used[slot] === 0) continue
        for (let i = 0; i < BLOCK; i += 1) {
          if (refs[slot * BLOCK + i] !== 0 && first + i >= from) yield first + i
        }
      }
    }
  }

  #row(key: number): number | undefined {
    if (key === this.#latestKey) return this.#latestRow
    return key > this.#highestKey ? undefined : this.#find(key)
  }

  #find(key: number): number | undefined {
    const row = this.#byKey.find(hashSequence(key), other => this.#keyOf(other) === key)
    if (row === undefined) return undefined
    this.#latestKey = key
    this.#latestRow = row
    return row
  }

  /** A row that was released before holds no refs. */
  #begin(key: number): number {
    const row = this.#blocks.allocate()
    const page = this.#blocks.pages[row >>> PAGE_SHIFT]!
    page.key[row & PAGE_MASK] = key
    page.used[row & PAGE_MASK] = 0
    this.#byKey.add(row as MessageRef, hashSequence(key))
    if (key > this.#highestKey) {
      const before = this.#highestRow
      this.#highestKey = key
      this.#highestRow = row
      if (before !== -1 && this.#blocks.pages[before >>> PAGE_SHIFT]!.used[before & PAGE_MASK] === 0)
        this.#release(before)
    }
    this.#latestKey = key
    this.#latestRow = row
    return row
  }

  #keyOf(row: MessageRef): number {
    return this.#blocks.pages[row >>> PAGE_SHIFT]!.key[row & PAGE_MASK]!
  }
}
