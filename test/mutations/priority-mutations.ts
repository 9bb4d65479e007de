/** Who goes first where channels wait for one limit or slot, switched off. */
import type { Mutation } from './mutation.js'

const schedule = 'delivery/schedule/priority'

export const priorityMutations: readonly Mutation[] = [
  {
    name: 'no place is owed to the channel that waited longest',
    invariants: [],
    file: 'lib/delivery/schedule/gate.js',
    find: 'return this.#passedOver >= MAX_PASSED_OVER;',
    replace: 'return false;',
    caughtBy: {
      file: schedule,
      name: 'every tenth place goes to the channel that waited longest, whatever its priority',
    },
  },
  {
    name: 'what an inner gate is owed is not told further in',
    invariants: [],
    file: 'lib/delivery/schedule/scheduler.js',
    find: 'byAge ||= gate.owesOldest;',
    replace: 'byAge = gate === this.everything && gate.owesOldest;',
    caughtBy: {
      file: schedule,
      name: 'every tenth place goes to the channel that waited longest, whatever its priority',
    },
  },
  {
    name: 'a message gives its channel no priority',
    invariants: [],
    file: 'lib/delivery/schedule/priorities.js',
    find: 'if (priorities === undefined)',
    replace: 'if (priorities !== null)',
    caughtBy: {
      file: schedule,
      name: 'a channel has the highest priority of all that waits in it, and keeps its order',
    },
  },
  {
    name: 'a message that leaves does not take its priority along',
    invariants: [],
    file: 'lib/delivery/schedule/backlog.js',
    find: 'countPriority(line, this.#store, ref, -1);',
    replace: '{}',
    caughtBy: {
      file: schedule,
      name: 'a message that leaves a channel that is ready takes its priority along',
    },
  },
  {
    name: 'a channel whose priority changes loses its ticket',
    invariants: [],
    file: 'lib/delivery/schedule/ready-list.js',
    find: 'if (last === undefined || last.ticket < ticket)',
    replace: 'if (ticket >= 0)',
    caughtBy: {
      file: schedule,
      name: 'gates in gates give their places as a sorted list would, after any joining, leaving and changing',
    },
  },
  {
    name: 'an outcome drops the priority of its message',
    invariants: [],
    file: 'lib/store/index/message-table.js',
    find: '(column[slot] & ~STATE_MASK) | STATES.indexOf(state)',
    replace: 'STATES.indexOf(state)',
    caughtBy: {
      file: 'store/index/message-index',
      name: 'a message keeps its priority through every state',
    },
  },
  {
    name: 'a scan reads the priority of the record before',
    invariants: [],
    file: 'lib/store/record/envelope-scan.js',
    find: 'this.priority = undefined;',
    replace: '',
    caughtBy: {
      file: 'store/record/envelope-scan',
      name: 'a scan of an envelope yields the same as decoding it in full',
    },
  },
]
