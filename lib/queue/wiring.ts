import type { DispatcherOptions } from '../delivery/dispatcher-options.js'
import { backoffOf } from '../delivery/retry/backoff.js'
import { syncsMarks } from '../delivery/retry/policy.js'
import { systemClock } from '../delivery/time/clock.js'
import type { LogStoreOptions } from '../store/types.js'
import type { QueueEnvironment } from './validation/environment.js'
import type { ResolvedOptions } from './validation/options.js'
import type { PayloadSchema } from './validation/schema.js'

/** Selects the options for each floor below. */

export function storeOptions<P, R>(
  options: ResolvedOptions<P, R>,
  { clock, keepsAlive, store }: QueueEnvironment,
): LogStoreOptions {
  const { durability, dedupe, keepResults, onCorruption, lock, onAmbiguous, retry, advanced } = options
  const { segmentBytes, cacheBytes, ackSyncMs, liveRatio, autoCompact, allowNetworkFileSystem, commits } =
    advanced
  return {
    durability,
    segmentBytes,
    cacheBytes,
    ackSyncMs,
    liveRatio,
    autoCompact,
    syncsMarks: syncsMarks({ onAmbiguous, backoff: backoffOf(retry, Math.random, () => {}) }),
    dedupe,
    results: keepResults,
    onCorruption,
    lock,
    allowNetworkFileSystem,
    commits,
    environment: { ...(clock !== undefined && { now: () => clock.wall(), timers: clock }), ...store },
    keepsAlive,
    clocks: clock,
  }
}

/** Makes the payload for `send` from the stored one: the schema, or `parse`. */
export function payloadReader<P>(
  schema: PayloadSchema | undefined,
  parse: ((payload: unknown) => P) | undefined,
): DispatcherOptions<P>['parse'] {
  if (schema !== undefined) return { name: 'schema', read: schema.output as (payload: unknown) => P }
  return parse && { name: 'parse', read: parse }
}

export function dispatcherOptions<P, R>(
  options: ResolvedOptions<P, R>,
  { clock = systemClock }: QueueEnvironment,
  rest: Pick<DispatcherOptions<P>, 'channels' | 'view' | 'time' | 'parse' | 'settlementOf'>,
): DispatcherOptions<P> {
  const { concurrency, groups, rateLimit, abortGraceMs, maxRetryAfterMs, deadLetters } = options
  const { classify, classifyResult, keepResults } = options
  return {
    concurrency,
    groups,
    rates: rateLimit.global,
    abortGraceMs,
    maxRetryAfterMs,
    deadLetters,
    classify,
    classifyResult,
    keepResults,
    clock,
    ...rest,
  }
}
