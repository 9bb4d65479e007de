/** What makes a newer message take the place of an older one, and never lose both, switched off. */
import type { Mutation } from './mutation.js'

const queue = (name: string) => ({ file: 'queue/replaces', name })
const delivery = (name: string) => ({ file: 'delivery/schedule/replacement', name })
const recovery = (name: string) => ({ file: 'store/recovery/replaced', name })

const gone = 'a message that is being prepared for an attempt, or was withdrawn, is neither held nor replaced'
const refused = 'where the newer record is refused, the older message is released, and replaced by the next'
const attempted = 'a message that is being sent, or was attempted, is not replaced'
const synced = 'below fsync the newer record is on the device before the outcome is recorded'
const doubt =
  'a power loss puts neither the newer message nor one behind it in doubt, where the outcome lacks'
const known =
  'a message that was attempted although a record names it is not replaced, and the newer one is ordinary'

export const replaceMutations: readonly Mutation[] = [
  {
    name: 'a message is attempted while the newer one is written',
    invariants: [20],
    file: 'lib/delivery/schedule/scheduler.js',
    find: 'this.columns.mark(ref, DeliveryFlag.beingReplaced);',
    replace: '',
    caughtBy: queue('a message that is to be replaced is not attempted while the newer one is written'),
  },
  {
    name: 'a message that was attempted is replaced',
    invariants: [20],
    file: 'lib/store/write/replacements.js',
    find: "(table.state(ref) === 'pending' && table.lastOutcomeAt(ref) === 0)",
    replace: "table.state(ref) === 'pending'",
    caughtBy: queue(attempted),
  },
  {
    name: 'a message that is taken for an attempt is replaced',
    invariants: [20],
    file: 'lib/delivery/schedule/scheduler.js',
    find: 'if (!this.waits(ref))\n            return false;',
    replace: '',
    caughtBy: delivery(gone),
  },
  {
    name: 'one that was withdrawn meanwhile is replaced',
    invariants: [20],
    file: 'lib/delivery/dispatcher.js',
    find: 'if (!this.#scheduler.waits(ref))\n            return;',
    replace: '',
    caughtBy: delivery(gone),
  },
  {
    name: 'what a refused message was to replace stays held',
    invariants: [20],
    file: 'lib/store/write/replacements.js',
    find: 'if (older?.ref !== undefined && older.older === undefined)\n                replacement().release(older.ref);',
    replace: '',
    caughtBy: recovery(refused),
  },
  {
    name: 'the message behind a refused one does not replace the one before it',
    invariants: [20],
    file: 'lib/store/index/replacing-messages.js',
    find: 'newer.older = older;',
    replace: 'newer.older = undefined;',
    caughtBy: recovery(refused),
  },
  {
    name: 'the identity of a replaced message is read when its outcome is recorded',
    invariants: [20],
    file: 'lib/store/write/outcome-recorder.js',
    find: "if (outcome.kind === 'replaced') {",
    replace: "if (outcome.kind === 'never') {",
    caughtBy: recovery(
      'the outcome of a replaced message stands before those of the newer one, wherever its record is',
    ),
  },
  {
    name: 'below fsync a message is replaced before the newer one is on the device',
    invariants: [20],
    file: 'lib/store/write/replacements.js',
    find: 'if (message !== undefined && this.#parts.sync === undefined)',
    replace: 'if (message !== undefined)',
    caughtBy: recovery(synced),
  },
  {
    name: 'below fsync the newer message is sent before the end of the older one is recorded',
    invariants: [20],
    file: 'lib/store/write/replacements.js',
    find: 'replacement().hold(ref);\n        if (message.older',
    replace: 'if (message.older',
    caughtBy: recovery(synced),
  },
  ...[
    { call: 'record', find: 'this.#replacements.beforeOutcome(ref);\n        return', replace: 'return' },
    {
      call: 'recordAll',
      find: 'for (const { ref } of batch)\n                this.#replacements.beforeOutcome(ref);',
      replace: '{ }',
    },
  ].map(({ call, find, replace }) => ({
    name: `${call} ends a newer message before the older one that it is to replace`,
    invariants: [20],
    file: 'lib/store/log-store.js',
    find,
    replace,
    caughtBy: recovery(
      'a newer message that is withdrawn before it is on the device has replaced the older one first',
    ),
  })),
  {
    name: 'a record names a message that was refused',
    invariants: [20],
    file: 'lib/store/index/replacing-messages.js',
    find: 'nameReplaced(newer.encoded, older.sequence, older.orderKey);',
    replace: '{ }',
    caughtBy: recovery(
      'a record behind a refused one names what it replaces now, so a crash before the outcome changes nothing',
    ),
  },
  {
    name: 'an opening does not record what was replaced',
    invariants: [20],
    file: 'lib/store/recovery/replaced-messages.js',
    find: 'this.found.push({ ref: olderRef, by });',
    replace: '',
    caughtBy: recovery(
      'after a crash before the outcome was written, an opening records it, and counts it out',
    ),
  },
  {
    name: 'an opening replaces what was attempted',
    invariants: [20],
    file: 'lib/store/recovery/replaced-messages.js',
    find: 'if (isDead || this.#fold.hasOutcome(older)) {',
    replace: 'if (isDead || this.#fold.settledIn(older) !== undefined) {',
    caughtBy: recovery(known),
  },
  {
    name: 'a message that replaced nothing stands in the place of another',
    invariants: [20],
    file: 'lib/store/recovery/replaced-messages.js',
    find: 'this.#index.replacing.makeOrdinary(ref);',
    replace: '{ }',
    caughtBy: recovery(known),
  },
  {
    name: 'where outcomes were lost, settled records name nothing',
    invariants: [20],
    file: 'lib/store/recovery/opening.js',
    find: 'if (this.#fold.hasGaps)',
    replace: 'if (false)',
    caughtBy: recovery('a replaced message stays replaced where the bytes of its outcome are lost'),
  },
  {
    name: 'what was replaced does not prove that others behind it waited',
    invariants: [13],
    file: 'lib/store/recovery/opening.js',
    find: 'this.#waited(index.channel(ref), index.orderKey(ref));',
    replace: '{ }',
    caughtBy: recovery(doubt),
  },
  {
    name: 'a message is in doubt although what it replaced has no outcome',
    invariants: [13],
    file: 'lib/store/recovery/replaced-messages.js',
    find: 'if (ref !== undefined)\n                    this.unattempted.add(ref);',
    replace: '',
    caughtBy: recovery(doubt),
  },
  {
    name: 'the newer message goes to the end of its channel',
    invariants: [],
    file: 'lib/store/index/replacing-messages.js',
    find: 'const orderKey = older?.orderKey ?? sequence;',
    replace: 'const orderKey = sequence;',
    caughtBy: queue('a message that waits is replaced by the next one with its key, in its place'),
  },
  {
    name: 'after a restart the newer message goes to the end of its channel',
    invariants: [],
    file: 'lib/store/index/replacing-messages.js',
    find: 'replaces.sequence === 0 ? sequence : replaces.orderKey',
    replace: 'sequence',
    caughtBy: queue('what waited across a restart is replaced, in its place, and that holds'),
  },
  {
    name: 'a full queue has no room for a message that replaces another',
    invariants: [],
    file: 'lib/queue/intake/intake.js',
    find: 'if (this.#store.replaceWaiting(messages))',
    replace: 'if (false)',
    caughtBy: queue('a full queue takes a message that replaces another, and no other'),
  },
  {
    name: 'a dead letter loses the place that it took over',
    invariants: [],
    file: 'lib/delivery/operator-actions.js',
    find: 'store.originalOrderKey(ref)',
    replace: 'sequence',
    caughtBy: queue('a dead letter that had replaced another one is retried in the place it had'),
  },
  {
    name: 'replaced ids push out all others',
    invariants: [],
    file: 'lib/store/dedupe/dedupe-index.js',
    find: 'this.#options.maxIds * REPLACED_SHARE',
    replace: 'this.#options.maxIds',
    caughtBy: queue('replaced ids take at most a tenth of the remembered ones'),
  },
  {
    name: 'replaced ids of an earlier life are not counted',
    invariants: [],
    file: 'lib/store/dedupe/dedupe-index.js',
    find: 'this.#listReplaced();\n',
    replace: '',
    caughtBy: queue('replaced ids take at most a tenth of the remembered ones'),
  },
]
