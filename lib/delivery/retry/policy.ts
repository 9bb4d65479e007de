import type { OnAmbiguous, Rate, Retry } from '../types.js'
import { type Backoff, backoffOf } from './backoff.js'

/** The options of one channel, complete: its own, and the queue's for the rest. */
export interface CompleteChannelOptions<P> {
  readonly retry: Retry<P>
  readonly onAmbiguous: OnAmbiguous<P>
  readonly onDead: 'continue' | 'halt'
  readonly sendTimeoutMs: number
  readonly rateLimit: readonly Rate[]
  readonly rateKey: string | undefined
  readonly ordered: boolean
}

/** What holds for one channel. */
export interface Policy<P> extends Omit<CompleteChannelOptions<P>, 'retry'> {
  readonly backoff: Backoff<P>
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

/** `random`: from 0 to below 1, for jitter. `report` hears what goes wrong in a retry function. */
export function policyOf<P>(
  { retry, ...options }: CompleteChannelOptions<P>,
  random: () => number,
  report: (error: Error) => void,
): Policy<P> {
  const backoff = backoffOf(retry, random, report)
  const { onAmbiguous } = options
  return { ...options, backoff, syncsMarks: syncsMarks({ onAmbiguous, backoff }) }
}
