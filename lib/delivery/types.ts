import type { Clocks, ClockTimers } from '../log/runtime/clocks.js'
import type { DeadReason, RecordedError, Scope } from '../store/message-store.js'
import type { Pause } from './holds/pauses.js'

/**
 * Delivers one message. If it returns or resolves, the message is delivered, unless the value itself says
 * that it was refused. If it throws or rejects, the verdict on the error decides.
 *
 * @example
 * const send = ({ payload, signal }: Delivery<unknown>) =>
 *   fetch('https://example.org/hook', { method: 'POST', body: JSON.stringify(payload), signal })
 */
export type Send<P, R> = (delivery: Delivery<P>) => R | Promise<R>

/** The argument of `send`: one attempt at one message. */
export interface Delivery<P> {
  /** The idempotency key: the same in every attempt. */
  readonly id: string
  /** The name that the channel has now: after a `moved`, not the one that the message was enqueued with. */
  readonly channel: string
  readonly payload: P
  readonly headers: Record<string, string>
  /** The message's place in the log; rises with every message of the queue. */
  readonly sequence: number
  /** Epoch ms. */
  readonly enqueuedAt: number
  /** 1 for the first attempt. Attempts that do not count towards `maxAttempts` do not count here. */
  readonly attempt: number
  /** True: the outcome of an earlier attempt is unknown, so the receiver may have the message. */
  readonly mayHaveBeenSent: boolean
  /** Aborted when `sendTimeoutMs` is over, the queue closes, or the lock is lost. Pass it to the client. */
  readonly signal: AbortSignal
  /**
   * What became of another message of this queue: how it settled, with what `send` returned for it where that
   * is kept (see `keepResults`); `{ state: 'pending' }` while it waits or is being sent; undefined if its
   * id is unknown or forgotten. Rejects with WAQ_INVALID_OPTION, WAQ_IO or WAQ_LOCK_LOST.
   */
  settlementOf(id: string): Promise<Settlement | PendingSettlement | undefined>
}

/** How a message ended. */
export interface Settlement<R = unknown> {
  id: string
  state: 'delivered' | 'dead' | 'cancelled' | 'replaced'
  attempts: number
  /** Epoch ms. */
  at: number
  deadReason?: DeadReason
  lastError?: RecordedError
  /** Of a replaced message: the id of the one that took its place, if this process replaced it lately. */
  replacedBy?: string
  /**
   * What `send` returned, where `keepResults` keeps it; of a `Response` the JSON of its body. Without
   * `keepResults`, if it was in this process and among the last thousand messages to settle.
   */
  result?: R
}

/** A message that waits, or is being sent. */
export interface PendingSettlement {
  state: 'pending'
}

/** What an error means for the message, its channel and its neighbours. */
export type Verdict =
  /**
   * The message was not delivered and is tried again after `afterMs` (default: the backoff). `charged`
   * (default true): whether the attempt counts towards `maxAttempts`.
   */
  | { readonly kind: 'retry'; readonly afterMs?: number | undefined; readonly charged?: boolean | undefined }
  /**
   * The receiver asked to wait: everything in `scope` (default `'channel'`) waits exactly `afterMs` (default:
   * the backoff). The attempt never counts.
   */
  | {
      readonly kind: 'rate-limited'
      readonly afterMs?: number | undefined
      readonly scope?: Scope | undefined
    }
  /**
   * The receiver refused this message for good: it becomes a dead letter at once. With `scope: 'channel'` it
   * refuses whatever comes (the user blocked the bot, say): all that waits in the channel dies with it,
   * reason `channel`; what is enqueued later is tried. No built-in rule says that.
   */
  | {
      readonly kind: 'permanent'
      readonly reason?: string | undefined
      readonly scope?: 'channel' | undefined
    }
  /**
   * The receiver has another address (a Telegram group that became a supergroup, say): the channel, and all
   * that is enqueued to it, goes on as `channel`. Only your `classify` can say so, and `send` must take the
   * address from `delivery.channel`. The attempt counts. A message that is there already, or moves a fifth
   * time in one process, becomes a dead letter.
   */
  | { readonly kind: 'moved'; readonly channel: string }
  /**
   * The sender is broken, not the message (a bad token, say): everything in `scope` stops, except for one
   * probe every `afterMs` (default 60_000; Infinity: none until `resume`). A failed probe costs no attempt,
   * unless its outcome is unknown. Without `scope` the channel halts; if a second channel of its group halts
   * with no success in between, the group halts too, until the next success.
   */
  | {
      readonly kind: 'halt'
      readonly reason?: string | undefined
      readonly afterMs?: number | undefined
      readonly scope?: Scope | undefined
    }
  /** The message may have been delivered: `onAmbiguous` decides. */
  | { readonly kind: 'ambiguous' }
  /** The receiver has the message despite the error: it is delivered, and `result` is undefined. */
  | { readonly kind: 'delivered' }

