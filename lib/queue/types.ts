import type {
  Answer,
  ChannelOptions,
  Delivery,
  ExponentialRetry,
  Failure,
  MessageView,
  OnAmbiguous,
  Rate,
  RetentionOptions,
  Retry,
  Send,
  Verdict,
} from '../delivery/types.js'
import type { Owner } from '../log/errors.js'
import type { CommitMode, CommitStats, Durability } from '../log/types.js'
import type { DeadReason, RecordedError, Scope } from '../store/message-store.js'
import type { CompactionProgress, CompactionReport, DiskUse, LostMessages } from '../store/types.js'

export type {
  Answer,
  ChannelOptions,
  CommitMode,
  CommitStats,
  CompactionReport,
  DeadReason,
  Delivery,
  DiskUse,
  Durability,
  ExponentialRetry,
  Failure,
  MessageView,
  OnAmbiguous,
  Owner,
  Rate,
  RecordedError,
  RetentionOptions,
  Retry,
  Scope,
  Send,
  Verdict,
}

/** A message as it is handed to `enqueue`. Only own enumerable properties are read, each once. */
export interface OutboundMessage<P = unknown> {
  /** The unit of order: 1 to 512 bytes of UTF-8. Convention: `platform:account:chat`. */
  channel: string
  /**
   * null, undefined, booleans, numbers, strings, bigints of 64 bits, Dates, Uint8Arrays and Buffers, and arrays
   * and plain objects of these. It is encoded before `enqueue` returns: what is done to it afterwards has no effect.
   */
  payload: P
  /** The idempotency key: 1 to 256 bytes of UTF-8. Default: a UUIDv7. */
  id?: string | undefined
  /** Small strings that travel with the message and are no part of its identity. Default: none. */
  headers?: Readonly<Record<string, string>> | undefined
  /**
   * Not before: epoch ms, or a Date, by the wall clock, whichever way that is set. Until then the message
   * holds no place in its channel. Not with `delayMs`.
   */
  deliverAt?: number | Date | undefined
  /**
   * Not before this many ms have passed: a suspend counts, a step of the wall clock does not. Not with
   * `deliverAt`.
   */
  delayMs?: number | undefined
  /** Dead (reason `expired`) when it was not delivered this many ms after it became due. Default: none. */
  ttlMs?: number | undefined
}

export interface EnqueueOptions {
  /** Withdraws the message while not a byte of it was written; after that the abort has no effect. */
  signal?: AbortSignal | undefined
  /**
   * What a known id with another channel or payload means: `'reject'` (default, `WAQ_ID_CONFLICT`) or
   * `'keep-first'` (the first message stands, and its receipt comes back).
   */
  onConflict?: 'reject' | 'keep-first' | undefined
}

export interface EnqueueListOptions extends EnqueueOptions {
  /** A part that dies takes the later parts with it, and TTL is judged at the first part only. Default false. */
  together?: boolean | undefined
}

export type MessageState = 'pending' | 'sending' | 'delivered' | 'dead' | 'cancelled'

/** What `enqueue` resolves to, once the message is as durable as `durability` promises. */
export interface Receipt {
  id: string
  channel: string
  /** Its place in the log: rises with every message of the queue; gaps are legal. */
  sequence: number
  /** The queue knew the id already: this is the receipt of the first message. */
  duplicate: boolean
  state: MessageState
}

export interface RateLimits {
  /** Of each channel by itself, where `channelOptions` names no other. Several rates hold at once. Default: none. */
  perChannel?: Rate | readonly Rate[] | undefined
  /** Of all channels together. Several rates hold at once. Default: none. */
  global?: Rate | readonly Rate[] | undefined
}

export interface GroupOptions {
  /** Channels that begin so under way at once, those of longer prefixes too. Default: no limit but the queue's. */
  concurrency?: number | undefined
  /** Of all channels that begin so together, those of longer prefixes too. Several rates hold at once. Default: none. */
  rateLimit?: Rate | readonly Rate[] | undefined
  /**
   * While attempts of the group's channels find their receiver down, one at a time asks whether it is up again;
   * see "Outages" in docs/delivery.md. False: each message waits for its own backoff alone. Default true.
   */
  brake?: boolean | undefined
}

