import { formatCount } from '../terminal/terminal.js'
import { usageError } from './exit-status.js'

/** Numbers, sizes and times as people write them. */

/** 1 → 'one segment', 1234 → '1,234 segments'. */
export function formatNumberOf(count: number, thing: string): string {
  return count === 1 ? `one ${thing}` : `${formatCount(count)} ${thing}s`
}

const SIZES = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** 1536 → '1.5 KiB'. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let unit = 0
  while (Math.round(value) >= 1024 && unit < SIZES.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : trimmed(value)} ${SIZES[unit]}`
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** 90_000 → '1.5 min'. */
export function formatDuration(ms: number): string {
  // Two decimals, for sync times: they tell a good disk from a bad one.
  if (ms < 1) return `${Number(ms.toFixed(2))} ms`
  if (ms < SECOND) return `${Math.round(ms)} ms`
  if (ms < MINUTE) return `${trimmed(ms / SECOND)} s`
  if (ms < HOUR) return `${trimmed(ms / MINUTE)} min`
  if (ms < 2 * DAY) return `${trimmed(ms / HOUR)} h`
  return `${trimmed(ms / DAY)} days`
}

/** A time relative to another: '3 min ago', 'in 2 h', 'now'. */
export function formatRelative(atMs: number, nowMs: number): string {
  const ms = atMs - nowMs
  if (!Number.isFinite(ms)) return 'never'
  if (Math.abs(ms) < SECOND) return 'now'
  return ms < 0 ? `${formatDuration(-ms)} ago` : `in ${formatDuration(ms)}`
}

/** One decimal below 10, none for whole numbers. */
function trimmed(value: number): string {
  return value >= 10
    ? String(Math.floor(value))
    : (Math.floor(value * 10) / 10).toFixed(1).replace(/\.0$/, '')
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: SECOND, m: MINUTE, min: MINUTE, h: HOUR, d: DAY }

/** '90s', '1.5h', '7d' → ms. The unit is required. Throws a usage error; `name` is the option. */
export function parseDuration(text: string, name: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)$/.exec(text.trim()) ?? []
  const ms = Number(number) * (UNITS[unit ?? ''] ?? Number.NaN)
  if (Number.isFinite(ms) && ms <= 8.64e15) return ms
  throw usageError(
    `${name} must be a duration such as 500ms, 30s, 15m, 2h or 7d, got ${JSON.stringify(text)}`,
  )
}