/**
 * A limit: at most `count` attempts within any `perMs`, as the platform counts them.
 *
 * @example
 * const toATelegramGroup: Rate = { count: 20, perMs: 60_000 }
 */
export interface Rate {
  /** A whole number from 1 up. */
  readonly count: number
  /** In ms, at least 1. Windows over a minute are kept in steps of a sixtieth, rounded up. */
  readonly perMs: number
  /**
   * How many may begin in a row; further ones begin at least `perMs / count` apart. From 1 to `count`.
   * Default: `count`, all at once.
   */
  readonly burst?: number | undefined
}

/** A message and its state at the moment of the call. */
export interface MessageView<P = unknown> {
  id: string
  channel: string
  sequence: number
  state: 'pending' | 'sending' | 'dead'
  /** The payload as enqueued, before `schema` or `parse`. Absent unless it was requested. */
  payload?: P
  headers: Record<string, string>
  /** Epoch ms. */
  enqueuedAt: number
  /** Attempts so far that count towards `maxAttempts`. */
  attempts: number
  /** True: the outcome of an earlier attempt is unknown. */
  mayHaveBeenSent: boolean
  /** When it is tried next, epoch ms. Absent: as soon as its turn comes. */
  nextAttemptAt?: number
  /** As it was enqueued. Absent: that of its channel. */
  priority?: number
  /** As it was enqueued. Absent: it neither replaces another message nor is replaced. */
  replaces?: string
  /** When its time to live ends, epoch ms. Absent: never. */
  expiresAt?: number
  /** Epoch ms. */
  diedAt?: number
  deadReason?: DeadReason
  lastError?: RecordedError
  /** The last few failures, oldest first. */
  history: readonly RecordedError[]
}

/** Exponential backoff: each wait is a multiple of the one before. */
export interface ExponentialRetry {
  /**
   * How many attempts before the message becomes a dead letter. At least 1; Infinity is allowed. Default 10.
   */
  readonly maxAttempts?: number | undefined
  /** The wait after the first attempt, in ms. Default 1000. */
  readonly initialDelayMs?: number | undefined
  /** Each wait is this many times the one before. At least 1. Default 2. */
  readonly factor?: number | undefined
  /** The longest wait, in ms. Default 300_000 (5 min). */
  readonly maxDelayMs?: number | undefined
  /** Each wait is lengthened or shortened at random by up to this fraction: 0 to 1. Default 0.1. */
  readonly jitter?: number | undefined
  /**
   * After this many ms of trying, the next failure is the last. Attempts and the waits of this backoff count.
   * Not counted: time in which no process ran, suspends of the machine, pauses, halts (except of this channel
   * alone while others of its group get through), waits that the receiver asked for, and waits for its turn.
   * Infinity is allowed. Default 86_400_000 (24 h).
   */
  readonly giveUpAfterMs?: number | undefined
}

/** The argument of a retry function. */
export interface Failure<P> {
  /** Which attempt failed; 1 for the first. */
  readonly attempt: number
  readonly error: unknown
  readonly message: MessageView<P>
}

