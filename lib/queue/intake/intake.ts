import { WaqError } from '../../log/errors/waq-error.js'
import { monotonicNow } from '../../log/runtime/real-time.js'
import { throwIfAborted } from '../../store/abort-error.js'
import type { LogStore } from '../../store/log-store.js'
import type { QueueTime } from '../../store/queue-time.js'
import type { EncodedMessage } from '../../store/record/message.js'
import type { Enqueued } from '../../store/types.js'
import { enqueueDiagnostics } from '../events/diagnostics.js'
import type { EnqueueDiagnostics, Receipt } from '../types.js'
import type { PayloadSchema } from '../validation/schema.js'
import {
  encodeValidMessage,
  type MessageContext,
  type ResolvedEnqueueOptions,
  resolveEnqueueOptions,
} from '../validation/validate-message.js'
import { Refusal, withRefusals } from '../validation/validators.js'
import { RecentDurations } from '../view/recent-durations.js'
import { Admission, type PendingLimits } from './admission.js'

/** A list is written in one piece and is held in memory until then. */
const MAX_LIST_MESSAGES = 100_000

export interface IntakeOptions {
  readonly limits: PendingLimits & { readonly maxMessageBytes: number; readonly maxListBytes: number }
  /** The time to live of a channel's messages that set none; Infinity: no limit. */
  readonly ttlMsOf: (channel: string) => number
  readonly schema: PayloadSchema | undefined
  readonly time: QueueTime
  /** Why messages are refused; undefined while they are accepted. */
  readonly refusal: () => WaqError | undefined
}

/**
 * Accepts messages: checks, encodes and hands them to the store within the caller's tick. They are therefore
 * written in the order of the calls, and later changes to a payload have no effect.
 */
export class Intake {
  readonly durations = new RecentDurations()
  readonly #store: LogStore
  readonly #options: IntakeOptions
  readonly #admission: Admission

