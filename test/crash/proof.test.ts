import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

// The short forms, with seeds that stay the same. In a process of their own: what tap does to watch promises would
// take longer than what they wait for.

const RUN = fileURLToPath(new URL('./run.js', import.meta.url))

function proof(...given: string[]): Promise<{ output: string; code: number | null }> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [RUN, ...given])
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += String(data)))
    child.on('close', code => resolve({ output, code }))
  })
}

/** The number in front of these words. */
function numberBefore(output: string, words: string): number {
  return Number(new RegExp(`(\\d+) ${words}`).exec(output)?.[1] ?? Number.NaN)
}

t.test('20,000 states of the disk after a crash are recovered as they should be', async t => {
  const { output, code } = await proof('--states', '20000', '--seed', '1')
  t.comment(output)
  t.equal(code, 0)
  t.equal(numberBefore(output, 'violations'), 0)
  t.ok(numberBefore(output, 'crash states') >= 20_000)
})

t.test('whatever operation fails, what was acknowledged stays, and the log heals', async t => {
  const { output, code } = await proof('--part', 'faults', '--every', '23', '--seed', '1')
  t.comment(output)
  t.equal(code, 0)
  t.equal(numberBefore(output, 'violations'), 0)
  t.ok(numberBefore(output, 'injected faults') > 500)
})

t.test('no damage makes a wrong record, takes a healthy one along, or stays unsaid', async t => {
  const { output, code } = await proof('--part', 'damage', '--every', '3', '--seed', '1')
  t.comment(output)
  t.equal(code, 0)
  t.equal(numberBefore(output, 'violations'), 0)
  t.ok(numberBefore(output, 'damaged disks') > 5000)
})
