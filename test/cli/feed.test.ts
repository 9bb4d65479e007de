import t from 'tap'
import { Feed } from '../../lib/cli/demo/feed.js'
import { Random } from '../../lib/cli/demo/random.js'

const messages = Array.from({ length: 500 }, (_, index) => ({
  channel: `c${index % 7}`,
  text: String(index),
}))

/** Every burst that the window lets out, as indexes. */
function pull(feed: Feed, until: number): number[] {
  const indexes: number[] = []
  for (let burst = feed.burst(until); burst !== undefined; burst = feed.burst(until)) {
    for (const { index } of burst.messages) indexes.push(index)
  }
  return indexes
}

t.test('messages are handed out in order and without a gap, up to the share of the life', async t => {
  const feed = new Feed(messages, new Random(1))
  feed.restart()
  const seen: number[] = []
  for (let part = pull(feed, 120); part.length > 0; part = pull(feed, 120)) {
    seen.push(...part)
    for (const index of part) feed.acknowledge(index)
  }
  t.same(
    seen,
    Array.from({ length: 120 }, (_, index) => index),
  )
  t.equal(feed.acknowledgedCount, 120)
  t.equal(feed.isDone, false)
})

t.test('the window closes until something is acknowledged', async t => {
  const feed = new Feed(messages, new Random(2))
  feed.restart()
  const first = pull(feed, 500)
  t.ok(first.length > 0 && first.length < 100)
  t.equal(feed.burst(500), undefined)
  for (const index of first) feed.acknowledge(index)
  t.ok(feed.burst(500) !== undefined)
})

t.test(
  'after a crash everything without an answer is handed out again, in order, under the same index',
  async t => {
    const feed = new Feed(messages, new Random(3))
    feed.restart()
    const first = pull(feed, 500)
    for (const index of first.slice(0, 5)) feed.acknowledge(index)
    feed.restart()
    const again = pull(feed, 500)
    t.ok(again[0]! <= 5, 'nothing that is open is skipped')
    t.same(
      again,
      again.map((_, place) => again[0]! + place),
    )
  },
)

t.test('a message acknowledged twice counts once', async t => {
  const feed = new Feed(messages.slice(0, 1), new Random(4))
  for (let life = 0; life < 2; life++) {
    feed.restart()
    feed.acknowledge(0)
  }
  t.equal(feed.acknowledgedCount, 1)
  t.equal(feed.isDone, true)
  t.equal(feed.isAcknowledged(0), true)
})
