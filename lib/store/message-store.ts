import type { WaqError } from '../log/errors/waq-error.js'

/**
 * What the floor above (`lib/delivery`) needs of a store, and all that it may use. It never sees a file:
 * a store on a replicated broker could take the place of `LogStore`.
 */

declare const messageRef: unique symbol
/**
 * A live message (pending, sending or dead): a small integer from 0 up, dense enough to index a column, valid
 * until the message is settled (then reused).
 */
export type MessageRef = number & { readonly [messageRef]: true }

export type DeadReason = 'attempts' | 'permanent' | 'ambiguous' | 'expired' | 'predecessor'
export type Scope = 'channel' | 'group' | 'global'

/** What is kept of an error: enough for a person, bounded, no stack. */
export interface RecordedError {
  /** At most 100 characters. */
  name: string
  /** At most 500 characters. */
  message: string
  code?: string
  /** Epoch ms. */
  at: number
}

/**
 * What an outcome carries of the message's way so far, so that the last outcome alone tells how it stands.
 */
export interface Progress {
  /** In the queue's time, when it happened. */
  at: number
  /** Charged attempts so far; `attempt` counts itself in. */
  attempts: number
  /** An earlier attempt's outcome is unknown. */
  mayHaveBeenSent: boolean
}

/** As `Progress`, of a message that lives on. */
export interface AliveProgress extends Progress {
  /** In the queue's time, of the first attempt; 0 before it. */
  firstAttemptAt: number
  /**
   * For how long it was tried so far: `giveUpAfterMs` bounds it. `lib/delivery/time/tried-time.ts` says what
   * counts.
   */
  triedMs: number
}

/**
 * One outcome frame. `docs/format.md` gives the bytes; `recovery-table.ts` what each means after a restart.
 */
export type Outcome =
  /** An attempt begins. Last outcome after a crash: in doubt. */
  | (AliveProgress & { kind: 'attempt' })
  /** A shutdown cut the attempt short, or its mark may have been lost: in doubt; `attempts` counts it in. */
  | (AliveProgress & { kind: 'interrupted' })
  /** Not delivered, again at `dueAt`. */
  | (AliveProgress & { kind: 'retry'; dueAt: number; error: RecordedError })
  /**
   * The receiver said when: not charged. `scope` and its `target` (the channel, the group's prefix, '' for
   * global) wait too.
   */
  | (AliveProgress & {
      kind: 'rate-limited'
      dueAt: number
      scope: Scope
      target: string
      error: RecordedError
    })
  /** The sender is broken, not the message: not charged, pending. */
  | (AliveProgress & { kind: 'released'; error: RecordedError })
  | (Progress & { kind: 'delivered' })
  | (Progress & { kind: 'cancelled' })
  /** A dead letter was thrown away by a person or by retention. */
  | (Progress & { kind: 'purged' })
  /** `haltsChannel`: `onDead` was 'halt'; the channel stays halted, also across a restart, until resumed. */
  | (AliveProgress & { kind: 'dead'; reason: DeadReason; haltsChannel: boolean; error?: RecordedError })
  /** A dead letter lives again, at `orderKey` in its channel, attempts and TTL anew. */
  | (AliveProgress & { kind: 'redriven'; orderKey: number; expiresAt: number })

/** How the places of one window of a limit are taken. */
export interface LimitUsage {
  /** A channel's rate key, or its name; a group's prefix; '' for global. */
  readonly scope: Scope
  readonly target: string
  readonly perMs: number
  /** Taken, or promised to attempts that are not recorded here any more. */
  readonly open: number
  /** In the queue's time, when attempts ended that count yet, and how many, by turns. Moments rise. */
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
  /** Epoch ms as it was enqueued (a redrive counts its time to live anew from this). Infinity: never. */
  expiresAt: number
}

/** Told once what became of an outcome, after the call that recorded it. */
export interface OutcomeListener {
  written(): void
  refused(error: unknown): void
}

/** What an attempt has to know of a message, at one call. `expiresAt`: see there. */
export interface MessageProgress extends Omit<AliveProgress, 'at'> {
  readonly sequence: number
  readonly state: DeliveryState
  readonly expiresAt: number
}

export interface MessageStore {
  /** Live messages, by sequence: at start, the backlog. */
  live(): Iterable<MessageRef>
  /** Each message whose enqueue was answered has been told to the floor above when this returns. */
  catchUp(): void

