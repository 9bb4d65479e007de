import type { WaqError } from '../log/errors/waq-error.js'

/**
 * Everything that `lib/delivery` needs and may use of a store. It never sees a file: a store on a replicated
 * broker could replace `LogStore`.
 */

declare const messageRef: unique symbol
/**
 * A live message (pending, sending or dead): a small integer from 0 up, dense enough to index a column, valid
 * until the message is settled (then reused).
 */
export type MessageRef = number & { readonly [messageRef]: true }

export type DeadReason = 'attempts' | 'permanent' | 'ambiguous' | 'expired' | 'predecessor' | 'channel'
export type Scope = 'channel' | 'group' | 'global'

/** The part of an error that is kept: enough for a person, bounded, without a stack. */
export interface RecordedError {
  /** At most 100 characters. */
  name: string
  /** At most 500 characters. */
  message: string
  code?: string
  /** Epoch ms. */
  at: number
}

/** The message's progress, carried by every outcome: the last outcome alone gives the message's state. */
export interface Progress {
  /** When it happened, in the queue's time. */
  at: number
  /** Charged attempts so far; an `attempt` outcome includes itself. */
  attempts: number
  /** An earlier attempt's outcome is unknown. */
  mayHaveBeenSent: boolean
}

/** As `Progress`, for a message that stays live. */
export interface AliveProgress extends Progress {
  /** Time of the first attempt, in the queue's time; 0 before it. */
  firstAttemptAt: number
  /**
   * How long it has been tried so far; `giveUpAfterMs` bounds this. `lib/delivery/time/tried-time.ts` says
   * what counts.
   */
  triedMs: number
}

/**
 * One outcome frame. `docs/format.md` gives the bytes; `recovery-table.ts` what each means after a restart.
 */
export type Outcome =
  /** An attempt begins. If it is the last outcome after a crash, the message is in doubt. */
  | (AliveProgress & { kind: 'attempt' })
  /** A shutdown cut the attempt short, or its mark may have been lost: in doubt. `attempts` includes it. */
  | (AliveProgress & { kind: 'interrupted' })
  /** Not delivered; it is tried again at `dueAt`. Without an error: a person ended its wait. */
  | (AliveProgress & { kind: 'retry'; dueAt: number; error?: RecordedError })
  /**
   * The receiver said when to retry: the attempt is not charged. Everything in `scope` with this `target`
   * (the channel, the group's prefix, '' for global) waits too.
   */
  | (AliveProgress & {
      kind: 'rate-limited'
      dueAt: number
      scope: Scope
      target: string
      error: RecordedError
    })
  /** The sender is broken, not the message: the attempt is not charged, and the message is pending. */
  | (AliveProgress & { kind: 'released'; error: RecordedError })
  /** `result`: what `send` returned, packed by `encodeResult`; undefined: it is not kept. */
  | (Progress & { kind: 'delivered'; result?: Uint8Array | undefined })
  | (Progress & { kind: 'cancelled' })
  /** A person or retention removed a dead letter. */
  | (Progress & { kind: 'purged' })
  | ReplacedOutcome
  /** `haltsChannel`: `onDead` was 'halt'; the channel stays halted, also across a restart, until resumed. */
  | (AliveProgress & { kind: 'dead'; reason: DeadReason; haltsChannel: boolean; error?: RecordedError })
  /** A dead letter is live again, at `orderKey` in its channel; attempts and TTL start anew. */
  | (AliveProgress & { kind: 'redriven'; orderKey: number; expiresAt: number })

/** A newer message took the place of this one, which was never attempted. */
export interface ReplacedOutcome extends Progress {
  readonly kind: 'replaced'
  readonly by: { readonly sequence: number; readonly id: string }
  /** Its own; undefined: it cannot be read. */
  readonly identity: { readonly id: string; readonly channel: string; readonly digest: string } | undefined
}

/** The places taken in one window of a limit. */
export interface LimitUsage {
  /** A channel's rate key, or its name; a group's prefix; '' for global. */
  readonly scope: Scope
  readonly target: string
  readonly perMs: number
  /** Places taken, or promised to attempts that are no longer recorded here. */
  readonly open: number
  /**
   * Attempts that still count: alternately the time when they ended, in the queue's time, and how many they
   * are. Times increase.
   */
  readonly ends: readonly number[]
}

