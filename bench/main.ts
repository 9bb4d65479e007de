/** `npm run bench`: what being safe costs, here, against everyone. See `docs/benchmarks.md`. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { allMeasures, measureNamed } from './measures/all.js'
import type { Measure, Size } from './measures/measure.js'
import { Checkout } from './method/checkout.js'
import { describeHost } from './method/host.js'
import { Progress } from './method/progress.js'
import type { RecordedCandidate, RecordedMeasure, Recording } from './method/recording.js'
import { runRounds } from './method/rounds.js'
import { allPeers, peerNamed } from './peers/all.js'
import type { Peer } from './peers/peer.js'
import { compare, toLines } from './report/against.js'
import { FLOOR } from './report/figures.js'
import { headerLines } from './report/header.js'
import { headingOf, tablesOf, toText } from './report/table.js'

interface Options {
  readonly rounds: number
  readonly budgetMs: number
  readonly json?: string
  readonly peers?: readonly string[]
  readonly directory: string
  readonly messages?: string
  readonly size: Size
  readonly report: boolean
  readonly from?: string
  readonly against?: string
  readonly tolerance: number
}

const command = new Command('bench')
  .description('Measures waq against the floor of this machine and against its peers.')
  .argument('[measures...]', `which ones: ${allMeasures.map(({ name }) => name).join(', ')} (default: all)`)
  .option('--rounds <number>', 'rounds that count; one more warms up', wholeNumber, 5)
  .option('--budget-ms <number>', 'for one candidate, at one point, in one round', wholeNumber, 300)
  .option(
    '--peers <names>',
    `candidates beside the floor: ${allPeers.map(({ name }) => name).join(',')}`,
    names,
  )
  .option('--directory <path>', 'where the candidates write; its disk is what is measured', tmpdir())
  .option('--messages <file>', 'real messages, one { "channel", "text" } a line')
  .addOption(
    new Option('--size <size>', 'how far backlogs go: to 100, to 100,000, to 1,000,000')
      .choices(['tiny', 'short', 'long'])
      .default('short'),
  )
  .option('--json <file>', 'keeps every figure of every round')
  .option('--from <file>', 'takes a recording that --json kept, instead of a run')
  .addOption(
    new Option(
      '--against <commit>',
      'runs waq of that commit in turns with this one; exits with 1 where it is worse',
    ).conflicts(['from', 'report']),
  )
  .option('--tolerance <percent>', 'with --against: so much worse is no matter', percent, 0.05)
  .option('--report', 'writes docs/benchmarks.md and its plots (npm ci in bench/ first)', false)
  .addHelpText('after', '\nFor example: npm run bench -- sequential --peers waq,better-sqlite3 --rounds 9')
  .action(main)

await command.parseAsync()

async function main(chosen: readonly string[], options: Options): Promise<void> {
  const recording = options.from === undefined ? await record(chosen, options) : read(options.from)
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(recording)}\n`)
  if (!options.report) return
  const { writeReport } = await import('./report/page.js')
  for (const file of await writeReport(recording)) console.log(`wrote ${file}`)
}

function read(file: string): Recording {
  const recording = JSON.parse(readFileSync(file, 'utf8')) as Recording
  if (recording.format !== 1) throw new Error(`${file} is not a recording of this suite`)
  return recording
}

async function record(chosen: readonly string[], options: Options): Promise<Recording> {
  const measures = chosen.length === 0 ? allMeasures : chosen.map(measureNamed)
  const checkout = options.against === undefined ? undefined : new Checkout(options.against)
  const directory = mkdtempSync(join(resolve(options.directory), 'waq-bench-'))
  const progress = new Progress(process.stderr)
  const candidates = new Map<string, RecordedCandidate>()
  const recorded: RecordedMeasure[] = []
  const stop = (): void => {
    rmSync(directory, { recursive: true, force: true })
    process.exit(130)
  }
  process.once('SIGINT', stop)
  const started = {
    format: 1,
    date: new Date().toISOString(),
    command: ['npm run bench --', ...process.argv.slice(2).map(withoutFolder)].join(' '),
    rounds: options.rounds,
    budgetMs: options.budgetMs,
    host: await describeHost(directory),
  } as const
  try {
    for (const [title, value] of headerLines(started.host)) console.log(`${title.padEnd(20)} ${value}`)
    if (started.host.fileSystem === 'tmpfs')
      console.log('This is a file system in memory, where a sync costs nothing: choose another --directory.')
    for (const measure of measures) {
      const peers = peersFor(measure, options.peers ?? (checkout && ['waq']), checkout)
      const { messages } = options
      const run = await runRounds(
        measure,
        peers,
        { ...options, directory, ...(messages === undefined ? {} : { messagesFile: resolve(messages) }) },
        {
          step: (done, steps, what) => progress.show(`${measure.name} ${done}/${steps} ${what}`),
          prepared({ peer, version, lesser }) {
            candidates.set(peer.name, {
              ...factsOf(peer),
              version,
              ...(lesser === undefined ? {} : { lesser }),
            })
          },
          skipped(peer, reason) {
            progress.clear()
            if (!candidates.has(peer.name)) console.log(`skipped ${peer.name}: ${reason}`)
            candidates.set(peer.name, { ...factsOf(peer), skipped: reason })
          },
        },
      )
      progress.clear()
      recorded.push(run)
      print(measure, run, inOrder(candidates))
      if (checkout !== undefined) printAgainst(checkout, measure, run, options.tolerance)
    }
  } finally {
    progress.clear()
    process.off('SIGINT', stop)
    checkout?.remove()
    rmSync(directory, { recursive: true, force: true })
  }
  return { ...started, candidates: inOrder(candidates), measures: recorded }
}

/** The floor is always there: everything is told as a multiple of it. */
function peersFor(
  measure: Measure,
  asked: readonly string[] | undefined,
  checkout: Checkout | undefined,
): Peer[] {
  const extra = measure.extraCandidates ?? []
  const wanted = (peer: Peer): boolean => {
    if (peer.name === FLOOR) return true
    if (asked !== undefined) return asked.includes(peer.name)
    return peer.onlyOnRequest !== true || extra.includes(peer.name)
  }
  return allPeers
    .filter(peer => wanted(peer) && measure.suits(peer))
    .flatMap(peer =>
      checkout !== undefined && peer.kind === 'waq' ? [peer, checkout.counterpart(peer)] : peer,
    )
}

