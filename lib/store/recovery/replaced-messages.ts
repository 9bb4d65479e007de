/**
 * What an opening makes of messages that replace others: a record names what it replaces, and the outcome may
 * be missing.
 */
import type { OutcomeFold } from '../fold/fold.js'
import type { MessageIndex } from '../index/message-index.js'
import type { DeliveryState, MessageRef } from '../message-store.js'
import type { EnvelopeScan } from '../record/envelope-scan.js'
import { idOf } from '../record/record-id.js'
import type { ReplacedBy } from '../record/replaced-by.js'

/** A record that names what it replaces. */
interface Named {
  /** The sequence of what it replaces. */
  readonly older: number
  readonly by: ReplacedBy
  /** Undefined: it is settled. */
  readonly ref: MessageRef | undefined
}

export class ReplacedMessages {
  readonly #fold: OutcomeFold
  readonly #index: MessageIndex
  readonly #named: Named[] = []
  readonly #refs = new Set<MessageRef>()
  /** Replaced, with no outcome that says so. */
  readonly found: { readonly ref: MessageRef; readonly by: ReplacedBy }[] = []
  /**
   * Those, and the newer ones: the end of a message that was never attempted is on the device before the
   * next attempt (`attempt-window.ts`), so while it lacks the newer one was not attempted either.
   */
  readonly unattempted = new Set<MessageRef>()

  constructor(fold: OutcomeFold, index: MessageIndex) {
    this.#fold = fold
    this.#index = index
  }

  /** A message's record. `ref`: undefined if it is settled. */
  met(record: Buffer, sequence: number, scan: EnvelopeScan, ref?: MessageRef): void {
    if (ref === undefined) scan.read(record, sequence)
    const older = scan.replaces?.sequence ?? 0
    if (older === 0) return
    const id = idOf(record, `Message ${sequence}`)
    this.#named.push({ older, by: { sequence, id }, ref })
  }

  /**
   * Both logs were read. A named message without an outcome was never attempted: it was held before the
   * record that names it was written, and it is replaced. One with an outcome was attempted after that record
   * was refused, or has settled: the newer one is then a message like any other.
   */
  judge(): void {
    for (const { older, by, ref } of this.#named) {
      const olderRef = this.#index.bySequence(older)
      // One that died with its channel meanwhile has no outcome of its own.
      const isDead = olderRef !== undefined && this.#index.table.state(olderRef) === 'dead'
      if (isDead || this.#fold.hasOutcome(older)) {
        if (ref !== undefined) this.#index.replacing.makeOrdinary(ref)
      } else if (olderRef !== undefined && !this.#refs.has(olderRef)) {
        this.#refs.add(olderRef)
        this.found.push({ ref: olderRef, by })
        this.unattempted.add(olderRef)
        if (ref !== undefined) this.unattempted.add(ref)
      }
    }
  }

  /** How many of the replaced ones stand in this state. */
  count(state: DeliveryState): number {
    return this.found.filter(({ ref }) => this.#index.table.state(ref) === state).length
  }
}
