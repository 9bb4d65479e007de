/** `waq/metrics`: a queue's figures in the Prometheus text format. */
import { WaqError } from '../log/errors/waq-error.js'
import type { Percentiles, QueueStats } from './types.js'
import { quote } from './validation/quote.js'

export interface PrometheusOptions {
  /** The start of every name. Default `'waq'`. */
  prefix?: string | undefined
  /** Labels of every sample: which queue this is, if a process has several. Default: none. */
  labels?: Readonly<Record<string, string>> | undefined
  /**
   * Adds `halted{scope="…"}` for the first 100 halts, and `braked{scope="…"}` for the first 100 receivers
   * that are down. A scope can be a channel, and channels can be many and name people. Default false.
   */
  haltedScopes?: boolean | undefined
}

interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

interface Metric {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'summary'
  readonly help: string
  readonly samples: (stats: QueueStats) => readonly Sample[]
}

const one = (value: number): readonly Sample[] => [{ value }]
const seconds = (ms: number) => ms / 1000

/** Of the most recent values only, so without a summary's optional sum and count of all values. */
function quantiles({ p50, p99, max }: Percentiles): readonly Sample[] {
  return [['0.5', p50] as const, ['0.99', p99] as const, ['1', max] as const].map(([quantile, ms]) => ({
    labels: { quantile },
    value: seconds(ms),
  }))
}

/** Names follow https://prometheus.io/docs/practices/naming/: base units, `_total` for counters. */
const METRICS: readonly Metric[] = [
  {
    name: 'messages',
    type: 'gauge',
    help: 'Messages in the queue, by state.',
    samples: ({ pending, sending, dead }) =>
      Object.entries({ pending, sending, dead }).map(([state, value]) => ({ labels: { state }, value })),
  },
  {
    name: 'lost_messages',
    type: 'gauge',
    help: 'Unsettled messages that were found to be lost when the queue was opened.',
    samples: ({ lost }) => one(lost),
  },
  {
    name: 'channels',
    type: 'gauge',
    help: 'Channels with a message that waits or is being sent.',
    samples: ({ channels }) => one(channels),
  },
  {
    name: 'halts',
    type: 'gauge',
    help:
      'Halted scopes (a channel, a group, or everything): nothing is sent until a probe succeeds or ' +
      'a resume.',
    samples: ({ haltedCount }) => one(haltedCount),
  },
  {
    name: 'brakes',
    type: 'gauge',
    help: 'Scopes whose receiver is down, so that their messages wait.',
    samples: ({ brakedCount }) => one(brakedCount),
  },
  {
    name: 'pauses',
    type: 'gauge',
    help: 'Paused scopes: a channel, a prefix, or everything.',
    samples: ({ pausedCount }) => one(pausedCount),
  },
  {
    name: 'oldest_pending_seconds',
    type: 'gauge',
    help: 'Age of the oldest due message; 0 if none is due.',
    samples: ({ oldestPendingMs }) => one(seconds(oldestPendingMs ?? 0)),
  },
  {
    name: 'oldest_unpaused_seconds',
    type: 'gauge',
    help: 'Age of the oldest due message of a channel that is not paused; 0 if none is due.',
    samples: ({ oldestUnpausedMs }) => one(seconds(oldestUnpausedMs ?? 0)),
  },
  {
    name: 'disk_bytes',
    type: 'gauge',
    help: 'Size of the files of the queue.',
    samples: ({ diskBytes }) => one(diskBytes),
  },
  {
    name: 'live_bytes',
    type: 'gauge',
    help: 'Size of the records of live messages in these files.',
    samples: ({ liveBytes }) => one(liveBytes),
  },
  {
    name: 'segments',
    type: 'gauge',
    help: 'Segment files of both logs.',
    samples: ({ segments }) => one(segments),
  },
  {
    name: 'enqueued_total',
    type: 'counter',
    help: 'Messages accepted since the queue was opened, duplicates not counted.',
    samples: ({ enqueued }) => one(enqueued),
  },
  {
    name: 'delivered_total',
    type: 'counter',
    help: 'Messages delivered since the queue was opened.',
    samples: ({ delivered }) => one(delivered),
  },
  {
    name: 'dead_lettered_total',
    type: 'counter',
    help: 'Messages that became dead letters since the queue was opened.',
    samples: ({ deadLettered }) => one(deadLettered),
  },
  {
    name: 'retries_total',
    type: 'counter',
    help: 'Failed attempts after which the message is tried again, since the queue was opened.',
    samples: ({ retried }) => one(retried),
  },
  {
    name: 'rate_limited_total',
    type: 'counter',
    help: 'Attempts that the receiver answered with a rate limit, since the queue was opened.',
    samples: ({ rateLimited }) => one(rateLimited),
  },
  {
    name: 'syncs_total',
    type: 'counter',
    help: 'Syncs of the logs to the device, since the queue was opened.',
    samples: ({ syncs }) => one(syncs),
  },
  {
    name: 'commits_total',
    type: 'counter',
    help: 'Syncs that a caller waited for, since the queue was opened: on the event loop, or on a thread.',
    samples: ({ commits: { onTheSpot, onThread } }) => [
      { labels: { on: 'event-loop' }, value: onTheSpot },
      { labels: { on: 'thread' }, value: onThread },
    ],
  },
  {
    name: 'commits_held_seconds_total',
    type: 'counter',
    help: 'Time for which commits blocked the event loop, since the queue was opened.',
    samples: ({ commits }) => one(commits.heldMs / 1_000),
  },
  {
    name: 'enqueue_duration_seconds',
    type: 'summary',
    help: 'Time from enqueue to durable, of recent messages.',
    samples: ({ enqueueMs }) => quantiles(enqueueMs),
  },
  {
    name: 'send_duration_seconds',
    type: 'summary',
    help: 'Duration of recent successful sends.',
    samples: ({ sendMs }) => quantiles(sendMs),
  },
  {
    name: 'sync_duration_seconds',
    type: 'summary',
    help: 'Duration of recent syncs.',
    samples: ({ syncMs }) => quantiles(syncMs),
  },
]

