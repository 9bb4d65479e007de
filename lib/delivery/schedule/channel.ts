import type { MessageRef } from '../../store/message-store.js'
import type { Halt, Haltable } from '../holds/halts.js'
import type { Brakable, Held } from '../holds/held.js'
import type { Windows } from '../limits/windows.js'
import type { Policy } from '../retry/policy.js'
import type { Heap } from '../tables/heap.js'
import type { OpenTime } from '../time/open-time.js'
import type { TimerEntry } from '../time/timers.js'
import type { ChannelLine } from './backlog.js'
import type { Gate } from './gate.js'
import type { Group } from './groups.js'
import type { Ready } from './ready-list.js'

/**
 * - `empty`: nothing waits. Kept only while there is something to remember.
 * - `waiting`: waits for a time.
 * - `held`: is due, but its receiver is down.
 * - `ready`: could send, and waits for its turn.
 * - `taken`: an attempt is under way, and no other may begin.
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
  /** Where it takes its turns: its group, or the gate that it shares there with others of its rate key. */
  gate: Gate
  /** Undefined until `channelOptions` has answered. */
  policy: Policy<unknown> | undefined
  /** Its own windows; those of a rate key are at its gate. */
  windows: Windows | undefined
  state: ChannelState = 'empty'
  /** It has nothing to remember. Set by `Channels` alone. */
  isVacant = false

  // Its messages.
  head = 0
  tail = 0
  side?: Heap<MessageRef>
  resting?: Heap<MessageRef>
  waiting = 0
  priorities: Int32Array | undefined
  prioritized = 0

  // If a channel got another name.
  /** The channel of the new name, while attempts under the old one, this, are under way. */
  successor: Channel | undefined
  /** The reverse: until their attempts are over, none begins here. Undefined: there are none. */
  predecessors: Set<Channel> | undefined

  // What it waits for.
  /** No attempt before this: a receiver asked for it, or a local failure. Set by the scheduler alone. */
  blockedUntil = 0
  halt: Halt | undefined
  /** Undefined: no brake holds or admits it. */
  held: Held | undefined
  /** Undefined: none of its messages was in backoff. */
  openTime: OpenTime | undefined
  alarmAt = 0
  alarmIndex = -1
  readonly fire: () => void

  // Its turns.
  /** Attempts under way: more than one only in a channel that is not ordered. */
  running = 0
  /** Of these, parts of lists that fail together, with the first sequences. Undefined: only one at a time. */
  lists: Map<MessageRef, number> | undefined
  ticket = 0
  priority = 0
  readyBefore: Ready | undefined
  readyAfter: Ready | undefined

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
