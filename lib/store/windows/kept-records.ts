import type { SegmentUsage } from '../usage/segment-usage.js'

/** A record in force, and the ack segment that holds it. */
export interface KeptRecord {
  readonly segment: number
  readonly ackSequence: number
}

/**
 * What is in force by name: a durable pause, another name of a channel. The last record of a name counts, and
 * is kept as long as that. One that only ends an earlier one is kept as long as anything older is there.
 */
export class KeptRecords<T extends KeptRecord> {
  readonly #byName = new Map<string, T>()
  readonly #usage: SegmentUsage

  constructor(usage: SegmentUsage) {
    this.#usage = usage
  }

  get size(): number {
    return this.#byName.size
  }

  get(name: string): T | undefined {
    return this.#byName.get(name)
  }

  inForce(): T[] {
    return [...this.#byName.values()]
  }

  /** A record was written, read by the opening, or copied. */
  begins(name: string, record: T): void {
    this.#drop(name)
    this.#byName.set(name, record)
    this.#usage.keep(record.segment)
  }

  /** A record that ends the one of this name was written to this segment. */
  ends(name: string, segment: number): void {
    this.#drop(name)
    this.endCopied(segment)
  }

  /** A record that ends another one was copied to this segment, or stands there. */
  endCopied(segment: number): void {
    // As for a halt: it undoes older records, so it goes when every older ack segment does.
    this.#usage.resumeAdded(segment)
  }

  /** Whether this is the record in force. */
  needs(ackSequence: number, name: string): boolean {
    return this.#byName.get(name)?.ackSequence === ackSequence
  }

  #drop(name: string): void {
    const known = this.#byName.get(name)
    if (known === undefined) return
    this.#byName.delete(name)
    this.#usage.release(known.segment)
  }
}