const HALTED: Metric = {
  name: 'halted',
  type: 'gauge',
  help: 'The halted scopes, at most 100.',
  samples: ({ halted }) => halted.map(({ scope }) => ({ labels: { scope }, value: 1 })),
}

const BRAKED: Metric = {
  name: 'braked',
  type: 'gauge',
  help: 'The scopes whose receiver is down, at most 100.',
  samples: ({ braked }) => braked.map(({ scope }) => ({ labels: { scope }, value: 1 })),
}

/** The samples' own labels, which a caller's must not hide. */
const TAKEN = ['on', 'quantile', 'scope', 'state']

/**
 * Renders the figures of a queue in the Prometheus text format (0.0.4): serve them as `text/plain;
 * version=0.0.4`. Calls `stats()`, which visits every message: render once per scrape, not more often.
 *
 * @param source a queue, or what its `stats()` returned
 * @throws WaqError WAQ_INVALID_OPTION for a prefix or a label that Prometheus does not accept
 */
export function renderPrometheus(
  source: QueueStats | { stats(): QueueStats },
  { prefix = 'waq', labels = {}, haltedScopes = false }: PrometheusOptions = {},
): string {
  checkName('prefix', prefix, /^[a-zA-Z_:][a-zA-Z0-9_:]*$/)
  for (const name of Object.keys(labels)) checkName('labels', name, /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/)
  const stats = 'stats' in source ? source.stats() : source
  const metrics = haltedScopes ? [...METRICS, HALTED, BRAKED] : METRICS
  return metrics.map(metric => render(metric, `${prefix}_${metric.name}`, stats, labels)).join('')
}

function render(
  { type, help, samples }: Metric,
  name: string,
  stats: QueueStats,
  labels: Readonly<Record<string, string>>,
): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`]
  for (const sample of samples(stats)) {
    const pairs = Object.entries({ ...labels, ...sample.labels }).map(
      ([label, value]) => `${label}="${escapeLabel(String(value))}"`,
    )
    lines.push(`${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${sample.value}`)
  }
  return `${lines.join('\n')}\n`
}

function checkName(option: string, name: string, allowed: RegExp): void {
  if (allowed.test(name) && !TAKEN.includes(name)) return
  throw new WaqError(
    'WAQ_INVALID_OPTION',
    `renderPrometheus: ${option} has ${quote(name)}, which cannot be used: letters, digits and _ only, ` +
      `no digit and no __ first, and none of ${TAKEN.join(', ')}.`,
  )
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
