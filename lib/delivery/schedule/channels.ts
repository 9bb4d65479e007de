import type { Channel } from './channel.js'

/** So many channels with nothing to remember are kept at least. */
const SPARE = 1_024

/**
 * The channels by name: those that have something to remember, and of the others some. A `Map` walks over
 * what was deleted from a bucket until it is rebuilt, so that one channel that comes and goes beside 100,000
 * that stay would pay for each time it went; those that went are therefore deleted together, and seldom.
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

  /** As `find`; makes it where there is none. It has something to remember from now on. */
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

  /** It has nothing to remember. */
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
