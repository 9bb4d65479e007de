/** What `lib/store` and `lib/delivery` do so that a clock that jumps neither buries nor floods, switched off. */
import type { Mutation } from './mutation.js'

export const clockMutations: readonly Mutation[] = [
  {
    name: 'the time that passes is the wall clock',
    invariants: [17],
    file: 'lib/store/queue-time.js',
    find: 'return Math.floor(isParted ? this.#part() : now);',
    replace: 'return this.#clocks.wall();',
    caughtBy: {
      file: 'store/queue-time',
      name: 'a step of the wall clock by 8760 h does not move queue time',
    },
  },
  {
    name: 'a suspend is no time that passed',
    invariants: [17],
    file: 'lib/store/queue-time.js',
    find: 'this.#countSleep();',
    replace: '',
    caughtBy: {
      file: 'store/queue-time',
      name: 'a suspend moves queue time, whatever happens to the wall clock meanwhile',
    },
  },
  {
    name: 'an opening goes on from the wall clock, whatever is recorded',
    invariants: [17],
    file: 'lib/store/queue-time.js',
    find: 'Math.max(wall - recordedLeadMs, latest)',
    replace: 'wall - recordedLeadMs',
    caughtBy: {
      file: 'store/recovery/clocks',
      name: 'a machine that boots in 1970 goes on from the recorded time until its clock is set',
    },
  },
  {
    name: 'a wall clock that was far behind is taken for time that passed when it is right again',
    invariants: [17],
    file: 'lib/store/queue-time.js',
    find: 'Math.max(parted.wall - parted.at, 0)',
    replace: '(parted.wall - parted.at)',
    caughtBy: {
      file: 'store/queue-time',
      name: 'queue time of the next life begins at the recorded time, or at the wall clock if that is later',
    },
  },
  {
    name: 'a wall clock that was set right while nothing ran hides from every later life how long that was',
    invariants: [17],
    file: 'lib/store/log-store.js',
    find: `if (time.isToBeRecorded)
            this.#recordParted();`,
    replace: '',
    caughtBy: {
      file: 'store/recovery/clocks',
      name: 'a clock that was wrong and was set right while no process ran does not hide time for ever',
    },
  },
  {
    name: 'a wall clock that is behind what is recorded is believed by an opening',
    invariants: [17],
    file: 'lib/store/queue-time.js',
    find: 'wall >= latest && recordedLeadMs',
    replace: 'recordedLeadMs',
    caughtBy: {
      file: 'store/recovery/clocks',
      name: 'a life that begins before the clock is set keeps the recorded times',
    },
  },
  {
    name: 'a step of the wall clock is not recorded',
    invariants: [17],
    file: 'lib/store/log-store.js',
    find: 'time.onParted = () => this.#recordParted();',
    replace: '',
    caughtBy: {
      file: 'store/recovery/clocks',
      name: 'a step of the wall clock moves queue time neither in its life nor in the next one',
    },
  },
  {
    name: 'a compaction leaves behind how the clocks parted',
    invariants: [17],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: 'return parted.ackSequence === ackSequence;',
    replace: 'return false;',
    caughtBy: {
      file: 'store/recovery/clocks',
      name: 'the record of how the clocks parted outlives every compaction, once',
    },
  },
  {
    name: 'the dedupe window is by the wall clock',
    invariants: [17],
    file: 'lib/store/log-store.js',
    find: 'const now = () => time.awake();',
    replace: 'const now = () => time.wall();',
    caughtBy: {
      file: 'store/recovery/clocks',
      name: 'a step of the wall clock does not shorten the dedupe window, and a suspend does not prolong it',
    },
  },
  {
    name: 'timers wait without a look at the clocks',
    invariants: [17],
    file: 'lib/delivery/time/timers.js',
    find: 'Math.min(remainingMs, LOOK_EVERY_MS)',
    replace: 'Math.min(remainingMs, 2_147_483_647)',
    caughtBy: {
      file: 'delivery/time/clocks',
      name: 'messages that fell due during a suspend are sent within a minute',
    },
  },
  {
    name: 'a delay is by the wall clock',
    invariants: [17],
    file: 'lib/delivery/schedule/scheduled.js',
    find: 'heap === this.#delays ? this.#time.now() : this.#time.wall()',
    replace: 'this.#time.wall()',
    caughtBy: { file: 'delivery/time/clocks', name: 'a wall clock set a year back does not change a delay' },
  },
  {
    name: 'an appointment that a step brought on came as long ago as the wall clock says',
    invariants: [17],
    file: 'lib/delivery/schedule/scheduled.js',
    find: 'Math.max(this.#time.ofWall(deliverAt), this.#lookedAt)',
    replace: 'this.#time.ofWall(deliverAt)',
    caughtBy: {
      file: 'delivery/time/clocks',
      name: 'an appointment that a step of the wall clock makes due keeps its whole time to live',
    },
  },
  {
    name: 'for how long a message was tried is not recorded',
    invariants: [17],
    file: 'lib/store/write/outcome-recorder.js',
    find: 'triedMs: outcome.triedMs,',
    replace: 'triedMs: 0,',
    caughtBy: {
      file: 'store/recovery/recovery',
      name: 'an attempt that a crash left open is in doubt, and charged',
    },
  },
  {
    name: 'a message is tried while its channel is paused',
    invariants: [17],
    file: 'lib/delivery/schedule/scheduler.js',
    find: "channel.openTime?.set(Closed.stopped, state === 'parked');",
    replace: '',
    caughtBy: {
      file: 'delivery/time/tried-time',
      name: 'the time of a pause of its channel does not count as tried',
    },
  },
  {
    name: 'a message is tried while its group is halted',
    invariants: [17],
    file: 'lib/delivery/schedule/scheduler.js',
    find: 'holder.openTime?.set(Closed.stopped, isPaused || holder.halt !== undefined);',
    replace: '',
    caughtBy: {
      file: 'delivery/time/tried-time',
      name: 'the time of a halt of its group does not count as tried',
    },
  },
  {
    name: 'a message is tried while its group waits as it was told',
    invariants: [17],
    file: 'lib/delivery/schedule/scheduler.js',
    find: 'holder.openTime?.closeUntil(until);',
    replace: 'void until;',
    caughtBy: {
      file: 'delivery/time/tried-time',
      name: 'the time of a wait of its group does not count as tried',
    },
  },
  {
    name: 'a message is tried while it waits as it was told',
    invariants: [17],
    file: 'lib/delivery/attempt/attempt-outcomes.js',
    find: 'if (!retry.told)',
    replace: '',
    caughtBy: {
      file: 'delivery/time/tried-time',
      name: 'a wait that a failure names does not count as tried',
    },
  },
  {
    name: 'a message is tried in a suspend',
    invariants: [17],
    file: 'lib/delivery/schedule/scheduler.js',
    find: 'new OpenTime(timers, () => clock.monotonic())',
    replace: 'new OpenTime(timers, () => timers.now())',
    caughtBy: { file: 'delivery/time/tried-time', name: 'the time of a suspend does not count as tried' },
  },
  {
    name: 'what an attempt took does not count as tried',
    invariants: [17],
    file: 'lib/delivery/attempt/attempt-runner.js',
    find: 'attempt.tryingSince = clock.monotonic();',
    replace: '',
    caughtBy: { file: 'delivery/time/tried-time', name: 'time in which a receiver hangs counts as tried' },
  },
]
