import type { MessageStore } from '../../store/message-store.js'
import type { QueueTime } from '../../store/queue-time.js'
import type { Reporter } from '../reporter.js'
import type { Scheduler } from '../schedule/scheduler.js'
import type { Verdict } from '../types.js'
import type { Attempt } from './attempt.js'
import type { OutcomeWriter } from './outcome-writer.js'

interface MovesContext {
  readonly store: MessageStore
  readonly scheduler: Scheduler
  readonly outcomeWriter: OutcomeWriter
  readonly reporter: Reporter
  readonly time: QueueTime
  readonly counters: { readonly deliveredBy: Map<string, number> }
}

/** A message moves so often at most; the next time it is given up. Two addresses may name each other. */
const MAX_MOVES = 4
/** The moves of more messages are forgotten, the oldest first. */
const MAX_COUNTED = 10_000

/**
 * Channels that get another name, by a verdict or by hand. The store's record comes first, then everything in
 * memory follows in the same tick: nothing can come between.
 */
export class ChannelMoves {
  readonly #context: MovesContext
  /** By sequence, how often a message that waits was told that its channel moved. */
  readonly #moves = new Map<number, number>()
  /** A field, to be read without a call. */
  any = false

  constructor(context: MovesContext) {
    this.#context = context
  }

  /** What the verdict means for this message: it goes on, or is given up. */
  judge({ channel, sequence }: Attempt, verdict: Verdict & { kind: 'moved' }): Verdict {
    const to = verdict.channel
    if (to === channel.target)
      return { kind: 'permanent', reason: `It moved to "${to}", where it is already` }
    const moves = this.#moves.get(sequence) ?? 0
    if (moves >= MAX_MOVES)
      return { kind: 'permanent', reason: `It moved to "${to}" after it had moved ${moves} times` }
    this.#moves.set(sequence, moves + 1)
    if (this.#moves.size > MAX_COUNTED) this.#moves.delete(this.#moves.keys().next().value!)
    this.any = true
    return verdict
  }

  /** The message will not be sent again. */
  forget({ sequence }: Attempt): void {
    this.#moves.delete(sequence)
    this.any = this.#moves.size > 0
  }

  /**
   * From now on the channel is `to`, or what that is by now. If `to` is a former name of it, it moves back.
   */
  move(former: string, given: string): void {
    const { store, scheduler, outcomeWriter, reporter, time, counters } = this.#context
    const from = store.presentChannel(former)
    const known = store.presentChannel(given)
    const to = known === from ? given : known
    if (from === to) return
    store.moveChannel(from, to)
    scheduler.move(from, to)
    const { deliveredBy } = counters
    const delivered = deliveredBy.get(from)
    if (delivered !== undefined) {
      deliveredBy.delete(from)
      deliveredBy.set(to, (deliveredBy.get(to) ?? 0) + delivered)
    }
    const at = time.wall()
    outcomeWriter.whenWritten(() => reporter.tell('moved', { from, to, at }))
  }
}