export interface DedupeOptions {
  /** How long a settled id is remembered, in ms. Default 86_400_000 (24 h). */
  windowMs?: number | undefined
  /** How many settled ids are remembered; the oldest go first. Default 100_000. */
  maxIds?: number | undefined
}

export interface LimitOptions {
  /** The largest message, encoded, in bytes. Default 16 MiB. More: `WAQ_TOO_LARGE`. */
  maxMessageBytes?: number | undefined
  /**
   * The largest list, its messages encoded, in bytes. Default 256 MiB, at most 1 GiB. More: `WAQ_TOO_LARGE`.
   */
  maxListBytes?: number | undefined
  /** How many messages may wait (dead letters do not count). Default: no limit. */
  maxPendingMessages?: number | undefined
  /** How many bytes of messages may wait. Default: no limit. */
  maxPendingBytes?: number | undefined
  /** What a full queue does with one more message: `'reject'` (default, `WAQ_FULL`), or `'wait'`, first come first served. */
  whenFull?: 'reject' | 'wait' | undefined
}

export interface LockOptions {
  /**
   * An owner that cannot be asked whether it lives loses its lock when an opener has watched it for so many
   * ms and seen no sign of life. Clocks that are set have no say in it. Default 10_000, at least 2_000.
   */
  staleMs?: number | undefined
  /**
   * How long `open` waits for another owner, in ms. Default `'auto'`: not at all for one that is alive on this
   * host, `staleMs` and 5 s for one that cannot be asked (in another container, on another host). A number
   * below `staleMs` leaves no time to see that such an owner is gone: then `open` rejects with WAQ_LOCKED.
   */
  waitMs?: number | 'auto' | undefined
}

export interface AdvancedOptions {
  /** A segment file is closed at this size, in bytes. Default 16 MiB. */
  segmentBytes?: number | undefined
  /** Memory for payloads that wait, in bytes; the others are read back from disk. Default 16 MiB. */
  cacheBytes?: number | undefined
  /** Outcomes are synced at most this many ms after they were written. Default 1_000. */
  ackSyncMs?: number | undefined
  /** A segment is rewritten when less than this share of it is still needed, 0.05 to 0.95. Default 0.5. */
  liveRatio?: number | undefined
  /**
   * Segments are rewritten in the background, in small slices. Default true; false: only by `compact()`. (Segments that
   * nothing needs any more are removed at once, whatever this says.)
   */
  autoCompact?: boolean | undefined
  /** Opens on a network file system, where fencing does not hold. Default false. */
  allowNetworkFileSystem?: boolean | undefined
  /**
   * Where `enqueue` waits for the device, and an attempt whose record must be on it first. `'auto'` (default): the sync is
   * called on the event loop while the device takes less than 1 ms, else on a thread, and so is one of more than 64 KiB;
   * slow ones hold the event loop for at most 0.1 s in any ten seconds, but for one of them. A device that hangs holds the
   * whole process then. `'thread'`: never on the event loop.
   */
  commits?: CommitMode | undefined
}

