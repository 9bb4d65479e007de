import type { Pause } from '../delivery/holds/pauses.js'
import type {
  Answer,
  ChannelOptions,
  Delivery,
  ExponentialRetry,
  Failure,
  MessageView,
  OnAmbiguous,
  PendingSettlement,
  Rate,
  RetentionOptions,
  Retry,
  Send,
  Settlement,
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
  Pause,
  PayloadIssue,
  PendingSettlement,
  Rate,
  RecordedError,
  RetentionOptions,
  Retry,
  Scope,
  Send,
  Settlement,
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
   * Where the message goes, and the unit of ordering: 1 to 512 bytes of UTF-8. Convention:
   * `platform:account:chat`.
   */
  channel: string
  /**
   * The content: null, undefined, booleans, numbers, strings, bigints of 64 bits, Dates, Uint8Arrays and
   * Buffers, and arrays and plain objects of these. It is encoded before `enqueue` returns, so later changes
   * have no effect.
   */
  payload: P
  /** The idempotency key: 1 to 256 bytes of UTF-8. Default: a UUIDv7. */
  id?: string | undefined
  /** Strings that travel with the message and are not part of its identity. Default: none. */
  headers?: Readonly<Record<string, string>> | undefined
  /**
   * The message is not sent before this moment: epoch ms or a Date, by the wall clock, even if that is set
   * meanwhile. Until then later messages of the channel go first. Excludes `delayMs`. Default: at once.
   */
  deliverAt?: number | Date | undefined
  /**
   * The message is not sent before this many ms have passed. Time in which the machine is suspended counts; a
   * step of the wall clock does not. Excludes `deliverAt`. Default: at once.
   */
  delayMs?: number | undefined
  /**
   * A message that is not delivered within this many ms of becoming due dies (reason `expired`). Default: no
   * limit.
   */
  ttlMs?: number | undefined
  /**
   * A whole number from -8 to 7. Where channels wait for one limit or slot, the one with the highest priority
   * among its waiting messages goes first; of equal ones, the one that waited longest. Every tenth place goes
   * to the channel that waited longest, whatever its priority. The order inside a channel stays.
   * Default: `channelOptions(channel).priority`, else 0.
   */
  priority?: number | undefined
  /**
   * A key of 1 to 256 bytes of UTF-8: this message takes the place of the latest message of its channel with
   * the same key, if that waits and was never attempted; else it is enqueued as any other. The older message
   * settles as `replaced`. For what only counts in its newest form: edits, a status, a score. Not in a list
   * that fails together. Default: none.
   *
   * @example
   * await queue.enqueue({ channel, payload: { messageId, text }, replaces: `edit:${messageId}` })
   */
  replaces?: string | undefined
}

