import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import type { Scenario } from './fixtures/under-fake-timers.js'

const program = fileURLToPath(new URL('fixtures/under-fake-timers.js', import.meta.url))

/** What the process printed. */
async function run(scenario: Scenario): Promise<string> {
  const child = promisify(execFile)(process.execPath, [program, JSON.stringify(scenario)], {})
  return (await child).stdout
}

t.test('a queue runs by real time under fake timers', async t => {
  for (const installed of ['before', 'after'] as const) {
    t.equal(await run({ installed }), 'lived', `all of them, installed ${installed} the import`)
    t.equal(
      await run({ installed, toFake: ['setTimeout', 'Date'] }),
      'lived',
      `some, ${installed} the import`,
    )
  }
})

t.test('an opening rejects with WAQ_FAKE_TIMERS if no real timer is available', async t => {
  t.equal(await run({ installed: 'before', forgetful: true }), 'WAQ_FAKE_TIMERS')
  t.equal(await run({ installed: 'after', forgetful: true }), 'lived', 'they were taken at the import')
})

const lib = fileURLToPath(new URL('../../../lib/', import.meta.url))
const FLOORS = ['log', 'store', 'delivery', 'queue']
const CLOCKS = /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bhrtime\b|AbortSignal\.timeout|node:timers/
const SCHEDULERS =
  /(?<![.\w])(setTimeout|setInterval|setImmediate|queueMicrotask|clearTimeout|clearInterval)\((?!\w+: )/g

t.test('every module of lib takes timers and clocks from one module', async t => {
  const files = FLOORS.flatMap(floor =>
    readdirSync(join(lib, floor), { recursive: true, encoding: 'utf8' }).map(name => join(floor, name)),
  ).filter(name => name.endsWith('.ts') && name !== 'log/runtime/real-time.ts')
  t.ok(files.length > 100)
  for (const file of files) {
    const text = readFileSync(join(lib, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
    t.notMatch(text, CLOCKS, file)
    t.notMatch(text, /process\.nextTick/, file)
    const imported =
      /import \{([^}]*)\} from '[./]*(?:log\/)?(?:runtime\/)?real-time\.js'/.exec(text)?.[1] ?? ''
    for (const [, name] of text.matchAll(SCHEDULERS)) t.match(imported, name!, `${file}: ${name}`)
  }
})
