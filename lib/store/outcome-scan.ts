/**
 * Reads the outcomes that every message has, an attempt and an end, as they are usually written: an opening meets two a
 * message. All others, and whatever is wrong, it leaves to `decodeOutcome`.
 */
import { BIN_8, NIL, SMALL_ARRAY } from './message-pack-bytes.js'
import { MessagePackCursor } from './message-pack-cursor.js'
import type { OutcomeRecord, SettlingKind } from './outcome.js'
import { decodeOutcome } from './outcome-decoder.js'
import { DIGEST_BYTES, outcomeFormats } from './outcome-format.js'

const ATTEMPT = outcomeFormats.attempt
const settlingKinds = new Map<number, SettlingKind>(
  (['delivered', 'cancelled', 'purged'] as const).map(kind => [outcomeFormats[kind].frameType, kind]),
)
const SETTLING_FIELDS = outcomeFormats.delivered.fields.length

export class OutcomeScan {
  readonly #cursor = new MessagePackCursor()

  /** As `decodeOutcome`; `ackSequence` names the record in errors. */
  read(frameType: number, data: Buffer, ackSequence: number): OutcomeRecord {
    return (
      this.#usual(frameType, data) ?? decodeOutcome(frameType, data, `Frame ${ackSequence} of the ack log`)
    )
  }

  #usual(frameType: number, data: Buffer): OutcomeRecord | undefined {
    const settling = settlingKinds.get(frameType)
    if (settling === undefined && frameType !== ATTEMPT.frameType) return undefined
    const cursor = this.#cursor
    cursor.begin(data)
    const fields = settling === undefined ? ATTEMPT.fields.length : SETTLING_FIELDS
    if (!cursor.byte(SMALL_ARRAY | fields)) return undefined
    const sequence = cursor.number()
    const nextSequence = cursor.number()
    const at = cursor.number()
    const attempts = cursor.number()
    const firstAttemptAt = cursor.number()
    const mayHaveBeenSent = cursor.flag()
    if (!isProgress(sequence, nextSequence, at, attempts, firstAttemptAt)) return undefined
    if (mayHaveBeenSent === undefined) return undefined

    if (settling === undefined) {
      if (!cursor.byte(SMALL_ARRAY) || !cursor.byte(NIL) || cursor.at !== data.length) return undefined
      return {
        kind: 'attempt',
        sequence,
        nextSequence,
        at,
        attempts,
        firstAttemptAt,
        mayHaveBeenSent,
        errors: [],
        redrive: undefined,
      }
    }
    if (!cursor.text()) return undefined
    const id = cursor.string()
    if (!cursor.text()) return undefined
    const channel = cursor.name()
    if (!cursor.byte(BIN_8) || !cursor.byte(DIGEST_BYTES)) return undefined
    if (cursor.at + DIGEST_BYTES !== data.length) return undefined
    const digest = data.toString('latin1', cursor.at)
    // In full, both: a spread of what they share is slower, and an opening does this twice a message.
    return {
      kind: settling,
      sequence,
      nextSequence,
      at,
      attempts,
      firstAttemptAt,
      mayHaveBeenSent,
      id,
      channel,
      digest,
    }
  }
}

function isProgress(
  sequence: number,
  nextSequence: number,
  at: number,
  attempts: number,
  firstAttemptAt: number,
): boolean {
  return (
    Number.isSafeInteger(sequence) &&
    sequence >= 1 &&
    Number.isSafeInteger(nextSequence) &&
    nextSequence >= 1 &&
    at >= 0 &&
    Number.isSafeInteger(attempts) &&
    attempts >= 0 &&
    firstAttemptAt >= 0
  )
}