export interface QueueOptions<P = unknown, R = unknown> {
  /** Delivers one message. Without it (and without `start`) the queue accepts and keeps, and delivers nothing. */
  send?: Send<P, R> | undefined
  /** Validates what an earlier deployment wrote, before each `send`. A throw halts: the message stays. */
  parse?: ((payload: unknown) => P) | undefined
  /** What `enqueue` waits for. Default `'fsync'`: the device. `syncEveryMs` is 1 to 60_000. */
  durability?: Durability | undefined
  /** Channels under way at once. Default 64. */
  concurrency?: number | undefined
  /**
   * By prefix of channel (`'telegram:bot1:*'`). The limits of every one that fits hold; a halt, a wait and a brake
   * of a group are those of the longest. Default: none.
   */
  groups?: Readonly<Record<`${string}*`, GroupOptions>> | undefined
  /** What the platform allows; see "Limits" in docs/delivery.md. Default: none. */
  rateLimit?: RateLimits | undefined
  /** An attempt's `signal` is aborted after this many ms. Default 30_000. */
  sendTimeoutMs?: number | undefined
  /** How long an aborted `send` may still take before its channel goes on, in ms. Default 10_000. */
  abortGraceMs?: number | undefined
  /** Default: 10 attempts, at once, then 1 s, 2 s, 4 s … to 5 min, ±10 %, given up after 24 h. */
  retry?: Retry<P> | undefined
  /** No wait that a receiver asks for is longer, in ms. Default 86_400_000 (24 h). */
  maxRetryAfterMs?: number | undefined
  /** Asked before `classifyError`; undefined: ask that. */
  classify?: ((error: unknown, delivery: Delivery<P>) => Verdict | undefined) | undefined
  /**
   * Asked about what `send` returned: `{ kind: 'delivered' }` lets it through, any other verdict is taken as if an error
   * had it. undefined: it is delivered unless it says itself that it was refused, as `docs/delivery.md` lists. Where
   * that is so `classify` is asked about the refusal. A `Response` comes as it is: read its body in `send` to judge by it.
   */
  classifyResult?: ((result: R, delivery: Delivery<P>) => Verdict | undefined) | undefined
  /** A message that may have been sent already. Default `'resend'`: at least once. */
  onAmbiguous?: OnAmbiguous<P> | undefined
  /** After a dead letter its channel goes on, or stops until resumed. Default `'continue'`. */
  onDead?: 'continue' | 'halt' | undefined
  /** For messages without one of their own, in ms. Default: none. */
  ttlMs?: number | undefined
  /** Options of one channel; they win over those above. Pure: its answers are cached. */
  channelOptions?: ((channel: string) => ChannelOptions<P> | undefined) | undefined
  dedupe?: DedupeOptions | undefined
  limits?: LimitOptions | undefined
  /** Default: dead letters are kept for ever. */
  deadLetters?: RetentionOptions | undefined
  /**
   * Whether the open queue keeps the process alive, until it is closed or has lost its lock. Default: once it
   * has `send`. A promise that was handed out keeps it alive until it settles in any case.
   */
  keepAlive?: boolean | undefined
  /** Bytes that can not be read: set aside and reported (`'quarantine'`, default), or `open` rejects (`'refuse'`). */
  onCorruption?: 'quarantine' | 'refuse' | undefined
  lock?: LockOptions | undefined
  advanced?: AdvancedOptions | undefined
}

/** Which messages `list` yields; all that is given must fit. */
export interface ListFilter {
  state?: LiveState | readonly LiveState[] | undefined
  /** A channel, or a prefix that ends in `*`. */
  channel?: string | undefined
  /** Dead letters of this reason only. */
  reason?: DeadReason | undefined
  /** Only sequences above this one. */
  after?: number | undefined
  limit?: number | undefined
  /** False: without payloads, which spares reading them. Default true. */
  payloads?: boolean | undefined
}

export type LiveState = 'pending' | 'sending' | 'dead'

/** Which dead letters. An empty one is refused: all of them is `{ all: true }`. */
export type DeadSelect =
  | { all: true }
  | { id: string | readonly string[] }
  /** `channel` may be a prefix that ends in `*`. `deadForMs`: dead for at least this long. */
  | { channel: string; reason?: DeadReason | undefined; deadForMs?: number | undefined }
  | { reason: DeadReason; deadForMs?: number | undefined }

/** How a message ended. */
export interface Settlement<R = unknown> {
  id: string
  state: 'delivered' | 'dead' | 'cancelled'
  attempts: number
  /** Epoch ms. */
  at: number
  deadReason?: DeadReason
  lastError?: RecordedError
  /** What `send` returned, if it did, where that was in this process and not too many messages ago. */
  result?: R
}

