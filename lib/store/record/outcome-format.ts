/**
 * The format of an outcome after which its message lives on: one MessagePack array in a frame of the ack log,
 * whose frame type names the kind. The tables below are all that the encoder and the decoder share;
 * `docs/format.md` explains them. Outcomes that settle messages stand in blocks (`settled-block.ts`).
 *
 * Each outcome is self-contained: the last one of a message alone tells how it stands, so every one carries
 * the recent errors of the message and its redrive.
 *
 * Behind the fields there is room for a map of optional ones, by key; where none is used, it is not there. A
 * key that is not known comes from a later waq that can do without it being understood: it is passed over,
 * and stays where it is, for whatever moves a record copies its bytes. A field that must be understood takes
 * a new frame type or format version.
 */

/** How a field stands in MessagePack. */
export type FieldType =
  /** Number, a whole one from 1 up. */
  | 'sequence'
  /** Number, in the queue's time, from 0 up, maybe Infinity. */
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
  /** Index into `scopes`. */
  | 'scope'
  /** Index into `deadReasons`. */
  | 'reason'
  /** Array of `[ name, message, code or nil, at ]`, oldest first. */
  | 'errors'
  /** Nil, or `[ order key, expires at ]` of the latest redrive. */
  | 'redrive'
  /**
   * Array of pairs `at, count`: the first `at` in the queue's time, each further one by how much it is later.
   */
  | 'ends'

export interface Field {
  readonly name: string
  readonly type: FieldType
}

/** It stands in the map at the end, unless its value is undefined. */
export interface OptionalField extends Field {
  /** Never given twice among the outcomes of one kind. From 1 to 127: one byte. */
  readonly key: number
}

export interface OutcomeFormat {
  readonly frameType: number
  readonly fields: readonly Field[]
  readonly optional?: readonly OptionalField[]
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
const alive: readonly Field[] = [
  sequence,
  nextSequence,
  at,
  { name: 'attempts', type: 'count' },
  { name: 'firstAttemptAt', type: 'time' },
  { name: 'mayHaveBeenSent', type: 'flag' },
  { name: 'triedMs', type: 'duration' },
  { name: 'errors', type: 'errors' },
  { name: 'redrive', type: 'redrive' },
]
const waiting: readonly Field[] = [...alive, { name: 'dueAt', type: 'time' }]
/** What a limit holds for. */
const limited: readonly Field[] = [
  { name: 'scope', type: 'scope' },
  { name: 'target', type: 'text' },
]

export const outcomeFormats = {
  attempt: { frameType: 1, fields: alive },
  interrupted: { frameType: 2, fields: alive },
  retry: { frameType: 3, fields: waiting },
  'rate-limited': {
    frameType: 4,
    fields: [...waiting, ...limited],
  },
  released: { frameType: 5, fields: alive },
  dead: {
    frameType: 6,
    // The channel that it halts, by name: the halt outlives the message.
    fields: [...alive, { name: 'reason', type: 'reason' }, { name: 'halts', type: 'optional text' }],
  },
  redriven: { frameType: 7, fields: alive },
  /** A person resumed a channel that a dead letter had halted. */
  resumed: { frameType: 8, fields: [nextSequence, at, { name: 'channel', type: 'text' }] },
  /** Which first attempts may be made before their marks are on the device: see `attempt-window.ts`. */
  window: {
    frameType: 10,
    fields: [
      nextSequence,
      at,
      { name: 'from', type: 'count' },
      { name: 'to', type: 'count' },
      { name: 'syncsMarks', type: 'flag' },
    ],
  },
  /** Whether marks of this channel are synced before each attempt, where the window says otherwise. */
  marking: {
    frameType: 11,
    fields: [nextSequence, at, { name: 'channel', type: 'text' }, { name: 'syncsMarks', type: 'flag' }],
  },
  /** A person paused what this selector names, until it is resumed: also after a restart. */
  paused: { frameType: 15, fields: [nextSequence, at, { name: 'selector', type: 'text' }] },
  unpaused: { frameType: 16, fields: [nextSequence, at, { name: 'selector', type: 'text' }] },
  /** A person ended the wait that a receiver had asked for: of this target, whatever was told before. */
  'wait-ended': {
    frameType: 21,
    fields: [nextSequence, at, ...limited, { name: 'until', type: 'time' }],
  },
  /** The wall clock was set: how far it is from the queue's time since. */
  parted: { frameType: 12, fields: [nextSequence, at, { name: 'wall', type: 'time' }] },
  /** How the places of one window of a limit are taken: see `taken-places.ts`. */
  places: {
    frameType: 13,
    fields: [
      nextSequence,
      at,
      ...limited,
      { name: 'perMs', type: 'duration' },
      { name: 'open', type: 'count' },
      { name: 'ends', type: 'ends' },
    ],
  },
  /** What ended before may lack in the places that are on record. */
  uncounted: { frameType: 14, fields: [nextSequence, at] },
} as const satisfies Record<string, OutcomeFormat>

export type OutcomeKind = keyof typeof outcomeFormats

export function isOutcomeKind(kind: string): kind is OutcomeKind {
  return kind in outcomeFormats
}

/** Of outcomes that settled messages, in a block of one row or more. */
export const SETTLED_FRAME_TYPE = 9
