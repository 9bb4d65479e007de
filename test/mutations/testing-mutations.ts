/** What `waq/testing` does to a queue, switched off. */
import type { Mutation } from './mutation.js'

const memory = 'testing/memory-queue'

export const testingMutations: readonly Mutation[] = [
  {
    name: 'a power loss of the memory disk takes nothing',
    invariants: [],
    file: 'lib/testing/memory-queue.js',
    find: "kind: 'absent'",
    replace: "kind: 'whole'",
    caughtBy: {
      file: memory,
      name: 'a power loss takes outcomes of the last second, and none that was synced',
    },
  },
  {
    name: 'the syncs of outcomes wait in real time on the memory disk',
    invariants: [],
    file: 'lib/log/commit/group-commit.js',
    find: ', directory.timers)',
    replace: ')',
    caughtBy: {
      file: memory,
      name: 'a power loss takes outcomes of the last second, and none that was synced',
    },
  },
  {
    name: 'the moved clock does not hear of calls under way',
    invariants: [],
    file: 'lib/delivery/attempt/call.js',
    find: 'options.timers.called?.(this.result);',
    replace: '',
    caughtBy: {
      file: memory,
      name: 'a send that takes real time is waited for without a move of the clock',
    },
  },
  {
    name: 'a queue whose memory disk crashed is not told',
    invariants: [],
    file: 'lib/testing/memory-queue.js',
    find: 'life.lost(',
    replace: 'void (',
    caughtBy: {
      file: memory,
      name: 'what was under way in a queue that crashed rejects with WAQ_LOCK_LOST, and no event is told',
    },
  },
]
