/** What `lib/store` does so that no message is lost or comes back, switched off. By invariant. */
import type { Mutation } from './mutation.js'

export const storeMutations: readonly Mutation[] = [
  {
    name: 'messages that are there are called lost',
    invariants: [7],
    file: 'lib/store/recovery/opening.js',
    find: '!membership.holds(sequence)',
    replace: 'true',
    caughtBy: {
      file: 'store/recovery/lost-messages',
      name: 'a torn end that no outcome names is a tear, not a loss',
    },
  },
  {
    name: 'outcomes that settle prove nothing',
    invariants: [7],
    file: 'lib/store/fold/fold.js',
    find: 'yield* this.#settledIn.sequences(from);',
    replace: '',
    caughtBy: {
      file: 'store/recovery/lost-messages',
      name: 'the id and channel of a lost settled message are known from its outcome',
    },
  },
  {
    name: 'the next message sequence of outcomes is not folded',
    invariants: [2],
    file: 'lib/store/fold/fold.js',
    find: 'this.#nextMessageSequence = Math.max(this.#nextMessageSequence, nextSequence);',
    replace: '',
    caughtBy: { file: 'store/fold/fold', name: 'no message sequence that an outcome names is given again' },
  },
  {
    name: 'the message of an outcome does not keep its sequence',
    invariants: [2],
    file: 'lib/store/fold/fold.js',
    find: 'this.#nextMessageSequence = Math.max(this.#nextMessageSequence, sequence + 1);',
    replace: '',
    caughtBy: { file: 'store/fold/fold', name: 'no message sequence that an outcome names is given again' },
  },
  {
    name: 'messages that lost outcomes may have named are new',
    invariants: [7],
    file: 'lib/store/fold/fold.js',
    find: 'return this.#gaps.mayHaveLost(sequence, last?.ackSequence ?? 0);',
    replace: 'return false;',
    caughtBy: {
      file: 'store/fold/fold',
      name: 'lost ack bytes put in doubt the messages enqueued before the next frame was written',
    },
  },
  {
    name: 'the lost end of the ack log held nothing',
    invariants: [7],
    file: 'lib/store/fold/outcome-gaps.js',
    find: 'range.nextSequences[ACK_LOG] ?? Number.POSITIVE_INFINITY',
    replace: '0',
    caughtBy: {
      file: 'store/fold/fold',
      name: 'a lost end of unknown length of the ack log puts in doubt all messages known when it was found',
    },
  },
  {
    name: 'the lost end of the ack log has no end',
    invariants: [7],
    file: 'lib/store/fold/outcome-gaps.js',
    find: 'range.nextSequences[ACK_LOG] ?? Number.POSITIVE_INFINITY',
    replace: 'Number.POSITIVE_INFINITY',
    caughtBy: {
      file: 'store/fold/fold',
      name: 'a lost end of unknown length of the ack log puts in doubt all messages known when it was found',
    },
  },
  {
    name: 'lost outcomes are bounded by the first frame behind them alone',
    invariants: [7],
    file: 'lib/store/fold/outcome-gaps.js',
    find: 'gap.messagesBelow = Math.min(gap.messagesBelow, nextSequence);',
    replace: 'gap.messagesBelow = 0;',
    caughtBy: {
      file: 'store/fold/fold',
      name: 'lost ack bytes put in doubt the messages enqueued before the next frame was written',
    },
  },
  {
    name: 'messages leave before their outcomes are synced',
    invariants: [10],
    file: 'lib/store/compaction/compaction.js',
    find: `await acks.sync();
            this.#leavingMessages`,
    replace: 'this.#leavingMessages',
    caughtBy: {
      file: 'store/compaction/retirement',
      name: 'a sealed message segment is retired when its last message is settled, after a sync of the acks',
    },
  },
  {
    name: 'outcomes leave before what took their place is synced',
    invariants: [10, 12],
    file: 'lib/store/compaction/compaction.js',
    find: `await acks.sync();
            this.#leavingAcks`,
    replace: 'this.#leavingAcks',
    caughtBy: {
      file: 'store/compaction/retirement',
      name: 'an ack segment is retired after the outcomes that replace its own were synced',
    },
  },
  {
    name: 'messages leave before those that may be written again are synced',
    invariants: [10],
    file: 'lib/store/compaction/compaction.js',
    find: 'await messages.sync();',
    replace: '',
    caughtBy: {
      file: 'store/compaction/retirement',
      name: 'a sealed message segment is retired when its last message is settled, after a sync of the acks',
    },
  },
  {
    name: 'outcomes leave before their messages',
    invariants: [10],
    file: 'lib/store/usage/segment-usage.js',
    find: 'if (account.outcomes.size > 0 || account.settledIds > 0',
    replace: 'if (account.settledIds > 0',
    caughtBy: {
      file: 'store/usage/segment-usage',
      name: 'an ack segment stays while it holds the last outcome of a message whose segment counts',
    },
  },
  {
    name: 'outcomes leave inside the dedupe window',
    invariants: [10],
    file: 'lib/store/usage/segment-usage.js',
    find: 'account.settledIds > 0 || ',
    replace: '',
    caughtBy: {
      file: 'store/usage/segment-usage',
      name: 'an ack segment stays while it keeps an id, a halt or a limit',
    },
  },
  {
    name: 'the outcome that halts a channel leaves',
    invariants: [10],
    file: 'lib/store/usage/segment-usage.js',
    find: ' || account.halts > 0)',
    replace: ')',
    caughtBy: {
      file: 'store/usage/segment-usage',
      name: 'an ack segment stays while it keeps an id, a halt or a limit',
    },
  },
  {
    name: 'a resume leaves before what it undoes',
    invariants: [10],
    file: 'lib/store/usage/segment-usage.js',
    find: `if (account.holdsResume && kept.size > 0)
            return false;`,
    replace: '',
    caughtBy: {
      file: 'store/usage/segment-usage',
      name: 'a segment with a resume stays while an older ack segment does',
    },
  },
  {
    name: 'a wait leaves before it is over',
    invariants: [10],
    file: 'lib/store/usage/segment-usage.js',
    find: 'account.limitsUntil > now || ',
    replace: '',
    caughtBy: {
      file: 'store/usage/segment-usage',
      name: 'an ack segment stays while it keeps an id, a halt or a limit',
    },
  },
  {
    name: 'what bounds lost outcomes leaves',
    invariants: [10],
    file: 'lib/store/usage/segment-usage.js',
    find: 'account.limitsUntil > now || account.pinned',
    replace: 'account.limitsUntil > now',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'a compaction keeps the doubt about lost ack bytes, and does not widen it',
    },
  },
  {
    name: 'second copies of outcomes leave before the first',
    invariants: [10],
    file: 'lib/store/usage/segment-usage.js',
    find: `if (kept.has(segment))
                return false;`,
    replace: '',
    caughtBy: {
      file: 'store/usage/segment-usage',
      name: 'a segment with second copies stays as long as the first ones are needed',
    },
  },
  {
    name: 'second copies of messages inherit nothing',
    invariants: [10],
    file: 'lib/store/usage/segment-usage.js',
    find: `for (const copy of copies)
                    raise(outcomes, copy, count);`,
    replace: '',
    caughtBy: {
      file: 'store/usage/segment-usage',
      name: 'a settled message that was written again elsewhere keeps its outcome until that segment is gone too',
    },
  },
  {
    name: 'a segment with live messages leaves',
    invariants: [10],
    file: 'lib/store/usage/segment-usage.js',
    find: '!this.#live.has(id)',
    replace: 'true',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'a compaction copies live messages only, and each is found in its new place',
    },
  },
  {
    name: 'a segment leaves while appends to it are not answered',
    invariants: [10],
    file: 'lib/store/usage/segment-usage.js',
    find: 'sealed && lastSequence < lowestInFlight && !busy.has(id)',
    replace: 'sealed && !busy.has(id)',
    caughtBy: {
      file: 'store/usage/segment-usage',
      name: 'a message segment is free when it is sealed, holds no live message and nothing in flight',
    },
  },
  {
    name: 'the outcome that is read last counts',
    invariants: [11],
    file: 'lib/store/fold/fold.js',
    find: 'if (supersedes(ackSequence, this.#alive.get(record.sequence)))',
    replace: '',
    caughtBy: {
      file: 'store/fold/fold',
      name: 'the outcome with the highest ack sequence counts, also where an earlier one is read after it',
    },
  },
  {
    name: 'the halt that is read last counts',
    invariants: [11],
    file: 'lib/store/fold/hold-fold.js',
    find: 'if (supersedes(hold.ackSequence, this.#holds.get(name)))',
    replace: '',
    caughtBy: {
      file: 'store/fold/fold',
      name: 'the latest halt of a channel counts, also where an earlier one is read after it',
    },
  },
  {
    name: 'an outcome behind the end of a message brings it back',
    invariants: [11],
    file: 'lib/store/fold/fold.js',
    find: `if (this.#settledIn.find(record.sequence) !== undefined)
            return;`,
    replace: '',
    caughtBy: {
      file: 'store/fold/fold',
      name: 'the outcome with the highest ack sequence counts, in whatever order and however often frames come',
    },
  },
  {
    name: 'a second copy of an end counts once more',
    invariants: [11],
    file: 'lib/store/tables/sequence-table.js',
    find: `if (page.refs[at] !== 0)
            return false;
        page.used[slot] += 1;
        page.refs[at] = ref + 1;
        return true;`,
    replace: `page.used[slot] += 1;
        page.refs[at] = ref + 1;
        return true;`,
    caughtBy: {
      file: 'store/fold/fold',
      name: 'for many settled messages the segment of each settlement is known, and second copies change nothing',
    },
  },
  {
    name: 'of an id that was settled twice the one that is met last counts',
    invariants: [11],
    file: 'lib/store/dedupe/dedupe-index.js',
    find: 'const isLater = page.sequence[slot] > this.#pages.pages[known >>> PAGE_SHIFT].sequence[known & PAGE_MASK];',
    replace: 'const isLater = false;',
    caughtBy: {
      file: 'store/dedupe/dedupe-index',
      name: 'an opening remembers the same ids in whatever order it meets the outcomes',
    },
  },
  {
    name: 'ids are forgotten in the order in which an opening meets them',
    invariants: [11],
    file: 'lib/store/dedupe/dedupe-index.js',
    find: `if (!scan.inOrder)
            this.#sortByAge(scan);`,
    replace: '',
    caughtBy: {
      file: 'store/dedupe/dedupe-index',
      name: 'an opening remembers the same ids in whatever order it meets the outcomes',
    },
  },
  {
    name: 'an end leaves the outcome before it standing',
    invariants: [11],
    file: 'lib/store/recovery/opening.js',
    find: 'if (settledIn !== undefined) {',
    replace: 'if (false) {',
    caughtBy: {
      file: 'store/recovery/recovery',
      name: 'after a restart a delivered message is gone and its id known',
    },
  },
  {
    name: 'a second copy of a message is a second message',
    invariants: [11],
    file: 'lib/store/recovery/opening.js',
    find: `if (index.bySequence(sequence) !== undefined)
            return;`,
    replace: '',
    caughtBy: {
      file: 'store/recovery/recovery',
      name: 'a second copy of a message changes nothing at an opening',
    },
  },
  {
    name: 'a resume ends the halts behind it',
    invariants: [11],
    file: 'lib/store/fold/hold-fold.js',
    find: 'hold.ackSequence > (this.#ends.get(name) ?? 0)',
    replace: '!this.#ends.has(name)',
    caughtBy: { file: 'store/fold/fold', name: 'a channel is halted unless it was resumed later' },
  },
  {
    name: 'acks are read after messages',
    invariants: [11],
    file: 'lib/store/log-specs.js',
    find: `{ ...messageLog, durability, onFailure: 'reject' },
    ];`,
    replace: `{ ...messageLog, durability, onFailure: 'reject' },
    ].reverse();`,
    caughtBy: {
      file: 'store/recovery/recovery',
      name: 'an attempt that a crash left open is in doubt, and charged',
    },
  },
  {
    name: 'outcomes are not synced before rewritten messages count',
    invariants: [10, 12],
    file: 'lib/store/compaction/rewrite-messages.js',
    find: 'return acks.sync();',
    replace: 'return Promise.resolve();',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'a compaction waits until every accepted record has its final place before it copies any',
    },
  },
  {
    name: 'outcomes are not synced before rewritten outcomes count',
    invariants: [10, 12],
    file: 'lib/store/compaction/rewrite-outcomes.js',
    find: 'return acks.sync();',
    replace: 'return Promise.resolve();',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'a compaction waits until every accepted record has its final place before it copies any',
    },
  },
  {
    name: 'messages are not synced before they are rewritten',
    invariants: [12],
    file: 'lib/store/compaction/rewrite-messages.js',
    find: 'await messages.sync();',
    replace: '',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'a compaction waits until every accepted record has its final place before it copies any',
    },
  },
  {
    name: 'messages are not synced before outcomes are rewritten',
    invariants: [12],
    file: 'lib/store/compaction/rewrite-outcomes.js',
    find: 'await messages.sync();',
    replace: '',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'a compaction waits until every accepted record has its final place before it copies any',
    },
  },
  {
    name: 'rewriting outcomes drops the last one of a live message',
    invariants: [10, 12],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: 'if (ref !== undefined && index.table.ackSequence(ref) === ackSequence)',
    replace: 'if (false)',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'a compaction keeps the last outcome of a live message',
    },
  },
  {
    name: 'rewriting outcomes drops the end of a message that still stands',
    invariants: [10, 12],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: ' && !this.#mayComeBack(settlement.sequence)',
    replace: '',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'a compaction keeps an outcome that settled a message while the message could come back with its segment',
    },
  },
  {
    name: 'rewriting outcomes drops ids of the dedupe window',
    invariants: [10, 12],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: ' && !dedupe.holds(settlement)',
    replace: '',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'a compaction keeps an outcome as long as the dedupe window remembers its id',
    },
  },
  {
    name: 'rewriting outcomes drops a halt',
    invariants: [10, 12],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: 'return halts.get(record.halts)?.ackSequence === ackSequence;',
    replace: 'return false;',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'a compaction keeps a halt after its dead letter, until it is resumed',
    },
  },
  {
    name: 'rewriting outcomes drops a resume',
    invariants: [10, 12],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: 'return !this.#isOldest || this.#halted.has(record.channel);',
    replace: 'return false;',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'a compaction keeps a resume while an outcome that halts its channel is left',
    },
  },
  {
    name: 'rewriting outcomes drops a wait that is not over',
    invariants: [10, 12],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: "return record.kind === 'rate-limited' && record.dueAt > now();",
    replace: 'return false;',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: "a compaction keeps a receiver's wait until it is over",
    },
  },
  {
    name: 'rewriting outcomes drops what bounds lost ones',
    invariants: [10, 12],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: `if (gapEnds.has(ackSequence))
            return true;`,
    replace: '',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'a compaction keeps the doubt about lost ack bytes, and does not widen it',
    },
  },
  {
    name: 'a block does not end with what bounds lost outcomes',
    invariants: [7, 12],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: `if (bounds)
            this.putRest(put);`,
    replace: '',
    caughtBy: {
      file: 'store/compaction/compaction-blocks',
      name: 'an outcome that bounds which messages lost outcomes can have named is the last of its block',
    },
  },
  {
    name: 'a block stands before what is older than its last end',
    invariants: [7, 12],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: `else if (this.#ahead.length === 0)
            this.#putHeld(put);`,
    replace: 'else if (this.#ahead.length === 0);',
    caughtBy: {
      file: 'store/compaction/compaction-blocks',
      name: 'settling outcomes become one block, and outcomes of live messages stand around it by sequence',
    },
  },
  {
    name: 'what lives on behind an end is held for ever',
    invariants: [12],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: `if (this.#heldBytes > MAX_HELD_BYTES)
            this.putRest(put);`,
    replace: '',
    caughtBy: {
      file: 'store/compaction/compaction-blocks',
      name: 'many outcomes of live messages behind a settling one do not wait for the next block',
    },
  },
  {
    name: 'a second copy of an end stands in a block again',
    invariants: [11, 12],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: `if (this.#blocks.has(ackSequence) || this.#filling.endsWith(ackSequence))
            return;`,
    replace: '',
    caughtBy: {
      file: 'store/compaction/compaction-blocks',
      name: 'second copies of outcomes change nothing, in blocks or alone',
    },
  },
  {
    name: 'where a block went is not accounted for',
    invariants: [10, 12],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: 'usage.settledMoved(left, segment);',
    replace: ';',
    caughtBy: {
      file: 'store/compaction/compaction-blocks',
      name: 'a block is retired when the last of its ids is forgotten',
    },
  },
  {
    name: 'the ends of a block hold no message segment',
    invariants: [10, 12],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: 'usage.outcomeWritten(holder, undefined, segment);',
    replace: '',
    caughtBy: {
      file: 'store/compaction/compaction-blocks',
      name: 'an outcome in a block stays while its message could come back, though its id is forgotten',
    },
  },
  {
    name: 'ends of a block are not folded',
    invariants: [10, 11],
    file: 'lib/store/recovery/opening.js',
    find: 'this.#fold.settle(segment, sequences[row])',
    replace: 'true',
    caughtBy: {
      file: 'store/compaction/compaction-blocks',
      name: 'a settled message whose outcome stands in a block does not come back with its segment',
    },
  },
  {
    name: 'a block is taken up whole where its last rows have no room to be placed',
    invariants: [11],
    file: 'lib/store/dedupe/dedupe-index.js',
    find: 'if (!scan.hasRoom(count)) {',
    replace: 'if (false) {',
    caughtBy: {
      file: 'store/dedupe/dedupe-index',
      name: 'an opening with more ids than fit at once remembers the latest',
    },
  },
  {
    name: 'all rows of a block are taken up where one has no id to remember',
    invariants: [11],
    file: 'lib/store/recovery/opening.js',
    find: 'if (remembered === count) {',
    replace: 'if (true) {',
    caughtBy: {
      file: 'store/compaction/compaction-blocks',
      name: 'a row without an id in a block is not remembered, and the other rows are',
    },
  },
  {
    name: 'an id of a block that is not ASCII has the hash of its bytes',
    invariants: [11],
    file: 'lib/store/dedupe/dedupe-index.js',
    find: "const { low, high } = isAscii ? hash : hashId(bytes.toString('utf8', idFrom, idTo));",
    replace: 'const { low, high } = hash;',
    caughtBy: {
      file: 'store/dedupe/dedupe-index',
      name: 'an opening remembers the same ids from blocks as from single outcomes',
    },
  },
  {
    name: 'a block does not bound lost outcomes',
    invariants: [7],
    file: 'lib/store/recovery/opening.js',
    find: 'this.#fold.met(sequence, block.nextSequence);',
    replace: '',
    caughtBy: {
      file: 'store/compaction/compaction-blocks',
      name: 'an outcome that bounds which messages lost outcomes can have named is the last of its block',
    },
  },
  {
    name: 'a message beyond the window is attempted before its mark is synced',
    invariants: [13],
    file: 'lib/store/windows/attempt-window.js',
    find: 'const isCovered = isFirst && !overtakes && !this.#unsure && this.#covers(attempt);',
    replace: 'const isCovered = isFirst && !overtakes && !this.#unsure;',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'after a power loss no message of a backlog is sent again without the mark of a possible duplicate',
    },
  },
  {
    name: 'a window that may be the last one on the device is not asked',
    invariants: [13],
    file: 'lib/store/windows/attempt-window.js',
    find: '(this.#appended === undefined || covers(this.#appended))',
    replace: 'true',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'a message outside the last window is not covered by the one before it',
    },
  },
  {
    name: 'a later attempt does not have its mark synced',
    invariants: [13],
    file: 'lib/store/windows/attempt-window.js',
    find: 'const isCovered = isFirst && !overtakes',
    replace: 'const isCovered = !overtakes',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'the mark of a later, an overtaking or a marked attempt waits for the device',
    },
  },
  {
    name: 'a message that overtakes does not have its mark synced',
    invariants: [13],
    file: 'lib/store/windows/attempt-window.js',
    find: 'isFirst && !overtakes &&',
    replace: 'isFirst &&',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'the mark of a later, an overtaking or a marked attempt waits for the device',
    },
  },
  {
    name: 'what leaves unattempted is overtaken unknown',
    invariants: [13],
    file: 'lib/store/windows/attempt-window.js',
    find: '!overtakes && !this.#unsure &&',
    replace: '!overtakes &&',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'a message that leaves unattempted makes the next attempts wait for the device',
    },
  },
  {
    name: 'a message that dies unattempted is not told of',
    invariants: [13],
    file: 'lib/store/write/outcome-recorder.js',
    find: "if ((settles || outcome.kind === 'dead') && index.table.state(ref) !== 'sending')",
    replace: 'if (false)',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'a message that leaves unattempted makes the next attempts wait for the device',
    },
  },
  {
    name: 'the window never moves',
    invariants: [13],
    file: 'lib/store/windows/attempt-window.js',
    find: 'sequence <= this.#durable.record.to - this.#ahead / 2',
    replace: 'true',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'no attempt waits for a window that moves, at any pace',
    },
  },
  {
    name: 'the window begins anew where something lags behind',
    invariants: [13],
    file: 'lib/store/windows/attempt-window.js',
    find: 'sequence <= this.#durable.record.to - this.#ahead / 2)',
    replace:
      'sequence <= this.#durable.record.to - this.#ahead / 2 && sequence >= this.#durable.record.from)',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'an attempt far behind the window waits for the device and does not draw the window back',
    },
  },
  {
    name: 'a channel that has its marks synced no longer does not say so',
    invariants: [13],
    file: 'lib/store/windows/attempt-window.js',
    find: `if (syncsMarks)
            return;
        this.#unsure = true;`,
    replace: `if (syncsMarks)
            return;`,
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'a channel that stops syncing its marks records that before its next attempt',
    },
  },
  {
    name: 'marks that may lack are not made up for',
    invariants: [13],
    file: 'lib/store/recovery/opening.js',
    find: 'index.restore(ref, undefined, unmarkedRow);',
    replace: '',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'after a power loss unrecorded attempts are in doubt, and at most a window of messages',
    },
  },
  {
    name: 'every message of the window is in doubt',
    invariants: [13],
    file: 'lib/store/recovery/opening.js',
    find: `?? Number.POSITIVE_INFINITY) < key)
                continue;`,
    replace: `?? Number.POSITIVE_INFINITY) < key)
                ;`,
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'after a power loss no message behind one that was certainly waiting is in doubt',
    },
  },
  {
    name: 'what was being sent is taken for waiting',
    invariants: [13],
    file: 'lib/store/recovery/opening.js',
    find: "if (last === 'attempt' || ",
    replace: 'if (',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'after a power loss no message behind one that was certainly waiting is in doubt',
    },
  },
  {
    name: 'an appointment is taken for waiting, or in doubt',
    invariants: [13],
    file: 'lib/store/recovery/opening.js',
    find: 'if (last === undefined && index.deliverAt(ref) !== 0)',
    replace: 'if (false)',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'after a power loss no message behind one that was certainly waiting is in doubt',
    },
  },
  {
    name: 'channels that have their marks synced are in doubt',
    invariants: [13],
    file: 'lib/store/fold/window-fold.js',
    find: 'return !(this.markings.get(channel)?.record ?? window.record).syncsMarks;',
    replace: 'return true;',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'messages of channels whose marks are synced are not in doubt, whatever other channels do',
    },
  },
  {
    name: 'rewriting outcomes drops the last window',
    invariants: [12, 13],
    file: 'lib/store/compaction/needed-outcomes.js',
    find: 'return window.needs(ackSequence, record);',
    replace: 'return false;',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'compaction keeps the last window, and the last marking of each channel',
    },
  },
  {
    name: 'an ack segment leaves with the last window',
    invariants: [10, 13],
    file: 'lib/store/usage/segment-usage.js',
    find: `if (account.kept > 0)
            return false;`,
    replace: '',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'a segment that holds the last window stays though nothing else in it is needed',
    },
  },
  {
    name: 'marks that were made up for are accounted for before they are on the device',
    invariants: [13],
    file: 'lib/store/log-store.js',
    find: `await this.#recorder.sync();
            await this.#acks.settleTail();`,
    replace: 'await this.#acks.settleTail();',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'a window that was made up for stays so, and is accounted for only then',
    },
  },
  {
    name: 'optional fields of an end are lost when it is written again',
    invariants: [12],
    file: 'lib/store/record/settled-block-writer.js',
    find: 'optionalTo > optionalFrom ? bytes.subarray(optionalFrom, optionalTo) : undefined',
    replace: 'undefined',
    caughtBy: {
      file: 'store/record/settled-block',
      name: 'optional fields in a block are kept as they are, and take no byte if there are none',
    },
  },
  {
    name: 'a message that is settled while it is copied comes back',
    invariants: [10, 12],
    file: 'lib/store/compaction/rewrite-messages.js',
    find: `if (ackSegment !== undefined)
                        usage.outcomeInherited(ackSegment, to.segment);`,
    replace: '',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'a message that is settled while its segment is rewritten does not come back',
    },
  },
  {
    name: 'rewriting keeps what is settled',
    invariants: [12],
    file: 'lib/store/compaction/rewrite-messages.js',
    find: 'index.bySequence(sequence) !== undefined,',
    replace: 'true,',
    caughtBy: {
      file: 'store/compaction/compaction',
      name: 'a compaction copies live messages only, and each is found in its new place',
      // It is rewritten again and again: what the accounts say can be freed never is.
      hangs: true,
    },
  },
  {
    name: 'outcomes are not handed over before a sync',
    invariants: [13],
    file: 'lib/store/write/outcome-recorder.js',
    find: `await this.handedOver();
        const { acks } = this.#parts;`,
    replace: 'const { acks } = this.#parts;',
    caughtBy: { file: 'store/log-store', name: 'syncOutcomes covers the outcomes recorded just before' },
  },
  {
    name: 'a sync of outcomes does not wait for what is being written',
    invariants: [13],
    file: 'lib/store/write/outcome-recorder.js',
    find: 'if (last !== undefined) {',
    replace: 'if (false) {',
    caughtBy: { file: 'store/log-store', name: 'syncOutcomes covers the outcomes recorded just before' },
  },
  {
    name: 'a later call overtakes one that looks something up',
    invariants: [11],
    file: 'lib/store/write/enqueuer.js',
    find: 'this.#order.holdsAny(messages) || this.#needsLook(messages)',
    replace: 'this.#needsLook(messages)',
    caughtBy: {
      file: 'store/write/enqueue-order',
      name: 'a list whose ids are being looked up is not overtaken by a later message of its channel',
    },
  },
  {
    name: 'a call does not wait for earlier ones of its channels',
    invariants: [11],
    file: 'lib/store/write/enqueuer.js',
    find: 'await abortable(earlier, options.signal);',
    replace: '',
    caughtBy: {
      file: 'store/write/enqueue-order',
      name: 'a list whose ids are being looked up is not overtaken by a later message of its channel',
    },
  },
  {
    name: 'an attempt that a loss of power may have hidden is not charged',
    invariants: [],
    file: 'lib/store/log-store.js',
    find: 'const facts = { at, attempts: 1,',
    replace: 'const facts = { at, attempts: 0,',
    caughtBy: {
      file: 'store/windows/attempt-window',
      name: 'after a power loss unrecorded attempts are in doubt, and at most a window of messages',
    },
  },
  {
    name: 'a look-up does not take in what was accepted',
    invariants: [],
    file: 'lib/store/index/message-index.js',
    find: 'candidates(id) {\n        this.deferred.apply();',
    replace: 'candidates(id) {',
    caughtBy: {
      file: 'store/write/enqueue',
      name: 'a look-up in the tick of the receipt finds the message',
    },
  },
  {
    name: 'a send changes what its retry is given',
    invariants: [],
    file: 'lib/store/index/message-reader.js',
    find: 'headers: { ...headers },',
    replace: 'headers,',
    caughtBy: {
      file: 'store/write/enqueue',
      name: 'a message sent at once equals the one that a restart would read',
    },
  },
  {
    name: 'the index comes before whoever waits',
    invariants: [],
    file: 'lib/store/index/deferred-updates.js',
    find: 'afterPromiseJobs(this.applyDue);',
    replace: 'this.applyDue();',
    caughtBy: {
      file: 'store/write/enqueue',
      name: 'each new durable message is announced in sequence order, after its enqueue resolved',
    },
  },
  {
    name: 'what lags is never applied without a look-up',
    invariants: [],
    file: 'lib/store/index/deferred-updates.js',
    find: 'afterPromiseJobs(this.apply);',
    replace: ';',
    caughtBy: {
      file: 'store/index/deferred-updates',
      name: 'at most 64 updates lag, and they are applied after all waiting callers',
    },
  },
  {
    name: 'a settled message counts until somebody looks',
    invariants: [],
    file: 'lib/store/write/outcome-recorder.js',
    find: 'index.leave(recording.settles);',
    replace: ';',
    caughtBy: {
      file: 'store/write/enqueue',
      name: 'a look-up on the announcement of a settlement finds the message settled',
    },
  },
  {
    name: 'an update that fails takes the others along',
    invariants: [],
    file: 'lib/store/index/deferred-updates.js',
    find: 'this.onError(error);',
    replace: 'throw error;',
    caughtBy: {
      file: 'store/index/deferred-updates',
      name: 'a deferred update that fails is reported and stops no other',
    },
  },
  {
    name: 'ids beyond the limit are told of as long as they were not placed',
    invariants: [],
    file: 'lib/store/dedupe/dedupe-index.js',
    find: 'if (this.#pages.size + this.#latest.length > this.#options.maxIds)',
    replace: 'if (false)',
    caughtBy: {
      file: 'store/write/dedupe',
      name: 'the oldest ids beyond the limit are forgotten first, also after a restart',
    },
  },
]