/** Options of one call of `enqueue`. */
export interface EnqueueOptions {
  /** Aborting it withdraws the message if no byte was written yet; later it has no effect. */
  signal?: AbortSignal | undefined
  /**
   * What to do if the queue knows the id with another channel or payload: `'reject'` (default) rejects with
   * `WAQ_ID_CONFLICT`; `'keep-first'` keeps the first message and resolves to its receipt.
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

export type MessageState = 'pending' | 'sending' | 'delivered' | 'dead' | 'cancelled' | 'replaced'

/** What `enqueue` resolves to, once the message is as durable as `durability` promises. */
export interface Receipt {
  id: string
  channel: string
  /** The message's place in the log. It rises with every message of the queue and may skip numbers. */
  sequence: number
  /** True: the queue knew the id already, and this is the receipt of the first message. */
  duplicate: boolean
  state: MessageState
}

export interface RateLimits {
  /**
   * For each channel by itself, unless `channelOptions` sets another rate. Several rates all hold. Default:
   * no limit.
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
   * While the group's receiver is down, one message at a time tests whether it is up again; see "Outages" in
   * docs/delivery.md. False: each message waits only for its own backoff. Default true.
   */
  brake?: boolean | undefined
}

export interface DedupeOptions {
  /** How long a settled id is remembered, in ms. Default 86_400_000 (24 h). */
  windowMs?: number | undefined
  /** How many settled ids are remembered; the oldest go first. Default 100_000. */
  maxIds?: number | undefined
}

/** How much of what `send` returns is kept on disk; see "Results that last" in docs/delivery.md. */
export interface KeepResultsOptions {
  /** The largest result, encoded, in bytes. A larger one is not kept. 1 to 4_096. Default 4_096. */
  maxBytes?: number | undefined
  /** All results together, encoded, in bytes; the oldest go first. Default 16 MiB. */
  maxTotalBytes?: number | undefined
}

export interface LimitOptions {
  /** The largest encoded message, in bytes. Default 16 MiB. A larger one: `WAQ_TOO_LARGE`. */
  maxMessageBytes?: number | undefined
  /** The largest encoded list, in bytes. Default 256 MiB, at most 1 GiB. A larger one: `WAQ_TOO_LARGE`. */
  maxListBytes?: number | undefined
  /** How many messages may wait. Dead letters do not count. Default: no limit. */
  maxPendingMessages?: number | undefined
  /** How many bytes of messages may wait. Default: no limit. */
  maxPendingBytes?: number | undefined
  /**
   * A full queue rejects a message with `WAQ_FULL` (`'reject'`, default), or `enqueue` waits until there is
   * room (`'wait'`).
   */
  whenFull?: 'reject' | 'wait' | undefined
}

export interface LockOptions {
  /**
   * An owner that cannot be checked loses its lock after an opener has watched it for this many ms without a
   * sign of life. Changes of the wall clock have no effect. Default 10_000, at least 2_000.
   */
  staleMs?: number | undefined
  /**
   * How long `open` waits for another owner, in ms. Default `'auto'`: not at all for an owner that is alive
   * on this host, and `staleMs` plus 5 s for one that cannot be checked (in another container, on another
   * host). A number below `staleMs` is too short to find such an owner dead; `open` then rejects with
   * `WAQ_LOCKED`.
   */
  waitMs?: number | 'auto' | undefined
}

export interface AdvancedOptions {
  /** The size, in bytes, at which a segment file is sealed and the next one begins. Default 16 MiB. */
  segmentBytes?: number | undefined
  /** Memory for waiting messages, in bytes. Other messages are read back from disk. Default 16 MiB. */
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
   * Where a sync runs that an `enqueue` or an attempt waits for. `'auto'` (default): on the event loop while
   * syncs take less than 1 ms; otherwise, and for more than 64 KiB, on a thread. In any ten seconds, slow
   * syncs except one block the event loop for at most 0.1 s; a device that hangs blocks the whole process.
   * `'thread'`: never on the event loop.
   */
  commits?: CommitMode | undefined
}

/**
 * A schema of any library that implements [Standard Schema](https://standardschema.dev), version 1: zod,
 * valibot, arktype and others.
 *
 * @typeParam I its input: the payload of `enqueue`
 * @typeParam O its output: the payload that `send` is given
 */
export interface StandardSchema<I = unknown, O = I> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => StandardResult<O> | Promise<StandardResult<O>>
    readonly types?: { readonly input: I; readonly output: O } | undefined
  }
}

/** The result of a Standard Schema: its output, or what is wrong. */
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
 * @typeParam O the payload that `send` is given: the output of `schema`, else P
 */
export interface QueueOptions<P = unknown, R = unknown, O = P> {
  /** Delivers one message. Without it, and until `start`, the queue accepts messages and delivers none. */
  send?: Send<O, R> | undefined
  /**
   * Checks every payload in `enqueue`, which rejects with `WAQ_INVALID_MESSAGE` and the schema's `issues`,
   * and again before each `send`: an earlier deployment may have written it. The payload is stored as it was
   * given; `send` gets the schema's output. A refusal before `send` halts the channel, and the message stays.
   * A schema must be synchronous. Default: any payload. Not together with `parse`.
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
   * Options by channel prefix (`'telegram:bot1:*'`). The limits of all matching prefixes hold. A halt, a wait
   * or a brake of a group applies to the longest matching prefix. Default: no groups.
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
  /** The longest wait that a receiver may ask for, in ms; a longer one is cut. Default 86_400_000 (24 h). */
  maxRetryAfterMs?: number | undefined
  /**
   * Decides what an error of `send` means. If it returns undefined, `classifyError` decides. Default:
   * `classifyError`.
   */
  classify?: ((error: unknown, delivery: Delivery<O>) => Verdict | undefined) | undefined
  /**
   * Decides what a value returned by `send` means. `{ kind: 'delivered' }` accepts it; any other verdict
   * counts as that of an error. If it returns undefined, the message is delivered, unless the value itself
   * says that it was refused, as `docs/delivery.md` lists; then `classify` decides about the refusal. The
   * body of a `Response` is not read for it: read it in `send` if the verdict depends on it.
   */
  classifyResult?: ((result: R, delivery: Delivery<O>) => Verdict | undefined) | undefined
  /** What to do with a message that may have been sent already. Default `'resend'`: at least once. */
  onAmbiguous?: OnAmbiguous<O> | undefined
  /** Whether a channel goes on after a dead letter, or halts until it is resumed. Default `'continue'`. */
  onDead?: 'continue' | 'halt' | undefined
  /** The time to live of messages that name none, in ms. Default: no limit. */
  ttlMs?: number | undefined
  /** Options of one channel, which override those above. It must be pure: its results are cached. */
  channelOptions?: ((channel: string) => ChannelOptions<P, O> | undefined) | undefined
  dedupe?: DedupeOptions | undefined
  /**
   * What `send` returned is kept with its message's id, also across restarts, for `settled` and for
   * `settlementOf` in `send`. `{}`: with the defaults. Default: it is not kept.
   */
  keepResults?: KeepResultsOptions | undefined
  limits?: LimitOptions | undefined
  /** When dead letters are deleted. Default: never. */
  deadLetters?: RetentionOptions | undefined
  /**
   * Whether the open queue keeps the process alive until it is closed or loses its lock. Default: from when
   * it has `send`. An unsettled promise of the queue always keeps the process alive.
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
   * Only messages with a higher sequence. For the next page, give the last sequence of the page before.
   * Default: all.
   */
  after?: number | undefined
  /** The most messages to yield. Default: all. */
  limit?: number | undefined
  /** False: payloads are left out, and not read. Default true. */
  payloads?: boolean | undefined
}

