/**
 * The public types of `LogStore`, as the queue sees it. Types shared with delivery are in `message-store.ts`.
 */

import type { Owner } from '../log/errors/waq-error.js'
import type { Clocks } from '../log/runtime/clocks.js'
import type { CommitMode, CommitStats, CorruptRange, Durability, Environment } from '../log/types.js'
import type { DeadReason, MessageRef, RecordedError } from './message-store.js'
import type { MessageOutcomeKind, SettlingKind } from './record/outcome.js'

/** Complete: the store has no queue defaults. */
export interface LogStoreOptions {
  /** Durability of messages. Outcomes are always synced lazily (`ackSyncMs`). */
  readonly durability: Durability
  readonly segmentBytes: number
  /** Bytes of the newest records kept in memory; 0: none. */
  readonly cacheBytes: number
  /** Outcomes are on the device at most this many ms after they were written. */
  readonly ackSyncMs: number
  /** All attempt marks are synced before `send`, except in channels that say otherwise. */
  readonly syncsMarks: boolean
  /**
   * The most messages that a power loss may put in doubt, besides those whose marks remain. Default 2,048.
   */
  readonly attemptWindow?: number
  readonly dedupe: DedupeOptions
  /** Keep what `send` returned with its message's id. Default: it is not kept. */
  readonly results?: ResultOptions | undefined
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
  /** False: nothing keeps the process alive while it is held. Default true. */
  readonly keepsAlive?: boolean | undefined
  /** Default: those of the system, or `environment.now` for all three. */
  readonly clocks?: Clocks | undefined
}

/** How long the id of a settled message is remembered. */
export interface DedupeOptions {
  readonly windowMs: number
  /** Ids beyond this are forgotten, oldest first. */
  readonly maxIds: number
}

/** How much is kept of the values that `send` returned. */
export interface ResultOptions {
  /** Of all results together, in bytes; the oldest are forgotten first. */
  readonly maxTotalBytes: number
}

export interface StoreEnqueueOptions {
  /** What a known id with another channel or payload means: WAQ_ID_CONFLICT, or a duplicate of the first. */
  readonly onConflict: 'reject' | 'keep-first'
  /** Aborting withdraws the message, until a byte of it was written. */
  readonly signal?: AbortSignal | undefined
}

/** A fresh object, which its caller may change. */
export interface Enqueued {
  id: string
  channel: string
  sequence: number
  /** The id was known: nothing was written, and the other fields describe the first message with this id. */
  duplicate: boolean
  /** `'dead'` also for a dead letter that was purged within the dedupe window. */
  state: 'pending' | 'sending' | 'delivered' | 'dead' | 'cancelled' | 'replaced'
}

/** A message that is gone, remembered by its id within the dedupe window. */
export interface SettledMessage {
  readonly id: string
  readonly channel: string
  readonly sequence: number
  readonly state: SettlingKind
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
 * Messages proven to be lost: an outcome names them, but they are missing from the message log. Others, with
 * no recorded outcome, may be lost too.
 */
export interface LostMessages {
  /** How many were still to be sent, or were dead letters. */
  readonly unsettled: number
  /**
   * How many had been delivered, cancelled, purged or replaced: only the proof that nothing around them was
   * lost is gone.
   */
  readonly settled: number
  /** The first hundred, unsettled ones first. */
  readonly messages: readonly LostMessage[]
}

export interface LostMessage {
  readonly sequence: number
  readonly lastOutcome: MessageOutcomeKind
  readonly attempts: number
  /** Epoch ms of that outcome. */
  readonly at: number
  /** Present if the outcome carries it: only one that settled the message does. */
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
  /** Pending and in-doubt messages past their expiry. They become dead when their turn comes. */
  readonly expired: number
  readonly tornBytes: number
  /** Includes damage that an earlier opening reported (`known`). */
  readonly corrupt: readonly CorruptRange[]
  readonly lost: LostMessages
  /** Duration of the opening itself, without `lockWaitMs`. */
  readonly durationMs: number
  /** How long another owner or opener kept the lock from being taken. */
  readonly lockWaitMs: number
  readonly tookOverFrom?: Owner
}

export interface StoreStats {
  /** Includes messages in doubt. */
  readonly pending: number
  readonly sending: number
  readonly dead: number
  /** Records of pending, in-doubt and sending messages. */
  readonly pendingBytes: number
  /**
   * Epoch ms since which the oldest due message has waited (its enqueue or deliver-at time); undefined: none
   * waits.
   */
  readonly oldestPendingAt: number | undefined
  /** The same, without the channels that are paused. */
  readonly oldestUnpausedAt: number | undefined
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
  /** Aborting stops it; work done until then stays done. */
  readonly signal?: AbortSignal | undefined
  /** Called after each rewritten segment. */
  readonly onProgress?: ((progress: CompactionProgress) => void) | undefined
}
