import type { MessageProgress, MessageRef, StoredMessage } from '../../store/message-store.js'
import type { Halt } from '../holds/halts.js'
import type { Policy } from '../retry/policy.js'
import type { BrakeView } from '../schedule/brakes.js'
import type { Channel } from '../schedule/channel.js'
import type { Turn } from '../schedule/scheduler.js'
import type { Delivery } from '../types.js'
import { Cancellation } from './cancellation.js'

/**
 * - `preparing`: it is read and its time to live checked; nothing is recorded yet, so it can be withdrawn.
 * - `asking`: the receiver is asked what became of an earlier attempt.
 * - `recording`: "attempt n" is being written.
 * - `sending`: `send` was called.
 * - `over`: it gave its turn back.
 */
export type AttemptPhase = 'preparing' | 'asking' | 'recording' | 'sending' | 'over'

/** The state of a message before this attempt; an attempt that does not count restores it. */
export interface Before {
  attempts: number
  firstAttemptAt: number
  /** By `TriedTime`, including the wait before this attempt. */
  triedMs: number
  mayHaveBeenSent: boolean
}

/** One message's turn. */
export class Attempt implements Turn {
  readonly channel: Channel
  readonly policy: Policy<unknown>
  readonly ref: MessageRef
  readonly sequence: number
  /** In the queue's time; Infinity: never. */
  readonly expiresAt: number
  readonly probes: readonly Halt[]
  holdsSlot = true
  holdsPlaces = true
  shows: BrakeView
  failure: string | undefined
  phase: AttemptPhase = 'preparing'
  readonly cancellation = new Cancellation()
  before: Before
  /** An earlier attempt was left open: by a process that ended, or by an orderly shutdown. */
  readonly isOpen: boolean
  /** The message is from an earlier life, and this is its first turn in this one. */
  readonly isRecovered: boolean
  /** When the message's first attempt began; 0 until one is recorded. */
  firstAttemptAt: number
  stored: StoredMessage | undefined
  delivery: Delivery<unknown> | undefined
  /** The running call of a user's function. */
  call: { abandon(): void } | undefined
  /** In ms of `Timers.now()`. */
  startedAt = 0
  /** Since when time counts as tried, by the monotonic clock; undefined: not yet. */
  tryingSince: number | undefined
  /** The attempt is cut off by then, so anything measured beyond that was a suspend. */
  mostTriedMs = 0

  constructor(
    channel: Channel,
    ref: MessageRef,
    { sequence, expiresAt }: MessageProgress,
    probes: readonly Halt[],
    before: Before,
    isOpen: boolean,
    isRecovered: boolean,
  ) {
    this.channel = channel
    this.policy = channel.policy!
    this.ref = ref
    this.sequence = sequence
    this.expiresAt = expiresAt
    this.probes = probes
    this.before = before
    this.isOpen = isOpen
    this.isRecovered = isRecovered
    this.firstAttemptAt = before.firstAttemptAt
  }

  /** How long the message has been tried, up to this moment. */
  triedMs(monotonicMs: number): number {
    if (this.tryingSince === undefined) return this.before.triedMs
    return this.before.triedMs + Math.min(Math.round(monotonicMs - this.tryingSince), this.mostTriedMs)
  }

  get isProbe(): boolean {
    return this.probes.length > 0
  }

  /** '' until the message is read. */
  get id(): string {
    return this.stored?.id ?? ''
  }
}
