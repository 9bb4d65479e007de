import type { MarkingRecord, OutcomeRecord, WindowRecord } from '../record/outcome.js'
import { supersedes } from './supersedes.js'

/** A frame of the ack log, and the segment that holds it; compaction moves it. */
export interface Placed<T> {
  readonly record: T
  ackSequence: number
  /** Undefined: not written yet. */
  segment: number | undefined
}

/** The last window of the ack log, and the last marking of each channel, by ack sequence. */
export class WindowFold {
  window: Placed<WindowRecord> | undefined
  readonly markings = new Map<string, Placed<MarkingRecord>>()

  add(ackSequence: number, segment: number, record: OutcomeRecord): void {
    if (record.kind === 'window') {
      if (supersedes(ackSequence, this.window)) this.window = { record, ackSequence, segment }
    } else if (record.kind === 'marking') {
      if (supersedes(ackSequence, this.markings.get(record.channel)))
        this.markings.set(record.channel, { record, ackSequence, segment })
    }
  }

  placed(): { readonly segment: number }[] {
    return [...(this.window === undefined ? [] : [this.window]), ...this.markings.values()].map(
      ({ segment }) => ({ segment: segment! }),
    )
  }

  /** Whether this message may have been attempted before its mark was on the device. */
  covers(sequence: number, channel: string): boolean {
    const { window } = this
    if (window === undefined || sequence < window.record.from || sequence > window.record.to) return false
    return !(this.markings.get(channel)?.record ?? window.record).syncsMarks
  }
}
