/** What is paused. */
export interface Pause {
  /** A channel, a prefix with its `*`, or `'*'` for everything. */
  scope: string
  /** Epoch ms. */
  since: number
  /** A restart does not end it. */
  durable: boolean
}

/** Which channels someone paused: all, single ones, and prefixes (`'telegram:*'`). */
export class Pauses {
  /** Everything is paused. */
  all = false
  readonly #byScope = new Map<string, Pause>()
  /** Those without their `*`. */
  readonly #prefixes = new Set<string>()

  /** Whether this channel is paused, apart from `all`. */
  covers(channel: string): boolean {
    if (this.#byScope.size > 0 && this.#byScope.has(channel)) return true
    for (const prefix of this.#prefixes) if (channel.startsWith(prefix)) return true
    return false
  }

  /** Whether this channel is paused. */
  holds(channel: string): boolean {
    return this.all || this.covers(channel)
  }

  /** A pause of the same scope goes on from when it began, durable if either is. */
  pause({ scope, since, durable }: Pause): void {
    const known = this.#byScope.get(scope)
    this.#byScope.set(scope, {
      scope,
      since: known?.since ?? since,
      durable: durable || known?.durable === true,
    })
    if (isEverything(scope)) this.all = true
    else if (isPrefix(scope)) this.#prefixes.add(prefixOf(scope))
  }

  /** A channel has another name: a pause of exactly this channel goes along. */
  move(from: string, to: string): void {
    const pause = this.#byScope.get(from)
    if (pause === undefined || isPrefix(from)) return
    this.#byScope.delete(from)
    this.pause({ ...pause, scope: to })
  }

  /** Ends every pause that the selector covers, and returns these. One of a wider prefix stays. */
  resume(selector: string | undefined): Pause[] {
    const ended = [...this.#byScope.values()].filter(({ scope }) => endsPause(selector, scope))
    for (const { scope } of ended) {
      this.#byScope.delete(scope)
      if (isEverything(scope)) this.all = false
      else if (isPrefix(scope)) this.#prefixes.delete(prefixOf(scope))
    }
    return ended
  }

  get count(): number {
    return this.#byScope.size
  }

  /** The first `limit` of them, in the order in which they began. */
  first(limit: number): Pause[] {
    const first: Pause[] = []
    for (const pause of this.#byScope.values()) {
      if (first.length >= limit) break
      first.push(pause)
    }
    return first
  }
}

/** Whether a resume of this selector ends a pause of the other one. */
export function endsPause(selector: string | undefined, paused: string): boolean {
  if (isEverything(selector)) return true
  if (isEverything(paused)) return false
  return isPrefix(selector) ? paused.startsWith(prefixOf(selector)) : paused === selector
}

/** No selector, or `'*'`. */
export function isEverything(selector: string | undefined): selector is undefined | '*' {
  return selector === undefined || selector === '*'
}

export function isPrefix(selector: string | undefined): boolean {
  return selector === undefined || selector.endsWith('*')
}

export function prefixOf(selector: string | undefined): string {
  return selector === undefined ? '' : selector.slice(0, -1)
}

export function matchesChannel(selector: string | undefined, channel: string): boolean {
  return isPrefix(selector) ? channel.startsWith(prefixOf(selector)) : channel === selector
}
