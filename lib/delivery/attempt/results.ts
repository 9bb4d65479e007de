import type { DispatcherOptions } from '../dispatcher-options.js'
import { recordedError } from '../errors/recorded-error.js'
import type { Reporter } from '../reporter.js'
import { findingIn, type ReturnedFinding, refusalOf } from '../returned/finding.js'
import type { Timers } from '../time/timers.js'
import type { Verdict } from '../types.js'
import type { Attempt } from './attempt.js'
import { Call } from './call.js'
import { Cancellation } from './cancellation.js'
import type { ResultKeeper } from './result-keeper.js'
import { askedVerdict } from './verdict.js'

export interface ResultsContext {
  /** Undefined: results are not kept. */
  readonly resultKeeper: ResultKeeper | undefined
  readonly options: DispatcherOptions<unknown>
  readonly timers: Timers
  readonly reporter: Reporter
}

/** Why a result is not a delivery. */
export interface Objection {
  readonly error: unknown
  /** From `classifyResult`; undefined: the error decides. */
  readonly verdict: Verdict | undefined
}

/** Decides whether a value that `send` returned is a delivery or a refusal. */
export class Results {
  readonly #context: ResultsContext

  constructor(context: ResultsContext) {
    this.#context = context
  }

  /** Undefined: it was delivered. A promise only if a body has to be read. */
  objection(attempt: Attempt, result: unknown): Objection | undefined | Promise<Objection | undefined> {
    const { options, reporter } = this.#context
    const { classifyResult } = options
    let verdict: Verdict | undefined
    if (classifyResult !== undefined) {
      const report = (error: Error) => reporter.error(error)
      verdict = askedVerdict('classifyResult', classifyResult, result, attempt.delivery!, report)
    }
    if (verdict?.kind === 'delivered') return this.#readToKeep(attempt, result)
    const found = verdict === undefined ? findingIn(result) : refusalOf(result)
    if (found === undefined) return undefined
    if (found.kind !== 'unread') return this.#objectionIn(found, verdict, attempt)
    return this.#read(found, attempt, result).then(read => this.#objectionIn(read, verdict, attempt))
  }

  /** It is a delivery whatever its body says; that is read where it is kept. */
  #readToKeep(attempt: Attempt, result: unknown): undefined | Promise<undefined> {
    if (this.#context.resultKeeper === undefined) return undefined
    const found = findingIn(result)
    if (found?.kind !== 'unread') return undefined
    return this.#read(found, attempt, result).then(() => undefined)
  }

  /**
   * Reads the body in the attempt's remaining time. The attempt's signal is not aborted: the user may still
   * read the body.
   */
  async #read(
    found: ReturnedFinding & { kind: 'unread' },
    attempt: Attempt,
    response: unknown,
  ): Promise<ReturnedFinding | undefined> {
    const { timers, resultKeeper } = this.#context
    const timeoutMs = attempt.startedAt + attempt.policy.sendTimeoutMs - timers.now()
    if (timeoutMs <= 0) return found.unread
    const call = new Call(found.read, {
      timers,
      cancellation: new Cancellation(),
      timeoutMs,
      graceMs: 0,
      timeoutError: () => new DOMException('The body of the answer did not arrive in time.', 'TimeoutError'),
    })
    attempt.call = call
    const result = await call.result
    resultKeeper?.answered(response as object, found.answer())
    if (result.kind === 'returned') return result.value
    found.stop()
    return found.unread
  }

  #objectionIn(
    found: ReturnedFinding | undefined,
    verdict: Verdict | undefined,
    attempt: Attempt,
  ): Objection | undefined {
    if (found?.kind === 'refused') return { error: found.error, verdict }
    if (found?.kind === 'partly') this.#tell(found, attempt)
    return undefined
  }

  #tell({ failed, count, error }: ReturnedFinding & { kind: 'partly' }, attempt: Attempt): void {
    const { message } = recordedError(error, 0)
    this.#context.reporter.error(
      new Error(
        `${failed} of ${count} that send sent for message ${attempt.id} failed: ${message}. It counts as ` +
          'delivered; send each in a message of its own.',
        { cause: error },
      ),
    )
  }
}
