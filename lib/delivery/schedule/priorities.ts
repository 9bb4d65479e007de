import type { MessageRef, MessageStore } from '../../store/message-store.js'
import { MIN_PRIORITY } from '../../store/record/message.js'

const PRIORITIES = 16

/** How many messages of a channel wait, and with which priorities of their own. */
export interface Waiting {
  /** All that wait. */
  waiting: number
  /** Of these, by their own priority, counted from the lowest. Undefined: none has one. */
  priorities?: Int32Array | undefined
  /** Their sum. */
  prioritized: number
}

/** Counts a message in (1) or out (-1). To be asked only where some message has a priority of its own. */
export function countPriority(line: Waiting, store: MessageStore, ref: MessageRef, by: 1 | -1): void {
  const priority = store.priority(ref)
  if (priority === undefined) return
  line.priorities ??= new Int32Array(PRIORITIES)
  line.priorities[priority - MIN_PRIORITY]! += by
  line.prioritized += by
  if (line.prioritized === 0) line.priorities = undefined
}

/** The highest priority of what waits. `ofChannel`: that of messages that have none of their own. */
export function highestPriority({ waiting, priorities, prioritized }: Waiting, ofChannel: number): number {
  if (priorities === undefined) return ofChannel
  let highest = PRIORITIES - 1
  while (priorities[highest] === 0) highest -= 1
  const own = highest + MIN_PRIORITY
  return waiting === prioritized ? own : Math.max(own, ofChannel)
}
