import type { OnAmbiguous, Rate, Retry } from '../types.js'
import { type Backoff, backoffOf } from './backoff.js'

/** All options of one channel: its own, and the queue's for the rest. */
export interface CompleteChannelOptions<P> {
  readonly retry: Retry<P>
  readonly onAmbiguous: OnAmbiguous<P>
  readonly onDead: 'continue' | 'halt'
  readonly sendTimeoutMs: number
  readonly rateLimit: readonly Rate[]
  readonly rateKey: string | undefined
  readonly ordered: boolean
  /** Attempts under way at once; 1 if it is ordered. */
  readonly concurrency: number
  /** The priority of messages without one of their own, -8 to 7. */
  readonly priority: number
}

/** The options of one channel, ready to use. */
export interface Policy<P> extends Omit<CompleteChannelOptions<P>, 'retry'> {
  readonly backoff: Backoff<P>
  /** The result of `syncsMarks`. */
  readonly syncsMarks: boolean
}

/**
 * Whether each attempt must be on the device before it is made: if a message must not be sent twice, or if
 * one attempt hidden by a power loss, and charged later, could leave none.
 */
export function syncsMarks({
  onAmbiguous,
  backoff,
}: Pick<Policy<never>, 'onAmbiguous' | 'backoff'>): boolean {
  return onAmbiguous !== 'resend' || backoff.mayEndAtOnce
}

/** `random`: from 0 to below 1, for jitter. `report` gets the errors of a retry function. */
export function policyOf<P>(
  { retry, ...options }: CompleteChannelOptions<P>,
  random: () => number,
  report: (error: Error) => void,
): Policy<P> {
  const backoff = backoffOf(retry, random, report)
  const { onAmbiguous } = options
  return { ...options, backoff, syncsMarks: syncsMarks({ onAmbiguous, backoff }) }
}
