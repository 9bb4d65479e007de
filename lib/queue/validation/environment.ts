import type { Clock } from '../../delivery/types.js'
import type { Environment } from '../../log/types.js'

/**
 * The key under which `open` is told, among its options, what to take in the place of the real world: for
 * tests.
 */
export const ENVIRONMENT: unique symbol = Symbol('environment')

export interface QueueEnvironment {
  /** Of everything that waits or tells the time. */
  readonly clock?: Clock
  /** From 0 to below 1, for jitter. */
  readonly random?: () => number
  readonly store?: Partial<Environment>
}

export function environmentOf(options: object | undefined): QueueEnvironment {
  return (options as { [ENVIRONMENT]?: QueueEnvironment } | undefined)?.[ENVIRONMENT] ?? {}
}
