/**
 * Which attempts may be made before their marks are on the device.
 *
 * Marks are synced lazily (invariant 13), so a loss of power takes the latest ones, and the messages that
 * they speak of come back as if no one had tried to send them. A window bounds which ones: a frame of the ack
 * log, of `WINDOW` sequences.
 *
 *     The mark of an attempt is on the device before `send` is called, or it is the first attempt of a
 *     message that has no outcome and no appointment, that lies in the last window of the ack log, be that on
 *     the device or not, and whose channel does not have its marks synced.
 *
 * So, of what a lost tail may have held, only messages in the last window that is left can have been
 * attempted unknown, whatever was waiting: an opening marks these (`opening.ts`). And of the messages of an
 * ordered channel:
 *
 *     Nothing overtakes a message whose later attempts have their marks synced (it has an outcome, or lies
 *     beyond the window), unless that message left without an attempt (cancelled, expired, found to have
 *     arrived), and then the next marks are synced. So behind one that is left waiting nothing was attempted
 *     unknown.
 *
 * The window moves ahead when half of what lies before it is used up, so that in the usual course no one
 * waits: its sequences reach beyond the last message that there is. It never moves back: what lags behind, in
 * a channel whose receiver is down say, waits for a sync at each attempt, which many share. Where a window
 * was appended and is not known to be on the device, only what lies in that one and in the one before is
 * taken for covered.
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
  /** Hands a record to the ack log, and returns its sequence there; `written` is told its segment. */
  readonly append: (record: WindowRecord | MarkingRecord, written: (segment: number) => void) => number
  /** Resolves when everything recorded so far is on the device. */
  readonly sync: () => Promise<void>
}

/** An attempt that will be recorded next. */
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
  /** Of a window so many sequences lie before the message that moves it. */
  readonly #ahead: number
  /** What holds for channels that say nothing else. */
  readonly #syncsMarks: boolean
  readonly #markings: Map<string, Placed<MarkingRecord>>
  /** The last one that is known to be on the device. */
  #durable: Placed<WindowRecord> | undefined
  /** The one behind it in the log, which may be on the device or not. */
  #appended: Placed<WindowRecord> | undefined
  /**
   * Something was recorded without which no mark may lack: until a sync covered it, every attempt waits for
   * one.
   */
  #unsure = false
  /** How often that was so. */
  #timesUnsure = 0
  #confirming = false

  /** `folded`: what an opening found; all of it is on the device. `size`: sequences in a window. */
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

  /**
   * Nothing is to be told, moved or confirmed before the attempt of a message in the middle of the window.
   */
  get #isUsual(): boolean {
    if (this.#unsure || this.#appended !== undefined || this.#markings.size > 0) return false
    return this.#durable?.record.syncsMarks === false && !this.#syncsMarks
  }

  /** A message left, or died, without an attempt: what stood behind it may be attempted now. */
  leftUnattempted(): void {
    if (this.#durable === undefined && this.#appended === undefined) return
    this.#unsure = true
    this.#timesUnsure += 1
  }

  /** Whether an opening needs this frame of the ack log. */
  needs(ackSequence: number, record: WindowRecord | MarkingRecord): boolean {
    return this.#find(ackSequence, record) !== undefined
  }

  /** Compaction wrote it again, to this segment. */
  moved(ackSequence: number, record: WindowRecord | MarkingRecord, segment: number): void {
    const placed = this.#find(ackSequence, record)
    if (placed !== undefined) this.#place(placed, segment)
  }

  #find(ackSequence: number, record: WindowRecord | MarkingRecord): Placed<unknown> | undefined {
    const candidates =
      record.kind === 'window' ? [this.#durable, this.#appended] : [this.#markings.get(record.channel)]
    return candidates.find(placed => placed?.ackSequence === ackSequence)
  }

  /** The log knows how the marks of this channel are made, before one is made otherwise. */
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

  /** Moves ahead in time for what follows this message. */
  #reach(sequence: number): void {
    // Until it is on the device, there is one behind the other, not two.
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
      // Overtaken before it was written: no one needs it.
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
        // The log has reported it; what waits for its own sync asks again, and so does the next attempt.
        this.#confirming = false
      },
    )
  }
}
