import t from 'tap'
import { Channel } from '../../../lib/delivery/schedule/channel.js'
import { Channels } from '../../../lib/delivery/schedule/channels.js'
import { Gate } from '../../../lib/delivery/schedule/gate.js'
import { Group } from '../../../lib/delivery/schedule/groups.js'

const group = new Group('', new Gate('global', ''))
const channels = () => new Channels(name => new Channel(name, group, () => {}))

t.test('a vacated channel that is occupied again is the same object', async t => {
  const all = channels()
  const chat = all.occupy('chat')
  all.vacate(chat)
  t.equal(all.occupy('chat'), chat)
  t.equal(chat.isVacant, false)
})

t.test('a million vacated channels are forgotten, and occupied ones are kept', async t => {
  const all = channels()
  const stays = all.occupy('stays')
  for (let index = 0; index < 1_000_000; index++) all.vacate(all.occupy(`chat ${index}`))
  t.equal(all.find('stays'), stays)
  t.ok([...all].length < 2_000)
  t.equal(all.find('chat 0'), undefined)
})

t.test('a channel vacated twice counts once as vacant', async t => {
  const all = channels()
  for (let index = 0; index < 1_000; index++) all.occupy(`stays ${index}`)
  const chat = all.occupy('chat')
  for (let index = 0; index < 10_000; index++) all.vacate(chat)
  t.equal(all.find('chat'), chat)
})
