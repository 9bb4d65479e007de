/**
 * The closed channels. One record stands for the deaths of all messages that waited in the channel and had no
 * outcome: those that were enqueued with one of its names, up to a sequence. A message that has an outcome
 * got one of its own when the channel was closed, because each must carry all that is known of its message.
 * So whatever else was recorded of a message, before or after, counts instead; and an attempt under way keeps
 * its outcome.
 */
import type { AliveRecord, ClosedRecord, OutcomeRecord } from '../record/outcome.js'

/** A closed channel's record. */
export interface FoldedClosing {
  readonly record: ClosedRecord
  readonly segment: number
  readonly ackSequence: number
}

export class ClosingFold {
  readonly #byName = new Map<string, FoldedClosing[]>()

  get isEmpty(): boolean {
    return this.#byName.size === 0
  }

  add(ackSequence: number, segment: number, record: OutcomeRecord): void {
    if (record.kind !== 'closed') return
    for (const name of record.channels) {
      const known = this.#byName.get(name)
      const closing = { record, segment, ackSequence }
      if (known === undefined) this.#byName.set(name, [closing])
      else if (!known.some(each => each.ackSequence === ackSequence)) known.push(closing)
    }
  }

  /**
   * The record with which a message without an outcome died: the first that covers it. `channel`: the name
   * that it was enqueued with. Undefined: it did not die so.
   */
  of(channel: string, sequence: number): FoldedClosing | undefined {
    let first: FoldedClosing | undefined
    for (const closing of this.#byName.get(channel) ?? []) {
      if (sequence > closing.record.upTo) continue
      if (first === undefined || closing.ackSequence < first.ackSequence) first = closing
    }
    return first
  }
}

/** As if the message had a record of its own. */
export function deathOf(
  { record, ackSequence, segment }: FoldedClosing,
  sequence: number,
): { readonly ackSequence: number; readonly segment: number; readonly record: AliveRecord } {
  const { nextSequence, at } = record
  const death: AliveRecord = {
    kind: 'dead',
    sequence,
    nextSequence,
    at,
    attempts: 0,
    firstAttemptAt: 0,
    mayHaveBeenSent: false,
    triedMs: 0,
    errors: [],
    redrive: undefined,
    reason: 'channel',
    halts: undefined,
  }
  return { ackSequence, segment, record: death }
}
