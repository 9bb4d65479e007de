import t from 'tap'
import { castChannel, channelOptions, groupsOf, replyChannel } from '../../docs/examples/broadcast.js'
import { Harness } from '../delivery/fixtures/harness.js'

const CHATS = 3_000

t.test('a reply leaves at once during a broadcast, and a second one to a chat keeps its limit', async t => {
  const h = new Harness({ groups: groupsOf('bot') as never, channelOptions })
  for (let chat = 0; chat < CHATS; chat += 1) h.add(castChannel('bot', String(chat)), { id: `cast ${chat}` })
  await h.pass(10_000)
  t.ok(h.sent.length >= 250 && h.sent.length <= 300, `${h.sent.length} of the broadcast in ten seconds`)
  for (const chat of ['2990', '2991', '2992']) {
    h.add(replyChannel('bot', chat), { id: `reply ${chat}` })
    await h.pass()
    t.ok(h.ids.includes(`reply ${chat}`), 'without a wait')
  }
  await h.pass(CHATS * 50)
  t.equal(h.sent.length, CHATS + 3, 'the broadcast comes to its end')
  const [first, second] = h.sent.filter(({ id }) => id.endsWith(' 2990'))
  t.ok(second!.at - first!.at >= 1_000, 'a chat gets one a second, of both kinds')
  for (let from = 0; from + 30 < h.sent.length; from += 1)
    if (h.sent[from + 30]!.at - h.sent[from]!.at < 1_000) t.fail(`more than 30 a second from ${from}`)
})

t.test('without a group of its own a broadcast holds up every reply', async t => {
  const group = groupsOf('bot')['telegram:bot:*']
  const h = new Harness({ groups: { 'telegram:bot:*': group } as never })
  for (let chat = 0; chat < CHATS; chat += 1) h.add(castChannel('bot', String(chat)))
  await h.pass(1_000)
  h.add(replyChannel('bot', '1'), { id: 'reply' })
  await h.pass(60_000)
  t.notOk(h.ids.includes('reply'), 'a minute later it still waits')
})
