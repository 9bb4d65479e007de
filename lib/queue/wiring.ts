import { backoffOf } from '../delivery/retry/backoff.js'
import { syncsMarks } from '../delivery/retry/policies.js'
import type { DispatcherOptions, MessageView } from '../delivery/types.js'
import type { MessageRef, StoredMessage } from '../store/message-store.js'
import type { QueueTime } from '../store/queue-time.js'
import type { LogStoreOptions } from '../store/types.js'
import type { QueueEnvironment } from './validation/environment.js'
import type { ChannelOptionsCache, ResolvedOptions } from './validation/options.js'

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
  channels: ChannelOptionsCache<P>,
  view: (ref: MessageRef, stored: StoredMessage) => MessageView<P>,
  time: QueueTime,
  { clock, random }: QueueEnvironment,
): DispatcherOptions<P> {
  return {
    concurrency: options.concurrency,
    groups: options.groups,
    rateLimit: options.rateLimit,
    sendTimeoutMs: options.sendTimeoutMs,
    abortGraceMs: options.abortGraceMs,
    retry: options.retry,
    maxRetryAfterMs: options.maxRetryAfterMs,
    classify: options.classify,
    classifyResult: options.classifyResult,
    onAmbiguous: options.onAmbiguous,
    onDead: options.onDead,
    channelOptions: options.channelOptions === undefined ? undefined : channel => channels.get(channel),
    parse: options.parse,
    deadLetters: options.deadLetters,
    view,
    clock,
    time,
    random,
  }
}