/** What is worse makes the process end with 1. */
function printAgainst(checkout: Checkout, measure: Measure, run: RecordedMeasure, tolerance: number): void {
  for (const { name } of allPeers) {
    const comparisons = compare(measure, run, name, checkout.nameOf(name), tolerance)
    if (comparisons.length === 0) continue
    console.log(`\n${name} over ${checkout.nameOf(name)}, in the median of the rounds; above 1 is worse`)
    for (const line of toLines(comparisons)) console.log(line)
    if (comparisons.some(({ isWorse }) => isWorse)) process.exitCode = 1
  }
}

function factsOf({ name, title, kind, durability }: Peer): RecordedCandidate {
  return { name, title, kind, durability }
}

function inOrder(candidates: ReadonlyMap<string, RecordedCandidate>): RecordedCandidate[] {
  const order = allPeers.map(({ name }) => name)
  const rank = ({ name }: RecordedCandidate): number => order.indexOf(name.replace(/@.*/, ''))
  return [...candidates.values()].sort((one, other) => rank(one) - rank(other))
}

function print(measure: Measure, run: RecordedMeasure, candidates: readonly RecordedCandidate[]): void {
  console.log(`\n${measure.title} (${measure.name})`)
  for (const table of tablesOf(measure, run, candidates)) {
    if (table.point !== '') console.log(`\n${headingOf(measure, table.point)}`)
    console.log(toText(table))
  }
}

/** Where somebody keeps his files is no part of what was measured. */
function withoutFolder(argument: string): string {
  return isAbsolute(argument) ? basename(argument) : argument
}

function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('It takes a whole number from 1 on.')
  return value
}

function percent(text: string): number {
  const value = Number(text)
  if (!(value >= 0)) throw new InvalidArgumentError('It takes a number of percent from 0 on.')
  return value / 100
}

function names(text: string): readonly string[] {
  return text.split(',').map(name => peerNamed(name.trim()).name)
}
