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
    measure: 'sequential',
    figure: 'p50Us',
    to: 'floor',
    atMost: 1.1,
    says: 'enqueue p50 at most 1.10 × floor (a)',
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
    figure: 'p99Us',
    to: 'floor',
    atMost: 1.3,
    says: 'enqueue p99 at most 1.3 × floor (a)',
  },
  {
    measure: 'round-trip',
    figure: 'p50Us',
    to: 'better-sqlite3',
    atMost: 0.6,
    says: 'round trip p50 at most 0.6 × better-sqlite3',
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
    point: '64',
    figure: 'perSecond',
    to: 'lmdb',
    atLeast: 2,
    says: '64 callers: 2 × lmdb',
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
    measure: 'event-loop',
    figure: 'delayP99Us',
    to: 'better-sqlite3',
    atMost: 1 / 3,
    says: 'event-loop delay p99 at most a third of better-sqlite3’s',
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
