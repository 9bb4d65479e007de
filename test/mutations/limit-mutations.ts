/** What keeps the limits of platforms, across restarts too, switched off. */
import type { Mutation } from './mutation.js'

export const limitMutations: readonly Mutation[] = [
  {
    name: 'a place comes free when its attempt ends',
    invariants: [],
    file: 'lib/delivery/schedule/scheduler.js',
    find: 'sent ? end : giveBack',
    replace: 'giveBack',
    caughtBy: {
      file: 'delivery/limits/windows',
      name: 'a place in a rate window comes free perMs after its attempt ended, however long that took',
    },
  },
  {
    name: 'what waits for an answer of onAmbiguous holds its places',
    invariants: [],
    file: 'lib/delivery/schedule/scheduler.js',
    find: 'inEachWindow(turn.channel, giveBack)',
    replace: 'void 0',
    caughtBy: {
      file: 'delivery/limits/windows',
      name: 'a failed attempt takes a place in a rate window, and a question of onAmbiguous none',
    },
  },
  {
    name: 'a place is not on record before send is called',
    invariants: [18],
    file: 'lib/delivery/limits/windows.js',
    find: 'if (this.#used > this.#promised)',
    replace: 'if (false)',
    caughtBy: {
      file: 'delivery/limits/windows',
      name: 'attempts under way at a crash count in their rate windows as ended at the opening',
    },
  },
  {
    name: 'when an attempt ended is not recorded',
    invariants: [18],
    file: 'lib/delivery/limits/windows.js',
    find: 'if (this.window.emptyAt > this.#keeper.timers.passed())',
    replace: 'if (false)',
    caughtBy: {
      file: 'delivery/limits/windows',
      name: 'a restart neither empties nor prolongs a rate window of a day',
    },
  },
  {
    name: 'a restart empties every window',
    invariants: [18],
    file: 'lib/delivery/limits/windows.js',
    find: 'this.window.restore(',
    replace: 'void (',
    caughtBy: {
      file: 'delivery/limits/windows',
      name: 'rates of one a second and twenty a minute are kept across crashes and closes',
    },
  },
  {
    name: 'a close leaves promises behind',
    invariants: [18],
    file: 'lib/delivery/limits/windows.js',
    find: 'for (const window of [...this.promising])',
    replace: 'for (const window of [])',
    caughtBy: {
      file: 'delivery/limits/windows',
      name: 'after a close, attempts count in their rate windows from when they ended',
    },
  },
  {
    name: 'a message that may have been sent unknown takes no place',
    invariants: [18],
    file: 'lib/delivery/dispatcher.js',
    find: 'scheduler.countUnmarked(unmarked)',
    replace: 'void 0',
    caughtBy: {
      file: 'delivery/limits/windows',
      name: 'a message that may have been sent without a record takes one place in a rate window',
    },
  },
  {
    name: 'a window believes all of a sleep',
    invariants: [],
    file: 'lib/store/queue-time.js',
    find: 'return this.#uncertainMs;',
    replace: 'return 0;',
    caughtBy: {
      file: 'delivery/limits/windows',
      name: 'a suspend never shortens a rate window',
    },
  },
  {
    name: 'a told wait holds one channel of its rate key',
    invariants: [],
    file: 'lib/delivery/schedule/scheduler.js',
    find: '? gate.key : this.holderOf',
    replace: '? channel : this.holderOf',
    caughtBy: {
      file: 'delivery/limits/windows',
      name: 'a wait of one channel holds all channels with its rate key, also after a restart',
    },
  },
  {
    name: 'what is open at a death does not count',
    invariants: [18],
    file: 'lib/store/windows/taken-places.js',
    find: 'ends.push(openedAt, open);',
    replace: 'void 0;',
    caughtBy: {
      file: 'store/windows/taken-places',
      name: 'places open at a crash count as ended by the next opening, and only by that',
    },
  },
  {
    name: 'compaction leaves the places of limits behind',
    invariants: [18],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: 'return places.needs(ackSequence, record);',
    replace: 'return false;',
    caughtBy: {
      file: 'store/windows/taken-places',
      name: 'the record of a rate window stays through compactions as long as a place in it counts',
    },
  },
  {
    name: 'what stands on record for a limit keeps no segment',
    invariants: [18],
    file: 'lib/store/windows/taken-places.js',
    find: 'this.#usage.keep(segment);',
    replace: 'void segment;',
    caughtBy: {
      file: 'store/windows/taken-places',
      name: 'the record of a rate window stays through compactions as long as a place in it counts',
    },
  },
  {
    name: 'a rate that joins a key begins empty',
    invariants: [18],
    file: 'lib/delivery/limits/windows.js',
    find: 'this.window.goOnFrom(before,',
    replace: 'if (false) this.window.goOnFrom(before,',
    caughtBy: {
      file: 'delivery/limits/windows',
      name: 'a rate that a channel adds to its rate key begins with the places of the other channels',
    },
  },
  {
    name: 'lost ack bytes empty the windows',
    invariants: [18],
    file: 'lib/store/log-store.js',
    find: 'opening.lacksAttempts ||',
    replace: 'false ||',
    caughtBy: {
      file: 'store/windows/taken-places',
      name: 'rate places before lost bytes of the ack log are not counted, also after a compaction',
    },
  },
]
