/** What `lib/delivery/holds/brake` does so that an outage costs messages nothing and neighbours little, switched off. */
import type { Mutation } from './mutation.js'

const brake = 'lib/delivery/holds/brake.js'
const held = 'lib/delivery/holds/held.js'

export const brakeMutations: readonly Mutation[] = [
  {
    name: 'one failure is an outage',
    invariants: [],
    file: brake,
    find: 'if (this.#failures < 2 ||',
    replace: 'if (',
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'two failures of one channel brake its scope if no other channel is due',
    },
  },
  {
    name: 'one channel brakes its scope whatever is due',
    invariants: [],
    file: brake,
    find: 'return this.#due.size === 0 ||',
    replace: 'return true ||',
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'failures of one channel do not brake its scope while another channel waits for its turn',
    },
  },
  {
    name: 'an answer leaves the row as it is',
    invariants: [],
    file: brake,
    find: `else if (this.state === 'watching')
            this.#forget();`,
    replace: `else if (this.state === 'watching')
            ;`,
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'two failures with an answer between them do not brake their scope',
    },
  },
  {
    name: 'whoever fails in an outage lengthens its interval',
    invariants: [],
    file: brake,
    find: `else if (isProbe)
            this.#slowDown();`,
    replace: `else
            this.#slowDown();`,
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'attempts under way when a brake goes on do not lengthen its interval',
    },
  },
  {
    name: 'who has not failed in an outage waits like the others',
    invariants: [],
    file: brake,
    find: 'if (!this.#failed.has(channel.target))',
    replace: 'if (false)',
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'a channel that has not failed in an outage waits for its brake five seconds at most',
    },
  },
  {
    name: 'the one that waited longest is tried, however often it was',
    invariants: [],
    file: held,
    find: 'return one.attempts === other.attempts ? one.ticket < other.ticket : one.attempts < other.attempts;',
    replace: 'return one.ticket < other.ticket;',
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'a brake probes with the message with the fewest charged attempts, then the one that waited longest',
    },
  },
  {
    name: 'waits that an outage caused go on after it',
    invariants: [],
    file: brake,
    find: `for (const channel of this.#failed)
            this.#listener.outageEnded(channel);`,
    replace: '',
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'the end of a brake ends the waits that the outage caused, and no others',
    },
  },
  {
    name: 'after an outage all go on at once',
    invariants: [],
    file: brake,
    find: 'return this.#taken < this.#slots;',
    replace: 'return true;',
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'after a brake the concurrency grows from one and doubles with each success',
    },
  },
  {
    name: 'one that hangs after an outage keeps the others waiting',
    invariants: [],
    file: brake,
    find: `if (this.state === 'lifting')
            this.#timers.set(held,`,
    replace: `if (false)
            this.#timers.set(held,`,
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'an attempt that hangs while a brake lifts keeps its place for five seconds at most',
    },
  },
  {
    name: 'a probe that was not made is lost',
    invariants: [],
    file: brake,
    find: `if (held.round === this.#round)
            this.#taken--;`,
    replace: `if (held.round === this.#round && held.attempts < 0)
            this.#taken--;`,
    caughtBy: {
      file: 'delivery/holds/brake',
      name: "a brake's probe that is paused while it waits for its turn is given to another channel",
    },
  },
  {
    name: 'a time-out is what the client calls it',
    invariants: [],
    file: 'lib/delivery/attempt/attempt-outcomes.js',
    find: 'attempt.cancellation.isCancelled || isOutage(error)',
    replace: 'isOutage(error)',
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'an attempt that sendTimeoutMs ended counts for the brake, however the client reports it',
    },
  },
  {
    name: 'accounts without a group have nothing in common',
    invariants: [],
    file: 'lib/delivery/schedule/brakes.js',
    find: 'this.#groupOf(channel) ?? ACCOUNT.exec(target)?.[0]',
    replace: 'this.#groupOf(channel)',
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'the scope of a brake is the longest group, else platform and account, else the channel',
    },
  },
  {
    name: 'a channel that waited for its turn when its receiver went down has it',
    invariants: [],
    file: 'lib/delivery/schedule/scheduler.js',
    find: '!this.brakes.of(channel)?.stops(channel)',
    replace: 'true',
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'a channel that waits for its turn when the brake goes on waits for the brake, too',
    },
  },
  {
    name: 'one that was asked about waits behind the others',
    invariants: [],
    file: 'lib/delivery/schedule/scheduler.js',
    find: 'this.columns.hasMark(ref, DeliveryFlag.asked) ? -1 :',
    replace: '',
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'in a braked scope a message is sent after its question before another is asked about',
    },
  },
  {
    name: 'asking a receiver that is down costs nothing',
    invariants: [],
    file: 'lib/delivery/attempt/ambiguity-resolver.js',
    find: "attemptOutcomes.look(attempt, error, { kind: 'ambiguous' }, recorded);",
    replace: '',
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'a question of onAmbiguous that finds the receiver down counts for the brake',
    },
  },
  {
    name: 'what a rate key keeps holds the slot of the probe',
    invariants: [],
    file: 'lib/delivery/schedule/scheduler.js',
    find: 'if (channel.gate instanceof KeyGate && channel.gate.opensAt > this.#timers.now())',
    replace: 'if (false)',
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'a channel whose rate key is used up does not keep others from probing a brake or going on after it',
    },
  },
  {
    name: 'what its rate key stops on its way holds the slot of the probe',
    invariants: [],
    file: 'lib/delivery/schedule/scheduler.js',
    find: 'this.#standBack(gate);',
    replace: ';',
    caughtBy: {
      file: 'delivery/holds/brake',
      name: "a brake's probe whose rate key is used up while it waits is given to another channel",
    },
  },
  {
    name: 'what was let go on goes on when the receiver is down again',
    invariants: [],
    file: brake,
    find: 'this.#callBack();',
    replace: ';',
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'a channel released by a brake is held again when the receiver goes down before its turn',
    },
  },
  {
    name: 'an attempt under way is nothing due',
    invariants: [],
    file: brake,
    find: 'if (this.#listener.isAsked(this, channel))',
    replace: 'if (false)',
    caughtBy: {
      file: 'delivery/holds/brake',
      name: 'failures of one channel do not brake its scope while an attempt of another, begun before, is under way',
    },
  },
]
