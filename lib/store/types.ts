/**
 * The public types of `LogStore`, as the queue sees it. `message-store.ts` has those that delivery shares.
 */

import type { Owner } from '../log/errors/waq-error.js'
import type { Clocks } from '../log/runtime/clocks.js'
import type { CommitMode, CommitStats, CorruptRange, Durability, Environment } from '../log/types.js'
import type { DeadReason, MessageRef, RecordedError } from './message-store.js'
import type { MessageOutcomeKind } from './record/outcome.js'

/** Complete: this floor knows no defaults of a queue. */
export interface LogStoreOptions {
  /** Of messages. Outcomes are always written lazily (`ackSyncMs`). */
  readonly durability: Durability
  readonly segmentBytes: number
  /** Bytes of records kept in memory, the newest; 0: none. */
  readonly cacheBytes: number
  /** Outcomes are on the device at most this many ms after they were written. */
  readonly ackSyncMs: number
  /**
   * The marks of all attempts are synced before `send`, but in channels that say otherwise.
   */
  readonly syncsMarks: boolean
  /**
   * How many messages a loss of power may put in doubt at most, beside those whose marks are left. Default
   * 2,048.
   */
  readonly attemptWindow?: number
  readonly dedupe: DedupeOptions
  readonly onCorruption: 'quarantine' | 'refuse'
  readonly lock: { readonly staleMs: number; readonly waitMs: number | 'auto' }
  readonly allowNetworkFileSystem: boolean
  /** Where commits are synced. */
  readonly commits: CommitMode
  /** Segments are rewritten in the background; false: only on demand. */
  readonly autoCompact: boolean
  /** A segment is rewritten when less than this share of it is live. */
  readonly liveRatio: number
  readonly environment: Partial<Environment>
  /** Default: those of the system, or `environment.now` for all three. */
  readonly clocks?: Clocks | undefined
}

/** How long the id of a settled message is remembered. */
export interface DedupeOptions {
  readonly windowMs: number
  /** The oldest beyond it go first. */
  readonly maxIds: number
}

export interface StoreEnqueueOptions {
  /** What a known id with another channel or payload means: WAQ_ID_CONFLICT, or a duplicate of the first. */
  readonly onConflict: 'reject' | 'keep-first'
  /** Withdraws until a byte was written. */
  readonly signal?: AbortSignal | undefined
}

/** Made for its caller alone. */
export interface Enqueued {
  id: string
  channel: string
  sequence: number
  /** The id was known: nothing was written, and the rest speaks of the first message with this id. */
  duplicate: boolean
  /** `'dead'` also for a dead letter that was purged within the dedupe window. */
  state: 'pending' | 'sending' | 'delivered' | 'dead' | 'cancelled'
}

/** A message that is gone, remembered by its id within the dedupe window. */
export interface SettledMessage {
  readonly id: string
  readonly channel: string
  readonly sequence: number
  readonly state: 'delivered' | 'cancelled' | 'purged'
  readonly attempts: number
  /** Epoch ms. */
  readonly at: number
}

export type Found = { readonly ref: MessageRef } | { readonly settled: SettledMessage }

export interface MessageHistory {
  readonly lastError?: RecordedError
  /** The last few errors, oldest first; at most `HISTORY_LENGTH`. */
  readonly history: readonly RecordedError[]
  /** Epoch ms; of a dead letter. */
  readonly diedAt?: number
  readonly deadReason?: DeadReason
}

/**
 * Messages that are proven to be lost: an outcome names them, and they are missing from the message log. More
 * may be lost of which no outcome was recorded yet.
 */
export interface LostMessages {
  /** They were to be sent yet, or dead letters. */
  readonly unsettled: number
  /**
   * They were delivered, cancelled or purged before: all that is lost is the proof that nothing around them
   * is.
   */
  readonly settled: number
  /** The first hundred, those that were not settled first. */
  readonly messages: readonly LostMessage[]
}

export interface LostMessage {
  readonly sequence: number
  readonly lastOutcome: MessageOutcomeKind
  readonly attempts: number
  /** Epoch ms of that outcome. */
  readonly at: number
  /** Where the outcome bears it: one that settled the message. */
  readonly id?: string
  readonly channel?: string
}

/** The findings of an opening. */
export interface StoreRecovery {
  /** Message records read, settled ones included. */
  readonly messages: number
  readonly pending: number
  readonly inDoubt: number
  readonly dead: number
  /** Of the pending and the in-doubt ones: past their expiry. They die when their turn comes. */
  readonly expired: number
  readonly tornBytes: number
  /** Also what an earlier opening reported already (`known`). */
  readonly corrupt: readonly CorruptRange[]
  readonly lost: LostMessages
  /** Of the opening itself, without `lockWaitMs`. */
  readonly durationMs: number
  /** For how long another owner, or another opener, kept the lock from being taken. */
  readonly lockWaitMs: number
  readonly tookOverFrom?: Owner
}

export interface StoreStats {
  /** In doubt ones included. */
  readonly pending: number
  readonly sending: number
  readonly dead: number
  /** Records of pending, in-doubt and sending messages. */
  readonly pendingBytes: number
  /**
   * Epoch ms since when the oldest due message waits (its enqueue or its deliver-at time); undefined: none
   * waits.
   */
  readonly oldestPendingAt: number | undefined
  /** Frames of live messages, dead letters included. */
  readonly liveBytes: number
  readonly diskBytes: number
  /** Segments that count, of both logs. */
  readonly segments: number
  readonly syncs: number
  /** How long the latest syncs took. */
  readonly syncMs: readonly number[]
  readonly commits: CommitStats
}

/** Disk use of the directory. */
export interface DiskUse {
  /** Zero-filled stretches and the ballast included. */
  readonly diskBytes: number
  /** Segments that count, of both logs. */
  readonly segments: number
}

export interface CompactionReport {
  readonly before: DiskUse
  readonly after: DiskUse
}

/** The progress of a compaction. The total is an estimate: segments that become free meanwhile change it. */
export interface CompactionProgress {
  readonly doneBytes: number
  readonly totalBytes: number
}

export interface CompactionOptions {
  /** Stops; what was done until then stays done. */
  readonly signal?: AbortSignal | undefined
  /** After each segment that was rewritten. */
  readonly onProgress?: ((progress: CompactionProgress) => void) | undefined
}