  constructor(store: LogStore, options: IntakeOptions) {
    this.#store = store
    this.#options = options
    this.#admission = new Admission(options.limits, store.keepAlive, {
      pendingMessages: () => store.pendingCount,
      pendingBytes: () => store.pendingBytes,
    })
  }

  /** Throws, or rejects, with a typed error or an AbortError. */
  enqueue(message: unknown, given: unknown): Promise<Receipt> {
    const startedAt = monotonicNow()
    const options = this.#begin(given)
    const encoded = encodeValidMessage(message, 'message', this.#context(options))
    return this.#put([encoded], options, this.#receipt, startedAt)
  }

  /** As `enqueue`, for a list: all or none. */
  enqueueList(messages: readonly unknown[], given: unknown): Promise<Receipt[]> {
    const startedAt = monotonicNow()
    const options = this.#begin(given)
    const encoded = withRefusals('WAQ_INVALID_MESSAGE', 'The list of messages', () =>
      encodeList(messages, this.#options.limits.maxListBytes, this.#context(options)),
    )
    return this.#put(encoded, options, this.#receipts, startedAt)
  }

  // The answers. The store makes each receipt for its caller and does not keep it.
  readonly #receipt = (enqueued: Enqueued[], startedAt: number): Receipt => {
    this.#accepted(enqueued, startedAt)
    return enqueued[0]!
  }

  readonly #receipts = (enqueued: Enqueued[], startedAt: number): Receipt[] => {
    this.#accepted(enqueued, startedAt)
    return enqueued
  }

  /** Called when a message stops waiting. */
  roomChanged(): void {
    if (this.#admission.limited) this.#admission.roomChanged()
  }

  /** Rejects the calls that wait for room with this error. */
  close(error: WaqError): void {
    this.#admission.close(error)
  }

  #accepted(enqueued: readonly Enqueued[], startedAt: number): void {
    this.durations.add(monotonicNow() - startedAt)
    if (!enqueueDiagnostics.hasSubscribers) return
    const { directory } = this.#store
    for (const { id, channel, sequence, duplicate } of enqueued) {
      if (duplicate) continue
      enqueueDiagnostics.publish({ directory, id, channel, sequence } satisfies EnqueueDiagnostics)
    }
  }

  #begin(given: unknown): ResolvedEnqueueOptions {
    const options = resolveEnqueueOptions(given)
    const refusal = this.#options.refusal()
    if (refusal !== undefined) throw refusal
    throwIfAborted(options.signal)
    return options
  }

  /** For one call: a getter or `channelOptions` may enqueue in between, with other options. */
  #context({ failTogether }: ResolvedEnqueueOptions): MessageContext {
    const { limits, time, ttlMsOf, schema } = this.#options
    const { maxMessageBytes } = limits
    return { nowMs: time.now(), maxMessageBytes, together: failTogether, ttlMsOf, schema }
  }

  #put<T>(
    messages: readonly EncodedMessage[],
    options: ResolvedEnqueueOptions,
    answer: (enqueued: Enqueued[], startedAt: number) => T,
    startedAt: number,
  ): Promise<T> {
    if (!this.#admission.limited) return this.#store.enqueue(messages, options, answer, startedAt)
    return this.#putLimited(messages, options).then(enqueued => answer(enqueued, startedAt))
  }

  #putLimited(messages: readonly EncodedMessage[], options: ResolvedEnqueueOptions): Promise<Enqueued[]> {
    const bytes = bytesOf(messages)
    const work = () =>
      this.#store.enqueue(messages, options).finally(() => this.#admission.release(messages.length, bytes))
    if (this.#admission.tryTake(messages.length, bytes)) return work()
    if (this.#store.replaceWaiting(messages)) return this.#store.enqueue(messages, options)
    if (this.#options.limits.whenFull === 'reject' && messages.some(({ idGiven }) => idGiven)) {
      return this.#putKnown(messages, options)
    }
    return this.#admission.whenAdmitted(messages.length, bytes, idsOf(messages), options.signal, work)
  }

  /**
   * Messages that the queue already has need no room: a call repeated after a crash must not fail with
   * WAQ_FULL.
   */
  async #putKnown(messages: readonly EncodedMessage[], options: ResolvedEnqueueOptions): Promise<Enqueued[]> {
    for (const { id, idGiven } of messages) {
      const isKnown = idGiven && (await this.#store.find(id)) !== undefined
      if (!isKnown) throw this.#admission.refusal(messages.length, bytesOf(messages), idsOf(messages))
    }
    return this.#store.enqueue(messages, options)
  }
}

/**
 * Throws a `Refusal`, a WaqError, or what a proxy given as the list throws. A list that is too large is
 * refused at the first message that exceeds the limit, before that one is encoded.
 */
function encodeList(
  messages: readonly unknown[],
  maxListBytes: number,
  context: MessageContext,
): EncodedMessage[] {
  if (messages.length > MAX_LIST_MESSAGES) {
    throw new Refusal(
      `A list may have at most ${MAX_LIST_MESSAGES} messages, got ${messages.length}. Split it.`,
    )
  }
  let leftBytes = maxListBytes
  return Array.from(messages, (message, index) => {
    const isShort = leftBytes < context.maxMessageBytes
    try {
      const within = isShort ? { ...context, maxMessageBytes: leftBytes } : context
      const encoded = encodeValidMessage(message, `messages[${index}]`, within)
      leftBytes -= encoded.record.length
      return encoded
    } catch (error) {
      if (!isShort || !(error instanceof WaqError) || error.code !== 'WAQ_TOO_LARGE') throw error
      throw listTooLarge(messages.length, index, maxListBytes)
    }
  })
}

function listTooLarge(count: number, index: number, maxListBytes: number): WaqError {
  return new WaqError(
    'WAQ_TOO_LARGE',
    `The list of ${count} messages takes more than ${maxListBytes} bytes, which is limits.maxListBytes: ` +
      `messages[${index}] no longer fits. Nothing was written. Split the list.`,
  )
}

function bytesOf(messages: readonly EncodedMessage[]): number {
  let bytes = 0
  for (const { record } of messages) bytes += record.length
  return bytes
}

function idsOf(messages: readonly EncodedMessage[]): string[] {
  return messages.map(({ id }) => id)
}
