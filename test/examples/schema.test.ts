import t from 'tap'
import { OutboundQueue } from 'waq'
import { runExample, scratchDirectory } from './fixtures/run.js'

t.test(
  'a payload of an earlier version is converted before send, and an invalid one is refused by its path',
  async t => {
    const directory = scratchDirectory(t)
    const earlier = await OutboundQueue.open(directory)
    await earlier.enqueue({ channel: 'chat:1', payload: { version: 1, message: 'of last week' } })
    await earlier.close()

    const good = runExample(t, 'schema', { args: [directory, 'of today'] })
    t.equal(await good.ended(), 0, good.errors)
    t.equal(good.output, 'sent: of last week\nsent: of today\n')

    const bad = runExample(t, 'schema', { args: [directory, ''] })
    t.equal(await bad.ended(), 0, bad.errors)
    t.match(bad.output, /^refused: text: /m)
    t.notMatch(bad.output, /sent/)
  },
)
