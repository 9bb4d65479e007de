/**
 * Messages that replace others (`replaces`).
 *
 * 1. A record names what it replaces, and only what waits and was never attempted. From then until it is
 *    durable or refused, that is held. So whatever a durable record names was never attempted, unless its
 *    write failed at first and it came back after a restart.
 * 2. The outcome `replaced` is recorded before any outcome of the newer message: before that enters the
 *    scheduler, or while it is held. It needs no read for that: the identity was read before the append.
 * 3. The outcome is recorded once the newer record is on the device, whatever the durability: no power loss
 *    takes the newer message and leaves the end of the older one. If the newer message is withdrawn before
 *    that, the outcome is recorded first, at once: neither is to be sent.
 *
 * A crash between the two leaves both records and no outcome: an opening then records it (`opening.ts`).
 */
import { asWaqError, type WaqError } from '../../log/errors/waq-error.js'
import type { MessageIndex } from '../index/message-index.js'
import type { ReplacingMessage } from '../index/replacing-messages.js'
import type { MessageRef, Replacement } from '../message-store.js'
import { type EncodedMessage, nameReplaced } from '../record/message.js'
import type { MessageIdentity } from '../record/message-identity.js'

interface ReplacementsParts {
  readonly index: MessageIndex
  readonly now: () => number
  readonly replacement: () => Replacement
  readonly readIdentity: (ref: MessageRef) => Promise<MessageIdentity | undefined>
  /** Resolves when every accepted message is on the device; undefined: each one is once it is accepted. */
  readonly sync: (() => Promise<void>) | undefined
  readonly onError: (error: WaqError) => void
}

export class Replacements {
  /** Messages that wait for a sync before they replace others. */
  unsynced = 0
  readonly #parts: ReplacementsParts

  constructor(parts: ReplacementsParts) {
    this.#parts = parts
  }

  /** Whether each of these would replace a message: together they need no room. */
  coverAll(messages: readonly EncodedMessage[]): boolean {
    return messages.every(message => {
      const older = this.#newest(message)
      return older !== undefined && this.#waits(older)
    })
  }

  /** Those that these would replace and whose identity is not in memory. */
  unread(messages: readonly EncodedMessage[]): ReplacingMessage[] {
    return messages.flatMap(message => {
      const older = this.#newest(message)
      return older !== undefined && older.identity === 'unread' && this.#waits(older) ? [older] : []
    })
  }

  /** One that cannot be read is replaced all the same, but its id is not remembered. */
  async read(older: readonly ReplacingMessage[]): Promise<void> {
    const { readIdentity, onError } = this.#parts
    await Promise.all(
      older.map(async message => {
        try {
          message.identity = await readIdentity(message.ref!)
        } catch (error) {
          onError(asWaqError(error, `Message ${message.sequence} is replaced, but its id could not be read`))
          message.identity = undefined
        }
      }),
    )
  }

  /** Fills in which messages these replace, and holds those. They are appended next, from this sequence on. */
  begin(messages: readonly EncodedMessage[], firstSequence: number): void {
    const { index, replacement } = this.#parts
    for (const [at, encoded] of messages.entries()) {
      if (encoded.replaces === undefined) continue
      const newest = this.#newest(encoded)
      const isReplaced =
        newest !== undefined &&
        this.#waits(newest) &&
        (newest.ref === undefined || replacement().hold(newest.ref))
      const older = isReplaced ? newest : undefined
      nameReplaced(encoded, older?.sequence ?? 0, older?.orderKey ?? 0)
      index.replacing.begin(index.channels.present(encoded.channel), encoded, firstSequence + at, older)
    }
  }

  /** The message is durable and in the index, but not announced. */
  written(ref: MessageRef): void {
    const message = this.#parts.index.replacing.find(ref)
    if (message !== undefined && this.#parts.sync === undefined) this.#replace(message)
  }

  /** It is announced: a newer one may be on its way, or what it replaces may wait for a sync. */
  announced(ref: MessageRef): void {
    const { index, replacement, sync } = this.#parts
    const message = index.replacing.find(ref)
    if (message === undefined || (message.newer === undefined && message.older === undefined)) return
    replacement().hold(ref)
    if (message.older === undefined) return
    this.unsynced += 1
    sync!().then(
      () => this.#synced(message),
      () => this.#notSynced(message),
    )
  }

  /** An outcome of this message is recorded next. Needs no call unless some are `unsynced`. */
  beforeOutcome(ref: MessageRef): void {
    const message = this.#parts.index.replacing.find(ref)
    if (message !== undefined) this.#replace(message)
  }

  /** Nothing of these messages counts. */
  refused(firstSequence: number, count: number): void {
    const { index, replacement } = this.#parts
    for (let at = count - 1; at >= 0; at -= 1) {
      const older = index.replacing.refused(firstSequence + at)
      if (older?.ref !== undefined && older.older === undefined) replacement().release(older.ref)
    }
  }

  #newest({ channel, replaces }: EncodedMessage): ReplacingMessage | undefined {
    const { channels, replacing } = this.#parts.index
    return replaces && replacing.newest(channels.present(channel), replaces.key)
  }

  /** Never attempted, or not even written. */
  #waits({ ref }: ReplacingMessage): boolean {
    const { table } = this.#parts.index
    return ref === undefined || (table.state(ref) === 'pending' && table.lastOutcomeAt(ref) === 0)
  }

  #synced(message: ReplacingMessage): void {
    this.unsynced -= 1
    this.#replace(message)
    if (message.newer === undefined && !message.isGone) this.#parts.replacement().release(message.ref!)
  }

  /** Both go on: the older one first, since it has the lower sequence. */
  #notSynced(message: ReplacingMessage): void {
    this.unsynced -= 1
    const { older } = message
    const release = ({ ref, isGone }: ReplacingMessage): void => {
      if (!isGone) this.#parts.replacement().release(ref!)
    }
    message.older = undefined
    if (older !== undefined) {
      older.newer = undefined
      release(older)
    }
    if (message.newer === undefined) release(message)
  }

  /** Records the end of what it is to replace: of a whole chain the oldest first. */
  #replace(message: ReplacingMessage): void {
    let newer = message
    while (newer.older?.older !== undefined) newer = newer.older
    for (;;) {
      this.#replaceOlder(newer)
      if (newer === message) return
      newer = newer.newer!
    }
  }

  #replaceOlder(message: ReplacingMessage): void {
    const { now, replacement } = this.#parts
    const { older, sequence } = message
    message.older = undefined
    if (older === undefined || older.isGone) return
    const { id } = message.identity as MessageIdentity
    const identity = older.identity === 'unread' ? undefined : older.identity
    replacement().replaced(older.ref!, {
      kind: 'replaced',
      at: now(),
      attempts: 0,
      mayHaveBeenSent: false,
      by: { sequence, id },
      identity,
    })
  }
}
