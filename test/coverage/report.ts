/**
 * Runs all tests with V8's coverage, and tells which lines of lib/ nothing ran. Processes that are killed tell nothing:
 * what only they run is counted as not covered.
 *
 *     npm run coverage                  every file with its share, and the lines that were not run
 *     npm run coverage -- test/queue    the tests of one directory only
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Location {
  start: { line: number }
}
/** Of istanbul's JSON report, what is needed. */
interface FileCoverage {
  statementMap: Record<string, Location>
  s: Record<string, number>
}

const root = fileURLToPath(new URL('../../../', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'waq-coverage-'))

try {
  const tested = spawnSync(process.execPath, ['dist/test/run/main.js', ...process.argv.slice(2)], {
    cwd: root,
    env: { ...process.env, NODE_V8_COVERAGE: join(scratch, 'raw') },
    stdio: 'inherit',
  })
  const report = ['report', '--temp-directory', join(scratch, 'raw'), '--reports-dir', scratch]
  // After the source maps: what is wanted are the lines of the sources.
  const only = ['--include', 'lib/**', '--exclude', 'dist/test/**', '--exclude-after-remap']
  const made = spawnSync(join(root, 'node_modules/.bin/c8'), [...report, ...only, '--reporter', 'json'], {
    cwd: root,
    stdio: 'inherit',
  })
  if (made.status !== 0) throw new Error('c8 made no report; see above.')
  print(JSON.parse(readFileSync(join(scratch, 'coverage-final.json'), 'utf8')))
  process.exitCode = tested.status ?? 1
} finally {
  rmSync(scratch, { recursive: true, force: true })
}

function print(files: Record<string, FileCoverage>): void {
  const floors = new Map<string, { lines: number; run: number }>()
  for (const [path, { statementMap, s }] of Object.entries(files).toSorted()) {
    const file = relative(root, path)
    // V8's report has a statement a line.
    const missed = Object.keys(s)
      .filter(key => s[key] === 0)
      .map(key => statementMap[key]!.start.line)
      .toSorted((one, other) => one - other)
    const lines = Object.keys(s).length
    const floor = file.split('/').slice(0, 2).join('/')
    const sum = floors.get(floor) ?? { lines: 0, run: 0 }
    floors.set(floor, { lines: sum.lines + lines, run: sum.run + lines - missed.length })
    if (missed.length > 0) console.log(`${percent(lines - missed.length, lines)} ${file}: ${ranges(missed)}`)
  }
  for (const [floor, { lines, run }] of floors)
    console.log(`${percent(run, lines)} ${floor} (${lines} lines)`)
}

function percent(part: number, whole: number): string {
  return `${((100 * part) / whole).toFixed(1).padStart(5)} %`
}

/** 3, 4, 5, 9 → 3-5, 9 */
function ranges(lines: readonly number[]): string {
  const found: [number, number][] = []
  for (const line of lines) {
    const last = found.at(-1)
    if (last !== undefined && line === last[1] + 1) last[1] = line
    else found.push([line, line])
  }
  return found.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(', ')
}
