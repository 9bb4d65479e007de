/** What keeps a result with its outcome, switched off. By way: written, copied, opened, forgotten. */
import type { Mutation } from './mutation.js'

export const resultMutations: readonly Mutation[] = [
  {
    name: 'a result is framed as an outcome',
    invariants: [19],
    file: 'lib/log/commit/frame-batch.js',
    find: '(leadType ?? type)',
    replace: 'type',
    caughtBy: {
      file: 'store/results-on-disk',
      name: 'a rewrite keeps a result with its outcome in one segment, though both are larger than one',
    },
  },
  {
    name: 'a rewrite puts a result into a segment where its block has no room',
    invariants: [19],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: 'put(sequence, type, data, followedBy);',
    replace: 'put(sequence, type, data);',
    caughtBy: {
      file: 'store/results-on-disk',
      name: 'a rewrite keeps a result with its outcome in one segment, though both are larger than one',
    },
  },
  {
    name: 'a rewrite begins a segment between a result and its block',
    invariants: [19],
    file: 'lib/log/segment/rewrite.js',
    find: '(isFull && !this.#follows)',
    replace: 'isFull',
    caughtBy: {
      file: 'store/results-on-disk',
      name: 'a rewrite keeps a result with its outcome in one segment, though both are larger than one',
    },
  },
  {
    name: 'a rewrite leaves results behind',
    invariants: [19],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: `if (kept !== undefined)
            this.#putAheadOfBlock(kept);`,
    replace: '',
    caughtBy: {
      file: 'store/results',
      name: 'a rewritten ack segment has each result right before the block of its outcome',
    },
  },
  {
    name: 'a rewrite takes results along that are forgotten',
    invariants: [19],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: 'result !== undefined && dedupe.holdsResult(settlement) ? result : undefined',
    replace: 'result',
    caughtBy: { file: 'store/results', name: 'a rewrite leaves results behind that are forgotten' },
  },
  {
    name: 'living outcomes overtake the results of a block',
    invariants: [12, 19],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: 'else if (this.#ahead.length === 0)',
    replace: 'else if (true)',
    caughtBy: {
      file: 'store/results',
      name: 'outcomes of living messages keep their order among results that are rewritten',
    },
  },
  {
    name: 'a result that was written again is read where it stood first',
    invariants: [5, 19],
    file: 'lib/store/write/outcome-recorder.js',
    find: 'resultOffset: resultPlace.offset',
    replace: 'resultOffset: 0',
    caughtBy: {
      file: 'store/results-on-disk',
      name: 'a result that was written again after a failed sync is read where it stands now',
    },
  },
  {
    name: 'second copies of outcomes leave when the segment of the first ones is gone',
    invariants: [5, 10],
    file: 'lib/store/usage/segment-usage.js',
    find: 'if (!listed.has(segment) && !this.#isFree(segment, others, now))',
    replace: 'if (false)',
    caughtBy: {
      file: 'store/results-on-disk',
      name: 'outcomes that were written again after a failed sync outlast a compaction',
    },
  },
  {
    name: 'an opening takes the result of another outcome',
    invariants: [19],
    file: 'lib/store/recovery/pending-results.js',
    find: 'block.ackSequenceOf(row) - 1',
    replace: 'block.ackSequenceOf(row) + 1',
    caughtBy: {
      file: 'store/results',
      name: 'a rewritten ack segment has each result right before the block of its outcome',
    },
  },
  {
    name: 'an opening gives the next result to an outcome whose own is lost',
    invariants: [19],
    file: 'lib/store/recovery/pending-results.js',
    find: 'if (this.#ackSequences[at] === expected)',
    replace: 'if (true)',
    caughtBy: {
      file: 'store/results',
      name: 'a result that was lost leaves its outcome as it is',
    },
  },
  {
    name: 'results are never too many bytes',
    invariants: [],
    file: 'lib/store/dedupe/result-places.js',
    find: 'while (this.#totalBytes > this.#maxTotalBytes)',
    replace: 'while (false)',
    caughtBy: {
      file: 'store/results',
      name: 'a result is forgotten with its id, and the oldest when all take too many bytes',
    },
  },
  {
    name: 'a copy without a result is read where that of the first one stood',
    invariants: [19],
    file: 'lib/store/dedupe/dedupe-index.js',
    find: `if (resultOffset === undefined)
            this.#results.forget(page, slot);`,
    replace: '',
    caughtBy: {
      file: 'store/dedupe/dedupe-index',
      name: 'a compaction moves a result with its id, and forgets one that the copy lacks',
    },
  },
  {
    name: 'the body of a response is read and not kept',
    invariants: [],
    file: 'lib/delivery/attempt/results.js',
    find: 'resultKeeper?.answered(response, found.answer());',
    replace: '',
    caughtBy: {
      file: 'queue/results',
      name: 'of a Response the JSON of its body is kept, in this process as after a restart',
    },
  },
  {
    name: 'a result that compaction moves while it is read is not looked for again',
    invariants: [],
    file: 'lib/store/dedupe/result-reader.js',
    find: 'if (isThere)',
    replace: 'if (true)',
    caughtBy: {
      file: 'store/results',
      name: 'a result that compaction moves while it is read is read from its new place',
    },
  },
]
