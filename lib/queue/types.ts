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
import type { Owner, PayloadIssue } from '../log/errors/waq-error.js'
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
  PayloadIssue,
  Rate,
  RecordedError,
  RetentionOptions,
  Retry,
  Scope,
  Send,
  Verdict,
}

/**
 * A message as you hand it to `enqueue`. Only own enumerable properties are read, each of them once.
 *
 * @example
 * await queue.enqueue({ channel: 'slack:ops:C0123', payload: { text: 'disk full' }, id: 'alert-17' })
 */
export interface OutboundMessage<P = unknown> {
  /**
   * Whom the message goes to, and the unit of order: 1 to 512 bytes of UTF-8. Convention:
   * `platform:account:chat`.
   */
  channel: string
  /**
   * What `send` gets: null, undefined, booleans, numbers, strings, bigints of 64 bits, Dates, Uint8Arrays and
   * Buffers, and arrays and plain objects of these. It is encoded before `enqueue` returns, so later changes
   * have no effect.
   */
  payload: P
  /** The idempotency key: 1 to 256 bytes of UTF-8. Default: a UUIDv7. */
  id?: string | undefined
  /** Strings that travel with the message and are not part of its identity. Default: none. */
  headers?: Readonly<Record<string, string>> | undefined
  /**
   * The message is not sent before this moment: epoch ms, or a Date, by the wall clock, however that is set
   * meanwhile. Until then later messages of the channel go first. Excludes `delayMs`. Default: at once.
   */
  deliverAt?: number | Date | undefined
  /**
   * The message is not sent before this many ms have passed. A suspend of the machine counts, a step of the
   * wall clock does not. Excludes `deliverAt`. Default: at once.
   */
  delayMs?: number | undefined
  /**
   * A message that was not delivered within this many ms of becoming due is dead (reason `expired`). Default:
   * no limit.
   */
  ttlMs?: number | undefined
}

/** Options of one call of `enqueue`. */
export interface EnqueueOptions {
  /** Its abort withdraws the message as long as no byte of it was written; later it has no effect. */
  signal?: AbortSignal | undefined
  /**
   * What to do with an id that the queue knows with another channel or payload: `'reject'` (default) rejects
   * with `WAQ_ID_CONFLICT`; `'keep-first'` keeps the first message and resolves to its receipt.
   */
  onConflict?: 'reject' | 'keep-first' | undefined
}

/** Options of `enqueue` for a list. */
export interface EnqueueListOptions extends EnqueueOptions {
  /**
   * The list is one message in parts: a part that dies takes later parts with it, and only the first expires.
   * Default false.
   */
  failTogether?: boolean | undefined
}

export type MessageState = 'pending' | 'sending' | 'delivered' | 'dead' | 'cancelled'

/** What `enqueue` resolves to, once the message is as durable as `durability` promises. */
export interface Receipt {
  id: string
  channel: string
  /** The message's place in the log. It rises with every message of the queue, and may leave gaps. */
  sequence: number
  /** True: the queue knew the id already, and this is the receipt of the first message. */
  duplicate: boolean
  state: MessageState
}

export interface RateLimits {
  /**
   * For each channel by itself, unless `channelOptions` names another. Several rates all hold. Default: no
   * limit.
   */
  perChannel?: Rate | readonly Rate[] | undefined
  /** For all channels together. Several rates all hold. Default: no limit. */
  global?: Rate | readonly Rate[] | undefined
}

export interface GroupOptions {
  /**
   * How many channels with this prefix (and longer ones) may send at once. Default: no limit but the queue's.
   */
  concurrency?: number | undefined
  /**
   * For all channels with this prefix (and longer ones) together. Several rates all hold. Default: no limit.
   */
  rateLimit?: Rate | readonly Rate[] | undefined
  /**
   * While the group's receiver is down, one message at a time asks whether it is up again; see "Outages" in
   * docs/delivery.md. False: each message waits for its own backoff alone. Default true.
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
  /** How many messages may wait. Dead letters do not count. Default: no limit. */
  maxPendingMessages?: number | undefined
  /** How many bytes of messages may wait. Default: no limit. */
  maxPendingBytes?: number | undefined
  /**
   * A full queue rejects a message with `WAQ_FULL` (`'reject'`, default), or lets it wait its turn for room
   * (`'wait'`).
   */
  whenFull?: 'reject' | 'wait' | undefined
}

export interface LockOptions {
  /**
   * An owner that cannot be asked whether it lives loses its lock after an opener has watched it for this
   * many ms without a sign of life. Changes of the wall clock play no part. Default 10_000, at least 2_000.
   */
  staleMs?: number | undefined
  /**
   * How long `open` waits for another owner, in ms. Default `'auto'`: not at all for an owner that is alive
   * on this host, and `staleMs` plus 5 s for one that cannot be asked (in another container, on another
   * host). A number below `staleMs` leaves no time to see that such an owner is gone, so `open` rejects with
   * `WAQ_LOCKED`.
   */
  waitMs?: number | 'auto' | undefined
}

