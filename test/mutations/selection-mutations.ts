/** What a person does to many messages at once, and to waits, switched off. */
import type { Mutation } from './mutation.js'

const actions = 'lib/delivery/operator-actions.js'

export const selectionMutations: readonly Mutation[] = [
  {
    name: 'many messages are withdrawn one by one',
    invariants: [13],
    file: 'lib/delivery/attempt/outcome-writer.js',
    find: 'const BATCH_OUTCOMES = 1_024;',
    replace: 'const BATCH_OUTCOMES = 1;',
    caughtBy: { file: 'delivery/retry-now', name: 'retryNow and cancel of many record batches of 1,024' },
  },
  {
    name: 'a withdrawal of many takes what is being sent',
    invariants: [],
    file: actions,
    find: 'const cancelled = refs.filter(ref => this.#isCancellable(ref, evenInDoubt));',
    replace: 'const cancelled = refs;',
    caughtBy: {
      file: 'delivery/retry-now',
      name: 'a cancel of many takes one that the receiver is asked about, and leaves what is being sent',
    },
  },
  {
    name: 'the end of a backoff is not recorded',
    invariants: [],
    file: 'lib/delivery/schedule/scheduler.js',
    find: `record();
        for (const [i, ref] of refs.entries())`,
    replace: 'for (const [i, ref] of refs.entries())',
    caughtBy: { file: 'delivery/retry-now', name: 'retryNow ends a backoff, and no restart brings it back' },
  },
  {
    name: 'the end of a told wait is not recorded',
    invariants: [],
    file: actions,
    find: 'store.recordWaitEnded(wait);',
    replace: '{}',
    caughtBy: {
      file: 'delivery/retry-now',
      name: 'a told wait that retryNow ended does not come back with a restart',
    },
  },
  {
    name: 'the end of a wait of a group is not looked for',
    invariants: [],
    file: 'lib/delivery/schedule/scheduler.js',
    find: 'group, this.everything];',
    replace: '];',
    caughtBy: {
      file: 'delivery/retry-now',
      name: 'retryNow ends a wait that a receiver told, for all that wait with the message',
    },
  },
  {
    name: 'an opening takes up a wait that a person ended',
    invariants: [11],
    file: 'lib/store/fold/limit-fold.js',
    find: 'wait.ackSequence > endedBy && ',
    replace: '',
    caughtBy: {
      file: 'store/fold/fold',
      name: 'a wait that a person ended is over, and one told after that is in force, in any order',
    },
  },
  {
    name: 'compaction drops the end of a wait that is not over',
    invariants: [10],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: 'return record.until > now();',
    replace: 'return false;',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'the end of a wait stays as long as the wait that it ends would last',
    },
  },
]
