import t from 'tap'
import { Feed } from '../../../lib/cli/demo/feed.js'
import type { PlannedCall } from '../../../lib/cli/demo/protocol.js'
import { Random } from '../../../lib/cli/demo/random.js'

const messages = Array.from({ length: 500 }, (_, index) => ({
  channel: `c${index % 7}`,
  text: String(index),
}))

function indexesOf(calls: readonly PlannedCall[]): number[] {
  return calls.flatMap(call => call.messages.map(({ index }) => index))
}

function from(first: number): number[] {
  return Array.from({ length: messages.length - first }, (_, place) => first + place)
}

t.test('a feed contains all messages in order, alone and in lists, each call due at the rate', async t => {
  const plan = new Feed(messages, 200, new Random(1)).plan()
  t.same(indexesOf(plan), from(0))
  for (const call of plan) t.equal(call.dueMs, call.messages[0]!.index * 5)
  t.ok(plan.some(call => call.messages.length === 1))
  t.ok(plan.some(call => call.messages.length > 1))
})

t.test('a later feed contains the unanswered messages in order, at their due times', async t => {
  const feed = new Feed(messages, 200, new Random(3))
  for (const index of [...from(0).slice(0, 100), 250, 251]) feed.acknowledge(index)
  const plan = feed.plan()
  const first = plan[0]!.messages[0]!.index
  t.ok(first <= 100, 'nothing that is open is skipped')
  t.ok(first > 80, 'what was acknowledged long ago is left out')
  t.same(indexesOf(plan), from(first))
  for (const call of plan) t.equal(call.dueMs, call.messages[0]!.index * 5)
})

t.test('a message acknowledged twice counts once in the feed', async t => {
  const feed = new Feed(messages.slice(0, 1), 200, new Random(4))
  for (let life = 0; life < 2; life++) feed.acknowledge(0)
  t.equal(feed.acknowledgedCount, 1)
  t.equal(feed.isDone, true)
  t.equal(feed.isAcknowledged(0), true)
})
