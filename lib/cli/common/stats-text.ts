import type { ReaderStats } from '../../queue/queue-reader.js'
import type { CommitStats, Owner, Pause, Percentiles } from '../../queue/types.js'
import { type Fact, formatFacts } from '../terminal/facts.js'
import { escapeControls, formatCount, type Paint } from '../terminal/terminal.js'
import { formatBytes, formatDuration, formatNumberOf, formatRelative } from './units.js'

export interface StatsLook {
  readonly width: number
  readonly nowMs: number
  readonly paint: Paint
}

const LISTED_HALTS = 10
const LISTED_PAUSES = 5

export function formatStats(
  directory: string,
  stats: ReaderStats,
  { width, nowMs, paint }: StatsLook,
): string {
  const { pending, sending, inDoubt, dead, oldestPendingMs, haltedCount, live, lastRecovery } = stats
  const oldest = oldestPendingMs === null ? '' : `, the oldest for ${formatDuration(oldestPendingMs)}`
  const facts: Fact[] = [
    ['owner', ownerText(stats.owner, nowMs)],
    ['pending', `${formatCount(pending)}${oldest}`],
    ['sending', formatCount(sending)],
    ...(inDoubt === 0
      ? []
      : [['in doubt', `${formatCount(inDoubt)} of the pending: they may have been sent`] as const]),
    ['dead', dead === 0 ? '0' : `${formatCount(dead)}  (waq dead ls ${escapeControls(directory)})`],
    ...(stats.lost === 0
      ? []
      : [['lost', `${formatCount(stats.lost)}  (waq verify ${escapeControls(directory)})`] as const]),
    ['channels', formatCount(stats.channels)],
    ['halted', formatCount(haltedCount)],
    ...stats.halted.slice(0, LISTED_HALTS).map(halt => ['', haltText(halt, nowMs)] as const),
    ...(stats.brakedCount === 0 ? [] : [['braked', formatCount(stats.brakedCount)] as const]),
    ...stats.braked.slice(0, LISTED_HALTS).map(brake => ['', haltText(brake, nowMs)] as const),
    ...(stats.pausedCount === 0 ? [] : [['paused', formatCount(stats.pausedCount)] as const]),
    ...stats.paused.slice(0, LISTED_HALTS).map(pause => ['', pauseText(pause, nowMs)] as const),
    ['disk', diskText(stats)],
    ...(live === null
      ? []
      : ([
          [
            'since open',
            `${formatCount(live.enqueued)} enqueued, ${formatCount(live.delivered)} delivered, ` +
              `${formatCount(live.retried)} retried, ${formatCount(live.rateLimited)} rate-limited`,
          ],
          ['sync', percentilesText(live.syncMs)],
          ['commits', commitsText(live.commits)],
          ['send', percentilesText(live.sendMs)],
        ] as const)),
    [
      'checksums',
      stats.crc === 'native'
        ? 'native'
        : 'in JavaScript: little has been checked yet, or the native addon is not installed',
    ],
    ['last start', lastRecovery === null ? 'not known' : recoveryText(lastRecovery, nowMs)],
  ]
  return `${paint('bold', escapeControls(directory))}\n${formatFacts(facts, width)}`
}

export function ownerText(owner: Owner | null, nowMs: number): string {
  if (owner === null) return 'none: it was closed'
  const { pid, host, since, alive } = owner
  if (pid === 0) return 'unknown: its owner file cannot be read'
  const who = `process ${pid} on ${escapeControls(host)}, since ${formatRelative(since, nowMs)}`
  if (alive === true) return `${who}: running`
  return alive === false ? `${who}: ended without closing` : `${who}: it cannot be checked from here`
}

function haltText({ scope, reason, since }: ReaderStats['halted'][number], nowMs: number): string {
  const why = reason === undefined ? '' : `: ${escapeControls(reason)}`
  return `${escapeControls(scope)}, ${formatRelative(since, nowMs)}${why}`
}

function pauseText({ scope, since, durable }: Pause, nowMs: number): string {
  const ends = durable ? 'until waq resume' : 'until a resume or a restart'
  return `${scopeText(scope)}, ${formatRelative(since, nowMs)}, ${ends}`
}

function scopeText(scope: string): string {
  return scope === '*' ? 'everything' : escapeControls(scope)
}

/** The paused scopes: a few by name. */
export function pausedText({ paused, pausedCount }: Pick<ReaderStats, 'paused' | 'pausedCount'>): string {
  const named = paused.slice(0, LISTED_PAUSES).map(({ scope }) => scopeText(scope))
  const others = pausedCount - named.length
  const more = others > 0 ? `, and ${formatCount(others)} more` : ''
  return `${formatCount(pausedCount)}: ${named.join(', ')}${more}`
}

function diskText({ diskBytes, liveBytes, segments }: ReaderStats): string {
  const files = formatNumberOf(segments, 'segment')
  return `${formatBytes(diskBytes)} in ${files}, ${formatBytes(liveBytes)} of it live messages`
}

function commitsText({ onTheSpot, onThread, heldMs, now }: CommitStats): string {
  if (onTheSpot + onThread === 0) return 'none yet'
  const text =
    `${formatCount(onTheSpot)} on the event loop (held for ${formatDuration(heldMs)}), ` +
    `${formatCount(onThread)} on threads`
  return now === 'slow' ? `${text}; the device is slow` : text
}

export function percentilesText({ p50, p99, max }: Percentiles): string {
  if (max === 0) return 'none yet'
  return `${formatDuration(p50)} (p99 ${formatDuration(p99)}, longest ${formatDuration(max)})`
}

function recoveryText(recovery: NonNullable<ReaderStats['lastRecovery']>, nowMs: number): string {
  const { at, durationMs, lockWaitMs, pending, inDoubt, tornBytes, corrupt, lost } = recovery
  const found = [`${formatCount(pending + inDoubt)} pending`]
  if (inDoubt > 0) found.push(`${formatCount(inDoubt)} of them in doubt`)
  if (tornBytes > 0) found.push(`${formatBytes(tornBytes)} torn`)
  if (corrupt.length > 0) found.push(formatNumberOf(corrupt.length, 'damaged place'))
  const waited = lockWaitMs > 0 ? `, after waiting ${formatDuration(lockWaitMs)} for the lock` : ''
  if (lost.unsettled > 0) found.push(`${formatNumberOf(lost.unsettled, 'message')} lost`)
  return `${formatRelative(at, nowMs)}, in ${formatDuration(durationMs)}${waited}: ${found.join(', ')}`
}
