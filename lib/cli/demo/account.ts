import { createHash } from 'node:crypto'
import { type ChatMessage, indexOfId, messageId } from './messages.js'

/** A message as the chat server recorded it on first taking it. A record lists them in that order. */
export interface TakenMessage {
  readonly id: string
  readonly channel: string
  /** Of the text, by `digestOf`. */
  readonly digest: string
  /** How often it was delivered. Above 1: it came again, and was recognised by its id. */
  readonly times: number
}

/** The outcome of the messages, by the server's own record. */
export interface Account {
  /** Acknowledged: `enqueue` resolved, and the supervisor was told. */
  enqueued: number
  /** Different messages that the server took. */
  delivered: number
  /** Acknowledged and never taken. */
  lost: number
  /** Taken for the first time after a later message of the same channel. */
  outOfOrder: number
  /** Taken with another channel or text than they were enqueued with, or not made by the demo. */
  altered: number
  /** Deliveries of a message that the server had already, recognised by the id. */
  duplicates: number
  /** A few ids for each kind of fault. */
  examples: { lost: string[]; outOfOrder: string[]; altered: string[] }
}

const EXAMPLES = 5

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}

/**
 * Compares the acknowledged messages with those that the server took. A message's index is its place in the
 * order of enqueueing, which is also the order expected in its channel.
 */
export function takeAccount(
  messages: readonly ChatMessage[],
  isAcknowledged: (index: number) => boolean,
  record: readonly TakenMessage[],
): Account {
  const account: Account = {
    enqueued: 0,
    delivered: 0,
    lost: 0,
    outOfOrder: 0,
    altered: 0,
    duplicates: 0,
    examples: { lost: [], outOfOrder: [], altered: [] },
  }
  const count = (kind: 'lost' | 'outOfOrder' | 'altered', id: string): void => {
    account[kind]++
    if (account.examples[kind].length < EXAMPLES) account.examples[kind].push(id)
  }

  const taken = new Set<number>()
  const newestOfChannel = new Map<string, number>()
  for (const { id, channel, digest, times } of record) {
    account.duplicates += times - 1
    const index = indexOfId(id)
    const message = index === undefined ? undefined : messages[index]
    if (index === undefined || message === undefined || taken.has(index)) {
      count('altered', id)
      continue
    }
    taken.add(index)
    if (channel !== message.channel || digest !== digestOf(message.text)) count('altered', id)
    const newest = newestOfChannel.get(message.channel) ?? -1
    if (index < newest) count('outOfOrder', id)
    else newestOfChannel.set(message.channel, index)
  }
  account.delivered = taken.size

  for (let index = 0; index < messages.length; index++) {
    if (!isAcknowledged(index)) continue
    account.enqueued++
    if (!taken.has(index)) count('lost', messageId(index))
  }
  return account
}

/**
 * The percentile `fraction` (0 to 1) of the samples by nearest rank; undefined if there are none. Sorts
 * `samples`.
 */
export function percentile(samples: number[], fraction: number): number | undefined {
  samples.sort((a, b) => a - b)
  return samples[Math.ceil(samples.length * fraction) - 1]
}
