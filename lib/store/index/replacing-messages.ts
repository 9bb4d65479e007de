/**
 * The messages with `replaces`, by channel and key, and which replaces which while the newer one is written.
 *
 * The messages of one key form a chain. Its oldest one waits; it is held while there is a newer one. Each
 * newer one is being written, or is written and waits until the end of the older one may be recorded. A
 * message that is refused leaves the chain: the one behind it then replaces the one before it, and its record
 * says so.
 */
import type { MessageRef } from '../message-store.js'
import { type EncodedMessage, nameReplaced, type Replaces } from '../record/message.js'
import { identityOfEncoded, type MessageIdentity } from '../record/message-identity.js'

/** A message with `replaces` that is live or being written. */
export interface ReplacingMessage {
  /** Its channel, by the present name, and its key. */
  name: string
  readonly sequence: number
  readonly orderKey: number
  /** `'unread'`: it is on disk only. Undefined: it could not be read. */
  identity: MessageIdentity | 'unread' | undefined
  /** Undefined: it is being written. */
  ref: MessageRef | undefined
  /** Undefined: it was written. */
  encoded: EncodedMessage | undefined
  /** It was settled. */
  isGone: boolean
  /** Whose place it takes, until that is recorded. */
  older: ReplacingMessage | undefined
  /** What is to take its place. */
  newer: ReplacingMessage | undefined
}

export class ReplacingMessages {
  /** By channel and key, the one that the next replaces. */
  readonly #newest = new Map<string, ReplacingMessage>()
  readonly #byRef = new Map<MessageRef, ReplacingMessage>()
  /** By sequence. */
  readonly #beingWritten = new Map<number, ReplacingMessage>()

  /** Live ones. */
  get size(): number {
    return this.#byRef.size
  }

  newest(channel: string, key: string): ReplacingMessage | undefined {
    return this.#newest.get(nameOf(channel, key))
  }

  /** Undefined: it is none. */
  find(ref: MessageRef): ReplacingMessage | undefined {
    return this.#byRef.get(ref)
  }

  /** It is being written, to take the place of `older`. */
  begin(
    channel: string,
    encoded: EncodedMessage,
    sequence: number,
    older: ReplacingMessage | undefined,
  ): void {
    const name = nameOf(channel, encoded.replaces!.key)
    const orderKey = older?.orderKey ?? sequence
    const message = {
      name,
      sequence,
      orderKey,
      identity: identityOfEncoded(encoded),
      ref: undefined,
      encoded,
      isGone: false,
      older,
      newer: undefined,
    }
    if (older !== undefined) older.newer = message
    this.#newest.set(name, message)
    this.#beingWritten.set(sequence, message)
  }

  /** It is live: just written, or found by an opening. */
  enter(ref: MessageRef, channel: string, sequence: number, replaces: Replaces): void {
    const written = this.#beingWritten.get(sequence)
    if (written !== undefined) {
      this.#beingWritten.delete(sequence)
      written.ref = ref
      written.encoded = undefined
      this.#byRef.set(ref, written)
      return
    }
    const name = nameOf(channel, replaces.key)
    const orderKey = replaces.sequence === 0 ? sequence : replaces.orderKey
    const links = { older: undefined, newer: undefined }
    const found = { identity: 'unread', encoded: undefined, isGone: false } as const
    const message = { name, sequence, orderKey, ref, ...found, ...links }
    this.#byRef.set(ref, message)
    if ((this.#newest.get(name)?.sequence ?? 0) < sequence) this.#newest.set(name, message)
  }

  /** It was refused. Returns the one that it would have replaced, if nothing else does now. */
  refused(sequence: number): ReplacingMessage | undefined {
    const message = this.#beingWritten.get(sequence)
    if (message === undefined) return undefined
    this.#beingWritten.delete(sequence)
    const { name, older, newer } = message
    if (older !== undefined) older.newer = newer
    if (newer !== undefined) {
      newer.older = older
      // Its record waits in the log behind the refused one, so no byte of it was written with another name.
      if (older !== undefined && newer.encoded !== undefined)
        nameReplaced(newer.encoded, older.sequence, older.orderKey)
      return undefined
    }
    if (older === undefined || older.isGone) {
      this.#newest.delete(name)
      return undefined
    }
    this.#newest.set(name, older)
    return older
  }

  /** An opening knows of an attempt of what it was to replace: it keeps the place of its own enqueue. */
  makeOrdinary(ref: MessageRef): void {
    const message = this.#byRef.get(ref)
    if (message !== undefined) this.#byRef.set(ref, this.#renewed(message))
  }

  #renewed(message: ReplacingMessage): ReplacingMessage {
    const renewed = { ...message, orderKey: message.sequence }
    if (this.#newest.get(message.name) === message) this.#newest.set(message.name, renewed)
    return renewed
  }

  /** The channel has another name, maybe that of a channel with the same keys: there the newest counts. */
  move(from: string, to: string): void {
    const prefix = nameOf(from, '')
    const newest = [...this.#newest].filter(([name]) => name.startsWith(prefix))
    const messages = [...this.#newest.values(), ...this.#byRef.values(), ...this.#beingWritten.values()]
    for (const message of new Set(messages))
      if (message.name.startsWith(prefix)) message.name = nameOf(to, message.name.slice(prefix.length))
    for (const [name, message] of newest) {
      this.#newest.delete(name)
      if ((this.#newest.get(message.name)?.sequence ?? 0) < message.sequence)
        this.#newest.set(message.name, message)
    }
  }

  /** The message was settled. */
  delete(ref: MessageRef): void {
    const message = this.#byRef.get(ref)
    if (message === undefined) return
    this.#byRef.delete(ref)
    message.isGone = true
    if (this.#newest.get(message.name) === message) this.#newest.delete(message.name)
  }
}

function nameOf(channel: string, key: string): string {
  return `${channel.length}:${channel}${key}`
}