/** The state of a live message. */
export type DeliveryState = 'pending' | 'in-doubt' | 'sending' | 'dead'

/** A message as it was enqueued, read back from the cache or the disk. */
export interface StoredMessage {
  id: string
  channel: string
  /** Decoded MessagePack. */
  payload: unknown
  headers: Record<string, string>
  sequence: number
  enqueuedAt: number
  /** Epoch ms, 0: none. */
  deliverAt: number
  /** Epoch ms, as set at enqueue (a redrive restarts the time to live from it). Infinity: never. */
  expiresAt: number
  /** Its key; undefined: it replaces none. */
  replaces?: string | undefined
}

/** Called once with the result of recording an outcome, after the call that recorded it has returned. */
export interface OutcomeListener {
  written(): void
  refused(error: unknown): void
}

/** One outcome of a batch, and its message. */
export interface RefOutcome {
  readonly ref: MessageRef
  readonly outcome: Outcome
}

/** As `OutcomeListener`, for a batch. */
export interface BatchListener {
  /** `ids`: of messages that it settled, in their order; '' if one cannot be read. */
  written(ids: readonly string[]): void
  refused(error: unknown): void
}

/** Everything that an attempt needs of a message, in one call. `expiresAt`: as the method of that name. */
export interface MessageProgress extends Omit<AliveProgress, 'at'> {
  readonly sequence: number
  readonly state: DeliveryState
  readonly expiresAt: number
}

/** What becomes of a waiting message while a newer one that replaces it is written. */
export interface Replacement {
  /** No attempt of it may begin until `release` or `replaced`. False: it does not wait, or was attempted. */
  hold(ref: MessageRef): boolean
  /** It is not replaced after all. */
  release(ref: MessageRef): void
  /** It is: records the outcome. Called before the newer message is announced, or while that is held. */
  replaced(ref: MessageRef, outcome: ReplacedOutcome): void
}

/** What waits in a channel, and has no outcome, dies with it. */
export interface Closing {
  readonly channel: string
  /** All that wait in the channel, have no outcome and are not in doubt. */
  readonly refs: readonly MessageRef[]
  /** `MessageStore.lastSequence`, from before `refs` were collected. */
  readonly upTo: number
  readonly at: number
}

export interface MessageStore {
  /** Live messages, by sequence: at start, the backlog. */
  live(): Iterable<MessageRef>
  /** When this returns, every message whose enqueue was answered has been announced to `lib/delivery`. */
  catchUp(): void

  sequence(ref: MessageRef): number
  /**
   * The place in its channel: the sequence, unless it was redriven or replaced another message. Lower goes
   * first. It may be fractional, to lie between two others.
   */
  orderKey(ref: MessageRef): number
  /** The place that it was enqueued with, whatever redrives said since. */
  originalOrderKey(ref: MessageRef): number
  /** Its present name. */
  channel(ref: MessageRef): string
  /** -8 to 7; undefined: its channel's. */
  priority(ref: MessageRef): number | undefined
  /** Live messages that have a priority of their own. */
  readonly prioritized: { readonly count: number }
  state(ref: MessageRef): DeliveryState
  /** Charged attempts so far. */
  attempts(ref: MessageRef): number
  /**
   * Its identity and the progress of its last outcome; before the first outcome the progress is all 0 and
   * nothing was sent.
   */
  progress(ref: MessageRef): MessageProgress
  mayHaveBeenSent(ref: MessageRef): boolean
  /**
   * No attempt is made before this time, in the queue's time: set by a retry or a server-told delay (the
   * message keeps its place meanwhile). 0: none.
   */
  dueAt(ref: MessageRef): number
  /**
   * When it is due, by the wall clock unless it `isDelayed`; before that the message holds no place. 0: at
   * once.
   */
  deliverAt(ref: MessageRef): number
  /** It was given a delay, not an appointment: it is due by the queue's time. */
  isDelayed(ref: MessageRef): boolean
  /**
   * Its appointment came in this life, at this moment of the queue's time; its time to live counts from
   * there.
   */
  appointmentCame(ref: MessageRef, at: number): void
  /**
   * When it expires, in the queue's time; by the wall clock until its appointment has come. Infinity: never.
   */
  expiresAt(ref: MessageRef): number
  /** For a part of a `together` list: the sequence of the list's first message, and how many it has. */
  together(ref: MessageRef): { firstSequence: number; count: number } | undefined
  /** A live message by its sequence, if it still is one. */
  bySequence(sequence: number): MessageRef | undefined
  /** Time of the last outcome, in the queue's time; 0: none. In doubt: when the open attempt began. */
  lastOutcomeAt(ref: MessageRef): number

