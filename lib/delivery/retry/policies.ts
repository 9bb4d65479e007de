import type { ChannelOptions, DispatcherOptions, OnAmbiguous, Rate, Retry } from '../types.js'
import { type Backoff, backoffOf } from './backoff.js'

/** What holds for one channel: the queue's options and, over them, its own. */
export interface Policy<P> {
  readonly backoff: Backoff<P>
  readonly onAmbiguous: OnAmbiguous<P>
  readonly onDead: 'continue' | 'halt'
  readonly sendTimeoutMs: number
  readonly rates: Rate | readonly Rate[] | undefined
  readonly rateKey: string | undefined
  readonly ordered: boolean
  /** As `syncsMarks` says. */
  readonly syncsMarks: boolean
}

/**
 * Whether each attempt is on the device before it is made: where a message must not be sent twice, or where
 * one attempt that a loss of power hid, and that is charged then, would leave none.
 */
export function syncsMarks({
  onAmbiguous,
  backoff,
}: Pick<Policy<never>, 'onAmbiguous' | 'backoff'>): boolean {
  return onAmbiguous !== 'resend' || backoff.mayEndAtOnce
}

export class Policies<P> {
  readonly #ask: ((channel: string) => ChannelOptions<P> | undefined) | undefined
  readonly #backoffOf: (retry: Retry<P> | undefined) => Backoff<P>
  readonly #queueWide: Policy<P>
  /** One policy for all channels that answer with the same object. */
  readonly #known = new WeakMap<ChannelOptions<P>, Policy<P>>()

  constructor(options: DispatcherOptions<P>, report: (error: Error) => void) {
    this.#ask = options.channelOptions
    const random = options.random ?? Math.random
    this.#backoffOf = retry => backoffOf(retry, random, report)
    const backoff = this.#backoffOf(options.retry)
    const { onAmbiguous = 'resend' } = options
    this.#queueWide = {
      backoff,
      onAmbiguous,
      onDead: options.onDead ?? 'continue',
      sendTimeoutMs: options.sendTimeoutMs ?? 30_000,
      rates: options.rateLimit?.perChannel,
      rateKey: undefined,
      ordered: true,
      syncsMarks: syncsMarks({ onAmbiguous, backoff }),
    }
  }

  /** Throws what `channelOptions` throws. */
  of(channel: string): Policy<P> {
    const own = this.#ask?.(channel)
    if (own === undefined) return this.#queueWide
    const known = this.#known.get(own)
    if (known !== undefined) return known
    const { onDead, sendTimeoutMs, rates, ordered } = this.#queueWide
    const backoff = own.retry === undefined ? this.#queueWide.backoff : this.#backoffOf(own.retry)
    const onAmbiguous = own.onAmbiguous ?? this.#queueWide.onAmbiguous
    const policy: Policy<P> = {
      backoff,
      onAmbiguous,
      onDead: own.onDead ?? onDead,
      sendTimeoutMs: own.sendTimeoutMs ?? sendTimeoutMs,
      rates: own.rateLimit ?? rates,
      rateKey: own.rateKey,
      ordered: own.ordered ?? ordered,
      syncsMarks: syncsMarks({ onAmbiguous, backoff }),
    }
    this.#known.set(own, policy)
    return policy
  }
}
