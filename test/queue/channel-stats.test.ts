import t from 'tap'
import { SendError } from '../../lib/index.js'
import { gate, openQueue, temporaryDirectory } from './fixtures/open-queue.js'

t.test('stats of a channel or a prefix count its messages, and what it delivered since open', async t => {
  const directory = temporaryDirectory(t)
  const { opened, open } = gate()
  const send = async ({ payload }: { payload: unknown }): Promise<void> => {
    if (payload === 'wrong') throw new SendError('no', { kind: 'permanent' })
    if (payload === 'slow') await opened
  }
  const queue = await openQueue(t, { send }, directory)
  await queue.pause('tg:3')
  const messages = [
    ['tg:1', 'good'],
    ['tg:1', 'good'],
    ['tg:2', 'good'],
    ['tg:2', 'wrong'],
    ['tg:3', 'good'],
    ['mail', 'good'],
    ['mail', 'slow'],
  ].map(([channel, payload]) => ({ channel: channel!, payload, id: `${channel} ${Math.random()}` }))
  for (const message of messages) await queue.enqueue(message)
  for (const { id, channel, payload } of messages)
    if (payload !== 'slow' && channel !== 'tg:3') await queue.settled(id)
  while (queue.stats({ channel: 'mail' }).sending === 0) await new Promise(setImmediate)
  for (const [channel, expected] of [
    ['tg:1', { pending: 0, sending: 0, dead: 0, delivered: 2 }],
    ['tg:2', { pending: 0, sending: 0, dead: 1, delivered: 1 }],
    ['tg:*', { pending: 1, sending: 0, dead: 1, delivered: 3 }],
    ['mail', { pending: 0, sending: 1, dead: 0, delivered: 1 }],
    ['*', { pending: 1, sending: 1, dead: 1, delivered: 4 }],
    ['nobody', { pending: 0, sending: 0, dead: 0, delivered: 0 }],
  ] as const)
    t.strictSame(queue.stats({ channel }), expected, channel)
  t.match(queue.stats(), { pending: 1, sending: 1, dead: 1, delivered: 4 })
  open()
  await queue.close()
  const again = await openQueue(t, {}, directory)
  t.strictSame(again.stats({ channel: 'tg:*' }), { pending: 1, sending: 0, dead: 1, delivered: 0 })
})

t.test('stats of a channel refuses what names none', async t => {
  const queue = await openQueue(t)
  for (const wrong of [{}, { channel: '' }, { channel: 1 }, { chanel: 'a' }, 'a', null])
    t.throws(() => queue.stats(wrong as { channel: string }), { code: 'WAQ_INVALID_OPTION' }, String(wrong))
})
