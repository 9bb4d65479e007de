import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { hunt } from './hunt.js'
import { type Mutation, mutate } from './mutation.js'
import { mutations } from './mutations.js'
import { sample } from './sample.js'
import { insertTable, table } from './table.js'
import { endingOf } from './tap-output.js'

const SAMPLE = Number(process.env.WAQ_TEST_MUTATIONS ?? 12)
/** One seed in every run of the suite, so that it says the same twice. */
const SEED = Number(process.env.WAQ_TEST_SEED ?? 1)
const NUMBERED_INVARIANTS = 17

const compiled = fileURLToPath(new URL('../../', import.meta.url))

t.test('every mutation fits the code, and has a name of its own', async t => {
  for (const mutation of mutations)
    t.doesNotThrow(() => mutate(readFileSync(join(compiled, mutation.file), 'utf8'), mutation), mutation.name)
  t.equal(new Set(mutations.map(({ name }) => name)).size, mutations.length)
})

t.test('each numbered invariant can be broken', async t => {
  const broken = new Set(mutations.flatMap(({ invariants }) => invariants))
  for (let number = 1; number <= NUMBERED_INVARIANTS; number++)
    t.ok(broken.has(number), `invariant ${number}`)
})

t.test('where a rule is switched off, a test fails', async t => {
  const chosen = sample(mutations, SAMPLE, SEED)
  t.comment(
    `${chosen.length} of ${mutations.length} mutations, seed ${SEED}; all of them: npm run test:mutations`,
  )
  for (const { mutation, escaped } of await hunt(chosen)) {
    t.equal(
      escaped,
      undefined,
      `${mutation.name} (npm run test:mutations -- --only ${JSON.stringify(mutation.name)})`,
    )
  }
})

t.test('a mutation that no test notices escapes', async t => {
  const harmless: Mutation = {
    name: 'a comment',
    invariants: [3],
    file: 'lib/log/lock/fence.js',
    find: '/** Checks without throwing. */',
    replace: '',
    caughtBy: { file: 'log/lock/fence', name: 'the fence stands while the owner file does' },
  }
  const broken: Mutation = { ...harmless, name: 'no JavaScript', replace: ') is no JavaScript (' }
  const [first, second] = await hunt([harmless, broken])
  t.equal(first!.escaped, 'passed')
  t.equal(second!.escaped, 'did not run')
})

t.test('how a test ended is read from its output', async t => {
  const output = [
    'TAP version 14',
    '# Subtest: one',
    '    ok 1 - should be equal',
    '    1..1',
    'ok 1 - one # time=3.3ms',
    '',
    '# Subtest: two',
    '    not ok 1 - should be equal',
    '      ---',
    '      compare: ===',
    '      ...',
    'not ok 2 - two # time=1ms',
    '# Subtest: three',
    '    not ok 1 - test unfinished',
    'not ok 3 - three # time=1ms',
    '# Subtest: four',
    '    not ok 1 - foo is not defined',
    '      ---',
    '      type: ReferenceError',
    '      ...',
    'not ok 4 - four # time=1ms',
    'ok 5 - five # SKIP',
    '# Subtest: seven',
    '    not ok 1 - should be equal',
    '    not ok 2 - test unfinished',
    'not ok 6 - seven # time=1ms',
  ].join('\n')
  t.equal(endingOf(output, 'one'), 'passed')
  t.equal(endingOf(output, 'two'), 'failed')
  t.equal(endingOf(output, 'three'), 'hung')
  t.equal(endingOf(output, 'four'), 'broken')
  t.equal(endingOf(output, 'five'), 'absent')
  t.equal(endingOf(output, 'six'), 'absent')
  t.equal(endingOf(output, 'seven'), 'failed')
})

t.test('the same seed chooses the same mutations', async t => {
  const all = Array.from({ length: 50 }, (_, index) => index)
  t.same(sample(all, 7, 3), sample(all, 7, 3))
  t.notSame(sample(all, 7, 3), sample(all, 7, 4))
  t.equal(sample(all, 7, 3).length, 7)
  t.same(sample(all, Infinity, 3), all)
})

t.test('the table takes the place of the one before it', async t => {
  const [mutation] = mutations
  const text = table([{ mutation: mutation!, escaped: undefined }])
  const page =
    '# Page\n<!-- mutations: begin; written by npm run test:mutations -- --report -->\nold\n<!-- mutations: end -->\nrest\n'
  const once = insertTable(page, text)
  t.notMatch(once, 'old')
  t.match(once, mutation!.name)
  t.equal(insertTable(once, text), once)
  t.throws(() => insertTable('# Page', text))
})
