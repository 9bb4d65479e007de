import { MAX_CHANNEL_BYTES } from '../../store/record/message.js'
import { isWellFormed } from '../../store/record/payload-writer.js'
import type { Verdict } from '../types.js'

const SCOPES: readonly unknown[] = ['channel', 'group', 'global', undefined]

/** For each kind, a check of its fields. */
const SHAPES: Readonly<Record<Verdict['kind'], (verdict: Record<string, unknown>) => boolean>> = {
  retry: ({ afterMs, charged }) => isWait(afterMs) && (charged === undefined || typeof charged === 'boolean'),
  'rate-limited': ({ afterMs, scope }) => isWait(afterMs) && SCOPES.includes(scope),
  permanent: ({ reason, scope }) => isText(reason) && (scope === undefined || scope === 'channel'),
  moved: ({ channel }) => isName(channel),
  halt: ({ reason, afterMs, scope }) => isText(reason) && isWait(afterMs) && SCOPES.includes(scope),
  ambiguous: () => true,
  delivered: () => true,
}

/** Whether this is a valid verdict: it may come from plain JavaScript. */
export function isVerdict(value: unknown): value is Verdict {
  if (typeof value !== 'object' || value === null) return false
  const { kind } = value as { kind?: unknown }
  return (
    typeof kind === 'string' &&
    Object.hasOwn(SHAPES, kind) &&
    SHAPES[kind as Verdict['kind']](value as Record<string, unknown>)
  )
}

function isWait(value: unknown): boolean {
  return value === undefined || (typeof value === 'number' && value >= 0)
}

/** As `enqueue` takes it. */
function isName(value: unknown): boolean {
  if (typeof value !== 'string' || value === '' || !isWellFormed(value)) return false
  return Buffer.byteLength(value) <= MAX_CHANNEL_BYTES
}

function isText(value: unknown): boolean {
  return value === undefined || typeof value === 'string'
}
