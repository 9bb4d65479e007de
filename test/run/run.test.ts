/** What the rest of the tests rely on: that what fails is told, and counted. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { runPart } from './part.js'
import { fast, filesOf, partsOf } from './plan.js'
import { readTap } from './tap.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** A directory with these test files, as they are compiled, from which the packages of this one are found. */
function filesWith(t: Test, contents: Readonly<Record<string, string>>): string {
  mkdirSync(join(root, '.build'), { recursive: true })
  const directory = mkdtempSync(join(root, '.build', 'run-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(contents)) {
    const path = join(directory, 'dist/test/room', `${name}.test.js`)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, `import t from 'tap'\n${content}`)
  }
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  return directory
}

// The names that may be chosen of this file are none of those.
delete process.env.TAP_GREP

const PASSES = "t.test('good', async t => { t.pass(); t.pass(); t.comment('seed 7') })"

t.test('what passes is counted, and what it has to say is told', async t => {
  const directory = filesWith(t, {
    one: `${PASSES}\nt.test('left out', { skip: 'not here' }, async () => {})`,
    two: PASSES,
  })
  const files = filesOf(directory, [])
  t.same(files, ['test/room/one.test.ts', 'test/room/two.test.ts'])
  for (const part of [...files.map(file => ({ name: file, files: [file] })), { name: 'both', files }]) {
    const { ok, counts, failures, notes } = await runPart(directory, part)
    const twos = part.files.length
    const skips = part.name.endsWith('two.test.ts') ? 0 : 1
    t.equal(ok, true, part.name)
    t.same(failures, [])
    t.same(counts, { total: 2 * twos + skips, pass: 2 * twos, fail: 0, todo: 0, skip: skips })
    t.equal(notes.filter(note => note === 'seed 7').length, twos)
    t.equal(notes.filter(note => note === 'skipped: left out: not here').length, skips)
  }
})

for (const [what, content, told] of [
  ['an assertion that fails', "t.test('bad', async t => { t.pass(); t.equal(1, 2) })", /should be equal/],
  ['a test that throws', "t.test('bad', async () => { throw new Error('no luck') })", /no luck/],
  ['a test that never ends', "t.test('bad', () => new Promise(() => {}))", /unfinished/],
  ['a file that throws', "throw new Error('no luck')", /no luck/],
  ['a file that cannot be read', 'const', /SyntaxError/],
  ['an error that nothing waits for', 'Promise.reject(new Error("no luck"))', /no luck/],
  ['a process that is killed', "t.test('bad', async () => process.kill(process.pid, 'SIGKILL'))", /SIGKILL/],
  ['a process that ends early', "t.test('bad', async () => process.exit(0))", /bad/],
  [
    'a status that is not 0',
    "t.test('good', async t => t.pass()); process.on('exit', () => { process.exitCode = 9 })",
    /status 9/,
  ],
] as const) {
  t.test(`${what} fails the run, also among other files`, async t => {
    const directory = filesWith(t, { a: PASSES, b: content, c: PASSES })
    const files = filesOf(directory, [])
    for (const part of [
      { name: 'alone', files: ['test/room/b.test.ts'] },
      { name: 'among others', files },
    ]) {
      const { ok, counts, failures } = await runPart(directory, part)
      t.equal(ok, false, part.name)
      t.ok(counts.fail > 0, 'it is counted')
      t.match(failures.join('\n'), told)
    }
  })
}

t.test('every file runs, and in one process only', async t => {
  const files = filesOf(root, [])
  t.ok(files.length > 100)
  const parts = partsOf(files)
  t.same(parts.flatMap(part => part.files).toSorted(), files)
  t.ok(parts.length < files.length)
  t.ok(fast(files).length > 50)
  t.ok(fast(files).every(file => files.includes(file)))
})

t.test('files are chosen by their name, by that of their output, and by their directory', async t => {
  for (const name of ['test/run/run.test.ts', './dist/test/run/run.test.js', 'test/run', 'test/run/'])
    t.same(filesOf(root, [name]), ['test/run/run.test.ts'])
  t.throws(() => filesOf(root, ['test/nonesuch']), /no test at test\/nonesuch/)
})

t.test('of a file that breaks off, what it had printed is counted', async t => {
  const { counts, isComplete } = readTap('TAP version 14\n    ok 1 - a\n    not ok 2 - b\n')
  t.same(counts, { total: 2, pass: 1, fail: 1, todo: 0, skip: 0 })
  t.equal(isComplete, false)
})
