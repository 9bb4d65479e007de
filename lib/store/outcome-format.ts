/**
 * The format of an outcome: one MessagePack array in a frame of the ack log, whose frame type names the kind. The
 * tables below are all that the encoder and the decoder share; `docs/format.md` explains them.
 *
 * Each outcome is self-contained: the last one of a message alone tells how it stands, so every outcome of a
 * message that lives on carries its recent errors and its redrive, and every settling one what the dedupe window
 * needs when the message itself is gone.
 */
import type { SettlingKind } from './outcome.js'

/** How a field stands in MessagePack. */
export type FieldType =
  /** Number, a whole one from 1 up. */
  | 'sequence'
  /** Number, epoch ms, from 0 up, maybe Infinity. */
  | 'time'
  /** Number, ms, from 0 up, maybe Infinity. */
  | 'duration'
  /** Number, a whole one from 0 up. */
  | 'count'
  /** Boolean. */
  | 'flag'
  /** Str. */
  | 'text'
  /** Str or nil. */
  | 'optional text'
  /** Bin of `DIGEST_BYTES`. */
  | 'digest'
  /** Index into `scopes`. */
  | 'scope'
  /** Index into `deadReasons`. */
  | 'reason'
  /** Array of `[ name, message, code or nil, at ]`, oldest first. */
  | 'errors'
  /** Nil, or `[ order key, expires at ]` of the latest redrive. */
  | 'redrive'

export interface Field {
  readonly name: string
  readonly type: FieldType
}

export interface OutcomeFormat {
  readonly frameType: number
  readonly fields: readonly Field[]
}

/** The first bytes of SHA-256 over the packed payload: enough to tell a repetition from a conflict. */
export const DIGEST_BYTES = 8

/** How many errors an outcome carries. */
export const HISTORY_LENGTH = 5

/** Append only: what stands on disk is the index. */
export const scopes = ['channel', 'group', 'global'] as const
/** Append only: what stands on disk is the index. */
export const deadReasons = ['attempts', 'permanent', 'ambiguous', 'expired', 'predecessor'] as const

const sequence: Field = { name: 'sequence', type: 'sequence' }
/** Of the message log when this was appended: bytes lost before this frame can only speak of lower ones. */
const nextSequence: Field = { name: 'nextSequence', type: 'sequence' }
const at: Field = { name: 'at', type: 'time' }

/** Of every outcome of a message. */
const progress: readonly Field[] = [
  sequence,
  nextSequence,
  at,
  { name: 'attempts', type: 'count' },
  { name: 'firstAttemptAt', type: 'time' },
  { name: 'mayHaveBeenSent', type: 'flag' },
]
/** Of an outcome after which the message lives on. */
const alive: readonly Field[] = [
  ...progress,
  { name: 'errors', type: 'errors' },
  { name: 'redrive', type: 'redrive' },
]
const waiting: readonly Field[] = [
  ...alive,
  { name: 'dueAt', type: 'time' },
  { name: 'delayMs', type: 'duration' },
]
/** Of an outcome that ends the message: what the dedupe window needs. An empty id: it could not be read any more. */
const settling: readonly Field[] = [
  ...progress,
  { name: 'id', type: 'text' },
  { name: 'channel', type: 'text' },
  { name: 'digest', type: 'digest' },
]

export const outcomeFormats = {
  attempt: { frameType: 1, fields: alive },
  interrupted: { frameType: 2, fields: alive },
  retry: { frameType: 3, fields: waiting },
  'rate-limited': {
    frameType: 4,
    fields: [...waiting, { name: 'scope', type: 'scope' }, { name: 'target', type: 'text' }],
  },
  released: { frameType: 5, fields: alive },
  delivered: { frameType: 6, fields: settling },
  cancelled: { frameType: 7, fields: settling },
  purged: { frameType: 8, fields: settling },
  dead: {
    frameType: 9,
    // The channel that it halts, by name: the halt outlives the message.
    fields: [...alive, { name: 'reason', type: 'reason' }, { name: 'halts', type: 'optional text' }],
  },
  redriven: { frameType: 10, fields: alive },
  /** A person resumed a channel that a dead letter had halted. */
  resumed: { frameType: 11, fields: [nextSequence, at, { name: 'channel', type: 'text' }] },
} as const satisfies Record<string, OutcomeFormat>

export type OutcomeKind = keyof typeof outcomeFormats

/** By frame type: the kinds that settle a message. */
export const settlingKinds: (SettlingKind | undefined)[] = []
for (const kind of ['delivered', 'cancelled', 'purged'] as const) {
  settlingKinds[outcomeFormats[kind].frameType] = kind
}
