/** Where commits are synced: what may be called on the event loop, and how long that may hold it. */
import type { Mutation } from './mutation.js'

const COMMITS = 'lib/log/sync/commits.js'
const QUICK = 'lib/log/sync/quick-syncs.js'
const commits = (name: string) => ({ file: 'log/sync/commits', name })
const quickSyncs = (name: string) => ({ file: 'log/sync/quick-syncs', name })

export const commitMutations: readonly Mutation[] = [
  {
    name: 'a sync on the event loop beside one of the same file',
    invariants: [6],
    file: 'lib/log/segment/segment.js',
    find: 'this.#syncing === undefined &&',
    replace: '',
    caughtBy: commits('never while a sync of the same file is under way'),
  },
  {
    name: 'the first commit finds out what device it is',
    invariants: [],
    file: 'lib/log/log-directory.js',
    find: 'commits.probe(probe)',
    replace: '',
    caughtBy: commits('an opening tells what device it is, so that no commit has to find it out'),
  },
  {
    name: 'a sync that began before another failed speaks for the device',
    invariants: [],
    file: QUICK,
    find: 'if (failures === this.#failures)',
    replace: '',
    caughtBy: quickSyncs('a success tells nothing where another sync has failed since it began'),
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
      'one that fails ends the segment, and the next ones go to threads until one has succeeded',
    ),
  },
  {
    name: 'the fence is checked before a sync on the event loop, not after it',
    invariants: [3],
    file: 'lib/log/commit/group-commit.js',
    find: `if (!this.#directory.commits.trySync(active))
                return this.#commitOnThread(active, batch);`,
    replace: `this.#directory.fence.check();
            if (!this.#directory.commits.trySync(active))
                return this.#commitOnThread(active, batch);
            for (const append of batch)
                append.accepted(append.writtenTo.id, append.offset);
            return;`,
    caughtBy: commits(
      'the fence is checked after the sync: what an owner that was replaced wrote is not accepted',
    ),
  },
  {
    name: 'a sync on the event loop while a segment is filled',
    invariants: [],
    file: 'lib/log/segment/create-segment.js',
    find: 'directory.device.during(() => create(directory, wanted))',
    replace: 'create(directory, wanted)',
    caughtBy: commits('never while a segment is filled'),
  },
  {
    name: 'a sync on the event loop while a manifest is published',
    invariants: [],
    file: 'lib/log/manifest/manifest-publisher.js',
    find: `this.#directory.device
                .during(() => this.#publishOne())`,
    replace: 'this.#publishOne()',
    caughtBy: commits('never while a manifest is published'),
  },
  {
    name: 'a sync on the event loop while another log is sealed',
    invariants: [],
    file: 'lib/log/commit/rotation.js',
    find: 'this.#directory.device.during(() => active.sync())',
    replace: 'active.sync()',
    caughtBy: commits('never while another log is sealed'),
  },
  {
    name: 'a sync on the event loop while another log is cut',
    invariants: [],
    file: 'lib/log/commit/rotation.js',
    find: 'this.#directory.device.during(() => this.#trimmedAndClosed(active))',
    replace: 'this.#trimmedAndClosed(active)',
    caughtBy: commits('never while another log gives back what it did not need'),
  },
  {
    name: 'several queues sync on the event loop in one turn',
    invariants: [],
    file: COMMITS,
    find: 'turnTakenBy() !== undefined ||',
    replace: '',
    caughtBy: commits('one in a turn of all queues of the thread: another’s goes to a thread'),
  },
  {
    name: 'each copy of the package has turns of its own',
    invariants: [],
    file: 'lib/log/sync/turn.js',
    find: "Symbol.for('waq.turn')",
    replace: "Symbol('waq.turn')",
    caughtBy: commits('and of all copies of the package'),
  },
  {
    name: 'the event loop gets no turn between two commits',
    invariants: [],
    file: 'lib/log/commit/flush-loop.js',
    find: 'if (this.#turns?.waitForTurn)',
    replace: 'if (false)',
    caughtBy: commits('there is one in a turn: what comes later waits for the next'),
  },
  {
    name: 'outcomes do not wait for their turn',
    invariants: [],
    file: 'lib/log/commit/group-commit.js',
    find: `if (commits.waitForTurn)
            await nextTurn();`,
    replace: '',
    caughtBy: commits(
      'outcomes that somebody waits for are synced on the event loop, in the turn after a commit',
    ),
  },
  {
    name: 'commits on the event loop where options say threads',
    invariants: [],
    file: COMMITS,
    find: "if (this.#mode === 'thread' || turnTakenBy()",
    replace: 'if (turnTakenBy()',
    caughtBy: commits('commits: thread, and what is no commit: nothing on the event loop'),
  },
  {
    name: 'a large commit on the event loop',
    invariants: [],
    file: COMMITS,
    find: ' || active.unsyncedBytes > MAX_BYTES',
    replace: '',
    caughtBy: commits('more than 64 KiB at once go to a thread'),
  },
  {
    name: 'what a commit took beside other work teaches',
    invariants: [],
    file: COMMITS,
    find: 'device.quickSyncs.try(sync, device.isQuiet)',
    replace: 'device.quickSyncs.try(sync, true)',
    caughtBy: commits('what a commit took beside a sync on a thread teaches nothing'),
  },
  {
    name: 'slow syncs may hold the event loop for any share of the time',
    invariants: [],
    file: QUICK,
    find: 'this.#held(endedAt, ms);',
    replace: ';',
    caughtBy: quickSyncs(
      'whatever a device does, slow ones but one hold the event loop for 1 % of any ten seconds',
    ),
  },
  {
    name: 'slow ones in a row change nothing',
    invariants: [],
    file: QUICK,
    find: 'this.#slowInARow >= MAX_SLOW_IN_A_ROW || ',
    replace: '',
    caughtBy: quickSyncs('two slow ones in a row change nothing, and the third one sends them to threads'),
  },
  {
    name: 'one slow sync sends the next ones to threads',
    invariants: [],
    file: QUICK,
    find: 'MAX_SLOW_IN_A_ROW = 3',
    replace: 'MAX_SLOW_IN_A_ROW = 1',
    caughtBy: quickSyncs('two slow ones in a row change nothing, and the third one sends them to threads'),
  },
  {
    name: 'a median that is not quick changes nothing',
    invariants: [],
    file: QUICK,
    find: ' || 2 * this.#quick < Math.min(this.#known, KEPT)',
    replace: '',
    caughtBy: quickSyncs('a median of a millisecond sends them to threads'),
  },
  {
    name: 'a pause does not double',
    invariants: [],
    file: QUICK,
    find: 'Math.min(2 * this.#pauseMs, LAST_PAUSE_MS)',
    replace: 'this.#pauseMs',
    caughtBy: quickSyncs('a pause ends with one probe, and doubles up to ten seconds while that is slow'),
  },
  {
    name: 'a device that is well again is not trusted again',
    invariants: [],
    file: QUICK,
    find: 'this.#pauseMs = FIRST_PAUSE_MS;',
    replace: ';',
    caughtBy: quickSyncs('once 32 stood the test, the next pause is a short one again'),
  },
  {
    name: 'a pause forgets nothing, so that a quick probe does not end it',
    invariants: [],
    file: QUICK,
    find: `this.#known = 0;
            this.#quick = 0;`,
    replace: '',
    caughtBy: quickSyncs('a device that was slow is used on the spot again by the first probe that is quick'),
  },
  {
    name: 'after a failed sync the next one is on the event loop again',
    invariants: [],
    file: QUICK,
    find: `this.failed();
            throw error;`,
    replace: 'throw error;',
    caughtBy: quickSyncs('after one that failed all go to threads, until one has succeeded there'),
  },
]
