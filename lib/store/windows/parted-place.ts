import type { SegmentUsage } from '../usage/segment-usage.js'

/** Keeps the segment of the last record of how the wall clock parted from the queue's time. */
export class PartedPlace {
  #segment: number | undefined
  /** 0: there is none. */
  ackSequence = 0

  /** Its frame was copied to this segment. */
  moved(ackSequence: number, segment: number, usage: SegmentUsage): void {
    if (this.ackSequence === ackSequence) this.standsIn(segment, ackSequence, usage)
  }

  standsIn(segment: number, ackSequence: number, usage: SegmentUsage): void {
    if (this.#segment !== undefined) usage.release(this.#segment)
    usage.keep(segment)
    this.#segment = segment
    this.ackSequence = ackSequence
  }
}
