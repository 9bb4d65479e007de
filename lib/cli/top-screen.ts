import type { LiveStats, QueueLook } from '../queue/queue-reader.js'
import { ownerText, pausedText, percentilesText } from './stats.js'
import type { ChannelFigures } from './survey-channels.js'
import { formatRow, layOut, titles } from './table.js'
import { escapeControls, formatCount, type Paint } from './terminal.js'
import { cutText, padText } from './text-width.js'
import { formatBytes, formatDuration, formatNumberOf } from './units.js'

/** What the live view shows. */
export interface TopFacts {
  readonly directory: string
  readonly stats: QueueLook
  readonly channels: readonly ChannelFigures[]
  /** Of the owner, between its last two publications; undefined: it has not published twice yet. */
  readonly rates: Rates | undefined
  readonly nowMs: number
  /** How long the last look took. */
  readonly lookMs: number
}

export interface Rates {
  readonly enqueuedPerSecond: number
  readonly deliveredPerSecond: number
  readonly retriedPerSecond: number
}

export function ratesBetween(before: LiveStats, after: LiveStats): Rates | undefined {
  const seconds = (after.publishedAt - before.publishedAt) / 1_000
  if (seconds <= 0 || after.enqueued < before.enqueued) return undefined
  return {
    enqueuedPerSecond: (after.enqueued - before.enqueued) / seconds,
    deliveredPerSecond: (after.delivered - before.delivered) / seconds,
    retriedPerSecond: (after.retried - before.retried) / seconds,
  }
}

export const SORTS = {
  o: 'oldest',
  p: 'pending',
  d: 'dead',
  c: 'channel',
} as const

export type SortKey = keyof typeof SORTS

const COLUMNS = [
  { title: 'CHANNEL', leastWidth: 16 },
  { title: 'PENDING', align: 'right' },
  { title: 'SENDING', align: 'right' },
  { title: 'DEAD', align: 'right' },
  { title: 'OLDEST', align: 'right' },
  { title: 'STOPPED BY', leastWidth: 10 },
] as const

export interface Screen {
  readonly columns: number
  readonly rows: number
  readonly sort: SortKey
  readonly paint: Paint
}

/** One screen, as lines that fit it. */
export function topScreen(facts: TopFacts, { columns, rows, sort, paint }: Screen): string[] {
  const { stats, channels, nowMs } = facts
  const pending = sum(channels, 'pending')
  const dead = sum(channels, 'dead')
  const oldestAt = channels.reduce(
    (oldest, channel) => Math.min(oldest, channel.oldestAt),
    Number.POSITIVE_INFINITY,
  )
  const oldest = oldestAt === Number.POSITIVE_INFINITY ? '-' : formatDuration(Math.max(0, nowMs - oldestAt))
  const head = [
    paint('bold', cutText(`waq top  ${escapeControls(facts.directory)}`, columns)),
    line('owner', ownerText(stats.owner, nowMs), columns),
    line(
      'messages',
      `${formatCount(pending)} pending, ${formatCount(sum(channels, 'sending'))} sending, ${formatCount(dead)} dead, oldest ${oldest}`,
      columns,
    ),
    line('rates', ratesText(facts), columns),
    line('sync', stats.live === null ? 'not published' : percentilesText(stats.live.syncMs), columns),
    line('disk', `${formatBytes(stats.diskBytes)} in ${formatNumberOf(stats.segments, 'segment')}`, columns),
    line('halted', stopsText(stats.halted, stats.haltedCount), columns),
    ...(stats.brakedCount === 0 ? [] : [line('braked', stopsText(stats.braked, stats.brakedCount), columns)]),
    ...(stats.pausedCount === 0 ? [] : [line('paused', pausedText(stats), columns)]),
    '',
  ]
  // A halt stays when its receiver is up again.
  const stops = [
    ...stats.halted.map(({ scope, reason }) => [scope, reason ?? 'yes'] as const),
    ...stats.braked.map(({ scope, reason }) => [scope, `braked: ${reason ?? 'down'}`] as const),
  ]
  const sorted = sortChannels(channels, sort)
  const room = Math.max(0, rows - head.length - 3)
  const cells = sorted
    .slice(0, room)
    .map(channel => [
      escapeControls(channel.channel),
      formatCount(channel.pending),
      formatCount(channel.sending),
      formatCount(channel.dead),
      channel.oldestAt === Number.POSITIVE_INFINITY
        ? ''
        : formatDuration(Math.max(0, nowMs - channel.oldestAt)),
      escapeControls(stopOf(stops, channel.channel)),
    ])
  const layout = layOut(COLUMNS, cells, columns)
  const table = cells.map(row =>
    formatRow(layout, row, { cut: true, paint: (text, column) => shade(text, column, paint) }),
  )
  const more = sorted.length - cells.length
  const keys = Object.entries(SORTS)
    .map(([key, name]) => (key === sort ? `[${key}] ${name}` : `${key} ${name}`))
    .join('  ')
  const foot = `q quit  sort: ${keys}${more > 0 ? `  (and ${formatNumberOf(more, 'more channel')})` : ''}`
  const filled = [
    ...head,
    paint('inverse', padText(formatRow(layout, titles(layout), { cut: true }), columns)),
    ...table,
  ]
  while (filled.length < rows - 1) filled.push('')
  return [...filled.slice(0, Math.max(0, rows - 1)), paint('dim', cutText(foot, columns))]
}

