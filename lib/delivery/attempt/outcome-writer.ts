import { systemCode } from '../../log/errors/system-error.js'
import { nextTick } from '../../log/runtime/real-time.js'
import type {
  Closing,
  MessageRef,
  MessageStore,
  Outcome,
  OutcomeListener,
  RefOutcome,
} from '../../store/message-store.js'

/** How many outcomes of different messages a crash leaves together or not at all, at most. */
export const BATCH_OUTCOMES = 1_024

interface WriterListener {
  /** The store has taken it; it may not be written yet. */
  recorded(ref: MessageRef, kind: Outcome['kind']): void
  /** Everything recorded so far is written. */
  allWritten(): void
  /** The store takes no more outcomes. */
  refused(error: unknown): void
}

type Ended = (isWritten: boolean) => void

/** Records outcomes, and counts those that are not written yet. */
export class OutcomeWriter {
  /** Outcomes that are not written yet. */
  unwritten = 0
  readonly #store: MessageStore
  readonly #listener: WriterListener
  #last: Entry | undefined

  constructor(store: MessageStore, listener: WriterListener) {
    this.#store = store
    this.#listener = listener
  }

  /**
   * Records an outcome. Calls `written` with true once it survives a killed process, in the order of
   * recording, or `refused` with false if the store is closed or lost.
   */
  record(ref: MessageRef, outcome: Outcome, written?: Ended, refused?: Ended): void {
    const entry = new Entry(this, written, refused)
    this.unwritten++
    this.#last = entry
    try {
      this.#store.record(ref, outcome, entry)
      this.#listener.recorded(ref, outcome.kind)
    } catch (error) {
      nextTick(() => entry.refused(error))
    }
  }

  /** As `record`. Resolves to whether it was written; never rejects. */
  recorded(ref: MessageRef, outcome: Outcome): Promise<boolean> {
    return new Promise(resolve => this.record(ref, outcome, resolve, resolve))
  }

  /** As `record`, of different messages and outcomes of one kind: a crash leaves all of them or none. */
  recordAll(batch: readonly RefOutcome[], written?: (ids: readonly string[]) => void): void {
    this.#hand(entry => {
      this.#store.recordAll(batch, {
        written: ids => {
          written?.(ids)
          entry.written()
        },
        refused: error => entry.refused(error),
      })
      for (const { ref, outcome } of batch) this.#listener.recorded(ref, outcome.kind)
    })
  }

  /** As `recordAll`, of messages that die with their channel. */
  closeChannel(closing: Closing): void {
    this.#hand(entry => {
      this.#store.closeChannel(closing, entry)
      for (const ref of closing.refs) this.#listener.recorded(ref, 'dead')
    })
  }

  resumed(channel: string, at: number): void {
    this.#hand(entry => this.#store.recordResumed(channel, at, entry))
  }

  /** What `record` does itself, which is called for each message. */
  #hand(record: (entry: Entry) => void): void {
    const entry = new Entry(this)
    this.unwritten++
    this.#last = entry
    try {
      record(entry)
    } catch (error) {
      nextTick(() => entry.refused(error))
    }
  }

  /** Calls back once everything recorded so far is written; never, if the store refuses it. */
  whenWritten(callback: () => void): void {
    if (this.unwritten === 0 || this.#last === undefined) callback()
    else this.#last.follow(callback)
  }

  /** Called by its entries only. */
  written(entry: Entry): void {
    if (entry === this.#last) this.#last = undefined
    if (--this.unwritten === 0) this.#listener.allWritten()
  }

  /** Called by its entries only. */
  refused(error: unknown): void {
    this.#listener.refused(error)
    if (--this.unwritten === 0) this.#listener.allWritten()
  }
}

/** An outcome that is being written. */
class Entry implements OutcomeListener {
  readonly #outcomeWriter: OutcomeWriter
  readonly #whenWritten: Ended | undefined
  readonly #whenRefused: Ended | undefined
  #followers: (() => void)[] | undefined

  constructor(outcomeWriter: OutcomeWriter, whenWritten?: Ended, whenRefused?: Ended) {
    this.#outcomeWriter = outcomeWriter
    this.#whenWritten = whenWritten
    this.#whenRefused = whenRefused
  }

  follow(callback: () => void): void {
    this.#followers ??= []
    this.#followers.push(callback)
  }

  written(): void {
    this.#whenWritten?.(true)
    this.#outcomeWriter.written(this)
    if (this.#followers !== undefined) for (const follower of this.#followers) follower()
  }

  refused(error: unknown): void {
    this.#outcomeWriter.refused(error)
    this.#whenRefused?.(false)
  }
}

/** The store was closed in an orderly way: a refusal from then on is not a failure. */
export function isClosed(error: unknown): boolean {
  return systemCode(error) === 'WAQ_CLOSED'
}
