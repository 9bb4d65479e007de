import type { DispatcherOptions } from '../dispatcher-options.js'
import { prefixOf } from '../holds/pauses.js'
import type { WindowKeeper } from '../limits/windows.js'
import { Gate } from './gate.js'

/**
 * The channels whose longest matching prefix is this one, or that match none. A group's halts and waits
 * concern them alone; its limits also concern longer prefixes, so they are in a gate around it.
 */
export class Group extends Gate {
  /** Its channels that are ready or wait for a time. */
  runnable = 0

  constructor(target: string, outer: Gate) {
    super('group', target, outer)
  }
}

/**
 * All groups. Each prefix has a gate with its limits, inside that of the next shorter prefix that matches it.
 * It holds the gates of longer prefixes, and the group of the channels that match none of these.
 */
export class Groups {
  /** The channels that match no prefix: they share nothing but this object. */
  readonly none: Group
  readonly #byPrefix = new Map<string, Group>()
  /** The lengths of the prefixes, the longest first: one look-up each. */
  #lengths: readonly number[] = []

  constructor(everything: Gate, keeper: WindowKeeper, options: DispatcherOptions<unknown>['groups']) {
    this.none = new Group('', everything)
    const groups = Object.entries(options).map(([selector, group]) => ({
      prefix: prefixOf(selector),
      ...group,
    }))
    for (const { prefix, concurrency, rateLimit } of groups.sort(
      (a, b) => a.prefix.length - b.prefix.length,
    )) {
      const windows = keeper.of('group', prefix, rateLimit)
      const limits = new Gate('group', prefix, this.of(prefix).outer, { concurrency, windows })
      this.#byPrefix.set(prefix, new Group(prefix, limits))
      this.#lengths = [...new Set([prefix.length, ...this.#lengths])]
    }
  }

  /** The group of the longest matching prefix. */
  of(channel: string): Group {
    for (const length of this.#lengths) {
      const group = channel.length >= length ? this.#byPrefix.get(channel.slice(0, length)) : undefined
      if (group !== undefined) return group
    }
    return this.none
  }

  withPrefix(prefix: string): Group | undefined {
    return this.#byPrefix.get(prefix)
  }

  *[Symbol.iterator](): Iterator<Group> {
    yield this.none
    yield* this.#byPrefix.values()
  }
}
