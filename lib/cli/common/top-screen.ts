import type { LiveStats, QueueLook } from '../../queue/queue-reader.js'
import { formatRow, layOut, titles } from '../terminal/table.js'
import { escapeControls, formatCount, type Paint } from '../terminal/terminal.js'
import { cutText, padText } from '../terminal/text-width.js'
import { ownerText, pausedText, percentilesText } from './stats-text.js'
import type { ChannelFigures } from './survey-channels.js'
import { formatBytes, formatDuration, formatNumberOf } from './units.js'

/** The data of the live view. */
export interface TopFacts {
  readonly directory: string
  readonly stats: QueueLook
  readonly channels: readonly ChannelFigures[]
  /** The owner's rates between its last two publications; undefined: it has not published twice yet. */
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
  const head = [
    paint('bold', cutText(`waq top  ${escapeControls(facts.directory)}`, columns)),
    ...headFacts(facts).map(([label, value]) => cutText(`${padText(label, 9)} ${value}`, columns)),
    '',
  ]
  const room = Math.max(0, rows - head.length - 3)
  const shown = sortChannels(facts.channels, sort).slice(0, room)
  const cells = cellsOf(shown, facts)
  const layout = layOut(COLUMNS, cells, columns)
  const filled = [
    ...head,
    paint('inverse', padText(formatRow(layout, titles(layout), { cut: true }), columns)),
    ...cells.map(row =>
      formatRow(layout, row, { cut: true, paint: (text, column) => shade(text, column, paint) }),
    ),
  ]
  while (filled.length < rows - 1) filled.push('')
  const foot = cutText(footText(sort, facts.channels.length - shown.length), columns)
  return [...filled.slice(0, Math.max(0, rows - 1)), paint('dim', foot)]
}

function headFacts(facts: TopFacts): (readonly [label: string, value: string])[] {
  const { stats, channels, nowMs } = facts
  const count = (name: 'pending' | 'sending' | 'dead') =>
    `${formatCount(channels.reduce((total, channel) => total + channel[name], 0))} ${name}`
  const oldestAt = channels.reduce((oldest, channel) => Math.min(oldest, channel.oldestAt), Infinity)
  return [
    ['owner', ownerText(stats.owner, nowMs)],
    [
      'messages',
      `${count('pending')}, ${count('sending')}, ${count('dead')}, oldest ${ageText(oldestAt, nowMs) || '-'}`,
    ],
    ['rates', ratesText(facts)],
    ['sync', stats.live === null ? 'not published' : percentilesText(stats.live.syncMs)],
    ['disk', `${formatBytes(stats.diskBytes)} in ${formatNumberOf(stats.segments, 'segment')}`],
    ['halted', stopsText(stats.halted, stats.haltedCount)],
    ...(stats.brakedCount === 0 ? [] : [['braked', stopsText(stats.braked, stats.brakedCount)] as const]),
    ...(stats.pausedCount === 0 ? [] : [['paused', pausedText(stats)] as const]),
  ]
}

function cellsOf(channels: readonly ChannelFigures[], { stats, nowMs }: TopFacts): string[][] {
  // Halts and pauses come first: they do not end when the receiver is up again.
  const stops = [
    ...stats.halted.map(({ scope, reason }) => [scope, reason ?? 'a halt'] as const),
    ...stats.paused.map(({ scope }) => [scope, 'a pause'] as const),
    ...stats.braked.map(({ scope, reason }) => [scope, `braked: ${reason ?? 'down'}`] as const),
  ]
  return channels.map(({ channel, pending, sending, dead, oldestAt }) => [
    escapeControls(channel),
    formatCount(pending),
    formatCount(sending),
    formatCount(dead),
    ageText(oldestAt, nowMs),
    escapeControls(stopOf(stops, channel)),
  ])
}

/** Empty if nothing waits. */
function ageText(oldestAt: number, nowMs: number): string {
  return oldestAt === Infinity ? '' : formatDuration(Math.max(0, nowMs - oldestAt))
}

function footText(sort: SortKey, more: number): string {
  const keys = Object.entries(SORTS)
    .map(([key, name]) => (key === sort ? `[${key}] ${name}` : `${key} ${name}`))
    .join('  ')
  return `q quit  sort: ${keys}${more > 0 ? `  (and ${formatNumberOf(more, 'more channel')})` : ''}`
}

function ratesText({ rates, stats }: TopFacts): string {
  if (stats.live === null) return 'not published: no process has the queue open'
  if (rates === undefined) return 'measuring'
  const { enqueuedPerSecond, deliveredPerSecond, retriedPerSecond } = rates
  return (
    `${rate(enqueuedPerSecond)} enqueued, ${rate(deliveredPerSecond)} delivered, ` +
    `${rate(retriedPerSecond)} retried`
  )
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
