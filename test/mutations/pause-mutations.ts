/** What makes a pause durable, switched off. */
import type { Mutation } from './mutation.js'

const holds = 'a durable pause holds after a close and a kill, until it is resumed, and that is durable too'
const compacted =
  'a compaction keeps a durable pause until it is resumed, and the resume while a pause is left'

export const pauseMutations: readonly Mutation[] = [
  {
    name: 'what a channel delivered is not counted by name',
    invariants: [],
    file: 'lib/delivery/attempt/attempt-outcomes.js',
    find: 'deliveredBy.set(target, (deliveredBy.get(target) ?? 0) + 1);',
    replace: '',
    caughtBy: {
      file: 'queue/channel-stats',
      name: 'stats of a channel or a prefix count its messages, and what it delivered since open',
    },
  },
  {
    name: 'a durable pause is not recorded',
    invariants: [],
    file: 'lib/delivery/dispatcher.js',
    find: 'this.#store.recordPaused(scope);',
    replace: '',
    caughtBy: { file: 'queue/pauses', name: holds },
  },
  {
    name: 'an opening does not take up durable pauses',
    invariants: [],
    file: 'lib/delivery/dispatcher.js',
    find: 'scheduler.pauses.pause({ scope: selector, since: this.#time.onWall(since), durable: true });',
    replace: '',
    caughtBy: { file: 'queue/pauses', name: holds },
  },
  {
    name: 'the end of a durable pause is not recorded',
    invariants: [],
    file: 'lib/delivery/dispatcher.js',
    find: 'this.#store.recordUnpaused(scope);',
    replace: '',
    caughtBy: { file: 'queue/pauses', name: holds },
  },
  {
    name: 'an opening takes up a pause that ended',
    invariants: [11],
    file: 'lib/store/fold/hold-fold.js',
    find: 'if (hold.ackSequence > (this.#ends.get(name) ?? 0))',
    replace: 'if (hold.ackSequence > 0)',
    caughtBy: { file: 'queue/pauses', name: holds },
  },
  {
    name: 'compaction drops a durable pause',
    invariants: [10],
    file: 'lib/store/windows/kept-records.js',
    find: 'return this.#byName.get(name)?.ackSequence === ackSequence;',
    replace: 'return false;',
    caughtBy: { file: 'store/compaction/compaction', name: compacted },
  },
  {
    name: 'compaction drops the end of a pause that an older segment holds',
    invariants: [10],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: 'return !this.#isOldest || this.#paused.has(record.selector);',
    replace: 'return false;',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'a compaction keeps the end of a durable pause while an older segment holds the pause',
    },
  },
  {
    name: 'the segment of a durable pause is given up',
    invariants: [10],
    file: 'lib/store/windows/kept-records.js',
    find: 'this.#usage.keep(record.segment);',
    replace: '{}',
    caughtBy: { file: 'store/compaction/compaction', name: compacted },
  },
]
