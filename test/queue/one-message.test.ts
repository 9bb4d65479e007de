import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'

/**
 * A bot sends a message now and then: its code is never hot, and what a message pays is how much of it is touched. So each
 * function that it runs counts. These limits are lowered when a change makes the way shorter, never raised.
 */
const MAX_FUNCTIONS = 300
const MAX_CALLS = 522

t.test('one message on an idle queue stays within its number of function calls', async t => {
  const script = fileURLToPath(new URL('fixtures/one-message.js', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [script])
  const counts: Record<string, number> = JSON.parse(stdout)
  const calls = Object.values(counts).reduce((sum, count) => sum + count, 0)
  t.ok(calls > 100, 'they were counted')
  t.ok(Object.keys(counts).length <= MAX_FUNCTIONS, `${Object.keys(counts).length} functions`)
  t.ok(calls <= MAX_CALLS, `${calls} calls`)
})