/** A range of bytes that should have held messages or outcomes and did not; a copy of it is in `quarantine/`. */
export interface CorruptBytes {
  /** Relative to the queue's directory. */
  file: string
  offset: number
  length: number
  /** Sequences that may be missing. A first one without a last: nothing tells how many there were. */
  firstMissing?: number
  lastMissing?: number
  /** An earlier opening found and reported it already. */
  known: boolean
}

/** How far `compact()` is. */
export type Progress = CompactionProgress

export interface CompactOptions {
  /** Stops; what was done until then stays done. */
  signal?: AbortSignal | undefined
  /** After each segment that was rewritten. A throw stops it, and `compact` rejects with what was thrown. */
  onProgress?: ((progress: Progress) => void) | undefined
}

/** What `open` found. */
export interface RecoveryReport {
  /** Messages read, those settled included whose space is not reclaimed yet. */
  messages: number
  /** They wait, and no attempt of theirs was open: those in doubt are not among them. */
  pending: number
  /** Their attempt was open when the last owner ended, or its outcome may have been lost. */
  inDoubt: number
  dead: number
  /** Pending, and past their time to live already. */
  expired: number
  /** Bytes of an unfinished last write; nothing in them was acknowledged. */
  tornBytes: number
  corrupt: readonly CorruptBytes[]
  /**
   * Messages that are proven to be lost, by damage in `corrupt` or by a loss of power that the durability
   * allows for.
   */
  lost: LostMessages
  /** How long the opening took, without `lockWaitMs`. */
  durationMs: number
  /** For how long another owner, or another opener, kept the lock from being taken; 0 as a rule. */
  lockWaitMs: number
  /** The owner whose lock was taken over. */
  tookOverFrom?: Owner
}

/** Of the most recent ones. All 0 before the first. */
export interface Percentiles {
  p50: number
  p99: number
  max: number
}

export interface QueueStats {
  pending: number
  sending: number
  dead: number
  /**
   * Messages that `open` found to be lost and that were not settled yet: `recovery.lost` has more of them.
   */
  lost: number
  /** Channels with a message that waits or is being sent. */
  channels: number
  /** At most 100. */
  halted: readonly { scope: string; reason?: string; since: number }[]
  haltedCount: number
  /** Receivers that are down, as far as their channels tell: channels, and prefixes with their `*`. At most 100. */
  braked: readonly { scope: string; reason?: string; since: number }[]
  brakedCount: number
  /** What `pause` stopped: channels, prefixes with their `*`, `'*'` for everything. At most 100. */
  paused: readonly string[]
  pausedCount: number
  /** Age of the oldest message that is due, in ms. */
  oldestPendingMs: number | null
  diskBytes: number
  liveBytes: number
  segments: number
  /** Since `open`, like those that follow. */
  enqueued: number
  delivered: number
  /** Given up; some of them may have been purged, or live again. */
  died: number
  retried: number
  rateLimited: number
  syncs: number
  /**
   * How long syncs took, in ms: on the event loop that is the device alone; on a thread it contains the wait until a busy
   * event loop hears of it.
   */
  syncMs: Percentiles
  commits: CommitStats
  enqueueMs: Percentiles
  sendMs: Percentiles
  /** Which CRC32C runs: the native one, where it is installed, from 1 MiB of records on. */
  crc: 'native' | 'js'
}

/** What every event about one message carries. */
export interface MessageEvent {
  id: string
  channel: string
  sequence: number
  /** Charged attempts so far. */
  attempts: number
}

export interface DeliveredEvent<R = unknown> extends MessageEvent {
  /**
   * What `send` returned; undefined where `onAmbiguous`, or the verdict of an error, said that it was sent. Not
   * enumerable: it is not printed with the event.
   */
  result: R | undefined
  /** How long the attempt took. */
  ms: number
}