export interface AdvancedOptions {
  /** At this size a segment file is sealed and the next one begins, in bytes. Default 16 MiB. */
  segmentBytes?: number | undefined
  /** Memory for messages that wait, in bytes. Other messages are read back from disk. Default 16 MiB. */
  cacheBytes?: number | undefined
  /** Outcomes are synced at most this many ms after they were written. Default 1_000. */
  ackSyncMs?: number | undefined
  /** A segment is rewritten when less than this share of it is still needed, 0.05 to 0.95. Default 0.5. */
  liveRatio?: number | undefined
  /**
   * Segments are rewritten in the background, in small slices. False: only by `compact()`. Default true.
   * Segments that nothing needs are removed at once in either case.
   */
  autoCompact?: boolean | undefined
  /** Opens the queue on a network file system, where fencing does not hold. Default false. */
  allowNetworkFileSystem?: boolean | undefined
  /**
   * Where syncs run that an `enqueue` or an attempt waits for. `'auto'` (default): on the event loop while
   * the device takes less than 1 ms, else, and for more than 64 KiB, on a thread. Slow syncs hold the event
   * loop for at most 0.1 s in any ten seconds, one of them excepted. A device that hangs holds the whole
   * process then. `'thread'`: never on the event loop.
   */
  commits?: CommitMode | undefined
}

/**
 * A schema of any library that implements [Standard Schema](https://standardschema.dev), version 1: zod,
 * valibot, arktype and others.
 *
 * @typeParam I what it takes: the payload of `enqueue`
 * @typeParam O what it makes of that: the payload that `send` is given
 */
export interface StandardSchema<I = unknown, O = I> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<O> | Promise<StandardResult<O>>
    readonly types?: { readonly input: I; readonly output: O } | undefined
  }
}

/** What a Standard Schema answers: the value that it made, or what is wrong. */
export type StandardResult<O> =
  | { readonly value: O; readonly issues?: undefined }
  | {
      readonly issues: readonly {
        readonly message: string
        readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
      }[]
    }

/**
 * Options of `OutboundQueue.open`.
 *
 * @typeParam P the payload that `enqueue` takes
 * @typeParam R what `send` returns
 * @typeParam O the payload that `send` is given: that of the schema's output, else P
 */
export interface QueueOptions<P = unknown, R = unknown, O = P> {
  /** Delivers one message. Without it, and until `start`, the queue accepts messages and delivers none. */
  send?: Send<O, R> | undefined
  /**
   * Checks every payload at `enqueue`, which rejects with `WAQ_INVALID_MESSAGE` and the schema's `issues`,
   * and again before each `send`: an earlier deployment may have written it. The payload is stored as it was
   * given; `send` gets the schema's output. A refusal before `send` halts the channel, and the message stays.
   * A schema must answer at once. Default: any payload. Not together with `parse`.
   *
   * @example
   * const schema = z.object({ chatId: z.number(), text: z.string() })
   */
  schema?: StandardSchema<P, O> | undefined
  /**
   * Validates a payload before each `send`: an earlier deployment may have written it. A throw halts the
   * channel, and the message stays.
   */
  parse?: ((payload: unknown) => O) | undefined
  /**
   * What `enqueue` waits for. Default `'fsync'`: until the device has the message. `syncEveryMs` is 1 to
   * 60_000.
   */
  durability?: Durability | undefined
  /** How many channels may send at once. Default 64. */
  concurrency?: number | undefined
  /**
   * Options by prefix of channels (`'telegram:bot1:*'`). The limits of every prefix that fits hold. A halt, a
   * wait or a brake of a group concerns the longest prefix that fits. Default: no groups.
   */
  groups?: Readonly<Record<`${string}*`, GroupOptions>> | undefined
  /** The rates that the platform allows; see "Limits" in docs/delivery.md. Default: no limit. */
  rateLimit?: RateLimits | undefined
  /** An attempt's `signal` is aborted after this many ms. Default 30_000. */
  sendTimeoutMs?: number | undefined
  /** How long a channel waits for a `send` whose signal was aborted, in ms. Default 10_000. */
  abortGraceMs?: number | undefined
  /**
   * Default: 10 attempts, the first at once, then after 1 s, 2 s, 4 s … to 5 min, ±10 %; given up after 24 h.
   */
  retry?: Retry<P> | undefined
  /**
   * The longest wait that a receiver may ask for, in ms; a longer one is cut to this. Default 86_400_000 (24
   * h).
   */
  maxRetryAfterMs?: number | undefined
  /**
   * What an error of `send` means. Undefined as its answer: `classifyError` decides. Default:
   * `classifyError`.
   */
  classify?: ((error: unknown, delivery: Delivery<O>) => Verdict | undefined) | undefined
  /**
   * What a value that `send` returned means. `{ kind: 'delivered' }` lets it through; any other verdict
   * counts as if an error had it. Undefined as its answer: the message is delivered, unless the value itself
   * says that it was refused, as `docs/delivery.md` lists; then `classify` is asked about the refusal. The
   * body of a `Response` is not read for it: read it in `send` where the verdict depends on it.
   */
  classifyResult?: ((result: R, delivery: Delivery<O>) => Verdict | undefined) | undefined
  /** What to do with a message that may have been sent already. Default `'resend'`: at least once. */
  onAmbiguous?: OnAmbiguous<O> | undefined
  /** Whether a channel goes on after a dead letter, or halts until it is resumed. Default `'continue'`. */
  onDead?: 'continue' | 'halt' | undefined
  /** The time to live of messages that name none, in ms. Default: no limit. */
  ttlMs?: number | undefined
  /** Options of one channel, which win over those above. It must be pure: its answers are cached. */
  channelOptions?: ((channel: string) => ChannelOptions<P, O> | undefined) | undefined
  dedupe?: DedupeOptions | undefined
  limits?: LimitOptions | undefined
  /** When dead letters are thrown away. Default: never. */
  deadLetters?: RetentionOptions | undefined
  /**
   * Whether the open queue keeps the process alive until it is closed or has lost its lock. Default: from
   * when it has `send`. A promise of the queue that has not settled keeps the process alive in any case.
   */
  keepAlive?: boolean | undefined
  /**
   * Unreadable bytes are quarantined and reported (`'quarantine'`, default), or `open` rejects (`'refuse'`).
   */
  onCorruption?: 'quarantine' | 'refuse' | undefined
  lock?: LockOptions | undefined
  advanced?: AdvancedOptions | undefined
}

