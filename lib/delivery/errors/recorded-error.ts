import type { RecordedError } from '../../store/message-store.js'
import { publicText } from '../redact/redact.js'
import { platformText, platformTextOf } from './platform-text.js'
import { at, isError, property } from './property.js'

const MAX_NAME_LENGTH = 100
const MAX_MESSAGE_LENGTH = 500
const MAX_CODE_LENGTH = 100
/** How many errors that wrap each other are asked for their text. */
const MAX_WRAPPED = 4

/** What is kept of a thrown value: bounded, and without credentials. Never throws. */
export function recordedError(error: unknown, at: number): RecordedError {
  const recorded: RecordedError = {
    name: publicText(nameOf(error), MAX_NAME_LENGTH),
    message: publicText(messageOf(error), MAX_MESSAGE_LENGTH),
    at,
  }
  const code = codeOf(error)
  if (code !== undefined) recorded.code = publicText(code, MAX_CODE_LENGTH)
  return recorded
}

/** Why something stopped or died, for people: bounded and redacted like an error. */
export function reasonText(reason: string): string {
  return publicText(reason, MAX_MESSAGE_LENGTH)
}

function nameOf(error: unknown): string {
  const name = property(error, 'name')
  if (typeof name === 'string' && name !== '') return name
  return isError(error) ? 'Error' : typeof error
}

/**
 * "fetch failed" says nothing, and "status code 400" little: the platform's text and the wrapped errors say
 * more.
 */
function messageOf(error: unknown): string {
  const texts: string[] = []
  const add = (text: unknown): void => {
    if (typeof text !== 'string' || text === '') return
    // An earlier text may be the same with its credentials left out.
    const shown = publicText(text, MAX_MESSAGE_LENGTH)
    if (!texts.some(earlier => earlier.includes(text) || earlier.includes(shown))) texts.push(text)
  }
  let wrapped = error
  for (let depth = 0; depth < MAX_WRAPPED && wrapped !== undefined && wrapped !== null; depth += 1) {
    add(property(wrapped, 'message'))
    add(platformTextOf(wrapped))
    wrapped = property(wrapped, 'cause') ?? at(wrapped, 'errors', '0')
  }
  if (texts.length > 0) return texts.join(': ')
  const text = typeof error === 'object' ? platformText(error) : undefined
  return text ?? shown(error)
}

function shown(value: unknown): string {
  try {
    return String(value)
  } catch {
    return 'a value that cannot be shown'
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
