import type { Channel } from './channel.js'

/** At least this many channels with nothing to remember are kept. */
const SPARE = 1_024

/**
 * The channels by name: those with something to remember, and some of the others. A `Map` walks over the
 * deleted entries of a bucket until it is rebuilt, so a channel that comes and goes beside 100,000 that stay
 * would pay for each time it went. So those that went are deleted together, and seldom.
 */
export class Channels {
  readonly #byName = new Map<string, Channel>()
  readonly #make: (name: string) => Channel
  #vacant = 0

  constructor(make: (name: string) => Channel) {
    this.#make = make
  }

  find(name: string): Channel | undefined {
    return this.#byName.get(name)
  }

  /** As `find`, but makes a missing channel. It has something to remember from now on. */
  occupy(name: string): Channel {
    let channel = this.#byName.get(name)
    if (channel === undefined) {
      channel = this.#make(name)
      this.#byName.set(name, channel)
    } else if (channel.isVacant) {
      channel.isVacant = false
      this.#vacant--
    }
    return channel
  }

  /** The channel has nothing left to remember. */
  vacate(channel: Channel): void {
    if (channel.isVacant) return
    channel.isVacant = true
    channel.policy = undefined
    channel.windows = undefined
    this.#vacant++
    if (this.#vacant > SPARE + (this.#byName.size - this.#vacant)) this.#forget()
  }

  [Symbol.iterator](): Iterator<Channel> {
    return this.#byName.values()
  }

  #forget(): void {
    for (const channel of this.#byName.values()) if (channel.isVacant) this.#byName.delete(channel.target)
    this.#vacant = 0
  }
}