function line(label: string, value: string, columns: number): string {
  return cutText(`${padText(label, 9)} ${value}`, columns)
}

function ratesText({ rates, stats }: TopFacts): string {
  if (stats.live === null) return 'not published: no process has the queue open'
  if (rates === undefined) return 'measuring'
  const { enqueuedPerSecond, deliveredPerSecond, retriedPerSecond } = rates
  return `${rate(enqueuedPerSecond)} enqueued, ${rate(deliveredPerSecond)} delivered, ${rate(retriedPerSecond)} retried`
}

function rate(perSecond: number): string {
  return `${perSecond >= 10 ? formatCount(Math.round(perSecond)) : perSecond.toFixed(1)}/s`
}

function stopsText(stops: TopFacts['stats']['halted'], count: number): string {
  if (count === 0) return '0'
  const first = stops
    .slice(0, 3)
    .map(
      ({ scope, reason }) =>
        `${escapeControls(scope)}${reason === undefined ? '' : ` (${escapeControls(reason)})`}`,
    )
  return `${formatCount(count)}: ${first.join(', ')}`
}

function stopOf(stops: Iterable<readonly [string, string]>, channel: string): string {
  for (const [scope, reason] of stops) {
    if (scope === channel || scope === '*' || (scope.endsWith('*') && channel.startsWith(scope.slice(0, -1))))
      return reason
  }
  return ''
}

function shade(text: string, column: number, paint: Paint): string {
  if (column === 3 && text.trim() !== '0') return paint('red', text)
  if (column === 5 && text.trim() !== '') return paint('yellow', text)
  return text
}

function sortChannels(channels: readonly ChannelFigures[], sort: SortKey): ChannelFigures[] {
  const byName = (a: ChannelFigures, b: ChannelFigures): number => (a.channel < b.channel ? -1 : 1)
  const orders: Record<SortKey, (a: ChannelFigures, b: ChannelFigures) => number> = {
    o: (a, b) => (a.oldestAt === b.oldestAt ? byName(a, b) : a.oldestAt - b.oldestAt),
    p: (a, b) => b.pending - a.pending || byName(a, b),
    d: (a, b) => b.dead - a.dead || byName(a, b),
    c: byName,
  }
  return channels.toSorted(orders[sort])
}

function sum(channels: readonly ChannelFigures[], name: 'pending' | 'sending' | 'dead'): number {
  return channels.reduce((total, channel) => total + channel[name], 0)
}
