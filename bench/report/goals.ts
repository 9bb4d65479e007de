import type { Recording } from '../method/recording.js'
import { Figures } from './figures.js'

/** What the design rules of a run, and what the run shows. */
export interface Goal {
  readonly measure: string
  readonly goal: string
  readonly shown: string
  /** Undefined: a candidate that it needs took no part. */
  readonly reached: boolean | undefined
}

interface GoalRule {
  readonly measure: string
  readonly point?: string
  readonly figure: string
  /** Against whom; undefined: the figure itself. */
  readonly to?: string
  readonly candidate?: string
  readonly atMost?: number
  readonly atLeast?: number
  readonly says: string
}

const RULES: readonly GoalRule[] = [
  {
    measure: 'pace',
    point: '20',
    figure: 'p50Us',
    to: 'better-sqlite3',
    atMost: 1.25,
    says: 'enqueue p50 at most 1.25 × better-sqlite3',
  },
  {
    measure: 'pace',
    point: '20',
    figure: 'p99Us',
    to: 'better-sqlite3',
    atMost: 2,
    says: 'enqueue p99 at most 2 × better-sqlite3',
  },
  {
    measure: 'pace',
    point: '20',
    figure: 'tripP50Us',
    to: 'better-sqlite3',
    atMost: 1.2,
    says: 'enqueued, sent, recorded p50 at most 1.2 × better-sqlite3',
  },
  {
    measure: 'pace',
    point: '20',
    figure: 'cpuUs',
    to: 'better-sqlite3',
    atMost: 2,
    says: 'CPU a message at most 2 × better-sqlite3',
  },
  {
    measure: 'sequential',
    figure: 'p50Us',
    to: 'better-sqlite3',
    atMost: 1,
    says: 'enqueue p50 at most that of better-sqlite3',
  },
  {
    measure: 'sequential',
    figure: 'p50Us',
    to: 'floor-spot',
    atMost: 1.25,
    says: 'enqueue p50 at most 1.25 × floor (c)',
  },
  {
    measure: 'sequential',
    figure: 'p99Us',
    to: 'better-sqlite3',
    atMost: 1.3,
    says: 'enqueue p99 at most 1.3 × better-sqlite3',
  },
  {
    measure: 'round-trip',
    figure: 'p50Us',
    to: 'better-sqlite3',
    atMost: 0.7,
    says: 'round trip p50 at most 0.7 × better-sqlite3',
  },
  {
    measure: 'round-trip',
    figure: 'p99Us',
    to: 'better-sqlite3',
    atMost: 1.3,
    says: 'round trip p99 at most 1.3 × better-sqlite3',
  },
  {
    measure: 'concurrency',
    point: '8',
    figure: 'perSecond',
    to: 'better-sqlite3-batched',
    atLeast: 1,
    says: '8 callers: more a second than better-sqlite3-batched',
  },
  {
    measure: 'concurrency',
    point: '8',
    figure: 'p50Us',
    to: 'better-sqlite3-batched',
    atMost: 1,
    says: '8 callers: p50 below better-sqlite3-batched',
  },
  {
    measure: 'concurrency',
    point: '8',
    figure: 'p99Us',
    to: 'better-sqlite3-batched',
    atMost: 1,
    says: '8 callers: p99 below better-sqlite3-batched',
  },
  {
    measure: 'concurrency',
    point: '8',
    figure: 'cpuUs',
    to: 'better-sqlite3-batched',
    atMost: 1,
    says: '8 callers: CPU a message below better-sqlite3-batched',
  },
  {
    measure: 'concurrency',
    point: '8',
    figure: 'perSecond',
    to: 'lmdb',
    atLeast: 1,
    says: '8 callers: more a second than lmdb',
  },
  {
    measure: 'concurrency',
    point: '8',
    figure: 'p50Us',
    to: 'lmdb',
    atMost: 1,
    says: '8 callers: p50 below lmdb',
  },
  {
    measure: 'concurrency',
    point: '8',
    figure: 'p99Us',
    to: 'lmdb',
    atMost: 1,
    says: '8 callers: p99 below lmdb',
  },
  {
    measure: 'concurrency',
    point: '8',
    figure: 'cpuUs',
    to: 'lmdb',
    atMost: 1,
    says: '8 callers: CPU a message below lmdb',
  },
  {
    measure: 'concurrency',
    point: '64',
    figure: 'perSecond',
    to: 'better-sqlite3-batched',
    atLeast: 1,
    says: '64 callers: more a second than better-sqlite3-batched',
  },
  {
    measure: 'concurrency',
    point: '64',
    figure: 'p50Us',
    to: 'better-sqlite3-batched',
    atMost: 1,
    says: '64 callers: p50 below better-sqlite3-batched',
  },
  {
    measure: 'concurrency',
    point: '64',
    figure: 'p99Us',
    to: 'better-sqlite3-batched',
    atMost: 1,
    says: '64 callers: p99 below better-sqlite3-batched',
  },
  {
    measure: 'concurrency',
    point: '64',
    figure: 'cpuUs',
    to: 'better-sqlite3-batched',
    atMost: 1,
    says: '64 callers: CPU a message below better-sqlite3-batched',
  },
  {
    measure: 'concurrency',
    point: '64',
    figure: 'perSecond',
    to: 'lmdb',
    atLeast: 1,
    says: '64 callers: more a second than lmdb',
  },
  {
    measure: 'concurrency',
    point: '64',
    figure: 'p50Us',
    to: 'lmdb',
    atMost: 1,
    says: '64 callers: p50 below lmdb',
  },
  {
    measure: 'concurrency',
    point: '64',
    figure: 'p99Us',
    to: 'lmdb',
    atMost: 1,
    says: '64 callers: p99 below lmdb',
  },
  {
    measure: 'concurrency',
    point: '64',
    figure: 'cpuUs',
    to: 'lmdb',
    atMost: 1,
    says: '64 callers: CPU a message below lmdb',
  },
  {
    measure: 'concurrency',
    point: '512',
    figure: 'perSecond',
    to: 'better-sqlite3-batched',
    atLeast: 1,
    says: '512 callers: more a second than better-sqlite3-batched',
  },
  {
    measure: 'concurrency',
    point: '512',
    figure: 'cpuUs',
    to: 'better-sqlite3-batched',
    atMost: 1,
    says: '512 callers: CPU a message below better-sqlite3-batched',
  },
  {
    measure: 'concurrency',
    point: '512',
    figure: 'perSecond',
    to: 'lmdb',
    atLeast: 1,
    says: '512 callers: more a second than lmdb',
  },
  {
    measure: 'concurrency',
    point: '512',
    figure: 'cpuUs',
    to: 'lmdb',
    atMost: 1,
    says: '512 callers: CPU a message below lmdb',
  },
  {
    measure: 'concurrency',
    point: '1024',
    figure: 'perSecond',
    to: 'better-sqlite3-batched',
    atLeast: 1,
    says: '1,024 callers: more a second than better-sqlite3-batched',
  },
  {
    measure: 'concurrency',
    point: '1024',
    figure: 'cpuUs',
    to: 'better-sqlite3-batched',
    atMost: 1,
    says: '1,024 callers: CPU a message below better-sqlite3-batched',
  },
  {
    measure: 'concurrency',
    point: '1024',
    figure: 'perSecond',
    to: 'lmdb',
    atLeast: 1,
    says: '1,024 callers: more a second than lmdb',
  },
  {
    measure: 'concurrency',
    point: '1024',
    figure: 'cpuUs',
    to: 'lmdb',
    atMost: 1,
    says: '1,024 callers: CPU a message below lmdb',
  },
  {
    measure: 'concurrency',
    point: '4096',
    figure: 'perSecond',
    to: 'better-sqlite3-batched',
    atLeast: 1,
    says: '4,096 callers: more a second than better-sqlite3-batched',
  },
  {
    measure: 'concurrency',
    point: '4096',
    figure: 'cpuUs',
    to: 'better-sqlite3-batched',
    atMost: 1,
    says: '4,096 callers: CPU a message below better-sqlite3-batched',
  },
  {
    measure: 'concurrency',
    point: '4096',
    figure: 'perSecond',
    to: 'lmdb',
    atLeast: 1,
    says: '4,096 callers: more a second than lmdb',
  },
  {
    measure: 'concurrency',
    point: '4096',
    figure: 'cpuUs',
    to: 'lmdb',
    atMost: 1,
    says: '4,096 callers: CPU a message below lmdb',
  },
  {
    measure: 'event-loop',
    figure: 'delayP99Us',
    to: 'better-sqlite3-batched',
    atMost: 1 / 3,
    says: 'event-loop delay p99 at most a third of batched better-sqlite3’s',
  },
  {
    measure: 'round-trip',
    figure: 'p50Us',
    to: 'files-fsync',
    atMost: 0.25,
    says: 'round trip p50 at most 0.25 × one file a message with fsync',
  },
  {
    measure: 'round-trip',
    figure: 'p50Us',
    to: 'files',
    atMost: 1,
    says: 'round trip p50 below one file a message without fsync',
  },
  {
    measure: 'concurrency',
    point: '64',
    figure: 'perSecond',
    to: 'better-sqlite3',
    atLeast: 10,
    says: '64 callers: 10 × better-sqlite3',
  },
  {
    measure: 'concurrency',
    point: '1024',
    figure: 'perSecond',
    to: 'better-sqlite3',
    atLeast: 25,
    says: '1,024 callers: 25 × better-sqlite3',
  },
  {
    measure: 'concurrency',
    point: '1024',
    figure: 'perSecond',
    atLeast: 150_000,
    says: '1,024 callers: 150,000 messages a second',
  },
  {
    measure: 'concurrency',
    point: '4096',
    figure: 'perSecond',
    atLeast: 150_000,
    says: '4,096 callers: 150,000 messages a second',
  },
  {
    measure: 'durability',
    point: '1',
    candidate: 'waq-10ms',
    figure: 'p50Us',
    atMost: 25,
    says: 'durability every 10 ms: enqueue p50 at most 25 µs',
  },
]

