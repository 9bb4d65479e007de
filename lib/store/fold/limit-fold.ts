import type { Scope } from '../message-store.js'
import type { OutcomeRecord } from '../record/outcome.js'
import { supersedes } from './supersedes.js'

/** A wait that a receiver asked for, for one channel or several. */
export interface FoldedLimit {
  readonly scope: Scope
  readonly target: string
  /** In the queue's time. */
  readonly until: number
  readonly segment: number
  readonly ackSequence: number
}

/**
 * The waits that receivers asked for, without those that a person ended. Records come in any order, so for
 * each target it keeps every wait that no later and longer one covers.
 */
export class LimitFold {
  readonly #waits = new Map<string, FoldedLimit[]>()
  /** By target, the latest end. */
  readonly #ends = new Map<string, FoldedLimit>()

  add(ackSequence: number, segment: number, record: OutcomeRecord): void {
    if (record.kind === 'rate-limited') {
      const { scope, target, dueAt: until } = record
      this.#addWait({ scope, target, until, segment, ackSequence })
    } else if (record.kind === 'wait-ended') {
      const { scope, target, until } = record
      const key = `${scope} ${target}`
      if (supersedes(ackSequence, this.#ends.get(key)))
        this.#ends.set(key, { scope, target, until, segment, ackSequence })
    }
  }

  #addWait(wait: FoldedLimit): void {
    const key = `${wait.scope} ${wait.target}`
    const waits = this.#waits.get(key) ?? []
    if (waits.some(each => covers(each, wait))) return
    this.#waits.set(key, [...waits.filter(each => !covers(wait, each)), wait])
  }

  /** The longest wait of each target that is not over and that no one ended. */
  *inForce(now: number): Iterable<FoldedLimit> {
    for (const [key, waits] of this.#waits) {
      const endedBy = this.#ends.get(key)?.ackSequence ?? 0
      let longest: FoldedLimit | undefined
      for (const wait of waits)
        if (wait.ackSequence > endedBy && wait.until > (longest?.until ?? now)) longest = wait
      if (longest !== undefined) yield longest
    }
  }

  /** Ends whose waits would not be over yet. */
  *ends(now: number): Iterable<FoldedLimit> {
    for (const end of this.#ends.values()) if (end.until > now) yield end
  }
}

function covers(one: FoldedLimit, other: FoldedLimit): boolean {
  return one.ackSequence >= other.ackSequence && one.until >= other.until
}
