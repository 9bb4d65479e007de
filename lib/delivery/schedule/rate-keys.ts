import type { WindowKeeper, Windows } from '../limits/windows.js'
import { OpenTime } from '../time/open-time.js'
import type { TimerEntry, Timers } from '../time/timers.js'
import type { Rate } from '../types.js'
import type { Channel } from './channel.js'
import { Gate } from './gate.js'
import type { Group } from './groups.js'

/**
 * What channels with one `rateKey` share: windows, and the waits that a receiver asked for. In each of their
 * groups they are behind a gate of their own.
 */
export class RateKey implements TimerEntry {
  readonly scope = 'channel'
  readonly target: string
  windows: Windows | undefined
  /** Set by the scheduler alone. */
  blockedUntil = 0
  alarmAt = 0
  alarmIndex = -1
  readonly gates = new Map<Group, KeyGate>()
  readonly #timers: Timers
  readonly #ring: () => void

  constructor(target: string, timers: Timers, ring: () => void) {
    this.target = target
    this.#timers = timers
    this.#ring = ring
  }

  get opensAt(): number {
    return Math.max(this.blockedUntil, this.windows?.opensAt ?? 0)
  }

  /** Until then there is something to remember. */
  get neededUntil(): number {
    return Math.max(this.blockedUntil, this.windows?.emptyAt ?? 0)
  }

  gateIn(group: Group): KeyGate {
    let gate = this.gates.get(group)
    if (gate === undefined) {
      gate = new KeyGate(this, group)
      gate.openTime = new OpenTime(this.#timers, () => group.openTime!.read())
      gate.openTime.closeUntil(this.blockedUntil)
      this.gates.set(group, gate)
    }
    return gate
  }

  /** As that of a gate, for all gates of the key. */
  get openTime(): Pick<OpenTime, 'closeUntil' | 'endWait'> {
    return {
      closeUntil: at => this.#eachOpenTime(openTime => openTime.closeUntil(at)),
      endWait: () => this.#eachOpenTime(openTime => openTime.endWait()),
    }
  }

  fire(): void {
    this.#ring()
  }

  forget(): void {
    this.#eachOpenTime(openTime => openTime.forget())
    for (const gate of this.gates.values()) this.#timers.cancel(gate)
  }

  #eachOpenTime(act: (openTime: OpenTime) => void): void {
    for (const { openTime } of this.gates.values()) act(openTime!)
  }
}

/** The gate of the channels with one group and one rate key. */
export class KeyGate extends Gate {
  readonly key: RateKey
  /** Its channels that have something to remember. */
  channels = 0
  /** The ready channels that a brake admitted, while others wait for it. */
  readonly admitted = new Set<Channel>()

  constructor(key: RateKey, group: Group) {
    super('group', key.target, group)
    this.key = key
  }

  override get opensAt(): number {
    return this.key.opensAt
  }

  override remove(channel: Channel): void {
    this.admitted.delete(channel)
    super.remove(channel)
  }
}

/** All rate keys that have something to remember, or channels that have. */
export class RateKeys {
  readonly #byName = new Map<string, RateKey>()
  /** Waits that receivers asked for in earlier lives, by target. */
  readonly #told = new Map<string, number>()
  readonly #keeper: WindowKeeper
  readonly #timers: Timers

  constructor(keeper: WindowKeeper, timers: Timers) {
    this.#keeper = keeper
    this.#timers = timers
  }

  told(name: string, until: number): void {
    this.#told.set(name, Math.max(until, this.#told.get(name) ?? 0))
  }

  /** From now on this channel shares what the key holds. If rates differ, all hold. */
  join(channel: Channel, name: string, rates: readonly Rate[]): void {
    let key = this.#byName.get(name)
    if (key === undefined) {
      key = new RateKey(name, this.#timers, () => this.#forget(key!))
      key.blockedUntil = this.#told.get(name) ?? 0
      this.#told.delete(name)
      this.#byName.set(name, key)
    }
    key.windows = this.#keeper.of('channel', name, rates, key.windows)
    const gate = key.gateIn(channel.group)
    for (const each of key.gates.values()) each.windows = key.windows
    gate.channels += 1
    channel.gate = gate
  }

  /** The channel has nothing to remember, or other options. */
  leave(channel: Channel): void {
    const { gate } = channel
    if (!(gate instanceof KeyGate)) return
    channel.gate = channel.group
    gate.channels -= 1
    this.#forget(gate.key)
  }

  /** Forgets a key that no channel needs, once it has nothing to remember. */
  #forget(key: RateKey): void {
    for (const { channels } of key.gates.values()) if (channels > 0) return
    if (key.neededUntil > this.#timers.now()) this.#timers.set(key, key.neededUntil)
    else {
      key.forget()
      this.#byName.delete(key.target)
    }
  }
}
