import { readFileSync } from 'node:fs'
import type { Message } from '../peers/peer.js'

const CHANNELS = 256
const WORDS =
  'the build is green again and I have sent you the summary of what changed since this morning let me know whether the second part should go out today or wait until they have answered '

/** Messages of `bytes` characters of text, round the channels. */
export function messagesOf(bytes: number, channels = CHANNELS): (nth: number) => Message {
  const text = WORDS.repeat(Math.ceil(bytes / WORDS.length)).slice(0, bytes)
  const names = Array.from({ length: channels }, (_, at) => `telegram:bot1:${100_000 + at}`)
  return nth => ({ channel: names[nth % channels]!, text })
}

/** Those of the run's file, where it has one; else of `bytes` characters. */
export function messagesFor(
  { messagesFile }: { messagesFile?: string },
  bytes: number,
): (nth: number) => Message {
  return messagesFile === undefined ? messagesOf(bytes) : messagesFrom(messagesFile)
}

/** Those of a file with one `{ "channel", "text" }` a line. */
export function messagesFrom(file: string): (nth: number) => Message {
  const messages = readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as Message)
  if (messages.length === 0) throw new Error(`${file} holds no message`)
  return nth => messages[nth % messages.length]!
}
