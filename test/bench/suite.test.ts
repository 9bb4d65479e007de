/** That the suite works, with the candidates that need nothing installed. What it measures is asserted nowhere. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { allMeasures } from '../../bench/measures/all.js'
import type { Recording } from '../../bench/method/recording.js'
import { pageOf } from '../../bench/report/page.js'
import { plotsOf } from '../../bench/report/plots.js'

const main = join(import.meta.dirname, '../../bench/main.js')
const CANDIDATES = ['floor', 'waq', 'waq-10ms', 'files']

async function bench(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, ...args], { encoding: 'utf8' })
  return stdout
}

t.test(
  'every measure gives figures for every candidate that it suits, and a page can be made of them',
  async t => {
    const directory = t.testdir({ 'messages.jsonl': '{"channel":"irc:1","text":"hello"}\n' })
    const json = join(directory, 'recording.json')
    const stdout = await bench(
      ...['--rounds', '1', '--budget-ms', '5', '--size', 'tiny', '--directory', directory],
      ...['--peers', CANDIDATES.join(','), '--json', json, '--messages', join(directory, 'messages.jsonl')],
    )
    const recording = JSON.parse(readFileSync(json, 'utf8')) as Recording

    t.match(stdout, /^machine +\S/m, 'the header tells where it ran')
    t.match(stdout, /^file system +\S/m)
    t.same(
      recording.measures.map(({ name }) => name),
      allMeasures.map(({ name }) => name),
    )
    t.same(
      recording.candidates.map(({ name, skipped }) => [name, skipped]),
      CANDIDATES.map(name => [name, undefined]),
    )
    for (const { name, cells } of recording.measures) {
      t.ok(cells.length > 0, `${name} has cells`)
      for (const { candidate, point, rounds } of cells) {
        t.equal(rounds.length, 1, `${name}, ${candidate}, ${point}: the round that warms up is not kept`)
        for (const [figure, value] of Object.entries(rounds[0]!))
          t.ok(value >= 0, `${name}, ${candidate}, ${point}: ${figure} is a number`)
      }
    }
    const plots = plotsOf(recording)
    t.same(
      plots.map(({ file }) => file),
      ['latency.svg', 'throughput.svg', 'backlog.svg', 'open.svg'],
    )
    const page = pageOf(recording, plots)
    for (const { title } of allMeasures) t.ok(page.includes(`## ${title}\n`), title)
    t.match(page, /--json recording\.json/, 'the command is told without the folders of whoever ran it')
    t.notMatch(page, directory)
  },
)

t.test('one measure, with a candidate left to choose', async t => {
  const directory = t.testdir()
  const stdout = await bench(
    ...['sequential', '--peers', 'files', '--rounds', '1', '--budget-ms', '5', '--directory', directory],
  )
  t.match(stdout, /^floor /m, 'the floor is always there')
  t.match(stdout, /^files /m)
  t.notMatch(stdout, /^waq .* ms/m)
})

for (const [name, args] of [
  ['a measure', ['nonesuch']],
  ['a candidate', ['--peers', 'nonesuch']],
  ['a number of rounds', ['--rounds', '0']],
  ['a size', ['--size', 'huge']],
] as const) {
  t.test(`${name} that there is not is refused, and what there is is told`, async t => {
    const refusal = await bench(...args).then(
      () => undefined,
      (error: { code: number; stderr: string }) => error,
    )
    t.ok(refusal, 'it fails')
    t.match(refusal?.stderr, /nonesuch|whole number|Allowed choices/)
  })
}
