import t from 'tap'
import { runExample } from './fixtures/run.js'

t.test('tests of a bot go through an outage, a flood wait and a power loss on the moved clock', async t => {
  const run = runExample(t, 'telegram-bot-test', {})
  t.equal(await run.ended(), 0, run.output + run.errors)
  t.match(run.output, /^# pass 3$/m)
})
