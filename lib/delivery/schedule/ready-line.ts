import type { Channel } from './channel.js'

/**
 * The channels that could send now, in the order in which they became ready. They take turns through the
 * gates that they pass. A channel that is the only ready one is in no gate: it has nothing to take turns
 * with, and most queues have one message at a time. One that a brake admits is always in its gate.
 */
export class ReadyLine {
  /** The only ready channel, while it is in no gate. */
  alone: Channel | undefined
  /** How many channels are in gates. */
  lined = 0
  /** A ready channel had a priority other than 0. */
  isPrioritized = false
  #tickets = 0

  add(channel: Channel): void {
    channel.ticket = this.#tickets++
    if (channel.priority !== 0) this.isPrioritized = true
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

  /** The highest priority of the messages in a ready channel has changed. */
  reprioritize(channel: Channel, priority: number): void {
    this.isPrioritized = true
    if (channel === this.alone) channel.priority = priority
    else channel.gate.reprioritize(channel, priority)
  }

  /** Puts the channel that is ready alone, if any, into its gate. */
  lineUp(): void {
    const { alone } = this
    if (alone === undefined) return
    this.alone = undefined
    alone.gate.push(alone)
    this.lined++
  }
}
