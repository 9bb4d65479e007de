/**
 * Takes segments that nobody needs out of the logs, in the background: never on the way of an enqueue or of an
 * outcome. Asked as often as anyone likes; runs one after the other, and asks that come meanwhile merge.
 */
import { asWaqError, type WaqError } from '../log/errors.js'
import type { Log } from '../log/types.js'
import type { SegmentLedger } from './segment-ledger.js'
import type { SettledIds } from './settled-ids.js'

export interface RetirementParts {
  readonly messages: Log
  readonly acks: Log
  readonly ledger: SegmentLedger
  readonly settled: SettledIds
  readonly now: () => number
  /** The lowest sequence that the log took and did not answer yet; segments that reach so far are not judged. */
  readonly lowestMessageInFlight: () => number
  readonly lowestAckInFlight: () => number
  readonly onError: (error: WaqError) => void
}

export class Retirement {
  readonly #parts: RetirementParts
  /** Handed to the log to be dropped; struck from the ledger once a manifest without them is durable. */
  #leavingMessages: number[] = []
  #leavingAcks: number[] = []
  #asked = false
  #running: Promise<void> | undefined
  #stopped = false

  constructor(parts: RetirementParts) {
    this.#parts = parts
  }

  /** Something may have become free. */
  ask(): void {
    this.#asked = true
    if (this.#running === undefined && !this.#stopped) this.#running = this.#run()
  }

  /** No run begins any more; resolves when the one under way is over. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  /** Resolves when everything that was asked for so far is done. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    // Behind whatever the caller is in the middle of.
    await new Promise(resolve => setImmediate(resolve))
    try {
      while (this.#asked && !this.#stopped) {
        this.#asked = false
        await this.#retire()
      }
    } catch (error) {
      const failure = asWaqError(error, 'Removing segments that are no longer needed')
      // The lost lock is told by the log to everyone.
      if (failure.code !== 'WAQ_LOCK_LOST') this.#parts.onError(failure)
    } finally {
      this.#running = undefined
    }
    // Asked between the last look and the end, or while a failing run was under way.
    if (this.#asked && !this.#stopped) this.ask()
  }

  async #retire(): Promise<void> {
    const { messages, acks, ledger, settled, now, lowestMessageInFlight, lowestAckInFlight } = this.#parts
    const freeMessages = ledger.freeMessageSegments(messages.segments(), lowestMessageInFlight())
    if (freeMessages.length > 0) {
      // In the relaxed durabilities a frame that is not on the device may yet be written again to another segment,
      // and its message's outcome must then stay as long as that one: after this, none of these frames will be.
      await messages.sync()
      // Invariant 10: what settled these messages is on the device before the manifest that drops them.
      await acks.sync()
      this.#leavingMessages.push(...freeMessages)
      // A manifest that lacks a segment lacks for ever, so what an earlier, failed publication left is covered too.
      await messages.retire(freeMessages)
      ledger.messageSegmentsGone(this.#leavingMessages.splice(0))
    }
    settled.evict(now())
    const freeAcks = ledger.freeAckSegments(acks.segments(), lowestAckInFlight(), now())
    if (freeAcks.length > 0) {
      this.#leavingAcks.push(...freeAcks)
      await acks.retire(freeAcks)
      ledger.ackSegmentsGone(this.#leavingAcks.splice(0))
    }
  }
}
