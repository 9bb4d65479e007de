/**
 * What a receiver got, and what a queue makes of it after a crash: a message that arrived, and that a later
 * life would send again, is marked. And no more than that after a mere kill: what is in doubt then was being
 * sent. And a window of a limit counts every call of `send`.
 */
import { Violation } from './oracle.js'
import type { Account } from './world.js'

export interface SentMessage {
  readonly id: string
  readonly channel: string
  /** `send` was called and reached the receiver. */
  arrived: boolean
  /** An attempt was recorded, whatever became of it. */
  attempted: boolean
  /** An opening showed it in doubt. */
  doubtful: boolean
}

export interface ShownToSend {
  readonly id: string
  /** In doubt, or marked as maybe sent: the next `send` is told. */
  readonly marked: boolean
  readonly inDoubt: boolean
}

export class SendOracle implements Account {
  #messages = new Map<string, SentMessage>()
  /** How often `send` was called. */
  calls = 0
  /** Since the last opening power was lost, or the disk failed. */
  #mayLack = false

  clone(): SendOracle {
    const copy = new SendOracle()
    for (const [id, message] of this.#messages) copy.#messages.set(id, { ...message })
    copy.#mayLack = this.#mayLack
    copy.calls = this.calls
    return copy
  }

  fingerprint(): string {
    let told = `${this.calls}${this.#mayLack ? '!' : ''}`
    for (const { arrived, attempted, doubtful } of this.#messages.values())
      told += `${arrived ? 'a' : ''}${attempted ? 't' : ''}${doubtful ? 'd' : ''},`
    return told
  }

  powerLost(): void {
    this.#mayLack = true
  }

  diskFailed(): void {
    this.#mayLack = true
  }

  throwBroken(): void {}

  handedIn(id: string, channel: string): void {
    this.#messages.set(id, { id, channel, arrived: false, attempted: false, doubtful: false })
  }

  get(id: string): SentMessage {
    return this.#messages.get(id)!
  }

  /** `counted`: calls of `send` that a limit knows of. Throws a `Violation`. */
  opened(live: readonly ShownToSend[], counted: number): void {
    if (counted < this.calls)
      throw new Violation(`send was called ${this.calls} times, and a window of a limit counts ${counted}`)
    for (const { id, marked, inDoubt } of live) {
      const message = this.get(id)
      if (message.arrived && !marked) throw new Violation(`${id} has arrived, and is sent again unmarked`)
      if (inDoubt && !message.attempted && !message.doubtful && !this.#mayLack)
        throw new Violation(`${id} is in doubt after a mere kill, and was never attempted`)
      message.doubtful ||= inDoubt
    }
    this.#mayLack = false
  }
}