const FORMAT = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 })

export function goalsOf(recording: Recording): Goal[] {
  return [...RULES.flatMap(rule => judge(recording, rule) ?? []), ...cpuGoal(recording)]
}

function judge(recording: Recording, rule: GoalRule): Goal | undefined {
  const { measure, point = '', figure, to, candidate = 'waq', atMost, atLeast, says } = rule
  const recorded = recording.measures.find(({ name }) => name === measure)
  if (recorded === undefined) return undefined
  const figures = new Figures(recorded)
  const value =
    to === undefined ? figures.median(candidate, point, figure) : figures.ratio(candidate, to, point, figure)
  const reached =
    value === undefined ? undefined : atMost !== undefined ? value <= atMost : value >= (atLeast ?? 0)
  const unit = to !== undefined ? ' ×' : figure.endsWith('Us') ? ' µs' : ' a second'
  return { measure, goal: says, shown: value === undefined ? '–' : `${FORMAT.format(value)}${unit}`, reached }
}

/** CPU a message at 64 callers: below every peer. */
function cpuGoal(recording: Recording): Goal[] {
  const recorded = recording.measures.find(({ name }) => name === 'concurrency')
  if (recorded === undefined) return []
  const figures = new Figures(recorded)
  const ours = figures.median('waq', '64', 'cpuUs')
  if (ours === undefined) return []
  const others = recording.candidates
    .filter(({ kind, skipped }) => kind === 'peer' && skipped === undefined)
    .flatMap(({ name }) => {
      const cpuUs = figures.median(name, '64', 'cpuUs')
      return cpuUs === undefined ? [] : [{ name, cpuUs }]
    })
    .sort((a, b) => a.cpuUs - b.cpuUs)
  const least = others[0]
  if (least === undefined) return []
  return [
    {
      measure: 'concurrency',
      goal: '64 callers: CPU a message below every peer',
      shown: `${FORMAT.format(ours)} µs; least of the peers: ${least.name}, ${FORMAT.format(least.cpuUs)} µs`,
      reached: ours < least.cpuUs,
    },
  ]
}
