/** What `lib/delivery/classify` reads of an error, switched off. */
import type { Mutation } from './mutation.js'

const STATUS = 'delivery/classify/classify-status'
const NETWORK = 'delivery/classify/classify-network'
const PLATFORMS = 'delivery/classify/classify-platforms'
const WAIT = 'delivery/classify/classify-wait'

export const verdictMutations: readonly Mutation[] = [
  {
    name: 'what node-fetch puts before a text hides it',
    invariants: [],
    file: 'lib/delivery/classify/protocols/text.js',
    find: "text.replace(PASSED_ON, '')",
    replace: 'text',
    caughtBy: {
      file: NETWORK,
      name: "a client's failure without a telling code is recognised by its text",
    },
  },
  {
    name: 'a lost answer in the words of a program is a refusal',
    invariants: [],
    file: 'lib/delivery/classify/platforms/anybody.js',
    find: 'if (met !== undefined)',
    replace: 'if (false)',
    caughtBy: {
      file: 'delivery/returned/returned',
      name: 'a returned refusal has the verdict of its content: a lost answer in words',
    },
  },
  {
    name: 'an answer of 502 is taken for "not sent"',
    invariants: [],
    file: 'lib/delivery/classify/protocols/http.js',
    find: "[502, 'unanswered'",
    replace: "[502, 'not-sent'",
    caughtBy: { file: STATUS, name: 'a 5xx is ambiguous unless it says that nothing was processed' },
  },
  {
    name: 'a status that no answer came with is final',
    invariants: [],
    file: 'lib/delivery/classify/rules.js',
    find: 'reading.hasAnswer || !isDoubt(answer)',
    replace: 'true',
    caughtBy: { file: STATUS, name: 'a status of an error without an answer gives way to the wrapped error' },
  },
  {
    name: 'a number of a platform’s own is taken for a status',
    invariants: [],
    file: 'lib/delivery/classify/reading/status.js',
    find: 'NO_STATUS_BESIDE.some(',
    replace: '[].some(',
    caughtBy: { file: STATUS, name: 'a number that is no HTTP status is not taken for one' },
  },
  {
    name: 'a refusal that names a wait is final',
    invariants: [],
    file: 'lib/delivery/classify/protocols/http.js',
    find: 'reading.waitMs !== undefined',
    replace: 'false',
    caughtBy: { file: STATUS, name: 'a refusal that says when to come back is a limit, whatever its status' },
  },
  {
    name: 'a platform’s code counts without what marks its answers',
    invariants: [],
    file: 'lib/delivery/classify/platforms/platform.js',
    find: 'mark.has.every(',
    replace: 'mark.has.some(',
    caughtBy: {
      file: PLATFORMS,
      name: "a code of a platform counts only beside the marks of that platform's answers",
    },
  },
  {
    name: 'a message in no doubt is delivered by a platform’s word',
    invariants: [],
    file: 'lib/delivery/classify/protocols/meaning.js',
    find: 'return mayHaveBeenSent ?',
    replace: 'return true ?',
    caughtBy: {
      file: PLATFORMS,
      name: 'a platform’s word that it took the request refuses a message that is not in doubt',
    },
  },
  {
    name: 'any conflict with LINE is a delivery',
    invariants: [],
    file: 'lib/delivery/classify/platforms/line.js',
    find: "status === 409 && headers.has('x-line-accepted-request-id')",
    replace: 'status === 409',
    caughtBy: { file: PLATFORMS, name: 'words alone never deliver a message in doubt' },
  },
  {
    name: 'a text halts more than a channel from its middle',
    invariants: [],
    file: 'lib/delivery/classify/protocols/text.js',
    find: ", scope: 'channel' }",
    replace: ' }',
    caughtBy: { file: NETWORK, name: 'only the beginning of an error text may halt more than a channel' },
  },
  {
    name: 'what a text quotes halts',
    invariants: [],
    file: 'lib/delivery/classify/protocols/text.js',
    find: "start.replace(QUOTED, ' ')",
    replace: 'start',
    caughtBy: { file: NETWORK, name: 'only the beginning of an error text may halt more than a channel' },
  },
  {
    name: 'a connection that stood is taken for one that never did',
    invariants: [],
    file: 'lib/delivery/classify/protocols/codes.js',
    find: "AFTER.test(call) ? 'unanswered' : means",
    replace: 'means',
    caughtBy: { file: NETWORK, name: 'an error on an established connection is ambiguous' },
  },
  {
    name: 'a wait of nothing has been told',
    invariants: [],
    file: 'lib/delivery/classify/reading/wait.js',
    find: `const waitMs = parseWait(property(place, name), unit, now);
            if (waitMs !== undefined && waitMs > 0)`,
    replace: `const waitMs = parseWait(property(place, name), unit, now);
            if (waitMs !== undefined)`,
    caughtBy: { file: WAIT, name: 'an invalid wait counts as none' },
  },
  {
    name: 'a moment is measured by our own clock',
    invariants: [],
    file: 'lib/delivery/classify/reading/wait.js',
    find: 'Number.isNaN(sentAt) ? wallNow() : sentAt',
    replace: 'wallNow()',
    caughtBy: { file: WAIT, name: 'a wait is found in a header under any of its names' },
  },
  {
    name: 'an error is read without a bound',
    invariants: [],
    file: 'lib/delivery/classify/reading/reading.js',
    find: 'const MAX_PLACES = 32;',
    replace: 'const MAX_PLACES = Infinity;',
    caughtBy: {
      file: 'delivery/classify/classify',
      name: 'reading an error is bounded, whatever it holds',
    },
  },
  {
    name: 'a gateway that tried it before has passed nothing on',
    invariants: [],
    file: 'lib/delivery/classify/protocols/gateways.js',
    find: 'before headers\\. reset reason:',
    replace: 'before headers\\..* reset reason:',
    caughtBy: { file: STATUS, name: 'a gateway that says that it passed nothing on has sent nothing' },
  },
  {
    name: 'a wait in the metadata of gRPC is not read',
    invariants: [],
    file: 'lib/delivery/classify/reading/headers.js',
    find: "'responseHeaders', 'metadata']",
    replace: "'responseHeaders']",
    caughtBy: { file: WAIT, name: 'a wait is found in a header under any of its names' },
  },
  {
    name: 'a client that does not say what went wrong is taken for a refusal',
    invariants: [],
    file: 'lib/delivery/classify/platforms/mail.js',
    find: "name: 'application_error', statusCode: null",
    replace: "name: 'application_error', statusCode: 0",
    caughtBy: {
      file: 'delivery/classify/classify-mail',
      name: 'codes of mail services have verdicts of their own',
    },
  },
]
