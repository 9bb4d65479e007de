/** Where commits are synced: what may be called on the event loop, and how long that may hold it. */
import type { Mutation } from './mutation.js'

const COMMITS = 'lib/log/sync/commit-sync.js'
const QUICK = 'lib/log/sync/quick-syncs.js'
const commits = (name: string) => ({ file: 'log/sync/commit-sync', name })
const quickSyncs = (name: string) => ({ file: 'log/sync/quick-syncs', name })

export const commitMutations: readonly Mutation[] = [
  {
    name: 'a sync on the event loop beside one of the same file',
    invariants: [6],
    file: 'lib/log/segment/segment.js',
    find: 'this.#syncing === undefined &&',
    replace: '',
    caughtBy: commits('no commit is synced on the event loop while a sync of the same file is under way'),
  },
  {
    name: 'the first commit finds out what device it is',
    invariants: [],
    file: 'lib/log/log-directory.js',
    find: 'commitSync.probe(probe)',
    replace: '',
    caughtBy: commits('an opening measures the device, so that no commit has to'),
  },
  {
    name: 'a sync that began before another failed speaks for the device',
    invariants: [],
    file: QUICK,
    find: 'if (failures === this.#failures)',
    replace: '',
    caughtBy: quickSyncs('a sync that succeeds does not end the pause of one that failed since it began'),
  },
  {
    name: 'a failed sync on the event loop is taken for a good one',
    invariants: [5],
    file: 'lib/log/segment/segment.js',
    find: `throw this.#failed(error);
        }
        segment.syncedTo`,
    replace: `}
        segment.syncedTo`,
    caughtBy: commits(
      'a commit that fails on the event loop ends the segment, and the next ones go to threads until one succeeds',
    ),
  },
  {
    name: 'the fence is checked before a sync on the event loop, not after it',
    invariants: [3],
    file: 'lib/log/commit/group-commit.js',
    find: `if (!this.#directory.commitSync.trySync(active))
                return this.#commitOnThread(active, batch);`,
    replace: `this.#directory.fence.check();
            if (!this.#directory.commitSync.trySync(active))
                return this.#commitOnThread(active, batch);
            for (const append of batch)
                append.accepted(append.writtenTo.id, append.offset);
            return;`,
    caughtBy: commits('a commit of an owner that was replaced during the sync is not accepted'),
  },
  {
    name: 'a sync on the event loop while a segment is filled',
    invariants: [],
    file: 'lib/log/segment/create-segment.js',
    find: 'directory.device.during(() => create(directory, wanted))',
    replace: 'create(directory, wanted)',
    caughtBy: commits('no commit is synced on the event loop while a segment is filled'),
  },
  {
    name: 'a sync on the event loop while a manifest is published',
    invariants: [],
    file: 'lib/log/manifest/manifest-publisher.js',
    find: `this.#directory.device
                .during(() => this.#publishOne())`,
    replace: 'this.#publishOne()',
    caughtBy: commits('no commit is synced on the event loop while a manifest is published'),
  },
  {
    name: 'a sync on the event loop while another log is sealed',
    invariants: [],
    file: 'lib/log/commit/rotation.js',
    find: 'this.#directory.device.during(() => active.sync())',
    replace: 'active.sync()',
    caughtBy: commits('no commit is synced on the event loop while another log is sealed'),
  },
  {
    name: 'a sync on the event loop while another log is cut',
    invariants: [],
    file: 'lib/log/commit/rotation.js',
    find: 'this.#directory.device.during(() => this.#trimmedAndClosed(active))',
    replace: 'this.#trimmedAndClosed(active)',
    caughtBy: commits(
      'no commit is synced on the event loop while another log gives back what it did not need',
    ),
  },
  {
    name: 'several queues sync on the event loop in one turn',
    invariants: [],
    file: COMMITS,
    find: 'turnTakenBy() !== undefined ||',
    replace: '',
    caughtBy: commits(
      'of commits of two queues in one turn, one is synced on the event loop and the other on a thread',
    ),
  },
  {
    name: 'each copy of the package has turns of its own',
    invariants: [],
    file: 'lib/log/sync/turn.js',
    find: "Symbol.for('waq.turn')",
    replace: "Symbol('waq.turn')",
    caughtBy: commits('all copies of the package together sync one commit a turn on the event loop'),
  },
  {
    name: 'the event loop gets no turn between two commits',
    invariants: [],
    file: 'lib/log/commit/flush-loop.js',
    find: 'if (this.#turns?.waitForTurn)',
    replace: 'if (false)',
    caughtBy: commits(
      'one commit a turn is synced on the event loop, and a later one waits for the next turn',
    ),
  },
  {
    name: 'outcomes do not wait for their turn',
    invariants: [],
    file: 'lib/log/commit/group-commit.js',
    find: `if (commitSync.waitForTurn)
            await nextTurn();`,
    replace: '',
    caughtBy: commits(
      'outcomes that a caller waits for are synced on the event loop, in the turn after a commit',
    ),
  },
  {
    name: 'commits on the event loop where options say threads',
    invariants: [],
    file: COMMITS,
    find: "if (this.#mode === 'thread' || turnTakenBy()",
    replace: 'if (turnTakenBy()',
    caughtBy: commits(
      "with commits: 'thread', and for syncs that are no commits, nothing is synced on the event loop",
    ),
  },
  {
    name: 'a large commit on the event loop',
    invariants: [],
    file: COMMITS,
    find: ' || active.unsyncedBytes > MAX_BYTES',
    replace: '',
    caughtBy: commits('a commit of more than 64 KiB is synced on a thread'),
  },
  {
    name: 'what a commit took beside other work teaches',
    invariants: [],
    file: COMMITS,
    find: 'device.quickSyncs.try(sync, device.isQuiet)',
    replace: 'device.quickSyncs.try(sync, true)',
    caughtBy: commits('a commit beside a sync on a thread is not measured'),
  },
  {
    name: 'slow syncs may hold the event loop for any share of the time',
    invariants: [],
    file: QUICK,
    find: 'this.#held(endedAt, ms);',
    replace: ';',
    caughtBy: quickSyncs(
      'on any device slow syncs but one hold the event loop for 1 % of any ten seconds at most',
    ),
  },
  {
    name: 'slow ones in a row change nothing',
    invariants: [],
    file: QUICK,
    find: 'this.#slowInARow >= MAX_SLOW_IN_A_ROW || ',
    replace: '',
    caughtBy: quickSyncs('three slow syncs in a row send syncs to threads, and two do not'),
  },
  {
    name: 'one slow sync sends the next ones to threads',
    invariants: [],
    file: QUICK,
    find: 'MAX_SLOW_IN_A_ROW = 3',
    replace: 'MAX_SLOW_IN_A_ROW = 1',
    caughtBy: quickSyncs('three slow syncs in a row send syncs to threads, and two do not'),
  },
  {
    name: 'a median that is not quick changes nothing',
    invariants: [],
    file: QUICK,
    find: ' || 2 * this.#quick < Math.min(this.#known, KEPT)',
    replace: '',
    caughtBy: quickSyncs('a median above a millisecond sends syncs to threads'),
  },
  {
    name: 'a pause does not double',
    invariants: [],
    file: QUICK,
    find: 'Math.min(2 * this.#pauseMs, LAST_PAUSE_MS)',
    replace: 'this.#pauseMs',
    caughtBy: quickSyncs(
      'a pause of syncs on the event loop ends with one probe, and doubles up to ten seconds while probes are slow',
    ),
  },
  {
    name: 'a device that is well again is not trusted again',
    invariants: [],
    file: QUICK,
    find: 'this.#pauseMs = FIRST_PAUSE_MS;',
    replace: ';',
    caughtBy: quickSyncs('after 32 syncs on the event loop since a pause, the next pause is short again'),
  },
  {
    name: 'a pause forgets nothing, so that a quick probe does not end it',
    invariants: [],
    file: QUICK,
    find: `this.#known = 0;
            this.#quick = 0;`,
    replace: '',
    caughtBy: quickSyncs('the first quick probe of a slow device brings syncs back to the event loop'),
  },
  {
    name: 'after a failed sync the next one is on the event loop again',
    invariants: [],
    file: QUICK,
    find: `this.failed();
            throw error;`,
    replace: 'throw error;',
    caughtBy: quickSyncs('after a failed sync all go to threads until one has succeeded there'),
  },
]