/**
 * When a failed message is tried again: an exponential backoff, a list of waits in ms (one attempt more than
 * waits), or a function that returns the wait in ms, or undefined to give up.
 */
export type Retry<P> = ExponentialRetry | readonly number[] | ((failure: Failure<P>) => number | undefined)

/**
 * What to do with a message that may have been sent: send it again (`'resend'`: at least once), make it a
 * dead letter (`'dead-letter'`: at most once), or ask a function, which may look it up at the receiver.
 */
export type OnAmbiguous<P> =
  | 'resend'
  | 'dead-letter'
  | ((delivery: Delivery<P> & { readonly lastAttemptAt: number }) => Answer | Promise<Answer>)

/** `'unknown'` sends the message again with `mayHaveBeenSent: true`, `'not-sent'` with `false`. */
export type Answer = 'sent' | 'not-sent' | 'unknown' | 'dead-letter'

/** Options of one channel; they override the queue's. */
export interface ChannelOptions<P, O = P> {
  readonly retry?: Retry<P> | undefined
  readonly onAmbiguous?: OnAmbiguous<O> | undefined
  readonly onDead?: 'continue' | 'halt' | undefined
  /** The time to live, in ms, of messages enqueued without one. `enqueue` applies it. */
  readonly ttlMs?: number | undefined
  readonly sendTimeoutMs?: number | undefined
  /** Replaces `rateLimit.perChannel`. If there are several rates, all hold. */
  readonly rateLimit?: Rate | readonly Rate[] | undefined
  /**
   * Channels with the same key, such as topics of one chat, share their limits (if their rates differ, all
   * hold) and the waits that the receiver asks any of them for. Default: none.
   */
  readonly rateKey?: string | undefined
  /** False: messages behind one in backoff go first. Default true. */
  readonly ordered?: boolean | undefined
  /**
   * How many messages of the channel are sent at once, with `ordered: false`. Parts of a list that fails
   * together stay one at a time. Default 1.
   */
  readonly concurrency?: number | undefined
  /** The priority of messages enqueued without one, -8 to 7: see `OutboundMessage.priority`. Default 0. */
  readonly priority?: number | undefined
}

/** Which dead letters are purged automatically, oldest first. */
export interface RetentionOptions {
  /** Purges dead letters older than this, in ms. Default Infinity. */
  readonly maxAgeMs?: number | undefined
  /** Keeps only this many. Default Infinity. */
  readonly maxCount?: number | undefined
}

/** The clocks and timers, which tests can replace. */
export interface Clock extends Clocks, ClockTimers {
  /**
   * Told of each call of a user's function, whose end takes real time however this clock is moved. It never
   * rejects.
   */
  readonly called?: (result: Promise<unknown>) => void
}

/** A channel has another name. */
export interface MovedFacts {
  readonly from: string
  readonly to: string
  /** Epoch ms. */
  readonly at: number
}

/** What waited in a channel died with it. */
export interface ClosedFacts {
  readonly channel: string
  /** How many messages died, without the one that was refused, which has a report of its own. */
  readonly count: number
  readonly reason?: string
  /** Epoch ms. */
  readonly at: number
}

/** What every report about one message carries. */
export interface MessageFacts {
  /** '' if the message cannot be read. */
  readonly id: string
  readonly channel: string
  readonly sequence: number
  /** Charged attempts so far. */
  readonly attempts: number
}

export interface AttemptFacts extends MessageFacts {
  readonly mayHaveBeenSent: boolean
}

export interface DeliveredFacts<R> extends MessageFacts {
  /** What `send` returned; undefined if `onAmbiguous` or the verdict on an error said that it was sent. */
  readonly result: R | undefined
  /** What is kept of it, where results are kept: as `result`, of a response the JSON of its body. */
  readonly kept?: unknown
  /** How long the attempt took. 0 if `onAmbiguous` said that it was sent. */
  readonly ms: number
  /** Epoch ms. */
  readonly at: number
}

