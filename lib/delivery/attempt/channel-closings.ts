import type { MessageRef, MessageStore, RefOutcome } from '../../store/message-store.js'
import type { QueueTime } from '../../store/queue-time.js'
import type { Reporter } from '../reporter.js'
import type { Scheduler } from '../schedule/scheduler.js'
import type { RefMap } from '../tables/ref-map.js'
import type { Attempt } from './attempt.js'
import { BATCH_OUTCOMES, type OutcomeWriter } from './outcome-writer.js'

interface ClosingsContext {
  readonly store: MessageStore
  readonly scheduler: Scheduler
  readonly outcomeWriter: OutcomeWriter
  readonly reporter: Reporter
  readonly time: QueueTime
  readonly counters: { dead: number }
  readonly attempts: RefMap<Attempt>
  /** Ends an attempt that has recorded nothing yet. */
  readonly withdraw: (attempt: Attempt) => void
  /** The later parts of its list die too. */
  readonly takeAlong: (ref: MessageRef, sequence: number) => void
}

/** A receiver that refuses whatever comes: what waits in its channel dies with one record and one report. */
export class ChannelClosings {
  readonly #context: ClosingsContext

  constructor(context: ClosingsContext) {
    this.#context = context
  }

  /**
   * Called before the death of the refused message is recorded, while its attempt keeps the channel from
   * going on. Attempts that are being recorded or sent keep their own outcomes; those that are not so far
   * die.
   */
  close(attempt: Attempt, reason: string): void {
    const { store, scheduler, outcomeWriter, reporter, time, counters } = this.#context
    const channel = store.channel(attempt.ref)
    // First: it announces what was enqueued up to there.
    const upTo = store.lastSequence
    const waiting = scheduler.waitingIn(channel)
    const prepared = [...this.#context.attempts.values()].filter(
      ({ ref, phase }) => (phase === 'preparing' || phase === 'asking') && store.channel(ref) === channel,
    )
    const dying = [...waiting, ...prepared.map(({ ref }) => ref)]
    const isUntouched = (ref: MessageRef): boolean =>
      store.lastOutcomeAt(ref) === 0 && store.state(ref) !== 'in-doubt'
    const untouched = dying.filter(isUntouched)
    const touched = dying.filter(ref => !isUntouched(ref))
    for (const ref of waiting) scheduler.leave(ref)
    const at = time.now()
    counters.dead += dying.length
    if (untouched.length > 0) outcomeWriter.closeChannel({ channel, refs: untouched, upTo, at })
    for (let from = 0; from < touched.length; from += BATCH_OUTCOMES)
      outcomeWriter.recordAll(touched.slice(from, from + BATCH_OUTCOMES).map(ref => this.#death(ref, at)))
    const facts = { channel, count: dying.length, reason, at: time.onWall(at) }
    outcomeWriter.whenWritten(() => reporter.tell('closed', facts))
    for (const each of prepared) this.#context.withdraw(each)
    for (const ref of dying)
      if (store.together(ref) !== undefined) this.#context.takeAlong(ref, store.sequence(ref))
  }

  /** It has outcomes, and each must carry all that is known of its message. */
  #death(ref: MessageRef, at: number): RefOutcome {
    const { attempts, firstAttemptAt, triedMs, mayHaveBeenSent } = this.#context.store.progress(ref)
    const isInDoubt = this.#context.store.state(ref) === 'in-doubt'
    const progress = { attempts, firstAttemptAt, triedMs, mayHaveBeenSent: mayHaveBeenSent || isInDoubt }
    return { ref, outcome: { kind: 'dead', at, ...progress, reason: 'channel', haltsChannel: false } }
  }
}