export type LiveState = 'pending' | 'sending' | 'dead'

/**
 * The messages that an operation applies to. For all of them, say `{ all: true }`: an empty selection is
 * refused. All given conditions must match.
 *
 * @example
 * // A broadcast whose ids begin with its name, without the replies in the same channels.
 * await queue.cancel({ idPrefix: 'offer-7:' })
 */
export type MessageSelect =
  | { all: true }
  | { id: string | readonly string[] }
  /** `channel` may be a prefix that ends in `*`. `idPrefix`: the start of the id. */
  | { channel: string; idPrefix?: string | undefined }
  | { idPrefix: string }

/** Options of `cancel`. */
export interface CancelOptions {
  /** Also messages that may have been sent, unless they are being sent now. Default false. */
  evenInDoubt?: boolean | undefined
}

/** As `MessageSelect`, for dead letters. `deadForMs`: dead for at least this long. */
export type DeadSelect =
  | { all: true }
  | { id: string | readonly string[] }
  | (DeadFilters & { channel: string })
  | (DeadFilters & { idPrefix: string })
  | (DeadFilters & { reason: DeadReason })

interface DeadFilters {
  channel?: string | undefined
  idPrefix?: string | undefined
  reason?: DeadReason | undefined
  deadForMs?: number | undefined
}

/** A range of bytes that could not be read as messages or outcomes. A copy of it is in `quarantine/`. */
export interface CorruptBytes {
  /** Relative to the queue's directory. */
  file: string
  offset: number
  length: number
  /** The first and last sequence that may be missing. Without `lastMissing`, their number is unknown. */
  firstMissing?: number
  lastMissing?: number
  /** True: an earlier opening reported it already. */
  known: boolean
}

/** How far `compact()` is. */
export type Progress = CompactionProgress

export interface CompactOptions {
  /** Aborting it stops the compaction; work done until then is kept. */
  signal?: AbortSignal | undefined
  /** Called after each rewritten segment. If it throws, `compact` stops and rejects with that error. */
  onProgress?: ((progress: Progress) => void) | undefined
}

/** What `open` found. */
export interface RecoveryReport {
  /** How many messages were read, including settled ones whose space is not reclaimed yet. */
  messages: number
  /** Waiting messages that were not being sent. Messages in doubt are not included. */
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
   * Messages that are proven to be lost, by damage in `corrupt` or by a power loss, if the durability allows
   * that.
   */
  lost: LostMessages
  /** How long the opening took, in ms, without `lockWaitMs`. */
  durationMs: number
  /** How long the opening waited for another owner or opener, in ms. Usually 0. */
  lockWaitMs: number
  /** The owner whose lock was taken over; absent: there was none. */
  tookOverFrom?: Owner
}

/** Percentiles of the most recent values, in ms. All are 0 before the first value. */
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

