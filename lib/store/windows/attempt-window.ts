/**
 * Decides which attempts may be made before their marks are on the device.
 *
 * Marks are synced lazily (invariant 13), so a power loss takes the latest ones, and their messages come back
 * as if never attempted. A window bounds which: a frame of the ack log that names `WINDOW` sequences.
 *
 *     The mark of an attempt is on the device before `send` is called, unless it is the first attempt of a
 *     message that has no outcome and no appointment, that is in the last window of the ack log, whether or
 *     not that is on the device, and whose channel does not have its marks synced.
 *
 * So if the tail is lost, only messages in the last remaining window can have been attempted without a trace,
 * whatever the backlog: an opening marks these (`opening.ts`). For messages of an ordered channel:
 *
 *     Nothing overtakes a message whose later attempts have their marks synced (it has an outcome, or is
 *     beyond the window), unless that message left without an attempt (cancelled, expired, found to have
 *     arrived), and then the next marks are synced. So nothing behind a message that still waits was
 *     attempted without a trace.
 *
 * The window moves ahead when half of what lies before it is used up. Its sequences reach beyond the last
 * message, so usually no one waits. It never moves back: an older message, say in a channel whose receiver is
 * down, waits at each attempt for a sync, which many share. While an appended window is not known to be on
 * the device, only sequences in both it and the one before count as covered.
 */

import type { Placed, WindowFold } from '../fold/window-fold.js'
import type { MarkingRecord, WindowRecord } from '../record/outcome.js'
import type { SegmentUsage } from '../usage/segment-usage.js'

/** Sequences in a window: a loss of power puts at most this many messages in doubt. */
export const WINDOW = 2048

export interface AttemptWindowParts {
  readonly usage: SegmentUsage
  /** Of the message log. */
  readonly nextSequence: () => number
  readonly now: () => number
  /** Hands a record to the ack log and returns its sequence there; `written` gets its segment. */
  readonly append: (record: WindowRecord | MarkingRecord, written: (segment: number) => void) => number
  /** Resolves when everything recorded so far is on the device. */
  readonly sync: () => Promise<void>
}

/** The attempt about to be recorded. */
export interface UpcomingAttempt {
  /** Of its message. */
  readonly sequence: number
  readonly channel: string
  /** Its message has no outcome yet, and no appointment. */
  readonly isFirst: boolean
  /** The marks of its channel are synced before each attempt: `onAmbiguous` is not `'resend'`. */
  readonly syncsMarks: boolean
  /** It overtakes another message of its channel, which is not ordered. */
  readonly overtakes: boolean
}

export class AttemptWindow {
  readonly #parts: AttemptWindowParts
  /** How many sequences of a window lie before the message that moves it. */
  readonly #ahead: number
  /** Applies to channels without a setting of their own. */
  readonly #syncsMarks: boolean
  readonly #markings: Map<string, Placed<MarkingRecord>>
  /** The last one known to be on the device. */
  #durable: Placed<WindowRecord> | undefined
  /** The one after it in the log, which may or may not be on the device. */
  #appended: Placed<WindowRecord> | undefined
  /**
   * Something was recorded that must be on the device before any mark may be missing: until then every
   * attempt waits for a sync.
   */
  #unsure = false
  /** How often it became true. */
  #timesUnsure = 0
  #confirming = false

  /** `folded`: found by an opening, and all on the device. `size`: sequences in a window. */
  constructor(parts: AttemptWindowParts, syncsMarks: boolean, folded: WindowFold, size = WINDOW) {
    this.#parts = parts
    this.#ahead = size / 2
    this.#syncsMarks = syncsMarks
    this.#durable = folded.window
    this.#markings = folded.markings
    for (const { segment } of folded.placed()) parts.usage.keep(segment)
  }

