/** Which channels a person paused: everything, single ones, and prefixes (`'telegram:*'`). */
export class Pauses {
  /** Everything. */
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
    for (const channel of this.#channels) if (selects(selector, channel)) this.#channels.delete(channel)
    if (isPrefix(selector)) {
      for (const prefix of this.#prefixes)
        if (prefix.startsWith(prefixOf(selector))) this.#prefixes.delete(prefix)
    }
  }
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

export function selects(selector: string | undefined, channel: string): boolean {
  return isPrefix(selector) ? channel.startsWith(prefixOf(selector)) : channel === selector
}
