/** Keeps calls in order when one of them has to wait before it can append. */
import type { EncodedMessage } from '../record/message.js'

export interface Hold {
  /** Resolves when every earlier call for one of these channels has appended or given up. */
  readonly earlier: Promise<void>
  /** This call has appended or given up. Idempotent. */
  release(): void
}

export class ChannelOrder {
  /** Channel → the latest call for it that has not appended yet. */
  readonly #held = new Map<string, Promise<void>>()

  holdsAny(messages: readonly EncodedMessage[]): boolean {
    if (this.#held.size === 0) return false
    return messages.some(({ channel }) => this.#held.has(channel))
  }

  /** Makes later calls for the channels of these messages wait. */
  hold(messages: readonly EncodedMessage[]): Hold {
    const channels = new Set(messages.map(({ channel }) => channel))
    const earlier = Promise.all([...channels].flatMap(channel => this.#held.get(channel) ?? []))
    let resolve = (): void => {}
    const appended = new Promise<void>(done => {
      resolve = done
    })
    for (const channel of channels) this.#held.set(channel, appended)
    const letGo = (): void => {
      for (const channel of channels) if (this.#held.get(channel) === appended) this.#held.delete(channel)
      resolve()
    }
    let mayLetGo = false
    const waited = earlier.then(() => {
      mayLetGo = true
    })
    // A call that gives up while waiting still stands between the earlier calls and the later ones.
    const release = (): void => {
      if (mayLetGo) letGo()
      else waited.then(letGo)
    }
    return { earlier: waited, release }
  }
}
