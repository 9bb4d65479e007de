import type { DispatcherOptions } from '../delivery/dispatcher-options.js'
import { backoffOf } from '../delivery/retry/backoff.js'
import { syncsMarks } from '../delivery/retry/policy.js'
import { systemClock } from '../delivery/time/clock.js'
import type { LogStoreOptions } from '../store/types.js'
import type { QueueEnvironment } from './validation/environment.js'
import type { ResolvedOptions } from './validation/options.js'

/** What of the options each floor below is given. */

export function storeOptions<P, R>(
  options: ResolvedOptions<P, R>,
  { clock, store }: QueueEnvironment,
): LogStoreOptions {
  const { durability, dedupe, onCorruption, lock, onAmbiguous, retry, advanced } = options
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
    onCorruption,
    lock,
    allowNetworkFileSystem,
    commits,
    environment: { ...(clock !== undefined && { now: () => clock.wall() }), ...store },
    clocks: clock,
  }
}

export function dispatcherOptions<P, R>(
  options: ResolvedOptions<P, R>,
  { clock = systemClock }: QueueEnvironment,
  rest: Pick<DispatcherOptions<P>, 'channels' | 'view' | 'time'>,
): DispatcherOptions<P> {
  const { concurrency, groups, rateLimit, abortGraceMs, maxRetryAfterMs, deadLetters } = options
  const { classify, classifyResult, parse } = options
  return {
    concurrency,
    groups,
    rates: rateLimit.global,
    abortGraceMs,
    maxRetryAfterMs,
    deadLetters,
    classify,
    classifyResult,
    parse,
    clock,
    ...rest,
  }
}