/** Which messages `list` yields: those that meet every condition. */
export interface ListFilter {
  state?: LiveState | readonly LiveState[] | undefined
  /** A channel, or a prefix that ends in `*`. */
  channel?: string | undefined
  /** Dead letters of this reason only. */
  reason?: DeadReason | undefined
  /**
   * Only messages with a higher sequence: that of the last one of the page before. Default: from the first
   * one on.
   */
  after?: number | undefined
  /** How many at most. Default: all. */
  limit?: number | undefined
  /** False: payloads are left out, and not read. Default true. */
  payloads?: boolean | undefined
}

export type LiveState = 'pending' | 'sending' | 'dead'

/**
 * Which dead letters an operation concerns. To mean all of them, say `{ all: true }`: an empty selection is
 * refused.
 */
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
  /** What `send` returned, if it was in this process and among the last thousand messages to settle. */
  result?: R
}

/** A range of bytes that could not be read as messages or outcomes. A copy of it is in `quarantine/`. */
export interface CorruptBytes {
  /** Relative to the queue's directory. */
  file: string
  offset: number
  length: number
  /** The sequences that may be missing. Without `lastMissing` it is not known how many there were. */
  firstMissing?: number
  lastMissing?: number
  /** True: an earlier opening reported it already. */
  known: boolean
}

/** How far `compact()` is. */
export type Progress = CompactionProgress

export interface CompactOptions {
  /** Its abort stops the compaction; what was done until then stays done. */
  signal?: AbortSignal | undefined
  /**
   * Called after each segment that was rewritten. If it throws, `compact` stops and rejects with that error.
   */
  onProgress?: ((progress: Progress) => void) | undefined
}

/** What `open` found. */
export interface RecoveryReport {
  /** How many messages were read, including settled ones whose space is not reclaimed yet. */
  messages: number
  /** Messages that wait and were not being sent. Messages in doubt are not among them. */
  pending: number
  /** Messages that were being sent when the last owner ended, or whose outcome may have been lost. */
  inDoubt: number
  dead: number
  /** Pending messages whose time to live is over. */
  expired: number
  /** Bytes of a last write that was cut short. Nothing in them was acknowledged. */
  tornBytes: number
  corrupt: readonly CorruptBytes[]
  /**
   * Messages that are proven to be lost, by damage in `corrupt` or by a loss of power that the durability
   * allows for.
   */
  lost: LostMessages
  /** How long the opening took, in ms, without `lockWaitMs`. */
  durationMs: number
  /** How long the opening waited for another owner or opener, in ms. Usually 0. */
  lockWaitMs: number
  /** The owner whose lock was taken over; absent: there was none. */
  tookOverFrom?: Owner
}

/** Of the most recent values, in ms. All 0 before the first. */
export interface Percentiles {
  p50: number
  p99: number
  max: number
}