export interface RetryEvent extends MessageEvent {
  /**
   * What was thrown, or was returned and refused. Not enumerable: what is printed in its place is what is recorded of it,
   * without credentials.
   */
  error: unknown
  delayMs: number
  /** Epoch ms. */
  dueAt: number
  /** The outcome of this attempt or of an earlier one is unknown. */
  mayHaveBeenSent: boolean
}

export interface RateLimitedEvent extends MessageEvent {
  /** As in `RetryEvent`. */
  error: unknown
  /** What waits. */
  scope: Scope
  /** The channel (where it has one, its rate key), the group's prefix (without its `*`), or '' for everything. */
  target: string
  delayMs: number
  /** Epoch ms. */
  dueAt: number
}

export interface DeadEvent extends MessageEvent {
  reason: DeadReason
  /** What was thrown, where something was. As in `RetryEvent`. */
  error?: unknown
}

export interface CancelledEvent extends MessageEvent {
  /** True: it may have arrived all the same. Only with `evenInDoubt`. */
  mayHaveBeenSent: boolean
}

export interface HaltedEvent {
  scope: Scope
  /** The channel, the group's prefix (without its `*`), or '' for everything. */
  target: string
  reason?: string
  /** Epoch ms. */
  since: number
  /** Epoch ms of the next probe; Infinity: not until `resume`. */
  probeAt: number
}

export interface ResumedEvent {
  scope: Scope
  target: string
}

export interface BrakedEvent {
  scope: 'channel' | 'group'
  /** The channel, or the prefix (without its `*`) of a group or of `platform:account:`. */
  target: string
  /** What the last attempt failed with. */
  reason?: string
  /** Epoch ms of the first failure. */
  since: number
}

export interface UnbrakedEvent {
  scope: 'channel' | 'group'
  target: string
}

/**
 * The events of a queue; each has one argument. A listener that throws or rejects harms nothing: it is reported
 * as `error`. An `error` that nobody listens to, or whose listener fails, becomes a process warning.
 */
export interface QueueEvents<_P = unknown, R = unknown> {
  /** The message was delivered, and that is recorded. */
  delivered: [event: DeliveredEvent<R>]
  /** An attempt failed; the next comes at `dueAt`. */
  retry: [event: RetryEvent]
  /** The receiver asked to wait. */
  rateLimited: [event: RateLimitedEvent]
  /** The message was given up, and is kept as a dead letter. */
  dead: [event: DeadEvent]
  /** The message was withdrawn by `cancel`. */
  cancelled: [event: CancelledEvent]
  /**
   * A channel, a group or everything stopped, because the sender is broken or `onDead` is `'halt'`. Told of the group,
   * too, when a halt widens to it.
   */
  halted: [event: HaltedEvent]
  /** A halt ended. */
  resumed: [event: ResumedEvent]
  /** A receiver is down: one attempt at a time asks whether it is up again. */
  braked: [event: BrakedEvent]
  /** It answered, or nobody asked it for an hour. */
  unbraked: [event: UnbrakedEvent]
  /** Bytes could not be read; a copy is in `quarantine/`. Those found by `open` come one macrotask after it. */
  corruption: [event: CorruptBytes]
  /** Segments were rewritten: by `compact()`, or in the background. */
  compacted: [report: CompactionReport]
  /** Another process owns the directory now: nothing is sent or accepted any more. An `error` where nobody listens. */
  lockLost: [error: Error]
  /** Nothing is left that could be sent now. */
  idle: [event: { pending: number }]
  /** A failure of the disk, of a listener, or of a function that was given as an option. */
  error: [error: Error]
}

/** Published to the diagnostics channel `waq:enqueue` for each message that was accepted. */
export interface EnqueueDiagnostics {
  directory: string
  id: string
  channel: string
  sequence: number
}

/** Published to the diagnostics channel `waq:attempt` right before `send` is called. */
export interface AttemptDiagnostics extends MessageEvent {
  directory: string
  mayHaveBeenSent: boolean
}
