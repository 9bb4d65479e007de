import type { Clock } from '../../delivery/types.js'
import type { Environment } from '../../log/types.js'

// A symbol of the process: `waq/testing` is built apart from the queue that it opens.
/** The key among the options of `open` for the replacements of clock, chance and disk in tests. */
export const ENVIRONMENT: unique symbol = Symbol.for('waq.environment')

export interface QueueEnvironment {
  /** For everything that waits or reads the time. */
  readonly clock?: Clock
  /** From 0 to below 1, for jitter. */
  readonly random?: () => number
  /** False: nothing keeps the process alive, whatever the options say. Default true. */
  readonly keepsAlive?: boolean
  readonly store?: Partial<Environment>
}

export function environmentOf(options: object | undefined): QueueEnvironment {
  return (options as { [ENVIRONMENT]?: QueueEnvironment } | undefined)?.[ENVIRONMENT] ?? {}
}
