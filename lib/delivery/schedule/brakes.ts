import type { MessageRef } from '../../store/message-store.js'
import type { QueueTime } from '../../store/queue-time.js'
import type { DispatcherOptions } from '../dispatcher-options.js'
import { Brake, type BrakeListener } from '../holds/brake.js'
import { prefixOf } from '../holds/pauses.js'
import type { Timers } from '../time/timers.js'
import type { Channel } from './channel.js'

/** The first two parts of a name like `platform:account:chat`. */
const ACCOUNT = /^[^:]*:[^:]*:/

/** What the end of an attempt shows about its receiver; undefined: nothing. */
export type BrakeView = 'up' | 'down' | undefined

interface Ended {
  readonly channel: Channel
  readonly ref: MessageRef
  readonly shows: BrakeView
  /** The message of the failure, for people. */
  readonly failure: string | undefined
}

/**
 * The receivers that attempts found down. An outage is a fact about a receiver, not a message. So it is seen
 * from all channels that send to the same receiver, and they wait for it together.
 */
export class Brakes {
  readonly #timers: Timers
  readonly #time: QueueTime
  readonly #groupOf: (channel: Channel) => string | undefined
  readonly #listener: BrakeListener
  /** Prefixes of the groups without a brake. */
  readonly #without: ReadonlySet<string>
  readonly #byTarget = new Map<string, Brake>()
  readonly #on = new Set<Brake>()

  constructor(
    groups: DispatcherOptions<unknown>['groups'],
    timers: Timers,
    time: QueueTime,
    /** The prefix of the channel's longest group. */
    groupOf: (channel: Channel) => string | undefined,
    listener: Omit<BrakeListener, 'forgotten'>,
  ) {
    this.#timers = timers
    this.#time = time
    this.#groupOf = groupOf
    const without = Object.entries(groups).filter(([, { brake }]) => brake === false)
    this.#without = new Set(without.map(([selector]) => prefixOf(selector)))
    this.#listener = {
      ...listener,
      braked: brake => {
        this.#on.add(brake)
        listener.braked(brake)
      },
      unbraked: brake => {
        this.#on.delete(brake)
        listener.unbraked(brake)
      },
      forgotten: ({ target }) => {
        this.#byTarget.delete(target)
        this.size = this.#byTarget.size
      },
    }
  }

  /** 0 while nothing fails: then no brake needs to be asked. */
  size = 0

  /** Brakes that are on, in the order in which they began. */
  get on(): ReadonlySet<Brake> {
    return this.#on
  }

  of(channel: Channel): Brake | undefined {
    return this.#byTarget.get(this.#scopeOf(channel).target)
  }

  /** A channel has another name: a brake of it alone goes along, unless others share that of the new one. */
  move(from: Channel, to: Channel): void {
    const brake = this.#byTarget.get(from.target)
    const { scope, target } = this.#scopeOf(to)
    if (brake?.scope !== 'channel' || scope === 'group' || this.#byTarget.has(target)) return
    this.#byTarget.delete(from.target)
    brake.rename(target)
    this.#byTarget.set(target, brake)
  }

  /** The turn of this channel is over. `sent`: `send` was called. Call `look` next. */
  ended({ channel, ref, shows, failure }: Ended, sent: boolean): void {
    // An attempt that began before the brake was on holds nothing of it.
    const held = channel.held?.ref === ref ? channel.held : undefined
    held?.brake.release(held)
    const isProbe = held?.isProbe === true
    let brake = this.of(channel)
    if (shows === 'down') {
      brake ??= this.#make(channel)
      brake?.failed(channel, failure, isProbe)
    } else if (shows === 'up') brake?.answered()
    else if (sent) brake?.toldNothing(channel, isProbe)
  }

  /** Lets other channels go on. */
  look(channel: Channel): void {
    this.of(channel)?.look()
  }

  /** The receiver of this channel is up. */
  answered(channel: Channel): void {
    const brake = this.of(channel)
    brake?.answered()
    brake?.look()
  }

  /** This channel is no longer due. */
  release(channel: Channel): void {
    const { held } = channel
    if (held === undefined) return
    held.brake.release(held)
    held.brake.look()
  }

  #make(channel: Channel): Brake | undefined {
    const scope = this.#scopeOf(channel)
    if (this.#without.has(scope.target) && scope.scope === 'group') return undefined
    const brake = new Brake(scope, this.#timers, this.#time, this.#listener)
    this.#byTarget.set(scope.target, brake)
    this.size = this.#byTarget.size
    return brake
  }

  /** Its longest group; else the account of a name like `platform:account:chat`; else the channel alone. */
  #scopeOf(channel: Channel): { scope: 'channel' | 'group'; target: string } {
    const { target } = channel
    const prefix = this.#groupOf(channel) ?? ACCOUNT.exec(target)?.[0]
    return prefix === undefined ? channel : { scope: 'group', target: prefix }
  }
}
