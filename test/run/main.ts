/**
 * Runs test files, in two processes more at once than there are cores, for many of them wait:
 *
 *     npm test                                          all of them
 *     npm run test:fast                                 the rooms of the four floors, without what takes long
 *     npm run test:one -- test/log/segment/scan.test.ts         these files and directories
 *
 * Prints TAP: a test for each process, what failed inside of it, and at the end how many assertions there were.
 */
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Outcome, runPart } from './part.js'
import { fast, filesOf, type Part, partsOf } from './plan.js'
import { type Counts, NO_COUNTS } from './tap.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const { values, positionals } = parseArgs({
  options: { fast: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const files = filesOf(root, positionals)
const parts = partsOf(values.fast ? fast(files) : files)
const startedAt = performance.now()
const sum: Counts = { ...NO_COUNTS }
const failed: Part[] = []
let ended = 0

function tell(part: Part, { ok, counts, failures, notes, ms }: Outcome): void {
  ended += 1
  for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] += counts[name]
  const result = `${ended} - ${part.name} # time=${Math.round(ms)}ms`
  if (ok) {
    console.log(`ok ${result}`)
    for (const note of notes) console.log(`#   ${note}`)
    return
  }
  failed.push(part)
  console.log(`# Subtest: ${part.name}`)
  for (const line of failures) console.log(`    ${line}`)
  console.log(`not ok ${result}`)
}

async function work(waiting: Part[]): Promise<void> {
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift())
    tell(part, await runPart(root, part))
}

// Its children are ended with it.
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))
console.log(`TAP version 14\n1..${parts.length}`)
const waiting = [...parts]
await Promise.all(Array.from({ length: availableParallelism() + 2 }, () => work(waiting)))
for (const { name, files } of failed) {
  console.log(`# failed: ${name}`)
  if (files.length === 1) console.log(`#   to run it again: npm run test:one -- ${files[0]}`)
}
const counted = Object.entries(sum).filter(
  ([name, count]) => count > 0 || name === 'total' || name === 'pass',
)
console.log(`# { ${counted.map(([name, count]) => `${name}: ${count}`).join(', ')} }`)
console.log(`# time=${Math.round(performance.now() - startedAt)}ms`)
process.exitCode = failed.length > 0 ? 1 : 0
