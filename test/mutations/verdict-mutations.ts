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
    file: 'lib/delivery/classify/reading/text.js',
    find: "text.replace(PASSED_ON, '')",
    replace: 'text',
    caughtBy: {
      file: NETWORK,
      name: 'a failure of a client is told by its text where its code is lost, or says nothing',
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
      name: 'a refusal that is returned means what it says: a lost answer in words',
    },
  },
  {
    name: 'an answer of 502 is taken for "not sent"',
    invariants: [],
    file: 'lib/delivery/classify/reading/http.js',
    find: "[502, 'unanswered'",
    replace: "[502, 'not-sent'",
    caughtBy: { file: STATUS, name: 'a 5xx is in doubt, unless it says that nothing was processed' },
  },
  {
    name: 'a status that no answer came with is final',
    invariants: [],
    file: 'lib/delivery/classify/rules.js',
    find: 'reading.hasAnswer || !isDoubt(answer)',
    replace: 'true',
    caughtBy: { file: STATUS, name: 'a status that no answer came with gives way to what it wraps' },
  },
  {
    name: 'a number of a platform’s own is taken for a status',
    invariants: [],
    file: 'lib/delivery/classify/reading/status.js',
    find: 'NO_STATUS_BESIDE.some(',
    replace: '[].some(',
    caughtBy: { file: STATUS, name: 'a number that is no status of HTTP is not taken for one' },
  },
  {
    name: 'a refusal that names a wait is final',
    invariants: [],
    file: 'lib/delivery/classify/reading/http.js',
    find: 'reading.waitMs !== undefined',
    replace: 'false',
    caughtBy: { file: STATUS, name: 'a refusal that says when to come back is a limit, whatever its status' },
  },
  {
    name: 'a platform’s code counts without what marks its answers',
    invariants: [],
    file: 'lib/delivery/classify/reading/platform.js',
    find: 'mark.has.every(',
    replace: 'mark.has.some(',
    caughtBy: {
      file: PLATFORMS,
      name: 'a code of a platform counts only with what marks its answers: any endpoint can answer so',
    },
  },
  {
    name: 'a message in no doubt is delivered by a platform’s word',
    invariants: [],
    file: 'lib/delivery/classify/reading/meaning.js',
    find: 'return mayHaveBeenSent ?',
    replace: 'return true ?',
    caughtBy: { file: PLATFORMS, name: 'of a message in no doubt it is a refusal' },
  },
  {
    name: 'any conflict with LINE is a delivery',
    invariants: [],
    file: 'lib/delivery/classify/platforms/line.js',
    find: "status === 409 && headers.has('x-line-accepted-request-id')",
    replace: 'status === 409',
    caughtBy: { file: PLATFORMS, name: 'never by words alone' },
  },
  {
    name: 'a text halts more than a channel from its middle',
    invariants: [],
    file: 'lib/delivery/classify/reading/text.js',
    find: ", scope: 'channel' }",
    replace: ' }',
    caughtBy: { file: NETWORK, name: 'a text may halt more than a channel by its beginning only' },
  },
  {
    name: 'what a text quotes halts',
    invariants: [],
    file: 'lib/delivery/classify/reading/text.js',
    find: "start.replace(QUOTED, ' ')",
    replace: 'start',
    caughtBy: { file: NETWORK, name: 'a text may halt more than a channel by its beginning only' },
  },
  {
    name: 'a connection that stood is taken for one that never did',
    invariants: [],
    file: 'lib/delivery/classify/reading/codes.js',
    find: "AFTER.test(call) ? 'unanswered' : means",
    replace: 'means',
    caughtBy: { file: NETWORK, name: 'a connection that stood leaves the message in doubt' },
  },
  {
    name: 'a wait of nothing has been told',
    invariants: [],
    file: 'lib/delivery/classify/reading/wait.js',
    find: `const waitMs = parseWait(property(place, name), unit, now);
            if (waitMs !== undefined && waitMs > 0)`,
    replace: `const waitMs = parseWait(property(place, name), unit, now);
            if (waitMs !== undefined)`,
    caughtBy: { file: WAIT, name: 'a wait that is none has not been told' },
  },
  {
    name: 'a moment is measured by our own clock',
    invariants: [],
    file: 'lib/delivery/classify/reading/wait.js',
    find: 'Number.isNaN(sentAt) ? wallNow() : sentAt',
    replace: 'wallNow()',
    caughtBy: { file: WAIT, name: 'the wait is read in a header, whatever it is called there' },
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
    file: 'lib/delivery/classify/reading/gateways.js',
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
    caughtBy: { file: WAIT, name: 'the wait is read in a header, whatever it is called there' },
  },
  {
    name: 'a client that does not say what went wrong is taken for a refusal',
    invariants: [],
    file: 'lib/delivery/classify/platforms/mail.js',
    find: "name: 'application_error', statusCode: null",
    replace: "name: 'application_error', statusCode: 0",
    caughtBy: { file: 'delivery/classify/classify-mail', name: 'services of mail have codes of their own' },
  },
]
