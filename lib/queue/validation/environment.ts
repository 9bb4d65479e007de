import type { Clock } from '../../delivery/types.js'
import type { Environment } from '../../log/types.js'

/** The key among the options of `open` for the replacements of clock, chance and disk in tests. */
export const ENVIRONMENT: unique symbol = Symbol('environment')

export interface QueueEnvironment {
  /** For everything that waits or reads the time. */
  readonly clock?: Clock
  /** From 0 to below 1, for jitter. */
  readonly random?: () => number
  readonly store?: Partial<Environment>
}

export function environmentOf(options: object | undefined): QueueEnvironment {
  return (options as { [ENVIRONMENT]?: QueueEnvironment } | undefined)?.[ENVIRONMENT] ?? {}
}
