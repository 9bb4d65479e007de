import type { MessageRef, StoredMessage } from '../store/message-store.js'
import type { QueueTime } from '../store/queue-time.js'
import type { Policy } from './retry/policy.js'
import type { Clock, Delivery, MessageView, Rate, Verdict } from './types.js'

/** Every option is required; the caller fills in defaults. */
export interface DispatcherOptions<P> {
  /** How many channels may send at once. */
  readonly concurrency: number
  /**
   * By channel prefix (`'telegram:bot1:*'`). The limits of every matching prefix hold; a group halt, wait or
   * brake applies to the longest.
   */
  readonly groups: Readonly<Record<string, DispatcherGroup>>
  /** For all channels together. */
  readonly rates: readonly Rate[]
  /** How long a channel waits for an aborted `send`. */
  readonly abortGraceMs: number
  /** Caps the waits that receivers ask for. */
  readonly maxRetryAfterMs: number
  /** Asked before the default classifier. Undefined: the default decides. */
  readonly classify: ((error: unknown, delivery: Delivery<P>) => Verdict | undefined) | undefined
  /** Asked about what `send` returned. Undefined: the default looks for a refusal in it. */
  readonly classifyResult: ((result: unknown, delivery: Delivery<P>) => Verdict | undefined) | undefined
  /** What `send` returned is kept, up to so many bytes. Undefined: it is not. */
  readonly keepResults: { readonly maxBytes: number } | undefined
  /** As in `Delivery`. */
  readonly settlementOf: Delivery<P>['settlementOf']
  readonly deadLetters: { readonly maxAgeMs: number; readonly maxCount: number }
  /** Asked when a channel becomes active. If it throws, the channel halts, and its probe asks again. */
  readonly channels: { of(channel: string): { readonly policy: Policy<P> } }
  /** Turns a stored payload into the one for `send`. A throw halts the channel. Undefined: as stored. */
  readonly parse: { readonly name: 'parse' | 'schema'; read(payload: unknown): P } | undefined
  /** Makes the message that a retry function gets. */
  readonly view: (ref: MessageRef, stored: StoredMessage) => MessageView<P>
  readonly clock: Clock
  /** The store's time, which all its records use. */
  readonly time: QueueTime
}

export interface DispatcherGroup {
  readonly concurrency: number
  readonly rateLimit: readonly Rate[]
  /** False: no channel waits because others of the group found the receiver down. */
  readonly brake: boolean
}