/** Figures that an owner and a reader both report. */
export interface QueueFigures {
  /** Includes messages in doubt. */
  pending: number
  /** Without a living owner 0: messages that were being sent are in doubt. */
  sending: number
  dead: number
  /** Unsettled messages that are proven to be lost. See `recovery.lost` and `waq verify` for details. */
  lost: number
  /** Channels with a message that is due or being sent. */
  channels: number
  /** At most 100; `haltedCount` counts all. Without a living owner, only halts by a dead letter. */
  halted: readonly Hold[]
  haltedCount: number
  /** Receivers that are down: channels, and prefixes with their `*`; at most 100. */
  braked: readonly Hold[]
  brakedCount: number
  /** At most 100; `pausedCount` counts all. Without a living owner, only durable ones. */
  paused: readonly Pause[]
  pausedCount: number
  /** Age of the oldest due message, in ms; null: none is due. */
  oldestPendingMs: number | null
  /** The same, without channels that are paused: what waits here waits for no person. */
  oldestUnpausedMs: number | null
  diskBytes: number
  /** Size of the records of live messages. */
  liveBytes: number
  segments: number
  /**
   * The CRC32C in use in this process: the native one, if it is installed, after the first MiB of records.
   * Both write the same bytes.
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
   * How long syncs took, in ms: on the event loop the device alone; on a thread also the wait until a busy
   * event loop handles the result.
   */
  syncMs: Percentiles
  commits: CommitStats
  enqueueMs: Percentiles
  sendMs: Percentiles
}

export interface QueueStats extends QueueFigures, OwnerFigures {}

/** Figures of one channel, or of all with a prefix. */
export interface ChannelStats {
  /** Includes messages in doubt. */
  pending: number
  sending: number
  dead: number
  /**
   * Since the queue was opened. The last 65,536 channels are counted one by one, earlier ones together with
   * those that have the same text before their last `:`. Beyond that number, `telegram:bot1:*` is still
   * exact, and a single channel or another prefix may show fewer.
   */
  delivered: number
}

/** The fields of every event about one message. */
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
   * What `send` threw, or returned as a refusal. Not enumerable: the event prints the recorded error, without
   * credentials.
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
  /** True: the message may have arrived. Only with `evenInDoubt`. */
  mayHaveBeenSent: boolean
}

export interface ReplacedEvent extends MessageEvent {
  /** The id of the message that took its place. */
  by: string
}

export interface ClosedEvent {
  channel: string
  /** How many messages died, reason `channel`, beside the one that was refused. */
  count: number
  /** What the receiver said. */
  reason?: string
}

export interface MovedEvent {
  from: string
  to: string
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
  /** The failure of the last attempt. */
  reason?: string
  /** Epoch ms of the first failure. */
  since: number
}

export interface UnbrakedEvent {
  scope: 'channel' | 'group'
  target: string
}

/**
 * The events of a queue. Each has one argument. If a listener throws or rejects, the failure is reported as
 * `error` and has no other effect. An `error` without a listener, or whose listener fails, becomes a process
 * warning.
 */
export interface QueueEvents<_P = unknown, R = unknown> {
  /** The message was delivered, and the outcome is recorded. */
  delivered: [event: DeliveredEvent<R>]
  /** An attempt failed; the next comes at `dueAt`. */
  retry: [event: RetryEvent]
  /** The receiver asked to wait. */
  rateLimited: [event: RateLimitedEvent]
  /** The message was given up, and is kept as a dead letter. */
  dead: [event: DeadEvent]
  /** The message was withdrawn by `cancel`. */
  cancelled: [event: CancelledEvent]
  /** A newer message took the place of this one (`replaces`), which was never attempted. */
  replaced: [event: ReplacedEvent]
  /**
   * The receiver refuses all that comes (`permanent` with `scope: 'channel'`): what waited in the channel
   * died with the message that was refused. One event for all of it.
   */
  closed: [event: ClosedEvent]
  /** A channel has another name, by a verdict `moved` or by `move`. */
  moved: [event: MovedEvent]
  /**
   * A channel, a group or everything stopped, because the sender is broken or `onDead` is `'halt'`. Also
   * emitted for a group when a halt widens to it.
   */
  halted: [event: HaltedEvent]
  /** A halt ended. */
  resumed: [event: ResumedEvent]
  /** A receiver is down: one attempt at a time tests whether it is up again. */
  braked: [event: BrakedEvent]
  /** The receiver answered, or was not tried for an hour. */
  unbraked: [event: UnbrakedEvent]
  /**
   * Bytes could not be read; a copy is in `quarantine/`. For those found by `open` it comes one macrotask
   * later.
   */
  corruption: [event: CorruptBytes]
  /** Segments were rewritten, by `compact()` or in the background. */
  compacted: [report: CompactionReport]
  /**
   * The lock is lost, usually to another process: nothing more is sent or accepted. Without a listener it is
   * an `error`.
   */
  lockLost: [error: Error]
  /** No message can be sent now. */
  idle: [event: { pending: number }]
  /** A failure of the disk, of a listener, or of a function given as an option. */
  error: [error: Error]
}

/** Published to the diagnostics channel `waq:enqueue` for each accepted message. */
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
