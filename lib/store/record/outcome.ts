/** An outcome in the ack log; `outcome-format.ts` and `settled-block.ts` list its fields. */
import type { DeadReason, RecordedError, Scope } from '../message-store.js'
import type { ReplacedBy } from './replaced-by.js'

interface Common {
  /** Of the message. */
  readonly sequence: number
  /** Of the message log at the append. */
  readonly nextSequence: number
  readonly at: number
  readonly attempts: number
  readonly mayHaveBeenSent: boolean
}

/** The latest redrive of a message: it counts until the message is settled. */
export interface Redrive {
  readonly orderKey: number
  readonly expiresAt: number
}

interface Alive extends Common {
  readonly firstAttemptAt: number
  readonly triedMs: number
  readonly errors: readonly RecordedError[]
  readonly redrive: Redrive | undefined
}

interface Waiting extends Alive {
  readonly dueAt: number
}

export type AliveRecord =
  | (Alive & { readonly kind: 'attempt' | 'interrupted' | 'released' | 'redriven' })
  | (Waiting & { readonly kind: 'retry' })
  | (Waiting & { readonly kind: 'rate-limited'; readonly scope: Scope; readonly target: string })
  | (Alive & { readonly kind: 'dead'; readonly reason: DeadReason; readonly halts: string | undefined })

export interface SettlingRecord extends Common {
  readonly kind: SettlingKind
  /**
   * Empty: the message could not be read when it was settled, so no later enqueue is told as its duplicate.
   */
  readonly id: string
  readonly channel: string
  /** `DIGEST_BYTES` bytes as a latin1 string. */
  readonly digest: string
  /** A MessagePack map of optional fields by key; at least one. */
  readonly optional?: Uint8Array
  /** Of a replaced message: read from its optional fields. */
  readonly replacedBy?: ReplacedBy
}

export interface ResumedRecord {
  readonly kind: 'resumed'
  readonly nextSequence: number
  readonly at: number
  readonly channel: string
}

export interface WindowRecord {
  readonly kind: 'window'
  readonly nextSequence: number
  readonly at: number
  /** The lowest message of the window. */
  readonly from: number
  /** The highest one; it may not exist yet. */
  readonly to: number
  /** For channels without a marking: marks are synced before each attempt. */
  readonly syncsMarks: boolean
}

export interface MarkingRecord {
  readonly kind: 'marking'
  readonly nextSequence: number
  readonly at: number
  readonly channel: string
  readonly syncsMarks: boolean
}

/** At the same moment the queue's time was `at` and the wall clock `wall`, epoch ms. */
export interface PartedRecord {
  readonly kind: 'parted'
  readonly nextSequence: number
  readonly at: number
  readonly wall: number
}

/** The places taken in one window of a limit: as `LimitUsage`. */
export interface PlacesRecord {
  readonly kind: 'places'
  readonly nextSequence: number
  readonly at: number
  readonly scope: Scope
  readonly target: string
  readonly perMs: number
  readonly open: number
  readonly ends: readonly number[]
}

/** The recorded places may lack attempts that ended before this moment. */
export interface UncountedRecord {
  readonly kind: 'uncounted'
  readonly nextSequence: number
  readonly at: number
}

/** A person paused this selector, durably. */
export interface PausedRecord {
  readonly kind: 'paused'
  readonly nextSequence: number
  readonly at: number
  readonly selector: string
}

/** The durable pause of exactly this selector ended. */
export interface UnpausedRecord extends Omit<PausedRecord, 'kind'> {
  readonly kind: 'unpaused'
}

/** This target's server-told wait ended, whatever was told before. */
export interface WaitEndedRecord {
  readonly kind: 'wait-ended'
  readonly nextSequence: number
  readonly at: number
  readonly scope: Scope
  readonly target: string
  /** When the longest wait that it ends would have been over. */
  readonly until: number
}

/** The channel `from` is `to` from now on. The same name twice: an earlier such record counts no longer. */
export interface MovedRecord {
  readonly kind: 'moved'
  readonly nextSequence: number
  readonly at: number
  readonly from: string
  readonly to: string
}

/** What waited in this channel died with it. */
export interface ClosedRecord {
  readonly kind: 'closed'
  readonly nextSequence: number
  readonly at: number
  /** The names with which its messages may have been enqueued. */
  readonly channels: readonly string[]
  /** The last message that existed. */
  readonly upTo: number
}

/** Records that belong to no message. */
export type OtherRecord =
  | ResumedRecord
  | WindowRecord
  | MarkingRecord
  | PartedRecord
  | PlacesRecord
  | UncountedRecord
  | WaitEndedRecord
  | MovedRecord
  | ClosedRecord
  | PausedRecord
  | UnpausedRecord
export type MessageOutcomeRecord = AliveRecord | SettlingRecord
export type OutcomeRecord = MessageOutcomeRecord | OtherRecord

export function isOfMessage(record: AliveRecord | OtherRecord): record is AliveRecord
export function isOfMessage(record: OutcomeRecord): record is MessageOutcomeRecord
export function isOfMessage({ kind }: OutcomeRecord): boolean {
  return !others.has(kind)
}

const others: ReadonlySet<string> = new Set([
  'resumed',
  'window',
  'marking',
  'parted',
  'places',
  'uncounted',
  'wait-ended',
  'moved',
  'closed',
  'paused',
  'unpaused',
] satisfies OtherRecord['kind'][])

/** Append only: the index is on disk. */
export const settlingKinds = ['delivered', 'cancelled', 'purged', 'replaced'] as const
export type SettlingKind = (typeof settlingKinds)[number]
export type MessageOutcomeKind = MessageOutcomeRecord['kind']

export const messageOutcomeKinds = [
  'attempt',
  'interrupted',
  'retry',
  'rate-limited',
  'released',
  'redriven',
  'dead',
  ...settlingKinds,
] as const satisfies readonly MessageOutcomeKind[]

export function isSettling<T extends { readonly kind: string }>(
  outcome: T,
): outcome is Extract<T, { readonly kind: SettlingKind }> {
  const { kind } = outcome
  return kind === 'delivered' || kind === 'cancelled' || kind === 'purged' || kind === 'replaced'
}
