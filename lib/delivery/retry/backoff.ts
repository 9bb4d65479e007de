import { reasonText } from '../errors/recorded-error.js'
import type { ExponentialRetry, Failure, Retry } from '../types.js'

const HOUR_MS = 3_600_000

/** `ExponentialRetry` with every option set. */
export type CompleteRetry = Required<{ [K in keyof ExponentialRetry]: number }>

/** The defaults of an exponential backoff; also used when a retry function fails. */
export const DEFAULT_RETRY: CompleteRetry = {
  maxAttempts: 10,
  initialDelayMs: 1000,
  factor: 2,
  maxDelayMs: 300_000,
  jitter: 0.1,
  giveUpAfterMs: 24 * HOUR_MS,
}

/** What the time of the next attempt depends on. */
export interface FailedAttempt<P> {
  /** Whether it counts towards `maxAttempts`. */
  charged: boolean
  /** Charged attempts so far, including this one if it is charged. */
  attempts: number
  /** Failures so far, charged or not. */
  failures: number
  /** By `TriedTime`, including this attempt. */
  triedMs: number
  /** The argument of a retry function; made only when needed. */
  failure: () => Failure<P>
}

/** When a failed message is tried again. */
export interface Backoff<P> {
  /** The wait, or undefined: there is no further attempt. */
  delayMs(failed: FailedAttempt<P>): number | undefined
  /** Whether the number of charged attempts allows another one. */
  allows(attempts: number): boolean
  /** The first attempt may be the last. */
  readonly mayEndAtOnce: boolean
  /** The wait to use when no attempt is left, such as before asking the receiver. */
  lastDelayMs(): number
  /** How many consecutive waits fit into this time: the step that an earlier life had reached. */
  stepsWithin(spanMs: number): number
  /** Whether the time for further attempts is used up. */
  isTooLate(failed: { charged: boolean; triedMs: number }): boolean
}

/** `report` gets the errors of a retry function; the default backoff then stands in for it. */
export function backoffOf<P>(
  retry: Retry<P> | undefined,
  random: () => number,
  report: (error: Error) => void,
): Backoff<P> {
  if (typeof retry === 'function') return new AskedBackoff(retry, new ExponentialBackoff({}, random), report)
  if (isList(retry)) return new ListedBackoff(retry)
  return new ExponentialBackoff(retry ?? {}, random)
}

function isList<P>(retry: Retry<P> | undefined): retry is readonly number[] {
  return Array.isArray(retry)
}

class ExponentialBackoff implements Backoff<unknown> {
  readonly #options: CompleteRetry
  readonly #random: () => number

  constructor(options: ExponentialRetry, random: () => number) {
    const given = Object.entries(options).filter(([, value]) => value !== undefined)
    this.#options = { ...DEFAULT_RETRY, ...Object.fromEntries(given) }
    this.#random = random
  }

  delayMs(failed: FailedAttempt<unknown>): number | undefined {
    if (!this.allows(failed.attempts) || this.isTooLate(failed)) return undefined
    const { jitter } = this.#options
    const delayMs = this.#plainDelayMs(Math.max(failed.attempts, failed.failures))
    return Math.max(0, delayMs * (1 + jitter * (2 * this.#random() - 1)))
  }

  stepsWithin(spanMs: number): number {
    return countSteps(spanMs, failures => this.#plainDelayMs(failures))
  }

  #plainDelayMs(failures: number): number {
    const { initialDelayMs, factor, maxDelayMs } = this.#options
    return Math.min(initialDelayMs * factor ** Math.max(failures - 1, 0), maxDelayMs)
  }

  allows(attempts: number): boolean {
    return attempts < this.#options.maxAttempts
  }

  get mayEndAtOnce(): boolean {
    return !this.allows(1) || this.isTooLate({ triedMs: 0 })
  }

  lastDelayMs(): number {
    return this.#options.initialDelayMs
  }

  isTooLate({ triedMs }: { triedMs: number }): boolean {
    return triedMs >= this.#options.giveUpAfterMs
  }
}

/** Allows one more attempt than it has delays. */
class ListedBackoff implements Backoff<unknown> {
  readonly #delaysMs: readonly number[]

  constructor(delaysMs: readonly number[]) {
    this.#delaysMs = delaysMs
  }

  delayMs(failed: FailedAttempt<unknown>): number | undefined {
    if (!this.allows(failed.attempts) || this.isTooLate(failed)) return undefined
    return this.#plainDelayMs(Math.max(failed.attempts, failed.failures))
  }

  stepsWithin(spanMs: number): number {
    return countSteps(spanMs, failures => this.#plainDelayMs(failures))
  }

  #plainDelayMs(failures: number): number {
    const last = this.#delaysMs.length - 1
    return this.#delaysMs[Math.min(Math.max(failures - 1, 0), last)] ?? DEFAULT_RETRY.initialDelayMs
  }

  allows(attempts: number): boolean {
    return attempts <= this.#delaysMs.length
  }

  get mayEndAtOnce(): boolean {
    return !this.allows(1)
  }

  lastDelayMs(): number {
    return this.#delaysMs.at(-1) ?? DEFAULT_RETRY.initialDelayMs
  }

  /** The list itself limits charged attempts; uncharged ones would never end. */
  isTooLate({ charged, triedMs }: { charged: boolean; triedMs: number }): boolean {
    return !charged && triedMs >= DEFAULT_RETRY.giveUpAfterMs
  }
}

class AskedBackoff<P> implements Backoff<P> {
  readonly mayEndAtOnce = true
  readonly #ask: (failure: Failure<P>) => number | undefined
  readonly #standIn: Backoff<P>
  readonly #report: (error: Error) => void

  constructor(
    ask: (failure: Failure<P>) => number | undefined,
    standIn: Backoff<P>,
    report: (error: Error) => void,
  ) {
    this.#ask = ask
    this.#standIn = standIn
    this.#report = report
  }

  delayMs(failed: FailedAttempt<P>): number | undefined {
    try {
      const delayMs: unknown = this.#ask(failed.failure())
      if (delayMs === undefined || (typeof delayMs === 'number' && delayMs >= 0 && delayMs < Infinity))
        return delayMs
      throw new TypeError(
        `it returned ${String(delayMs)}; it must return a delay in ms, or undefined to give up`,
      )
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error)
      this.#report(
        new Error(`The retry function failed: ${reasonText(what)}. The default backoff was used.`, {
          cause: error,
        }),
      )
      return this.#standIn.delayMs(failed)
    }
  }

  allows(): boolean {
    return true
  }

  lastDelayMs(): number {
    return DEFAULT_RETRY.initialDelayMs
  }

  stepsWithin(): number {
    return 0
  }

  isTooLate(): boolean {
    return false
  }
}

/** More steps than this make no difference to any wait. */
const MAX_STEPS = 64

function countSteps(spanMs: number, delayMs: (failures: number) => number): number {
  let steps = 0
  for (let at = delayMs(1); steps < MAX_STEPS && at <= spanMs; at += delayMs(steps + 1)) steps++
  return steps
}
