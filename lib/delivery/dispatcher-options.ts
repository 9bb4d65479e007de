import type { MessageRef, StoredMessage } from '../store/message-store.js'
import type { QueueTime } from '../store/queue-time.js'
import type { Policy } from './retry/policy.js'
import type { Clock, Delivery, MessageView, Rate, Verdict } from './types.js'

/** Complete: this floor knows no defaults. */
export interface DispatcherOptions<P> {
  /** Channels under way at once. */
  readonly concurrency: number
  /**
   * By prefix of channel (`'telegram:bot1:*'`). The limits of every one that fits hold; a halt, a wait and a
   * brake of a group are those of the longest.
   */
  readonly groups: Readonly<Record<string, DispatcherGroup>>
  /** Of all channels together. */
  readonly rates: readonly Rate[]
  /** How long an aborted `send` may still take before its channel goes on. */
  readonly abortGraceMs: number
  /** No wait that a receiver asks for is longer. */
  readonly maxRetryAfterMs: number
  /** Asked before the default classifier; undefined: ask that. */
  readonly classify: ((error: unknown, delivery: Delivery<P>) => Verdict | undefined) | undefined
  /** Asked about what `send` returned; undefined: the default looks for a refusal in it. */
  readonly classifyResult: ((result: unknown, delivery: Delivery<P>) => Verdict | undefined) | undefined
  readonly deadLetters: { readonly maxAgeMs: number; readonly maxCount: number }
  /**
   * Asked whenever a channel comes to life; where it throws, the channel halts and is asked about again by
   * its probe.
   */
  readonly channels: { of(channel: string): { readonly policy: Policy<P> } }
  /** Makes of a stored payload what `send` is given. A throw halts its channel. Undefined: as it is. */
  readonly parse: { readonly name: 'parse' | 'schema'; read(payload: unknown): P } | undefined
  /** What a retry function is shown. */
  readonly view: (ref: MessageRef, stored: StoredMessage) => MessageView<P>
  readonly clock: Clock
  /** That of the store: all that it records stands in it. */
  readonly time: QueueTime
}

export interface DispatcherGroup {
  readonly concurrency: number
  readonly rateLimit: readonly Rate[]
  /** False: nothing waits because others of the group found their receiver down. */
  readonly brake: boolean
}