  sequence(ref: MessageRef): number
  /**
   * The place in its channel: the sequence, unless it was redriven. Lower goes first. Not always whole: it
   * may lie between two.
   */
  orderKey(ref: MessageRef): number
  channel(ref: MessageRef): string
  state(ref: MessageRef): DeliveryState
  /** Charged attempts so far. */
  attempts(ref: MessageRef): number
  /** Who it is, and how its last outcome left it: before the first one all of that 0, and nothing sent. */
  progress(ref: MessageRef): MessageProgress
  mayHaveBeenSent(ref: MessageRef): boolean
  /**
   * In the queue's time: before it no attempt is made: of a retry or a server-told delay (it keeps its place
   * meanwhile). 0: none.
   */
  dueAt(ref: MessageRef): number
  /**
   * When it is due (before that the message holds no place): by the wall clock, unless it `isDelayed`. 0: at
   * once.
   */
  deliverAt(ref: MessageRef): number
  /** It was given a delay, no appointment: it is due by the queue's time. */
  isDelayed(ref: MessageRef): boolean
  /**
   * Its appointment came, at this moment of the queue's time, from which its time to live counts. In this
   * life.
   */
  appointmentCame(ref: MessageRef, at: number): void
  /**
   * In the queue's time; of a message whose appointment did not come yet, by the wall clock. Infinity: never.
   */
  expiresAt(ref: MessageRef): number
  /** For a part of a `together` list: the sequence of the list's first message, and how many it has. */
  together(ref: MessageRef): { firstSequence: number; count: number } | undefined
  /** A live message by its sequence, if it still is one. */
  bySequence(sequence: number): MessageRef | undefined
  /** In the queue's time, of the last outcome, 0: none. In doubt: when the open attempt began. */
  lastOutcomeAt(ref: MessageRef): number

  /** At once where it is in memory, else from the disk. Throws, or rejects, with WAQ_CORRUPT or WAQ_IO. */
  read(ref: MessageRef): StoredMessage | Promise<StoredMessage>

  /**
   * Records what happened. The in-memory state (`state`, `attempts`, `dueAt`, …) changes at once; `ref`
   * stays valid until `written` resolves, and for `delivered`, `cancelled` and `purged` not longer.
   * `written`: it survives a killed process (page cache, fence checked). While the disk refuses it stays
   * pending, however long, and is written in order when the disk allows; it rejects only when the store is
   * closed or the lock is lost (WAQ_CLOSED, WAQ_LOCK_LOST). A listener is told the same, without a promise.
   */
  record(ref: MessageRef, outcome: Outcome, listener?: OutcomeListener): { written: Promise<void> }
  /**
   * To be asked right before an attempt is recorded: whether its mark must be on the device before `send` is
   * called, lest a loss of power hide the attempt. `syncsMarks`: so it is in this channel in any case.
   * `overtakes`: another message of its channel waits in front of it.
   */
  mustSyncMark(ref: MessageRef, syncsMarks: boolean, overtakes: boolean): boolean
  /**
   * Resolves when everything recorded so far is on the device; rejects as `record`, or with WAQ_IO while the
   * disk refuses.
   */
  syncOutcomes(): Promise<void>

  /** Channels halted by a dead letter (`haltsChannel`) before this life and not resumed since. */
  haltedChannels(): Iterable<{ channel: string; since: number }>
  /** A person resumed this channel: its halt by a dead letter does not come back after a restart. */
  recordResumed(channel: string, at: number, listener?: OutcomeListener): { written: Promise<void> }
  /** Waits told by a receiver, still in force at open: whatever waits with the message that was told. */
  pendingLimits(): Iterable<{ scope: Scope; target: string; until: number }>

  /** Of attempts of earlier lives: what counts yet for this target, for each window that it had. */
  takenPlaces(scope: Scope, target: string): readonly Pick<LimitUsage, 'perMs' | 'ends'>[]
  /** Attempts that ended before this moment may lack in `takenPlaces`; 0: none do. */
  readonly uncountedBefore: number
  /**
   * In place of what was recorded for this window before; written before the outcomes that are recorded
   * behind it.
   */
  recordPlaces(places: LimitUsage): void

  /** Once: the fence fell or the store cannot go on. Nothing may be sent any more. */
  onLost(listener: (error: WaqError) => void): void
}
