/** How a refusal that `send` returned is told from a delivery, switched off. */
import type { Mutation } from './mutation.js'

const RETURNED = 'delivery/returned/returned'

export const returnedMutations: readonly Mutation[] = [
  {
    name: 'a code beside words of success is a refusal',
    invariants: [],
    file: 'lib/delivery/returned/refusals.js',
    find: 'isText(answer.msg) && !saysSuccess(answer)',
    replace: 'isText(answer.msg)',
    caughtBy: {
      file: RETURNED,
      name: 'a result that is no refusal is a delivery: a code of success in Chinese',
    },
  },
  {
    name: 'a pair of an error and nothing is a list of which a part failed',
    invariants: [],
    file: 'lib/delivery/returned/lists.js',
    find: 'value.length === 2 && isError(value[0])',
    replace: 'false && isError(value[0])',
    caughtBy: {
      file: RETURNED,
      name: 'a returned refusal has the verdict of its content: a pair of an error and nothing',
    },
  },
  {
    name: 'what send returned is a delivery, whatever it says',
    invariants: [],
    file: 'lib/delivery/attempt/results.js',
    find: 'verdict === undefined ? findingIn(result) : refusalOf(result)',
    replace: 'verdict === undefined ? undefined : refusalOf(result)',
    caughtBy: { file: RETURNED, name: 'a returned refusal has the same verdict as a thrown one' },
  },
  {
    name: 'an error that was caught and returned is a refusal in words',
    invariants: [],
    file: 'lib/delivery/returned/finding.js',
    find: 'caughtIn(body) ?? refusalIn(body, response)',
    replace: 'refusalIn(body, response)',
    caughtBy: {
      file: RETURNED,
      name: 'a returned refusal has the verdict of its content: ok: false, a lost answer that was caught',
    },
  },
  {
    name: 'a body is read and not its clone',
    invariants: [],
    file: 'lib/delivery/returned/body-reader.js',
    find: 'isClonable(this.#source) ? this.#source.clone() : this.#source',
    replace: 'this.#source',
    caughtBy: { file: RETURNED, name: 'a Response that delivery has read can still be read by listeners' },
  },
  {
    name: 'a body of undici is not put back as it was',
    invariants: [],
    file: 'lib/delivery/returned/peeked-body.js',
    find: 'body.unshift(Buffer.concat(this.#pieces));',
    replace: "body.unshift(Buffer.from('x'));",
    caughtBy: {
      file: 'queue/returned',
      name: 'a body of undici that is no JSON answer can still be read',
    },
  },
  {
    name: 'an instance of a class is judged by its properties',
    invariants: [],
    file: 'lib/delivery/returned/answer.js',
    find: 'return prototype === null || Object.getPrototypeOf(prototype) === null;',
    replace: 'return true;',
    caughtBy: { file: RETURNED, name: 'a result that is no refusal is a delivery: an instance of a class' },
  },
  {
    name: 'a list of which a part failed is sent again',
    invariants: [],
    file: 'lib/delivery/returned/finding.js',
    find: 'failures.length === count',
    replace: 'failures.length > 0',
    caughtBy: {
      file: RETURNED,
      name: 'a result list with some failures is a delivery, and an error reports the failed ones',
    },
  },
  {
    name: 'a body is waited for as long as a new attempt may take',
    invariants: [],
    file: 'lib/delivery/attempt/results.js',
    find: 'attempt.startedAt + attempt.policy.sendTimeoutMs - timers.now()',
    replace: 'attempt.policy.sendTimeoutMs',
    caughtBy: {
      file: RETURNED,
      name: 'a Response whose body does not end is waited for until the attempt times out',
    },
  },
  {
    name: 'a body that breaks off ends the process',
    invariants: [],
    file: 'lib/delivery/returned/body-reader.js',
    find: 'ignoreErrors(half);',
    replace: '',
    caughtBy: {
      file: RETURNED,
      name: 'a cloned body of a Node stream that breaks off does not end the process',
    },
  },
]
