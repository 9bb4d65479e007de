/** Which channels a person paused: all, single ones, and prefixes (`'telegram:*'`). */
export class Pauses {
  /** Everything is paused. */
  all = false
  readonly #channels = new Set<string>()
  readonly #prefixes = new Set<string>()

  /** Whether this channel is paused, apart from `all`. */
  covers(channel: string): boolean {
    if (this.#channels.size > 0 && this.#channels.has(channel)) return true
    for (const prefix of this.#prefixes) if (channel.startsWith(prefix)) return true
    return false
  }

  pause(selector: string | undefined): void {
    if (isEverything(selector)) this.all = true
    else if (isPrefix(selector)) this.#prefixes.add(prefixOf(selector))
    else this.#channels.add(selector)
  }

  /** Ends every pause that the selector covers. One of a wider prefix stays. */
  resume(selector: string | undefined): void {
    if (isEverything(selector)) this.all = false
    if (!isPrefix(selector)) {
      this.#channels.delete(selector!)
      return
    }
    for (const channel of this.#channels)
      if (matchesChannel(selector, channel)) this.#channels.delete(channel)
    for (const prefix of this.#prefixes) {
      if (prefix.startsWith(prefixOf(selector))) this.#prefixes.delete(prefix)
    }
  }

  get count(): number {
    return (this.all ? 1 : 0) + this.#prefixes.size + this.#channels.size
  }

  /** Selectors as given: `'*'` for everything, prefixes with their `*`, channels; at most `limit`. */
  first(limit: number): string[] {
    const names = this.all ? ['*'] : []
    for (const prefix of this.#prefixes) {
      if (names.length >= limit) return names
      names.push(`${prefix}*`)
    }
    for (const channel of this.#channels) {
      if (names.length >= limit) return names
      names.push(channel)
    }
    return names
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
