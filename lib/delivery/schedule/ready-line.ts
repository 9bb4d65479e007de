import type { Channel } from './channel.js'

/**
 * The channels that could send now, in the order in which they became ready. They take turns through the
 * gates that they pass. A channel that is the only ready one stands in no gate, because it has no one to take
 * turns with, and most queues have one message at a time. One that a brake releases always stands in its
 * gate.
 */
export class ReadyLine {
  /** The only one that is ready, while it stands in no gate. */
  alone: Channel | undefined
  /** How many stand in gates. */
  lined = 0
  #tickets = 0

  add(channel: Channel): void {
    channel.ticket = this.#tickets++
    if (this.lined === 0 && this.alone === undefined && channel.held === undefined) {
      this.alone = channel
      return
    }
    this.lineUp()
    channel.gate.push(channel)
    this.lined++
  }

  remove(channel: Channel): void {
    if (channel === this.alone) {
      this.alone = undefined
      return
    }
    channel.gate.remove(channel)
    this.lined--
  }

  /** Where one is ready alone, it stands in its gate from now on, as all the others would. */
  lineUp(): void {
    const { alone } = this
    if (alone === undefined) return
    this.alone = undefined
    alone.gate.push(alone)
    this.lined++
  }
}
