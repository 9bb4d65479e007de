import type { Rate } from './types.js'

/**
 * A token bucket, kept as one number: the moment at which it will be full again (the generic cell rate algorithm).
 * No timer refills it, and no fraction of a token is ever rounded away.
 */
export class TokenBucket {
  readonly #tokenMs: number
  /** What a bucket that is full but for one token lacks in time, seen from empty. */
  readonly #burstMs: number
  #fullAt = -Infinity

  constructor({ count, perMs }: Rate) {
    this.#tokenMs = perMs / count
    this.#burstMs = (count - 1) * this.#tokenMs
  }

  /** The moment at which there is a token: in the past where there is one now. */
  get opensAt(): number {
    return this.#fullAt - this.#burstMs
  }

  get fullAt(): number {
    return this.#fullAt
  }

  take(now: number): void {
    this.#fullAt = Math.max(this.#fullAt, now) + this.#tokenMs
  }

  /** The last token taken was not used. */
  giveBack(): void {
    this.#fullAt -= this.#tokenMs
  }
}

/** Several rates that hold at once: one a second and twenty a minute. */
export class TokenBuckets {
  readonly #buckets: readonly TokenBucket[]

  constructor(rates: readonly Rate[]) {
    this.#buckets = rates.map(rate => new TokenBucket(rate))
  }

  static of(rates: Rate | readonly Rate[] | undefined): TokenBuckets | undefined {
    if (rates === undefined) return undefined
    const list = 'count' in rates ? [rates] : rates
    return list.length === 0 ? undefined : new TokenBuckets(list)
  }

  /** The moment at which every bucket has a token. */
  get opensAt(): number {
    let at = -Infinity
    for (const bucket of this.#buckets) at = Math.max(at, bucket.opensAt)
    return at
  }

  /** The moment at which this is as good as new. */
  get fullAt(): number {
    let at = -Infinity
    for (const bucket of this.#buckets) at = Math.max(at, bucket.fullAt)
    return at
  }

  take(now: number): void {
    for (const bucket of this.#buckets) bucket.take(now)
  }

  giveBack(): void {
    for (const bucket of this.#buckets) bucket.giveBack()
  }
}
