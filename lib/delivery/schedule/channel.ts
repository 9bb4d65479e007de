import type { MessageRef } from '../../store/message-store.js'
import type { Halt, Haltable } from '../holds/halts.js'
import type { Brakable, Held } from '../holds/held.js'
import type { Windows } from '../limits/windows.js'
import type { Policy } from '../retry/policy.js'
import type { Heap } from '../tables/heap.js'
import type { OpenTime } from '../time/open-time.js'
import type { TimerEntry } from '../time/timers.js'
import type { ChannelLine } from './backlog.js'
import type { Gate, Ready } from './gate.js'
import type { Group } from './groups.js'

/**
 * - `empty`: nothing waits. Kept only while there is something to remember.
 * - `waiting`: for a time.
 * - `held`: it is due, and its receiver is down.
 * - `ready`: could send, and waits for its turn.
 * - `taken`: an attempt is under way.
 * - `parked`: halted or paused.
 */
export type ChannelState = 'empty' | 'waiting' | 'held' | 'ready' | 'taken' | 'parked'

/**
 * One channel, while it has messages or something to remember: a halt, a wait, a window that is not empty.
 */
export class Channel implements ChannelLine, TimerEntry, Haltable, Ready, Brakable {
  readonly scope = 'channel'
  readonly target: string
  readonly group: Group
  /** Where it takes its turns: in its group, or in what it shares with others of its rate key there. */
  gate: Gate
  /** Undefined until `channelOptions` could be asked. */
  policy: Policy<unknown> | undefined
  /** Its own; those of a rate key are at its gate. */
  windows: Windows | undefined
  state: ChannelState = 'empty'
  /** It has nothing to remember; said by `Channels` alone. */
  isVacant = false

  // Its messages.
  head = 0
  tail = 0
  side?: Heap<MessageRef>
  resting?: Heap<MessageRef>

  // What it waits for.
  /** A receiver said: nothing before this. Also after a local failure. Set by the scheduler alone. */
  blockedUntil = 0
  halt: Halt | undefined
  /** Undefined: no brake holds it, or lets it go on. */
  held: Held | undefined
  /** Undefined: no message of it was in backoff. */
  openTime: OpenTime | undefined
  alarmAt = 0
  alarmIndex = -1
  readonly fire: () => void

  // Its turn.
  ticket = 0
  readyBefore: Ready | undefined
  readyAfter: Ready | undefined

  /** What the receiver said of the message whose turn it is, until it is sent. */
  answer: { ref: MessageRef; sequence: number; notSent: boolean } | undefined

  constructor(name: string, group: Group, settle: (channel: Channel) => void) {
    this.target = name
    this.group = group
    this.gate = group
    this.fire = () => settle(this)
  }

  get label(): string {
    return this.target
  }
}
