/**
 * A fast path for the outcome that nearly every message has, an attempt, in its usual form. Everything else,
 * and everything broken, is left to `decodeOutcome`.
 */
import { NIL, SMALL_ARRAY } from './message-pack-bytes.js'
import { MessagePackCursor } from './message-pack-cursor.js'
import type { AliveRecord, OtherRecord } from './outcome.js'
import { decodeOutcome } from './outcome-decoder.js'
import { outcomeFormats } from './outcome-format.js'

const ATTEMPT = outcomeFormats.attempt

export class OutcomeScan {
  readonly #cursor = new MessagePackCursor()

  /** As `decodeOutcome`. `ackSequence` names the record in errors. */
  read(frameType: number, data: Buffer, ackSequence: number): AliveRecord | OtherRecord {
    const attempt = frameType === ATTEMPT.frameType ? this.#readAttempt(data) : undefined
    return attempt ?? decodeOutcome(frameType, data, `Frame ${ackSequence} of the ack log`)
  }

  /** Undefined: it is in another form, or invalid. */
  #readAttempt(data: Buffer): AliveRecord | undefined {
    const cursor = this.#cursor
    cursor.begin(data)
    if (!cursor.byte(SMALL_ARRAY | ATTEMPT.fields.length)) return undefined
    const sequence = cursor.number()
    const nextSequence = cursor.number()
    const at = cursor.number()
    const attempts = cursor.number()
    const firstAttemptAt = cursor.number()
    const mayHaveBeenSent = cursor.flag()
    const triedMs = cursor.number()
    if (mayHaveBeenSent === undefined || !(triedMs >= 0)) return undefined
    if (!cursor.byte(SMALL_ARRAY) || !cursor.byte(NIL) || cursor.at !== data.length) return undefined
    const progress = { sequence, nextSequence, at, attempts, firstAttemptAt }
    if (!isProgress(progress)) return undefined
    return { kind: 'attempt', ...progress, mayHaveBeenSent, triedMs, errors: [], redrive: undefined }
  }
}

interface Progress {
  readonly sequence: number
  readonly nextSequence: number
  readonly at: number
  readonly attempts: number
  readonly firstAttemptAt: number
}

function isProgress({ sequence, nextSequence, at, attempts, firstAttemptAt }: Progress): boolean {
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
