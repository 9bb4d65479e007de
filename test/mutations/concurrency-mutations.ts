/** What holds where several messages of one channel are sent at once, switched off. */
import type { Mutation } from './mutation.js'

const schedule = 'delivery/schedule/concurrency'
const scheduler = 'lib/delivery/schedule/scheduler.js'

export const concurrencyMutations: readonly Mutation[] = [
  {
    name: 'the answer of onAmbiguous is forgotten before the message is sent',
    invariants: [],
    file: 'lib/delivery/attempt/ambiguity-resolver.js',
    find: 'if (!columns.hasMark(ref, DeliveryFlag.asked))',
    replace: 'if (true)',
    caughtBy: {
      file: schedule,
      name: 'onAmbiguous is asked once about each of several messages in doubt, and each answer counts',
    },
  },
  {
    name: 'a channel sends more at once than its concurrency',
    invariants: [],
    file: scheduler,
    find: 'if (running >= policy.concurrency)',
    replace: 'if (running > policy.concurrency)',
    caughtBy: {
      file: schedule,
      name: 'a channel with a concurrency sends as many at once, and the next as soon as one ends',
    },
  },
  {
    name: 'parts of a list that fails together are sent at once',
    invariants: [],
    file: scheduler,
    find: 'return list === undefined || !',
    replace: 'return true || !',
    caughtBy: {
      file: schedule,
      name: 'parts of a list that fails together go one at a time, in a channel with a concurrency too',
    },
  },
  {
    name: 'several messages of a channel ask a receiver that is down',
    invariants: [],
    file: scheduler,
    find: 'this.brakes.of(channel) !== undefined)\n            return false;\n        const first',
    replace: 'false)\n            return false;\n        const first',
    caughtBy: {
      file: schedule,
      name: 'while its receiver is down a channel with a concurrency tries one at a time',
    },
  },
  {
    name: 'an attempt beside another is made before it is on the device',
    invariants: [13],
    file: 'lib/delivery/attempt/attempt-runner.js',
    find: ' || attempt.channel.running > 1',
    replace: '',
    caughtBy: {
      file: schedule,
      name: 'an attempt that may overtake another is on the device before it is made',
    },
  },
]