  /**
   * Synchronous if it is in memory, otherwise read from disk. Throws, or rejects, with WAQ_CORRUPT or WAQ_IO.
   */
  read(ref: MessageRef): StoredMessage | Promise<StoredMessage>

  /**
   * Records what happened. The in-memory state (`state`, `attempts`, `dueAt`, …) changes at once; `ref` stays
   * valid until `written` resolves, and no longer than that for `delivered`, `cancelled` and `purged`.
   * `written` resolves when the outcome survives a killed process (page cache, fence checked). While the disk
   * refuses, it stays pending, however long, and the outcome is written in order when the disk allows; it
   * rejects only when the store is closed or the lock is lost (WAQ_CLOSED, WAQ_LOCK_LOST). A listener is told
   * the same, without a promise.
   */
  record(ref: MessageRef, outcome: Outcome, listener?: OutcomeListener): { written: Promise<void> }
  /**
   * As `record`, for outcomes of one kind and different messages: a crash leaves all of them or none. At most
   * a few thousand at once.
   */
  recordAll(batch: readonly RefOutcome[], listener?: BatchListener): void
  /** A person ended this target's server-told wait: it does not return after a restart. */
  recordWaitEnded(wait: { readonly scope: Scope; readonly target: string; readonly until: number }): void
  /**
   * Ask right before an attempt is recorded: must its mark be on the device before `send` is called, because
   * a power loss could otherwise hide the attempt? `syncsMarks`: always true in this channel. `overtakes`:
   * another message of its channel waits in front of it.
   */
  mustSyncMark(ref: MessageRef, syncsMarks: boolean, overtakes: boolean): boolean
  /**
   * Resolves when everything recorded so far is on the device; rejects as `record`, or with WAQ_IO while the
   * disk refuses.
   */
  syncOutcomes(): Promise<void>

  /** The name that a channel has now; its own unless it was moved. */
  presentChannel(name: string): string
  /**
   * The channel has another name from now on, and its messages are those of that channel, by order key. No
   * attempt recorded after this begins before that is on the device: see `mustSyncMark`.
   */
  moveChannel(from: string, to: string): void
  /** The highest sequence of a message. All up to it have been announced when this returns. */
  readonly lastSequence: number
  /** Records that these messages are dead letters, reason `channel`: one record for all of them. */
  closeChannel(closing: Closing, listener: OutcomeListener): void

  /** What was paused durably and not resumed since; `since` is in the queue's time. */
  durablePauses(): readonly { readonly selector: string; readonly since: number }[]
  recordPaused(selector: string): void
  /** Ends the durable pause of exactly this selector. */
  recordUnpaused(selector: string): void
  /** Channels halted by a dead letter (`haltsChannel`) before this life and not resumed since. */
  haltedChannels(): Iterable<{ channel: string; since: number }>
  /** A person resumed this channel: its halt by a dead letter does not return after a restart. */
  recordResumed(channel: string, at: number, listener?: OutcomeListener): { written: Promise<void> }
  /**
   * Server-told waits still in force at open; each covers everything that waits with the message that was
   * told.
   */
  pendingLimits(): Iterable<{ scope: Scope; target: string; until: number }>

  /** Attempts of earlier lives that still count for this target, for each of its windows. */
  takenPlaces(scope: Scope, target: string): readonly Pick<LimitUsage, 'perMs' | 'ends'>[]
  /** Attempts that ended before this moment may be missing from `takenPlaces`; 0: none are. */
  readonly uncountedBefore: number
  /** Replaces the previous record for this window; it is written before any outcome recorded after it. */
  recordPlaces(places: LimitUsage): void

  /** Set once: what `lib/delivery` does where a newer message replaces a waiting one. */
  replacement: Replacement

  /** Called once: the fence was lost or the store cannot go on. Nothing more may be sent. */
  onLost(listener: (error: WaqError) => void): void
}
