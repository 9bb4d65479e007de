/** `docs/benchmarks.md`, from a recording and nothing else. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { allMeasures } from '../measures/all.js'
import type { RecordedCandidate, RecordedMeasure, Recording } from '../method/recording.js'
import { repository } from '../repository.js'
import { goalsOf } from './goals.js'
import { headerLines } from './header.js'
import { draw, type Plot, plotsOf } from './plots.js'
import { headingOf, tablesOf, toMarkdown } from './table.js'
import { type Win, winsOfPeers } from './wins.js'

const PLOT_OF: Readonly<Record<string, string>> = {
  sequential: 'latency.svg',
  concurrency: 'throughput.svg',
  backlog: 'backlog.svg',
  open: 'open.svg',
}

/** Writes the page and its plots into `docs`; returns their paths. */
export async function writeReport(
  recording: Recording,
  docs: string = join(repository, 'docs'),
): Promise<string[]> {
  const plots = plotsOf(recording)
  const folder = join(docs, 'benchmarks')
  mkdirSync(folder, { recursive: true })
  const written: string[] = []
  for (const plot of plots) {
    const file = join(folder, plot.file)
    writeFileSync(file, await draw(plot))
    written.push(file)
  }
  const page = join(docs, 'benchmarks.md')
  writeFileSync(page, pageOf(recording, plots))
  written.push(page)
  return written.map(file => relative(repository, file))
}

export function pageOf(recording: Recording, plots: readonly Plot[]): string {
  const { candidates, measures } = recording
  return [
    '<!-- Written by `npm run bench -- --report`: change bench/report, or record anew. -->',
    '# Benchmarks',
    introduction(recording),
    goals(recording),
    wins(winsOfPeers(recording, allMeasures)),
    '## Method',
    METHOD,
    '## Candidates',
    candidateTable(candidates),
    ...measures.map(measure => section(measure, candidates, plots)),
    '## Where and when',
    where(recording),
  ]
    .join('\n\n')
    .concat('\n')
}

const METHOD = [
  '- Each candidate runs in a process of its own. In every round, at every point, the candidates take turns (A B C, A B C, …), so a disk that is slow for a while is slow for all of them. A first round is run and not counted. At a bot’s pace each candidate gets a new process in each round, and every message counts.',
  '- Figures are medians of the rounds, with the lowest and the highest in brackets. Percentiles come from a histogram of each round (`perf_hooks.createHistogram`).',
  '- **Floor (a)** is the least that a durable message can cost here: one `write` of its bytes and one asynchronous `fdatasync`, on a file filled with zeros beforehand; messages that arrive during a sync share the next one. **Floor (b)** appends and syncs, synchronously; **floor (c)** does the same on a zeroed file. “× floor” is the median of the ratios to floor (a) in the same round.',
  '- Every candidate promises that a message survives a power loss once its enqueue has resolved, unless the last column says less.',
  '- A latency runs from the moment when a caller was ready to enqueue: if a library blocks the event loop, the time that other callers wait counts.',
].join('\n')

function introduction({ date, command, host, rounds, budgetMs }: Recording): string {
  return [
    `Recorded on ${date.slice(0, 10)} by \`${command}\` (${rounds} rounds of ${budgetMs} ms), on ${host.machine}, ${host.fileSystem}, Node ${host.node.slice(1)}.`,
    'The figures are of that machine: repeat them on yours with `npm ci && (cd bench && npm ci) && npm run bench`.',
  ].join('\n')
}

function goals(recording: Recording): string {
  const rows = goalsOf(recording).map(({ measure, goal, shown, reached }) => [
    `[${measure}](#${measure})`,
    goal,
    shown,
    reached === undefined ? 'not measured' : reached ? 'yes' : '**no**',
  ])
  return [
    '## What waq sets out to do',
    toMarkdown({ point: '', head: ['measure', 'goal', 'shown', 'reached'], rows }),
  ].join('\n\n')
}

function wins(found: readonly Win[]): string {
  const rows = found.map(({ measure, point, figure, ours, theirs }) => [measure, point, figure, ours, theirs])
  const text =
    rows.length === 0
      ? 'Nowhere in this recording, by more than 5 %.'
      : `By more than 5 % of the median:

${toMarkdown({ point: '', head: ['measure', 'at', 'figure', 'waq', 'better'], rows })}`
  return `## Where a peer wins

${text}`
}

function candidateTable(candidates: readonly RecordedCandidate[]): string {
  const rows = candidates.map(({ name, title, version, durability, lesser, skipped }) => [
    name,
    title,
    version ?? '–',
    skipped === undefined ? durability : `took no part: ${skipped}`,
    lesser ?? '',
  ])
  return toMarkdown({
    point: '',
    head: ['name', 'what it is', 'version', 'an enqueue that resolved survives', 'does less'],
    rows,
  })
}

function section(
  recorded: RecordedMeasure,
  candidates: readonly RecordedCandidate[],
  plots: readonly Plot[],
): string {
  const measure = allMeasures.find(({ name }) => name === recorded.name)!
  const plot = plots.find(({ file }) => file === PLOT_OF[measure.name])
  return [
    `<a id="${measure.name}"></a>`,
    `## ${measure.title}`,
    measure.explanation,
    ...(plot === undefined ? [] : [`![${plot.alternative}](benchmarks/${plot.file})`]),
    ...tablesOf(measure, recorded, candidates).flatMap(table => [
      ...(table.point === '' ? [] : [`### ${headingOf(measure, table.point)}`]),
      toMarkdown(table),
    ]),
  ].join('\n\n')
}

function where({ date, host, command }: Recording): string {
  const lines = [['date', date], ['command', command], ...headerLines(host)] as const
  return lines.map(([title, value]) => `- ${title}: ${value}`).join('\n')
}
