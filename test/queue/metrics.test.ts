import t from 'tap'
import { type QueueStats, SendError } from '../../lib/index.js'
import { renderPrometheus } from '../../lib/queue/metrics.js'
import { openQueue } from './fixtures/open-queue.js'

const stats: QueueStats = {
  pending: 3,
  sending: 2,
  dead: 1,
  lost: 7,
  channels: 4,
  halted: [{ scope: 'telegram:"bot"\\1\n*', reason: 'token', since: 1 }],
  haltedCount: 1,
  braked: [{ scope: 'discord:bot:*', reason: 'HTTP 502', since: 2 }],
  brakedCount: 3,
  paused: [
    { scope: 'slack:*', since: 2, durable: true },
    { scope: 'chat', since: 3, durable: false },
  ],
  pausedCount: 2,
  oldestPendingMs: 1_500,
  oldestUnpausedMs: 500,
  diskBytes: 4_096,
  liveBytes: 1_024,
  segments: 2,
  enqueued: 10,
  delivered: 6,
  deadLettered: 1,
  retried: 5,
  rateLimited: 7,
  syncs: 8,
  syncMs: { p50: 1, p99: 2.5, max: 4 },
  commits: { onTheSpot: 9, onThread: 3, heldMs: 1_250, now: 'quick', slowUntil: null },
  enqueueMs: { p50: 1, p99: 2, max: 3 },
  sendMs: { p50: 100, p99: 2_000, max: 30_000 },
  crc: 'native',
}

/** Samples by name and labels, and the type of each name. */
function parse(text: string) {
  const samples = new Map<string, number>()
  const types = new Map<string, string>()
  t.equal(text.at(-1), '\n', 'the last line ends')
  for (const line of text.split('\n').slice(0, -1)) {
    const type = /^# TYPE (\w+) (counter|gauge|summary)$/.exec(line)
    if (type !== null) types.set(type[1]!, type[2]!)
    else if (!/^# HELP \w+ .+\.$/.test(line)) {
      const sample = /^(\w+(?:\{.*\})?) (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line)
      if (sample === null) throw new Error(`not a line of the format: ${line}`)
      samples.set(sample[1]!, Number(sample[2]))
    }
  }
  return { samples, types }
}

t.test(
  'Prometheus counters end in _total, durations are in seconds, and no sample names a channel',
  async t => {
    const { samples, types } = parse(renderPrometheus(stats))
    for (const [name, type] of types) t.equal(type === 'counter', name.endsWith('_total'), name)
    t.match(Object.fromEntries(samples), {
      'waq_messages{state="pending"}': 3,
      'waq_messages{state="sending"}': 2,
      'waq_messages{state="dead"}': 1,
      waq_lost_messages: 7,
      waq_channels: 4,
      waq_halts: 1,
      waq_brakes: 3,
      waq_oldest_pending_seconds: 1.5,
      waq_disk_bytes: 4_096,
      waq_live_bytes: 1_024,
      waq_segments: 2,
      waq_enqueued_total: 10,
      waq_delivered_total: 6,
      waq_dead_lettered_total: 1,
      waq_retries_total: 5,
      waq_rate_limited_total: 7,
      waq_syncs_total: 8,
      'waq_commits_total{on="event-loop"}': 9,
      'waq_commits_total{on="thread"}': 3,
      waq_commits_held_seconds_total: 1.25,
      'waq_send_duration_seconds{quantile="0.5"}': 0.1,
      'waq_send_duration_seconds{quantile="0.99"}': 2,
      'waq_send_duration_seconds{quantile="1"}': 30,
      'waq_sync_duration_seconds{quantile="0.99"}': 0.0025,
    })
    t.notMatch(renderPrometheus(stats), /telegram|discord/)
  },
)

t.test('every figure of the stats is rendered for Prometheus', async t => {
  const text = renderPrometheus(stats, { haltedScopes: true })
  for (const name of Object.keys(stats)) {
    // Which are paused may name people; how many is told.
    if (name === 'crc' || name === 'paused') continue
    const changed = renderPrometheus(
      { ...stats, [name]: different(stats[name as keyof QueueStats]) },
      { haltedScopes: true },
    )
    t.not(changed, text, name)
  }
})

t.test('label values are escaped for Prometheus', async t => {
  const text = renderPrometheus(stats, { haltedScopes: true, labels: { queue: 'a"b\\c\nd' } })
  t.match(text, 'waq_halted{queue="a\\"b\\\\c\\nd",scope="telegram:\\"bot\\"\\\\1\\n*"} 1\n')
  parse(text)
})

t.test('a label or prefix that is invalid in Prometheus is refused', async t => {
  for (const labels of [
    { 'a-b': '' },
    { '1': '' },
    { __a: '' },
    { quantile: '' },
    { scope: '' },
    { '': '' },
  ]) {
    t.throws(() => renderPrometheus(stats, { labels }), { code: 'WAQ_INVALID_OPTION' })
  }
  for (const prefix of ['', 'a b', '1']) {
    t.throws(() => renderPrometheus(stats, { prefix }), { code: 'WAQ_INVALID_OPTION' })
  }
  t.match(renderPrometheus(stats, { prefix: 'outbox' }), 'outbox_delivered_total 6')
})

t.test('renderPrometheus renders the enqueued, delivered and dead messages of a queue', async t => {
  const queue = await openQueue(t, {
    send: ({ id }) => {
      if (id === 'bad') throw new SendError('no', { kind: 'permanent' })
    },
  })
  await queue.enqueue(['a', 'bad', 'b'].map(id => ({ id, channel: id, payload: null })))
  await queue.drain()
  t.match(Object.fromEntries(parse(renderPrometheus(queue)).samples), {
    waq_enqueued_total: 3,
    waq_delivered_total: 2,
    waq_dead_lettered_total: 1,
    waq_oldest_pending_seconds: 0,
    'waq_messages{state="pending"}': 0,
    'waq_messages{state="dead"}': 1,
  })
})

function different(value: unknown): unknown {
  if (typeof value === 'number') return value + 1
  if (Array.isArray(value)) return []
  return Object.fromEntries(Object.entries(value as object).map(([name, figure]) => [name, figure + 1]))
}