/** What is halted or braked, and since when (epoch ms). */
export interface Hold {
  /** A channel, a prefix with its `*`, or `'*'` for everything. */
  scope: string
  reason?: string
  since: number
}

/** How a queue stands, as its owner and a reader tell it. */
export interface QueueFigures {
  /** In doubt ones included. */
  pending: number
  /** Of a living owner; without one, what was being sent is in doubt. */
  sending: number
  dead: number
  /** Messages that are proven to be lost and were not settled. `waq verify` and `recovery.lost` tell more. */
  lost: number
  /** Channels with a message that is due or being sent. */
  channels: number
  /** At most 100; `haltedCount` counts all. Without a living owner only those by a dead letter. */
  halted: readonly Hold[]
  haltedCount: number
  /** Receivers that were found down: channels, and prefixes with their `*`; at most 100. */
  braked: readonly Hold[]
  brakedCount: number
  /** What `pause` stopped: channels, prefixes with their `*`, `'*'` for everything; at most 100. */
  paused: readonly string[]
  pausedCount: number
  /** Age of the oldest message that is due, in ms. */
  oldestPendingMs: number | null
  diskBytes: number
  /** Of the records of live messages. */
  liveBytes: number
  segments: number
  /**
   * Which CRC32C runs in the process that asks: the native one, if it is installed, after the first MiB of
   * records. The bytes are the same.
   */
  crc: 'native' | 'js'
}

/** What an owner has done since it opened the queue. */
export interface OwnerFigures {
  enqueued: number
  delivered: number
  /** Messages that became dead letters. Some may have been purged or redriven since. */
  deadLettered: number
  retried: number
  rateLimited: number
  syncs: number
  /**
   * How long syncs took, in ms. On the event loop that is the device alone; on a thread it includes the wait
   * until a busy event loop hears of the end.
   */
  syncMs: Percentiles
  commits: CommitStats
  enqueueMs: Percentiles
  sendMs: Percentiles
}

export interface QueueStats extends QueueFigures, OwnerFigures {}

/** What every event about one message carries. */
export interface MessageEvent {
  id: string
  channel: string
  sequence: number
  /** Attempts so far that count towards `maxAttempts`. */
  attempts: number
}

export interface DeliveredEvent<R = unknown> extends MessageEvent {
  /**
   * What `send` returned; undefined if `onAmbiguous`, or the verdict of an error, said that the message was
   * sent. Not enumerable, so it is not printed with the event.
   */
  result: R | undefined
  /** How long the attempt took, in ms. */
  ms: number
}

export interface RetryEvent extends MessageEvent {
  /**
   * What `send` threw, or returned as a refusal. Not enumerable: the event prints what was recorded of it,
   * without credentials.
   */
  error: unknown
  delayMs: number
  /** Epoch ms. */
  dueAt: number
  /** True: the outcome of this attempt or of an earlier one is unknown. */
  mayHaveBeenSent: boolean
}

export interface RateLimitedEvent extends MessageEvent {
  /** As in `RetryEvent`. */
  error: unknown
  /** What waits. */
  scope: Scope
  /**
   * The channel (where it has one, its rate key), the group's prefix (without its `*`), or '' for everything.
   */
  target: string
  delayMs: number
  /** Epoch ms. */
  dueAt: number
}

export interface DeadEvent extends MessageEvent {
  reason: DeadReason
  /** What was thrown, if anything was. As in `RetryEvent`. */
  error?: unknown
}

export interface CancelledEvent extends MessageEvent {
  /** True: the message may have arrived all the same. Only with `evenInDoubt`. */
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
 * The events of a queue. Each has one argument. If a listener throws or rejects, that is reported as `error`
 * and has no other effect. An `error` without a listener, or whose listener fails, becomes a process warning.
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
   * A channel, a group or everything stopped, because the sender is broken or `onDead` is `'halt'`. It is
   * emitted for the group as well when a halt widens to it.
   */
  halted: [event: HaltedEvent]
  /** A halt ended. */
  resumed: [event: ResumedEvent]
  /** A receiver is down: one attempt at a time asks whether it is up again. */
  braked: [event: BrakedEvent]
  /** The receiver answered, or was not asked for an hour. */
  unbraked: [event: UnbrakedEvent]
  /**
   * Bytes could not be read; a copy is in `quarantine/`. Those found by `open` come one macrotask after it.
   */
  corruption: [event: CorruptBytes]
  /** Segments were rewritten: by `compact()`, or in the background. */
  compacted: [report: CompactionReport]
  /**
   * Another process owns the directory now: nothing more is sent or accepted. Without a listener it is an
   * `error`.
   */
  lockLost: [error: Error]
  /** No message is left that could be sent now. */
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
