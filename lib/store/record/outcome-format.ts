/**
 * The format of outcomes that leave their message alive: one MessagePack array in a frame of the ack log,
 * whose frame type is the kind. The encoder and the decoder share only the tables below; `docs/format.md`
 * explains them. Outcomes that settle messages are in blocks (`settled-block.ts`).
 *
 * Each outcome is self-contained: a message's last one alone gives its state, so every one carries the recent
 * errors of the message and its redrive.
 *
 * A map of optional fields by key may follow the others; it is absent if none is used. An unknown key comes
 * from a later waq that does not need it understood: it is skipped, and kept, because records are moved by
 * copying their bytes. A field that must be understood takes a new frame type or format version.
 */

/** The form of a field in MessagePack. */
export type FieldType =
  /** A whole number from 1 up. */
  | 'sequence'
  /** A number in the queue's time, from 0 up, maybe Infinity. */
  | 'time'
  /** A number of ms, from 0 up, maybe Infinity. */
  | 'duration'
  /** A whole number from 0 up. */
  | 'count'
  /** Boolean. */
  | 'flag'
  /** Str. */
  | 'text'
  /** Array of Str, at least one. */
  | 'texts'
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
   * Array of pairs `at, count`: the first `at` in the queue's time, each further one relative to the
   * previous.
   */
  | 'ends'

export interface Field {
  readonly name: string
  readonly type: FieldType
}

/** In the map at the end, unless its value is undefined. */
export interface OptionalField extends Field {
  /** Never reused among the outcomes of one kind. From 1 to 127: one byte. */
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

/** Append only: the index is on disk. */
export const scopes = ['channel', 'group', 'global'] as const
/** Append only: the index is on disk. */
export const deadReasons = [
  'attempts',
  'permanent',
  'ambiguous',
  'expired',
  'predecessor',
  'channel',
] as const

const sequence: Field = { name: 'sequence', type: 'sequence' }
/** Of the message log at the append: bytes lost before this frame can only concern lower messages. */
const nextSequence: Field = { name: 'nextSequence', type: 'sequence' }
const at: Field = { name: 'at', type: 'time' }

/** In every outcome of a live message. */
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
/** What a limit applies to. */
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
    // The name of the halted channel: the halt outlives the message.
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
  /** Whether marks of this channel are synced before each attempt; it overrides the window. */
  marking: {
    frameType: 11,
    fields: [nextSequence, at, { name: 'channel', type: 'text' }, { name: 'syncsMarks', type: 'flag' }],
  },
  /** A person paused what this selector names, until resumed, also across a restart. */
  paused: { frameType: 15, fields: [nextSequence, at, { name: 'selector', type: 'text' }] },
  unpaused: { frameType: 16, fields: [nextSequence, at, { name: 'selector', type: 'text' }] },
  /** A channel has another name; the same name twice: it has no other any longer. See `channel-moves.ts`. */
  moved: {
    frameType: 18,
    fields: [nextSequence, at, { name: 'from', type: 'text' }, { name: 'to', type: 'text' }],
  },
  /** What waited in a channel died with it: see `closing-fold.ts`. */
  closed: {
    frameType: 19,
    fields: [nextSequence, at, { name: 'channels', type: 'texts' }, { name: 'upTo', type: 'count' }],
  },
  /** A person ended this target's server-told wait, whatever was told before. */
  'wait-ended': {
    frameType: 21,
    fields: [nextSequence, at, ...limited, { name: 'until', type: 'time' }],
  },
  /** The wall clock was set: its distance from the queue's time since. */
  parted: { frameType: 12, fields: [nextSequence, at, { name: 'wall', type: 'time' }] },
  /** The places taken in one window of a limit: see `taken-places.ts`. */
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
  /** Attempts that ended before may be missing from the recorded places. */
  uncounted: { frameType: 14, fields: [nextSequence, at] },
} as const satisfies Record<string, OutcomeFormat>

export type OutcomeKind = keyof typeof outcomeFormats

export function isOutcomeKind(kind: string): kind is OutcomeKind {
  return kind in outcomeFormats
}

/** For outcomes that settled messages, in a block of one row or more. */
export const SETTLED_FRAME_TYPE = 9
