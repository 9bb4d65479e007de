import { createHash } from 'node:crypto'
import { type ChatMessage, indexOfId, messageId } from './messages.js'

/** One message as the chat server recorded it when it first took it. A record lists them in that order. */
export interface TakenMessage {
  readonly id: string
  readonly channel: string
  /** Of the text, by `digestOf`. */
  readonly digest: string
  /** How often it was taken in all: above 1 it came again, and was told by its id. */
  readonly times: number
}

/** What became of the messages, by the server's own record. */
export interface Account {
  /** Acknowledged: `enqueue` resolved, and the supervisor was told. */
  enqueued: number
  /** Different messages that the server took. */
  delivered: number
  /** Acknowledged and never taken. */
  lost: number
  /** Taken for the first time after a later message of the same channel. */
  outOfOrder: number
  /** Taken with another channel or text than they were enqueued with, or made by no one here. */
  altered: number
  /** Deliveries of a message that the server had already, recognised by the id. */
  duplicates: number
  /** A few ids of each kind of fault, to look them up by. */
  examples: { lost: string[]; outOfOrder: string[]; altered: string[] }
}

const EXAMPLES = 5

export function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22)
}

/**
 * Lays what was acknowledged beside what the server took.
 * A message's index is its place in the order of enqueueing; so is the order expected in its channel.
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
 * The value below which the share `fraction` of the samples lies (nearest rank); undefined for none. Sorts
 * `samples`.
 */
export function percentile(samples: number[], fraction: number): number | undefined {
  samples.sort((a, b) => a - b)
  return samples[Math.ceil(samples.length * fraction) - 1]
}
