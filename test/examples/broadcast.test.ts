import t from 'tap'
import { broadcast, stopBroadcast } from '../../docs/examples/broadcast.js'
import { Harness } from '../delivery/fixtures/harness.js'
import { openQueue } from '../queue/fixtures/open-queue.js'

/** In virtual time; at 50,000 the figures are the same, and it takes longer. */
const CHATS = Number(process.env.WAQ_BROADCAST_CHATS ?? 3_000)
const ATTEMPT_MS = 1_000
const telegram = {
  groups: { 'telegram:bot:*': { rateLimit: { count: 30, perMs: 1_000 } } },
  rateLimit: { perChannel: { count: 1, perMs: 1_000 } },
}

/** When each message was enqueued and sent, with so many replies a second beside the broadcast. */
async function run(prioritized: boolean): Promise<{ casts: number[]; replies: number[] }> {
  const h = new Harness(telegram)
  const chats = Array.from({ length: CHATS }, (_, chat) => String(chat))
  for (const { id, channel, priority } of broadcast('offer', 'bot', chats, {}))
    h.add(channel, { id: id!, priority: prioritized ? priority : undefined })
  const enqueuedAt = new Map<string, number>()
  const startedAt = h.clock.monotonic()
  // Two a second, to chats near the end of the broadcast: their offers wait still.
  for (let second = 0; second < CHATS / 30; second += 1) {
    for (const chat of [CHATS - 1 - second, CHATS - 1 - second - Math.floor(CHATS / 30)]) {
      enqueuedAt.set(`reply ${chat}`, h.clock.monotonic() - startedAt)
      h.add(`telegram:bot:${chat}`, { id: `reply ${chat}` })
    }
    await h.pass(1_000)
  }
  await h.pass(CHATS * 50)
  const waited = (of: RegExp) =>
    h.sent.filter(({ id }) => of.test(id)).map(({ id, at }) => at - (enqueuedAt.get(id) ?? 0))
  const casts = waited(/^offer:/)
  const replies = waited(/^reply /)
  return { casts, replies }
}

t.test('a reply during a broadcast waits for two places, and no offer much longer than without', async t => {
  const { casts, replies } = await run(true)
  t.equal(casts.length, CHATS, 'every offer arrives')
  // Its chat's offer takes one place of the bot's limit, and then its chat's limit holds it.
  t.ok(
    Math.max(...replies) <= 2 * 1_000 + ATTEMPT_MS,
    `the longest wait of a reply: ${Math.max(...replies)} ms`,
  )
  const without = await run(false)
  t.ok(
    Math.max(...without.replies) > 10 * Math.max(...replies),
    'without a priority it waits for the broadcast',
  )
  const ratio = Math.max(...casts) / Math.max(...without.casts)
  t.ok(ratio <= 1.2, `the longest wait of an offer is ${ratio.toFixed(2)} times that without priorities`)
})

t.test('a broadcast that is stopped leaves the replies in its chats', async t => {
  const queue = await openQueue(t)
  await queue.enqueue(broadcast('offer', 'bot', ['1', '2', '3'], { text: 'offer' }))
  await queue.enqueue({ channel: 'telegram:bot:2', payload: { text: 'reply' } })
  t.equal(await stopBroadcast(queue, 'offer'), 3)
  t.equal(queue.stats().pending, 1)
})
