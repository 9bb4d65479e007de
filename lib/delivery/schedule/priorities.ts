import type { MessageRef, MessageStore } from '../../store/message-store.js'
import { MIN_PRIORITY } from '../../store/record/message.js'

const PRIORITIES = 16

/** How many messages of a channel wait, and how many with each priority of their own. */
export interface Waiting {
  /** All messages that wait. */
  waiting: number
  /** How many of these have each priority of their own, from the lowest. Undefined: none has one. */
  priorities?: Int32Array | undefined
  /** The sum of `priorities`. */
  prioritized: number
}

/** Counts a message in (1) or out (-1). Needed only if some message has a priority of its own. */
export function countPriority(line: Waiting, store: MessageStore, ref: MessageRef, by: 1 | -1): void {
  const priority = store.priority(ref)
  if (priority === undefined) return
  line.priorities ??= new Int32Array(PRIORITIES)
  line.priorities[priority - MIN_PRIORITY]! += by
  line.prioritized += by
  if (line.prioritized === 0) line.priorities = undefined
}

/** The highest priority of a waiting message. `ofChannel`: that of messages without one of their own. */
export function highestPriority({ waiting, priorities, prioritized }: Waiting, ofChannel: number): number {
  if (priorities === undefined) return ofChannel
  let highest = PRIORITIES - 1
  while (priorities[highest] === 0) highest -= 1
  const own = highest + MIN_PRIORITY
  return waiting === prioritized ? own : Math.max(own, ofChannel)
}
