import type { HaltOrder, Halts } from '../holds/halts.js'
import { Closed, OpenTime } from '../time/open-time.js'
import type { Timers } from '../time/timers.js'
import type { Channel } from './channel.js'
import type { Gate } from './gate.js'

/**
 * How far a halt without a given scope reaches: one answer cannot tell a bad token of one tenant from a bad
 * token of the account.
 *
 * It begins at its channel, and widens to the group when a second channel halts with no success in between. A
 * success of the group shrinks it to the channels that caused it: these stay halted, each with its own probe,
 * and no probe of theirs widens it again. From that success on, a halt is the channel's own affair:
 * `giveUpAfterMs` runs for the message that keeps it halted.
 */
export class HaltScope {
  readonly #halts: Halts
  readonly #timers: Timers
  readonly #groupOf: (channel: Channel) => Gate | undefined
  /** By group, its channels that halted since its last success. Some may have been resumed meanwhile. */
  readonly #suspects = new Map<Gate, Set<Channel>>()

  /** `groupOf`: undefined for a channel without a group, which halts alone. */
  constructor(halts: Halts, timers: Timers, groupOf: (channel: Channel) => Gate | undefined) {
    this.#halts = halts
    this.#timers = timers
    this.#groupOf = groupOf
  }

  /** This channel halts. `mayWiden`: the verdict named no scope. */
  halt(channel: Channel, order: HaltOrder, mayWiden: boolean): void {
    const isNew = channel.halt === undefined
    this.#halts.halt(channel, order)
    const group = this.#groupOf(channel)
    if (group === undefined) return
    const suspects = isNew ? this.#suspect(group, channel, mayWiden) : []
    if (!mayWiden || (group.halt === undefined && suspects.length < 2)) return
    this.#halts.halt(group, { ...order, widened: true })
    for (const suspect of [channel, ...suspects]) group.halt!.by.add(suspect)
  }

  /** A message of this channel was delivered. */
  succeeded(channel: Channel): void {
    const { group } = channel
    if (group.halt?.widened) this.#halts.lift(group)
    const suspects = this.#suspects.size === 0 ? undefined : this.#suspects.get(group)
    if (suspects === undefined) return
    this.#suspects.delete(group)
    for (const suspect of suspects) if (suspect !== channel) suspect.halt?.ownTime?.set(Closed.stopped, false)
  }

  /** Returns the suspects whose halts may widen. */
  #suspect(group: Gate, channel: Channel, mayWiden: boolean): Channel[] {
    const halt = channel.halt!
    halt.mayWiden = mayWiden
    // A halt that waits for a person ends no other way.
    if (halt.afterMs !== Infinity) {
      const { openTime } = group
      halt.ownTime = new OpenTime(this.#timers, () => openTime!.read())
      halt.ownTime.set(Closed.stopped, true)
    }
    const suspects = this.#suspects.get(group) ?? new Set()
    this.#suspects.set(group, suspects.add(channel))
    if (!mayWiden) return []
    for (const suspect of suspects) if (suspect.halt === undefined) suspects.delete(suspect)
    return [...suspects].filter(suspect => suspect.halt!.mayWiden)
  }
}
