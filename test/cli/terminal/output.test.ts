import t from 'tap'
import { LineOutput } from '../../../lib/cli/terminal/output.js'

t.test('lines that an interruption held back do not count as written', async t => {
  const stop = new AbortController()
  const chunks: string[] = []
  const output = new LineOutput({ write: chunk => chunks.push(chunk) }, stop.signal)
  for (let nth = 0; nth < 60; nth += 1) await output.line(`line ${nth}`)
  stop.abort()
  await output.flush()
  t.equal(output.written, chunks.join('').split('\n').length - 1)
  t.ok(output.written < 60)
})
