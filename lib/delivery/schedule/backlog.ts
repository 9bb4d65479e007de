import type { MessageRef, MessageStore } from '../../store/message-store.js'
import { Heap } from '../tables/heap.js'
import { type MessageColumns, QueuePosition } from '../tables/message-columns.js'
import { countPriority, type Waiting } from './priorities.js'

/** The messages of one channel, as `Backlog` keeps them. */
export interface ChannelLine extends Waiting {
  /** The ends of the ordered chain, as ref + 1; 0 if it is empty. Nearly every message comes at its end. */
  head: number
  tail: number
  /** Messages out of turn (redriven, or scheduled and newly due), also in order. */
  side?: Heap<MessageRef>
  /** Messages in backoff that others pass (in an unordered channel), the first due one first. */
  resting?: Heap<MessageRef>
}

/**
 * Which messages wait, and in which order: doubly linked chains through columns, so that a waiting message
 * costs a few bytes and can be removed from anywhere.
 */
export class Backlog {
  readonly #store: MessageStore
  readonly #columns: MessageColumns

  constructor(store: MessageStore, columns: MessageColumns) {
    this.#store = store
    this.#columns = columns
  }

  /** The message whose turn it is. */
  first(line: ChannelLine): MessageRef | undefined {
    const head = line.head === 0 ? undefined : ((line.head - 1) as MessageRef)
    const side = line.side?.peek()
    if (head === undefined || side === undefined) return head ?? side
    return this.#goesBefore(side, head) ? side : head
  }

  /** Places a message by its order key. At either end of the chain that costs nothing. */
  insert(line: ChannelLine, ref: MessageRef): void {
    const { place, previous, next } = this.#columns
    line.waiting += 1
    if (this.#store.prioritized.count > 0) countPriority(line, this.#store, ref, 1)
    if (line.tail === 0 || this.#goesBefore((line.tail - 1) as MessageRef, ref)) {
      place.set(ref, QueuePosition.chain)
      if (line.tail === 0) line.head = ref + 1
      else {
        previous.set(ref, line.tail)
        next.set((line.tail - 1) as MessageRef, ref + 1)
      }
      line.tail = ref + 1
    } else if (this.#goesBefore(ref, (line.head - 1) as MessageRef)) {
      place.set(ref, QueuePosition.chain)
      next.set(ref, line.head)
      previous.set((line.head - 1) as MessageRef, ref + 1)
      line.head = ref + 1
    } else {
      place.set(ref, QueuePosition.side)
      line.side ??= new Heap((one, other) => this.#goesBefore(one, other), previous)
      line.side.push(ref)
    }
  }

  /** Lets others pass this message until it is due. */
  rest(line: ChannelLine, ref: MessageRef): void {
    this.#columns.place.set(ref, QueuePosition.resting)
    line.waiting += 1
    if (this.#store.prioritized.count > 0) countPriority(line, this.#store, ref, 1)
    line.resting ??= new Heap(
      (one, other) => this.#store.dueAt(one) < this.#store.dueAt(other),
      this.#columns.previous,
    )
    line.resting.push(ref)
  }

  /**
   * Puts back the messages that rested long enough. Returns when the next one is due; Infinity: none rests.
   */
  wake(line: ChannelLine, now: number): number {
    const { resting } = line
    if (resting === undefined) return Infinity
    for (;;) {
      const ref = resting.peek()
      if (ref === undefined) return Infinity
      const dueAt = this.#store.dueAt(ref)
      if (dueAt > now) return dueAt
      this.remove(line, ref)
      this.insert(line, ref)
    }
  }

  /** Takes a message out, wherever in the line it is. */
  remove(line: ChannelLine, ref: MessageRef): void {
    const place = this.#columns.place.get(ref)
    line.waiting -= 1
    if (this.#store.prioritized.count > 0) countPriority(line, this.#store, ref, -1)
    if (place === QueuePosition.chain) {
      const { previous, next } = this.#columns
      const before = line.head === ref + 1 ? 0 : previous.get(ref)
      const after = line.tail === ref + 1 ? 0 : next.get(ref)
      if (before === 0) line.head = after
      else next.set((before - 1) as MessageRef, after)
      if (after === 0) line.tail = before
      else previous.set((after - 1) as MessageRef, before)
    } else if (place === QueuePosition.side) line.side!.remove(ref)
    else line.resting!.remove(ref)
    this.#columns.place.set(ref, QueuePosition.gone)
  }

  /** All messages of the line, in no order. */
  all(line: ChannelLine): MessageRef[] {
    const all: MessageRef[] = []
    for (let at = line.head; at !== 0; ) {
      const ref = (at - 1) as MessageRef
      all.push(ref)
      at = at === line.tail ? 0 : this.#columns.next.get(ref)
    }
    for (const heap of [line.side, line.resting]) all.push(...(heap ?? []))
    return all
  }

  /** The highest order key of a waiting message; undefined: none waits. Looks at all that are out of turn. */
  lastKey(line: ChannelLine): number | undefined {
    let key = line.tail === 0 ? -Infinity : this.#store.orderKey((line.tail - 1) as MessageRef)
    for (const heap of [line.side, line.resting]) {
      for (const ref of heap ?? []) key = Math.max(key, this.#store.orderKey(ref))
    }
    return key === -Infinity ? undefined : key
  }

  #goesBefore(one: MessageRef, other: MessageRef): boolean {
    const difference = this.#store.orderKey(one) - this.#store.orderKey(other)
    return difference === 0 ? this.#store.sequence(one) < this.#store.sequence(other) : difference < 0
  }
}

/** A power of two, so that steps add up exactly below 2³³ messages; a coarser one goes on from there. */
const KEY_STEP = 2 ** -20
const COARSE_KEY_STEP = 2 ** -10

/**
 * An order key behind this one and before every message still to come: sequences are whole, so there is room
 * above each for a million steps. If that is used up, the key itself: equal keys go by sequence.
 */
export function keyBehind(key: number): number {
  const next = key + (key < 2 ** 33 ? KEY_STEP : COARSE_KEY_STEP)
  return next < Math.floor(key) + 1 ? next : key
}
