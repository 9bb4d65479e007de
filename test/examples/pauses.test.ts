import t from 'tap'
import { runExample, scratchDirectory } from './fixtures/run.js'
import { standIn } from './fixtures/stand-in.js'

t.test('what is paused waits through restarts, and the rest is sent', async t => {
  const directory = scratchDirectory(t)
  const receiver = await standIn(t, () => ({ status: 204, body: {} }))
  const run = async (...args: string[]): Promise<string> => {
    const example = runExample(t, 'pauses', { args: [directory, ...args] })
    t.equal(await example.ended(), 0, example.errors)
    return example.output
  }
  const paused = /^billing:\* is paused since \d{4}-.*\n/
  t.match(await run('pause', 'billing:*'), paused)
  t.match(await run('send', 'billing:1', receiver.url, 'one'), /^billing:\* is paused .*\n1 waiting\n$/)
  t.match(await run('send', 'billing:1', receiver.url, 'two'), /\n2 waiting\n$/)
  t.match(await run('send', 'chat', receiver.url, 'hello'), /\n2 waiting\n$/)
  t.strictSame(
    receiver.requests.map(({ body }) => body),
    ['hello'],
  )
  t.equal(await run('resume', 'billing:*'), '0 waiting\n')
  t.strictSame(
    receiver.requests.map(({ body }) => body),
    ['hello', 'one', 'two'],
  )
})
