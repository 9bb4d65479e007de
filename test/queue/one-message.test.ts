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
  // A timer that fires meanwhile adds its own calls: the least of some runs is what the message costs.
  let counts: Record<string, number> = {}
  let calls = Infinity
  for (let run = 0; run < 3 && calls > MAX_CALLS; run += 1) {
    const { stdout } = await promisify(execFile)(process.execPath, [script])
    const counted: Record<string, number> = JSON.parse(stdout)
    const sum = Object.values(counted).reduce((total, count) => total + count, 0)
    if (sum < calls) [counts, calls] = [counted, sum]
  }
  t.ok(calls > 100, 'they were counted')
  t.ok(Object.keys(counts).length <= MAX_FUNCTIONS, `${Object.keys(counts).length} functions`)
  t.ok(calls <= MAX_CALLS, `${calls} calls`)
})
