/** What `lib/delivery` does so that an outcome is known before it is relied on, switched off. By invariant. */
import type { Mutation } from './mutation.js'

export const deliveryMutations: readonly Mutation[] = [
  {
    name: 'an attempt is sent before it is recorded',
    invariants: [3, 13],
    file: 'lib/delivery/attempt/attempt-runner.js',
    find: 'const written = await this.#recordStart(attempt);',
    replace: 'const written = true; void this.#recordStart(attempt);',
    caughtBy: {
      file: 'delivery/disk',
      name: 'a channel waits while a delivery of it cannot be recorded, and sends nothing again',
    },
  },
  {
    name: 'a send that ends takes the others along: none is inside any more',
    invariants: [],
    file: 'lib/delivery/attempt/enclosing-attempts.js',
    find: 'if (--calls === 0)',
    replace: 'calls--;',
    caughtBy: {
      file: 'queue/inside',
      name: 'a send that ends does not end the context of other running sends',
    },
  },
  {
    name: 'a cancel does not wait for the device',
    invariants: [13],
    file: 'lib/delivery/operator-actions.js',
    find: 'const synced = this.#context.store.syncOutcomes();',
    replace: 'const synced = Promise.resolve();',
    caughtBy: {
      file: 'delivery/dead-letters',
      name: 'retryDead and purgeDead reject while the device refuses them',
    },
  },
  {
    name: 'a redrive does not wait for the device',
    invariants: [13],
    file: 'lib/delivery/operator-actions.js',
    find: `scheduler.pump();
        if (count > 0)
            await store.syncOutcomes();`,
    replace: 'scheduler.pump();',
    caughtBy: { file: 'delivery/dead-letters', name: 'a redrive whose outcome cannot be synced rejects' },
  },
  {
    name: 'a purge does not wait for the device',
    invariants: [13],
    file: 'lib/delivery/operator-actions.js',
    find: `outcomeWriter.record(ref, outcome, () => this.#purging.delete(ref));
        }
        if (count > 0)
            await store.syncOutcomes();`,
    replace: `outcomeWriter.record(ref, outcome, () => this.#purging.delete(ref));
        }`,
    caughtBy: {
      file: 'delivery/dead-letters',
      name: 'a dead letter is purged once, and its outcome is on the device',
    },
  },
  {
    name: 'what overtakes does not say so',
    invariants: [13],
    file: 'lib/delivery/attempt/attempt-runner.js',
    find: '(attempt.channel.resting?.size ?? 0) > 0 || ',
    replace: '',
    caughtBy: {
      file: 'delivery/attempt/ambiguity-resolver',
      name: 'the store is told which attempt overtakes a message of its channel',
    },
  },
  {
    name: 'a first attempt that a loss of power would hide does not wait for the device',
    invariants: [13],
    file: 'lib/delivery/attempt/attempt-runner.js',
    find: '(mustSync && !(await this.#sync(attempt)))',
    replace: "(policy.onAmbiguous !== 'resend' && !(await this.#sync(attempt)))",
    caughtBy: {
      file: 'delivery/attempt/ambiguity-resolver',
      name: "with onAmbiguous 'resend' a send waits for the device only if a power loss would hide it",
    },
  },
  {
    name: 'an attempt that must not be repeated does not wait for the device',
    invariants: [13],
    file: 'lib/delivery/attempt/attempt-runner.js',
    find: '(mustSync && !(await this.#sync(attempt)))',
    replace: 'false',
    caughtBy: {
      file: 'delivery/attempt/ambiguity-resolver',
      name: 'the attempt is on the device before send if onAmbiguous is dead-letter',
    },
  },
  {
    name: 'only the longest group that fits holds',
    invariants: [],
    file: 'lib/delivery/schedule/groups.js',
    find: "new Gate('group', prefix, this.of(prefix).outer,",
    replace: "new Gate('group', prefix, this.none.outer,",
    caughtBy: {
      file: 'delivery/limits/limits',
      name: 'the concurrency of every group whose prefix fits holds, not only of the longest',
    },
  },
  {
    name: 'what an attempt leaves behind opens only its own gate',
    invariants: [],
    file: 'lib/delivery/schedule/gate.js',
    find: 'outer.#changed(joins);',
    replace: 'if (ticket !== Infinity) outer.#changed(joins);',
    caughtBy: {
      file: 'delivery/limits/limits',
      name: "a group of groups at its concurrency costs no work in its channels' turns or in others",
    },
  },
  {
    name: 'a probe without an answer is not charged',
    invariants: [],
    file: 'lib/delivery/retry/decide-retry.js',
    find: 'const attempts = facts.attemptsBefore + 1;\n    if (facts.onAmbiguous',
    replace: 'const attempts = facts.attemptsBefore + (facts.isProbe ? 0 : 1);\n    if (facts.onAmbiguous',
    caughtBy: {
      file: 'delivery/limits/charges',
      name: 'a probe without an answer is charged, so halts between probes allow no more than maxAttempts',
    },
  },
  {
    name: 'an attempt that close cuts short is not charged',
    invariants: [],
    file: 'lib/delivery/attempt/attempt-outcomes.js',
    find: 'this.#alive(attempt, attemptsAfter(attempt), true)',
    replace: 'this.#alive(attempt, attempt.before.attempts, true)',
    caughtBy: {
      file: 'delivery/limits/charges',
      name: 'a process that is closed during each attempt makes maxAttempts attempts',
    },
  },
  {
    name: 'a restart forgets that no attempts are left, where the receiver is asked',
    invariants: [],
    file: 'lib/delivery/attempt/ambiguity-resolver.js',
    find: 'if (isOver)\n            this.#context.scheduler.columns.mark(attempt.ref, DeliveryFlag.givenUp);',
    replace: '',
    caughtBy: {
      file: 'delivery/limits/charges',
      name: "after a restart a message without attempts left is not sent again if onAmbiguous answers 'unknown'",
    },
  },
  {
    name: 'a halt does not widen',
    invariants: [],
    file: 'lib/delivery/schedule/halt-scope.js',
    find: 'if (!mayWiden || (group.halt === undefined && suspects.length < 2))',
    replace: 'if (true)',
    caughtBy: {
      file: 'delivery/schedule/halt-scope',
      name: 'a halt widens to the group when a second channel halts with no success between, and says so',
    },
  },
  {
    name: 'a success between two halts is forgotten',
    invariants: [],
    file: 'lib/delivery/schedule/halt-scope.js',
    find: 'this.#suspects.delete(group);',
    replace: '',
    caughtBy: {
      file: 'delivery/schedule/halt-scope',
      name: 'a halt does not widen to the group after a success of the group',
    },
  },
  {
    name: 'a halt that widened does not shrink',
    invariants: [],
    file: 'lib/delivery/schedule/halt-scope.js',
    find: 'if (group.halt?.widened)',
    replace: 'if (false)',
    caughtBy: {
      file: 'delivery/schedule/halt-scope',
      name: 'an attempt under way that succeeds shrinks a widened halt, but no halt with a scope of its own',
    },
  },
  {
    name: 'a probe of a channel widens its halt again',
    invariants: [],
    file: 'lib/delivery/schedule/halt-scope.js',
    find: 'const isNew = channel.halt === undefined;',
    replace: 'const isNew = true;',
    caughtBy: {
      file: 'delivery/schedule/halt-scope',
      name: "failed probes of the channels that caused a halt do not widen it again, and another channel's halt may",
    },
  },
  {
    name: 'a probe may be the channel that halted',
    invariants: [],
    file: 'lib/delivery/schedule/scheduler.js',
    find: 'this.#lineUpAgain(holder.halt.by);',
    replace: '',
    caughtBy: {
      file: 'delivery/schedule/halt-scope',
      name: 'the probe of a halt with scope group is another channel than the one that halted',
    },
  },
  {
    name: 'a halt that widened waits for its first probe as long as any',
    invariants: [],
    file: 'lib/delivery/holds/halts.js',
    find: 'const isGuess = halt.widened && !order.told;',
    replace: 'const isGuess = false;',
    caughtBy: {
      file: 'delivery/schedule/halt-scope',
      name: 'if ten of a hundred tenants, the first ten, always answer 401, the others lose less than a tenth of their throughput',
    },
  },
  {
    name: 'a message that alone keeps halting does so for ever',
    invariants: [],
    file: 'lib/delivery/attempt/attempt-outcomes.js',
    find: 'if (this.#isAloneTooLong(attempt, decision))',
    replace: 'if (false)',
    caughtBy: {
      file: 'delivery/schedule/halt-scope',
      name: 'a message that alone keeps halting is dead by giveUpAfterMs, and its channel goes on',
    },
  },
  {
    name: 'giveUpAfterMs runs in every halt',
    invariants: [],
    file: 'lib/delivery/schedule/halt-scope.js',
    find: 'halt.ownTime.set(Closed.stopped, true);',
    replace: '',
    caughtBy: {
      file: 'delivery/schedule/halt-scope',
      name: 'giveUpAfterMs does not run where no other channel of the group has succeeded since the halt',
    },
  },
  {
    name: 'an attempt that may be the only one does not wait for the device',
    invariants: [13],
    file: 'lib/delivery/retry/policy.js',
    find: "onAmbiguous !== 'resend' || backoff.mayEndAtOnce",
    replace: "onAmbiguous !== 'resend'",
    caughtBy: {
      file: 'delivery/limits/charges',
      name: 'an attempt that may be the last is on the device before send',
    },
  },
]