export interface RetryFacts extends MessageFacts {
  readonly error: unknown
  readonly recorded: RecordedError
  readonly charged: boolean
  readonly delayMs: number
  /** Epoch ms. */
  readonly dueAt: number
  /** The outcome of this attempt or of an earlier one is unknown. */
  readonly mayHaveBeenSent: boolean
}

export interface RateLimitedFacts extends MessageFacts {
  readonly error: unknown
  readonly recorded: RecordedError
  /** What has to wait. */
  readonly scope: Scope
  /** The channel (or its rate key), the group's prefix (without its `*`), or '' for everything. */
  readonly target: string
  readonly delayMs: number
  /** Epoch ms. */
  readonly dueAt: number
}

export interface DeadFacts extends MessageFacts {
  readonly reason: DeadReason
  /** The error, if there was one. */
  readonly error?: unknown
  readonly recorded?: RecordedError
  /** Epoch ms. */
  readonly at: number
}

export interface CancelledFacts extends MessageFacts {
  /** The outcome of an attempt is unknown. */
  readonly mayHaveBeenSent: boolean
  /** Epoch ms. */
  readonly at: number
}

export interface ReplacedFacts extends MessageFacts {
  /** The newer message. */
  readonly by: { readonly id: string; readonly sequence: number }
  /** Epoch ms. */
  readonly at: number
}

export interface HaltFacts {
  readonly scope: Scope
  /** The channel, the group's prefix (without its `*`), or '' for everything. */
  readonly target: string
  readonly reason?: string
  /** Epoch ms. */
  readonly since: number
  /** Epoch ms of the next probe; Infinity: not until resumed. */
  readonly probeAt: number
}

export interface BrakeFacts {
  readonly scope: 'channel' | 'group'
  /** The channel, or the prefix (without its `*`) of a group or of an account. */
  readonly target: string
  /** The message of the last failure. */
  readonly reason?: string
  /** Epoch ms of the first failure. */
  readonly since: number
}

/**
 * Receives events synchronously and in order, an outcome once it is written. If an observer throws, the error
 * goes to `error`.
 */
export interface DispatchObserver<R> {
  /** The attempt is recorded; `send` is called next. */
  attempt?(facts: AttemptFacts): void
  delivered?(facts: DeliveredFacts<R>): void
  retry?(facts: RetryFacts): void
  rateLimited?(facts: RateLimitedFacts): void
  dead?(facts: DeadFacts): void
  cancelled?(facts: CancelledFacts): void
  /** A newer message took the place of this one, which was never attempted. */
  replaced?(facts: ReplacedFacts): void
  /** What waited in a channel died with it. */
  closed?(facts: ClosedFacts): void
  moved?(facts: MovedFacts): void
  halted?(facts: HaltFacts): void
  resumed?(facts: { readonly scope: Scope; readonly target: string }): void
  /** A receiver is down, judging by the failures of its channels. */
  braked?(facts: BrakeFacts): void
  unbraked?(facts: { readonly scope: 'channel' | 'group'; readonly target: string }): void
  /** Nothing more can run until a resume, a scheduled time or a new message. */
  idle?(facts: { readonly pending: number }): void
  /** A failure of the store, of a function passed as an option, or of this observer. */
  error(error: Error): void
}

export interface DispatcherStats {
  /** Channels with a message that is waiting or being sent. */
  channels: number
  /** Messages that are waiting or being sent. */
  pending: number
  sending: number
  /** At most 100. `scope` is the channel, the group's prefix with its `*`, or `*` for everything. */
  halted: { scope: string; reason?: string; since: number }[]
  haltedCount: number
  /** Receivers that are down, at most 100. `scope` is the channel, or a prefix with its `*`. */
  braked: { scope: string; reason?: string; since: number }[]
  brakedCount: number
  /** At most 100. */
  paused: Pause[]
  pausedCount: number
  /** Since the start, like the next three. */
  retried: number
  rateLimited: number
  delivered: number
  dead: number
  /** Epoch ms at which the next timer fires; null: none is set. */
  nextDueAt: number | null
}
