/** What the queue does for the program that holds it, switched off. */
import type { Mutation } from './mutation.js'

const PROMISES = 'every pending promise keeps the process alive until it settles, with one handle for all'
const DOUBT = 'a message in doubt that is cancelled settles as cancelled and is never sent again'

export const queueMutations: readonly Mutation[] = [
  {
    name: 'a payload is enqueued without a look at the schema',
    invariants: [],
    file: 'lib/queue/validation/validate-message.js',
    find: 'if (context.schema !== undefined)',
    replace: 'if (false)',
    caughtBy: {
      file: 'queue/schema',
      name: 'a payload that zod refuses is not enqueued, and the error names the path',
    },
  },
  {
    name: 'the schema checks what the caller holds, not what is stored',
    invariants: [],
    file: 'lib/queue/validation/validate-message.js',
    find: 'context.schema.check(payloadOf(encoded, name), name, encoded.id);',
    replace: 'context.schema.check(given.payload, name, encoded.id);',
    caughtBy: {
      file: 'queue/schema',
      name: 'the schema checks the stored payload, so that a getter of the payload is read once',
    },
  },
  {
    name: 'send gets what is stored, not the output of the schema',
    invariants: [],
    file: 'lib/queue/wiring.js',
    find: "return { name: 'schema', read: schema.output };",
    replace: "return { name: 'schema', read: payload => (schema.output(payload), payload) };",
    caughtBy: {
      file: 'queue/schema',
      name: 'a payload is stored as it was given, and send gets the output of zod',
    },
  },
  {
    name: 'a promise of a schema is taken for its answer',
    invariants: [],
    file: 'lib/queue/validation/schema.js',
    find: 'if (types.isPromise(result) ||',
    replace: 'if (false &&',
    caughtBy: {
      file: 'queue/schema',
      name: 'a schema that returns a promise is refused, and its rejection does not end the process',
    },
  },
  {
    name: 'an answer of a schema that is no result lets the payload pass',
    invariants: [],
    file: 'lib/queue/validation/schema.js',
    find: "if (typeof result !== 'object' || result === null || !('issues' in result || 'value' in result))",
    replace: 'if (false)',
    caughtBy: {
      file: 'queue/schema',
      name: 'an answer that is no result of a Standard Schema is refused, and nothing is enqueued',
    },
  },
  {
    name: 'a message whose payload is refused dies of giveUpAfterMs',
    invariants: [],
    file: 'lib/delivery/attempt/attempt-outcomes.js',
    find: 'if (delivery === undefined)',
    replace: 'if (false)',
    caughtBy: {
      file: 'delivery/holds/halts',
      name: 'a message whose payload is refused outlives giveUpAfterMs while others of its group get through',
    },
  },
  {
    name: 'a refused payload halts its group',
    invariants: [],
    file: 'lib/delivery/attempt/attempt-runner.js',
    find: "{ kind: 'halt', reason, scope: 'channel' }",
    replace: "{ kind: 'halt', reason, scope: 'group' }",
    caughtBy: {
      file: 'queue/schema',
      name: 'a stored payload that the schema refuses halts its channel alone, until the schema takes it',
    },
  },
  {
    name: 'what is in memory is looked for as if it were on the disk',
    invariants: [],
    file: 'lib/store/index/message-reader.js',
    find: 'if (record === undefined)',
    replace: 'if (true)',
    caughtBy: {
      file: 'queue/many-at-once',
      name: 'messages in memory are found and cancelled without a wait for the disk',
    },
  },
  {
    name: 'each who cancels waits for the device alone',
    invariants: [],
    file: 'lib/delivery/operator-actions.js',
    find: 'if (synced !== this.#synced)',
    replace: 'if (true)',
    caughtBy: {
      file: 'queue/many-at-once',
      name: 'messages in memory are found and cancelled without a wait for the disk',
    },
  },
  {
    name: 'each who asks after a settlement looks through all of them',
    invariants: [],
    file: 'lib/queue/events/settlements.js',
    find: 'this.#byId ??= this.#indexed();',
    replace: 'this.#byId = this.#indexed();',
    caughtBy: {
      file: 'queue/events/settlements',
      name: 'a look-up of a settlement searches all of them only once in a thousand',
    },
  },
  {
    name: 'the oldest settlement stays where it is asked for',
    invariants: [],
    file: 'lib/queue/events/settlements.js',
    find: 'byId.delete(oldest.id);',
    replace: ';',
    caughtBy: {
      file: 'queue/events/settlements',
      name: 'a look-up of a settlement searches all of them only once in a thousand',
    },
  },
  {
    name: 'a busy channel is asked for its options anew',
    invariants: [],
    file: 'lib/queue/validation/options.js',
    find: 'this.#earlier.get(channel) ?? ',
    replace: '',
    caughtBy: {
      file: 'queue/validation/options',
      name: 'a channel that is used often stays among the remembered channels',
    },
  },
  {
    name: 'each look at the first dead letter begins at the first that ever was',
    invariants: [],
    file: 'lib/delivery/schedule/dead-order.js',
    find: 'while (this.#begin',
    replace: 'this.#begin = 0; while (this.#begin',
    caughtBy: {
      file: 'delivery/schedule/dead-order',
      name: 'a look at the first dead letter costs the same however many left before',
    },
  },
  {
    name: 'a letter that died again stands where it stood',
    invariants: [],
    file: 'lib/delivery/schedule/dead-order.js',
    find: 'this.#places.get(this.#line[place]) === place',
    replace: 'this.#places.has(this.#line[place])',
    caughtBy: {
      file: 'delivery/schedule/dead-order',
      name: 'dead letters are kept in the order of their deaths, whichever leave or die again',
    },
  },
  {
    name: 'redriven letters do not go behind what is under way',
    invariants: [],
    file: 'lib/delivery/operator-actions.js',
    find: 'underWay.get(channel) ?? 0',
    replace: '0',
    caughtBy: {
      file: 'delivery/dead-letters',
      name: "dead letters of many channels redriven 'last' go behind the attempts under way, which are looked at once",
    },
  },
  {
    name: 'who looks for a place goes through those that were discarded',
    invariants: [],
    file: 'lib/log/frame-positions.js',
    find: 'let low = this.#begin;',
    replace: 'let low = this.#begin; for (const place of this.#places) if (place.sequence > sequence) break;',
    caughtBy: {
      file: 'log/frame-positions',
      name: 'discarding a record costs the same however many were discarded before',
    },
  },
  {
    name: 'a text that UTF-8 cannot carry is taken',
    invariants: [],
    file: 'lib/store/record/payload-writer.js',
    find: 'if (!isWellFormed(value))',
    replace: 'if (false)',
    caughtBy: {
      file: 'queue/validation/validate-payload',
      name: 'a value that would not be read as it was is refused by its path, with advice',
    },
  },
  {
    name: 'a message may take more than its limit by its last value',
    invariants: [],
    file: 'lib/store/record/message.js',
    find: 'if (recordBuffer.at - recordBuffer.from > maxBytes)',
    replace: 'if (false)',
    caughtBy: {
      file: 'store/record/message',
      name: 'a message record is accepted up to its limit of bytes, and refused one byte beyond',
    },
  },
  {
    name: 'a place in a list is written over a message that has no room for it',
    invariants: [],
    file: 'lib/store/record/message.js',
    find: 'if (!together)',
    replace: 'if (false)',
    caughtBy: {
      file: 'store/record/message',
      name: 'a message that was not encoded as a part of a list refuses a place in one and stays unchanged',
    },
  },
  {
    name: 'all calls of enqueue share what is known beside a message',
    invariants: [],
    file: 'lib/queue/intake/intake.js',
    find: 'return { nowMs: time.now(), maxMessageBytes, together: failTogether, ttlMsOf, schema };',
    replace: `this.shared ??= { maxMessageBytes, ttlMsOf, schema };
        return Object.assign(this.shared, { nowMs: time.now(), together: failTogether });`,
    caughtBy: {
      file: 'queue/enqueue',
      name: 'messages enqueued while a list is read do not change the list',
    },
  },
  {
    name: 'who hears of a message does not find it yet',
    invariants: [],
    file: 'lib/store/write/enqueuer.js',
    find: `this.#sources.index.deferred.add(appending);
        appending.answer(enqueued);`,
    replace: `appending.answer(enqueued);
        this.#sources.index.deferred.add(appending);`,
    caughtBy: {
      file: 'queue/enqueue',
      name: 'a diagnostics subscriber finds a published message and can cancel it',
    },
  },
  {
    name: 'a list of any size is taken',
    invariants: [],
    file: 'lib/queue/intake/intake.js',
    find: 'const isShort = leftBytes < context.maxMessageBytes;',
    replace: 'const isShort = false;',
    caughtBy: {
      file: 'queue/enqueue',
      name: 'a list above maxListBytes is refused, naming the first message beyond',
    },
  },
  {
    name: 'a log takes a list that no write and no segment can hold',
    invariants: [],
    file: 'lib/log/commit/group-commit.js',
    find: 'if (bytes > MAX_PAYLOAD_BYTES)',
    replace: 'if (false)',
    caughtBy: {
      file: 'log/commit/group-commit',
      name: 'a list that one write cannot hold is refused before a byte is written',
    },
  },
  {
    name: 'an enqueue that waits for room keeps no process alive',
    invariants: [],
    file: 'lib/queue/intake/admission.js',
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
    file: 'lib/store/write/enqueuer.js',
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
      name: 'a signal has one listener for all calls it was given to, and none after they end',
    },
  },
  {
    name: 'a message in doubt is cancelled unasked',
    invariants: [],
    file: 'lib/delivery/operator-actions.js',
    find: 'if (isInDoubt(store, ref) && !evenInDoubt)',
    replace: 'if (false)',
    caughtBy: { file: 'queue/cancel-in-doubt', name: DOUBT },
  },
  {
    name: 'a message that was cancelled in doubt was surely not sent',
    invariants: [],
    file: 'lib/delivery/operator-actions.js',
    find: 'const mayHaveBeenSent = isInDoubt(store, ref);',
    replace: 'const mayHaveBeenSent = false;',
    caughtBy: { file: 'queue/cancel-in-doubt', name: DOUBT },
  },
  {
    name: 'fakes are not asked for the timers that they stand for',
    invariants: [],
    file: 'lib/log/runtime/real-time.js',
    find: '.map(originals)',
    replace: '',
    caughtBy: { file: 'queue/fake-timers', name: 'a queue runs by real time under fake timers' },
  },
]
