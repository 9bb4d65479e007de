import type { RecordedError } from '../store/message-store.js'
import { redact } from './redact.js'

const MAX_NAME_LENGTH = 100
const MAX_MESSAGE_LENGTH = 500
const MAX_CODE_LENGTH = 100
/** Redacting looks at no more than this, however long the message. */
const MAX_LOOKED_AT = 10_000

/** What is kept of an error: bounded, without credentials, whatever was thrown. Never throws. */
export function recordedError(error: unknown, at: number): RecordedError {
  const recorded: RecordedError = {
    name: clip(nameOf(error), MAX_NAME_LENGTH),
    message: clip(redact(messageOf(error).slice(0, MAX_LOOKED_AT)), MAX_MESSAGE_LENGTH),
    at,
  }
  const code = codeOf(error)
  if (code !== undefined) recorded.code = clip(redact(code), MAX_CODE_LENGTH)
  return recorded
}

/** A property of anything, undefined where it can not be read. */
export function property(value: unknown, name: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  try {
    return (value as Record<string, unknown>)[name]
  } catch {
    // A getter that throws, a revoked proxy: an error must not be able to break its own report.
    return undefined
  }
}

function nameOf(error: unknown): string {
  const name = property(error, 'name')
  if (typeof name === 'string' && name !== '') return name
  return isError(error) ? 'Error' : typeof error
}

function isError(value: unknown): boolean {
  try {
    return value instanceof Error
  } catch {
    // A revoked proxy, or one that hides its prototype.
    return false
  }
}

function messageOf(error: unknown): string {
  const message = property(error, 'message')
  const cause = property(property(error, 'cause'), 'message')
  if (typeof message === 'string') {
    // "fetch failed" says nothing; what it wraps does.
    return typeof cause === 'string' && cause !== '' && !message.includes(cause)
      ? `${message}: ${cause}`
      : message
  }
  try {
    return String(error)
  } catch {
    return 'a value that can not be shown'
  }
}

function codeOf(error: unknown): string | undefined {
  for (const place of [error, property(error, 'cause')]) {
    const code = property(place, 'code')
    if (typeof code === 'string' || typeof code === 'number') return String(code)
  }
  const status = property(error, 'status') ?? property(error, 'statusCode')
  return typeof status === 'number' ? String(status) : undefined
}

function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