  /** Whether the mark of this attempt must be on the device before `send` is called. */
  mustSync(attempt: UpcomingAttempt): boolean {
    const { sequence, syncsMarks, isFirst, overtakes } = attempt
    if (this.#isUsual && isFirst && !syncsMarks && !overtakes) {
      const { from, to } = this.#durable!.record
      if (sequence >= from && sequence <= to - this.#ahead / 2) return false
    }
    this.#tell(attempt)
    if (syncsMarks) return true
    const isCovered = isFirst && !overtakes && !this.#unsure && this.#covers(attempt)
    this.#reach(sequence)
    if (this.#unsure || this.#appended !== undefined) this.#confirm()
    return !isCovered
  }

  /** Nothing has to be told, moved or confirmed before an attempt in the middle of the window. */
  get #isUsual(): boolean {
    if (this.#unsure || this.#appended !== undefined || this.#markings.size > 0) return false
    return this.#durable?.record.syncsMarks === false && !this.#syncsMarks
  }

  /** A message left, or died, without an attempt: those behind it may be attempted now. */
  leftUnattempted(): void {
    if (this.#durable === undefined && this.#appended === undefined) return
    this.#unsure = true
    this.#timesUnsure += 1
  }

  /** Whether an opening needs this frame of the ack log. */
  needs(ackSequence: number, record: WindowRecord | MarkingRecord): boolean {
    return this.#find(ackSequence, record) !== undefined
  }

  /** Compaction copied it to this segment. */
  moved(ackSequence: number, record: WindowRecord | MarkingRecord, segment: number): void {
    const placed = this.#find(ackSequence, record)
    if (placed !== undefined) this.#place(placed, segment)
  }

  #find(ackSequence: number, record: WindowRecord | MarkingRecord): Placed<unknown> | undefined {
    const candidates =
      record.kind === 'window' ? [this.#durable, this.#appended] : [this.#markings.get(record.channel)]
    return candidates.find(placed => placed?.ackSequence === ackSequence)
  }

  /** Records how the marks of this channel are made, before that changes. */
  #tell({ channel, syncsMarks }: UpcomingAttempt): void {
    const window = (this.#appended ?? this.#durable)?.record
    if (window !== undefined && window.syncsMarks !== this.#syncsMarks && this.#appended === undefined)
      this.#move(window.from, window.to)
    const told = this.#markings.get(channel)?.record.syncsMarks ?? this.#syncsMarks
    if (told === syncsMarks) return
    const { nextSequence, now } = this.#parts
    const before = this.#markings.get(channel)
    const record = { kind: 'marking', nextSequence: nextSequence(), at: now(), channel, syncsMarks } as const
    this.#markings.set(channel, this.#append(record))
    if (before !== undefined) this.#release(before)
    if (syncsMarks) return
    this.#unsure = true
    this.#timesUnsure += 1
  }

  #covers({ sequence, channel }: UpcomingAttempt): boolean {
    const marking = this.#markings.get(channel)?.record
    const covers = ({ record }: Placed<WindowRecord>): boolean =>
      sequence >= record.from && sequence <= record.to && !(marking ?? record).syncsMarks
    return (
      this.#durable !== undefined &&
      covers(this.#durable) &&
      (this.#appended === undefined || covers(this.#appended))
    )
  }

  /** Moves ahead in time for the messages after this one. */
  #reach(sequence: number): void {
    // Only one window at a time may be unconfirmed.
    if (this.#appended !== undefined) return
    if (this.#durable !== undefined && sequence <= this.#durable.record.to - this.#ahead / 2) return
    this.#move(Math.max(1, sequence - this.#ahead + 1), sequence + this.#ahead)
  }

  #move(from: number, to: number): void {
    const { nextSequence, now } = this.#parts
    const syncsMarks = this.#syncsMarks
    this.#appended = this.#append({
      kind: 'window',
      nextSequence: nextSequence(),
      at: now(),
      from,
      to,
      syncsMarks,
    })
  }

  #append<T extends WindowRecord | MarkingRecord>(record: T): Placed<T> {
    const placed: Placed<T> = { record, ackSequence: 0, segment: undefined }
    placed.ackSequence = this.#parts.append(record, segment => {
      // Replaced before it was written: nothing needs it.
      if (this.#find(placed.ackSequence, record) === placed) this.#place(placed, segment)
    })
    return placed
  }

  #place(placed: Placed<unknown>, segment: number): void {
    this.#release(placed)
    placed.segment = segment
    this.#parts.usage.keep(segment)
  }

  #release({ segment }: Placed<unknown>): void {
    if (segment !== undefined) this.#parts.usage.release(segment)
  }

  #confirm(): void {
    if (this.#confirming) return
    this.#confirming = true
    const appended = this.#appended
    const times = this.#timesUnsure
    this.#parts.sync().then(
      () => {
        this.#confirming = false
        if (times === this.#timesUnsure) this.#unsure = false
        if (appended === undefined) return
        if (this.#durable !== undefined) this.#release(this.#durable)
        this.#durable = appended
        this.#appended = undefined
      },
      () => {
        // The log has reported it; callers with a sync of their own ask again, and so does the next attempt.
        this.#confirming = false
      },
    )
  }
}
