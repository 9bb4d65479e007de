import { readFile } from 'node:fs/promises'
import { systemCode } from '../../log/errors/system-error.js'
import { CommandError, ExitStatus, usageError } from '../common/exit-status.js'
import type { ChatMessage } from './messages.js'

const LINE_FEED = 0x0a
const EXPECTED = 'expected a JSON object like {"channel": "…", "text": "…"}'
/** The queue's limit for a channel's name. */
const MAX_CHANNEL_BYTES = 512

/**
 * Reads messages from a file of JSON lines, in order. Skips blank lines; the error for a bad line gives its
 * number.
 */
export async function readMessageFile(file: string): Promise<ChatMessage[]> {
  const bytes = await readWhole(file)
  const messages: ChatMessage[] = []
  // Not split with `readline`, which also splits at U+2028, a valid character in a JSON string.
  let start = 0
  for (let line = 1; start < bytes.length; line++) {
    const end = bytes.indexOf(LINE_FEED, start)
    const lineBytes = bytes.subarray(start, end === -1 ? bytes.length : end)
    start = end === -1 ? bytes.length : end + 1
    const message = parseLine(lineBytes, problem => usageError(`${file}:${line}: ${problem}`))
    if (message !== undefined) messages.push(message)
  }
  if (messages.length === 0) throw usageError(`${file} holds no message: ${EXPECTED} a line`)
  return messages
}

async function readWhole(file: string): Promise<Buffer> {
  try {
    return await readFile(file)
  } catch (error) {
    const code = systemCode(error)
    const message = `cannot read the messages: ${(error as Error).message}`
    if (code === 'ENOENT' || code === 'EISDIR' || code === 'ENOTDIR')
      throw usageError(message, { cause: error })
    throw new CommandError(code ?? 'IO', ExitStatus.io, message, { cause: error })
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function parseLine(bytes: Uint8Array, fail: (problem: string) => Error): ChatMessage | undefined {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch {
    throw fail(`not UTF-8; ${EXPECTED}`)
  }
  if (text.trim() === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw fail(`not JSON (${(error as Error).message}); ${EXPECTED}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw fail(`${EXPECTED}, got ${describe(value)}`)
  }
  const { channel, text: messageText } = value as { channel?: unknown; text?: unknown }
  if (typeof channel !== 'string') throw fail(`"channel" must be a string, got ${describe(channel)}`)
  if (typeof messageText !== 'string') throw fail(`"text" must be a string, got ${describe(messageText)}`)
  const channelBytes = Buffer.byteLength(channel)
  if (channelBytes < 1 || channelBytes > MAX_CHANNEL_BYTES) {
    throw fail(`"channel" must be 1 to ${MAX_CHANNEL_BYTES} bytes of UTF-8, got ${channelBytes}`)
  }
  // Half of a surrogate pair has no UTF-8 form, so it could not arrive as it was sent.
  if (/\p{Surrogate}/u.test(channel)) throw fail('"channel" holds half of a surrogate pair')
  if (/\p{Surrogate}/u.test(messageText)) throw fail('"text" holds half of a surrogate pair')
  return { channel, text: messageText }
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'an array'
  if (value === null) return 'null'
  return typeof value === 'object' ? 'an object' : `the ${typeof value} ${JSON.stringify(value).slice(0, 40)}`
}
