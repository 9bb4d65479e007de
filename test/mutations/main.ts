/**
 * `npm run test:mutations`: switches every rule off, one at a time, and fails where no test notices.
 *
 *     --only TEXT   those whose name, file or invariant (`=7`) has this in it
 *     --sample N    so many of them, chosen by --seed (default: the time)
 *     --report      writes the table into docs/reliability.md
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Caught, hunt } from './hunt.js'
import { REPOSITORY } from './mutant.js'
import type { Mutation } from './mutation.js'
import { mutations } from './mutations.js'
import { sample } from './sample.js'
import { insertTable, table } from './table.js'

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    sample: { type: 'string' },
    seed: { type: 'string' },
    report: { type: 'boolean', default: false },
  },
})

const seed = Number(values.seed ?? Date.now() % 1_000_000)
const needRoot =
  process.geteuid?.() === 0 ? [] : mutations.filter(each => each.needsRoot === true && wanted(each))
for (const { name } of needRoot) console.log(`skipped  ${name}: only root can run the test that catches it`)
const possible = mutations.filter(each => wanted(each) && !needRoot.includes(each))
const chosen = sample(possible, Number(values.sample ?? Infinity), seed)
console.log(`${chosen.length} of ${mutations.length} mutations${values.sample ? `, --seed ${seed}` : ''}`)
const startedAt = performance.now()
const caught = await hunt(chosen, tell)
const escaped = caught.filter(each => each.escaped !== undefined)
const seconds = Math.round((performance.now() - startedAt) / 1000)
console.log(`\n${table(caught)}`)
console.log(`${caught.length - escaped.length} of ${caught.length} mutations caught in ${seconds} s`)
if (escaped.length > 0) process.exitCode = 1
if (values.report) report()

function wanted({ name, file, invariants }: Mutation): boolean {
  const { only } = values
  if (only === undefined) return true
  if (only.startsWith('=')) return invariants.includes(Number(only.slice(1)))
  return name.includes(only) || file.includes(only)
}

function tell({ mutation, escaped }: Caught): void {
  if (escaped === undefined) {
    console.log(`caught   ${mutation.name}`)
    return
  }
  const { file, name } = mutation.caughtBy
  console.log(`ESCAPED  ${mutation.name}\n         "${name}" in ${file} ${escaped}; to see it again:`)
  console.log(`         npm run test:mutations -- --only ${JSON.stringify(mutation.name)}`)
}

function report(): void {
  if (chosen.length < mutations.length) throw new Error('A report is made of all mutations')
  const page = join(REPOSITORY, 'docs/reliability.md')
  writeFileSync(page, insertTable(readFileSync(page, 'utf8'), table(caught)))
}
