/**
 * Reads the outcomes that every message has, an attempt and an end, as they are usually written: an opening meets two a
 * message. All others, and whatever is wrong, it leaves to `decodeOutcome`.
 */
import { BIN_8, NIL, SMALL_ARRAY } from './message-pack-bytes.js'
import { MessagePackCursor } from './message-pack-cursor.js'
import { type AliveRecord, isSettling, type ResumedRecord, type SettlingKind } from './outcome.js'
import { decodeOutcome } from './outcome-decoder.js'
import { DIGEST_BYTES, outcomeFormats, settlingKinds } from './outcome-format.js'
import { Settlement } from './settlement.js'

const ATTEMPT = outcomeFormats.attempt
const SETTLING_FIELDS = outcomeFormats.delivered.fields.length

export class OutcomeScan {
  readonly #cursor = new MessagePackCursor()
  readonly #settlement = new Settlement()

  /**
   * As `decodeOutcome`, but for one that settled a message, which the next call overwrites. `ackSequence` names the
   * record in errors.
   */
  read(frameType: number, data: Buffer, ackSequence: number): AliveRecord | ResumedRecord | Settlement {
    const settling = settlingKinds[frameType]
    if (settling !== undefined) {
      if (this.#readSettling(settling, data)) return this.#settlement
    } else if (frameType === ATTEMPT.frameType) {
      const attempt = this.#readAttempt(data)
      if (attempt !== undefined) return attempt
    }
    const record = decodeOutcome(frameType, data, `Frame ${ackSequence} of the ack log`)
    if (!isSettling(record)) return record
    this.#settlement.take(record)
    return this.#settlement
  }

  /** False: it is written in another way, or wrong. */
  #readSettling(kind: SettlingKind, data: Buffer): boolean {
    const cursor = this.#cursor
    const settlement = this.#settlement
    cursor.begin(data)
    if (!cursor.byte(SMALL_ARRAY | SETTLING_FIELDS)) return false
    settlement.kind = kind
    settlement.sequence = cursor.number()
    settlement.nextSequence = cursor.number()
    settlement.at = cursor.number()
    settlement.attempts = cursor.number()
    settlement.firstAttemptAt = cursor.number()
    const mayHaveBeenSent = cursor.flag()
    if (mayHaveBeenSent === undefined || !isProgress(settlement)) return false
    settlement.mayHaveBeenSent = mayHaveBeenSent
    if (!cursor.text()) return false
    settlement.bytes = data
    settlement.idFrom = cursor.textFrom
    settlement.idTo = cursor.at
    if (!settlement.hashId()) return false
    if (!cursor.text()) return false
    settlement.channelFrom = cursor.textFrom
    settlement.channelTo = cursor.at
    if (!cursor.byte(BIN_8) || !cursor.byte(DIGEST_BYTES)) return false
    settlement.digestFrom = cursor.at
    return cursor.at + DIGEST_BYTES === data.length
  }

  /** Undefined: it is written in another way, or wrong. */
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
    if (mayHaveBeenSent === undefined) return undefined
    if (!cursor.byte(SMALL_ARRAY) || !cursor.byte(NIL) || cursor.at !== data.length) return undefined
    const progress = { sequence, nextSequence, at, attempts, firstAttemptAt }
    if (!isProgress(progress)) return undefined
    return { kind: 'attempt', ...progress, mayHaveBeenSent, errors: [], redrive: undefined }
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
