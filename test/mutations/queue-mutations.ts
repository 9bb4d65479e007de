/** What the queue does for the program that holds it, switched off. */
import type { Mutation } from './mutation.js'

const PROMISES = 'every promise that is handed out keeps the process alive until it settles, by one handle'
const DOUBT = 'a person ends the doubt: the message settles as cancelled, and is never sent again'

export const queueMutations: readonly Mutation[] = [
  {
    name: 'a list of any size is taken',
    invariants: [],
    file: 'lib/queue/intake.js',
    find: 'const isShort = leftBytes < context.maxMessageBytes;',
    replace: 'const isShort = false;',
    caughtBy: {
      file: 'queue/enqueue',
      name: 'a list over its limit is too large at the first message beyond, and nothing was written',
    },
  },
  {
    name: 'a log takes a list that no write and no segment can hold',
    invariants: [],
    file: 'lib/log/group-commit.js',
    find: 'if (bytes > MAX_PAYLOAD_BYTES)',
    replace: 'if (false)',
    caughtBy: {
      file: 'log/group-commit',
      name: 'a list that one write can not hold is refused before a byte is written',
    },
  },
  {
    name: 'an enqueue that waits for room keeps no process alive',
    invariants: [],
    file: 'lib/queue/limits.js',
    find: 'this.#keepAlive.hold();',
    replace: '',
    caughtBy: {
      file: 'queue/keep-alive',
      name: 'a producer that waits for room ends when its work is done',
    },
  },
  {
    name: 'an enqueue that is written keeps no process alive',
    invariants: [],
    file: 'lib/store/enqueuer.js',
    find: 'this.#parts.keepAlive.hold();',
    replace: '',
    caughtBy: { file: 'queue/keep-alive', name: PROMISES },
  },
  {
    name: 'a queue with send keeps no process alive',
    invariants: [],
    file: 'lib/queue/outbound-queue.js',
    find: 'if (this.#staysOpen !== false)',
    replace: 'if (false)',
    caughtBy: {
      file: 'queue/keep-alive',
      name: 'a queue with send keeps the process alive until it is closed, also between two attempts',
    },
  },
  {
    name: 'each call listens to its signal by itself',
    invariants: [],
    file: 'lib/store/abort-error.js',
    find: 'if (callbacks === undefined) {',
    replace: 'if (true) {',
    caughtBy: {
      file: 'queue/many-at-once',
      name: 'a signal has one listener, however many calls it was given to, and none when they are over',
    },
  },
  {
    name: 'a message in doubt is cancelled unasked',
    invariants: [],
    file: 'lib/delivery/person.js',
    find: 'if (isInDoubt(store, ref) && !evenInDoubt)',
    replace: 'if (false)',
    caughtBy: { file: 'queue/cancel-in-doubt', name: DOUBT },
  },
  {
    name: 'a message that was cancelled in doubt was surely not sent',
    invariants: [],
    file: 'lib/delivery/person.js',
    find: 'const mayHaveBeenSent = isInDoubt(store, ref);',
    replace: 'const mayHaveBeenSent = false;',
    caughtBy: { file: 'queue/cancel-in-doubt', name: DOUBT },
  },
  {
    name: 'fakes are not asked for the timers that they stand for',
    invariants: [],
    file: 'lib/log/real-time.js',
    find: '.map(originals)',
    replace: '',
    caughtBy: { file: 'queue/fake-timers', name: 'under fake timers the queue runs by real time' },
  },
]
