import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { OutboundQueue } from '../../lib/index.js'
import { StoreReader } from '../../lib/store/reader/store-reader.js'
import { temporaryDirectory } from './fixtures/open-queue.js'

const limited = { rateLimit: { global: { count: 1, perMs: 20 } } }

t.test(
  'priorities are kept through attempts, compaction and a restart, and decide who goes first',
  async t => {
    const directory = temporaryDirectory(t)
    const options = { ...limited, retry: { initialDelayMs: 50, jitter: 0 } }
    const first = await OutboundQueue.open(directory, options)
    const enqueue = (channel: string, priority?: number) =>
      first.enqueue({ channel, payload: null, id: channel, priority })
    await enqueue('low', -8)
    await enqueue('none')
    await enqueue('high', 7)
    t.equal((await first.get('high'))?.priority, 7)
    t.notOk('priority' in (await first.get('none'))!)
    // An attempt of each, so that its outcome stands beside its priority.
    let failures = 0
    first.on('retry', () => failures++)
    first.start(async () => {
      throw Object.assign(new Error('down'), { code: 'ECONNREFUSED' })
    })
    while (failures < 1) await sleep(5)
    await first.compact()
    await first.close()

    const reader = await StoreReader.open(directory)
    const read: [string, number | undefined][] = []
    for await (const { id, priority } of reader.messages()) read.push([id, priority])
    t.strictSame(read, [
      ['low', -8],
      ['none', undefined],
      ['high', 7],
    ])

    const sent: string[] = []
    const second = await OutboundQueue.open(directory, { ...options, send: ({ id }) => void sent.push(id) })
    t.teardown(() => second.close())
    t.equal((await second.get('low'))?.priority, -8)
    await second.drain()
    t.strictSame([...sent].sort(), ['high', 'low', 'none'])
    t.ok(sent.indexOf('none') < sent.indexOf('low'))
  },
)

t.test('options with a priority that is none are refused when the channel is asked for', async t => {
  const queue = await OutboundQueue.open(temporaryDirectory(t), {
    channelOptions: () => ({ priority: 8 }),
    send: () => {},
  })
  t.teardown(() => queue.close())
  await t.rejects(queue.enqueue({ channel: 'c', payload: null }), {
    code: 'WAQ_INVALID_OPTION',
    message: /priority must be .* from -8 to 7/,
  })
})
