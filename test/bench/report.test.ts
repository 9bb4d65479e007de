import t from 'tap'
import { allMeasures, measureNamed } from '../../bench/measures/all.js'
import type { RecordedCell, Figures as RecordedFigures, Recording } from '../../bench/method/recording.js'
import { Figures, formatFigure, formatSpread } from '../../bench/report/figures.js'
import { goalsOf } from '../../bench/report/goals.js'
import { tablesOf, toMarkdown } from '../../bench/report/table.js'
import { winsOfPeers } from '../../bench/report/wins.js'

function cell(candidate: string, ...p50Us: number[]): RecordedCell {
  return {
    candidate,
    point: '',
    rounds: p50Us.map((us): RecordedFigures => ({ p50Us: us, p99Us: 2 * us, maxUs: 3 * us })),
  }
}

const recording: Recording = {
  format: 1,
  date: '2030-01-02T03:04:05.000Z',
  command: 'npm run bench',
  rounds: 3,
  budgetMs: 300,
  host: {
    machine: '2 × processor',
    memoryGiB: 4,
    kernel: 'Linux',
    fileSystem: 'ext4',
    mountOptions: 'rw',
    device: 'vda',
    writeCache: 'write back',
    node: 'v20.19.0',
    waq: '0.1.0',
    crc: 'native',
    loadAverage: 0,
  },
  candidates: [
    { name: 'floor', title: 'floor', kind: 'floor', durability: 'a power loss' },
    { name: 'waq', title: 'waq', kind: 'waq', durability: 'a power loss' },
    { name: 'better-sqlite3', title: 'SQLite', kind: 'peer', durability: 'a power loss' },
    { name: 'files', title: 'files', kind: 'peer', durability: 'a killed process', lesser: 'no fsync' },
  ],
  measures: [
    {
      name: 'sequential',
      cells: [
        cell('floor', 100, 200, 1_000),
        cell('waq', 110, 300, 1_000),
        cell('better-sqlite3', 400, 500, 600),
        cell('files', 90, 90, 90),
      ],
    },
  ],
}

t.test('a ratio is the median of the ratios of each round, not the ratio of the medians', async t => {
  const figures = new Figures(recording.measures[0]!)
  t.equal(figures.ratio('waq', 'floor', '', 'p50Us'), 1.1)
  t.equal(figures.median('waq', '', 'p50Us'), 300)
  t.equal(figures.ratio('waq', 'nobody', '', 'p50Us'), undefined)
})

t.test('units fit the figure, and a spread is told in one unit', async t => {
  t.equal(formatFigure(23.456, 'us'), '23.5 µs')
  t.equal(formatFigure(234.5, 'us'), '0.234 ms')
  t.equal(formatFigure(12_345, 'ms'), '12.3 s')
  t.equal(formatFigure(150_123.4, 'perSecond'), '150,123')
  t.equal(formatSpread({ median: 200, least: 50, most: 1_000 }, 'us'), '0.200 ms (0.050–1.00)')
})

t.test('a table has a row for each candidate, with what it leaves out', async t => {
  const [table] = tablesOf(measureNamed('sequential'), recording.measures[0]!, recording.candidates)
  t.same(table!.head, ['candidate', 'p50', '× floor', 'p99', '× floor', 'max', 'does less'])
  t.same(
    table!.rows.map(row => [row[0], row.at(-1)]),
    [
      ['floor', ''],
      ['waq', ''],
      ['better-sqlite3', ''],
      ['files', 'no fsync'],
    ],
  )
  const [head, rule] = toMarkdown(table!).split('\n')
  t.equal(head, '| candidate | p50 | × floor | p99 | × floor | max | does less |')
  t.equal(rule, '| --- | ---: | ---: | ---: | ---: | ---: | --- |')
})

t.test('where a peer wins it is told, with what it leaves out', async t => {
  t.same(winsOfPeers(recording, allMeasures), [
    {
      measure: 'Enqueue until durable, one at a time',
      point: '',
      figure: 'p50',
      ours: '0.300 ms',
      theirs: 'files 90.0 µs (no fsync)',
    },
    {
      measure: 'Enqueue until durable, one at a time',
      point: '',
      figure: 'p99',
      ours: '0.600 ms',
      theirs: 'files 0.180 ms (no fsync)',
    },
  ])
})

t.test('a goal is reached, missed, or not measured', async t => {
  const shown = goalsOf(recording).map(({ goal, reached }) => [goal, reached])
  t.same(shown, [
    ['enqueue p50 at most that of better-sqlite3', true],
    ['enqueue p50 at most 1.25 × floor (c)', undefined],
    ['enqueue p99 at most 1.3 × better-sqlite3', true],
  ])
  const withCells = (...cells: RecordedCell[]): Recording => ({
    ...recording,
    measures: [{ name: 'sequential', cells }],
  })
  t.same(
    goalsOf(withCells(cell('better-sqlite3', 100), cell('waq', 150))).map(({ reached }) => reached),
    [false, undefined, false],
  )
})
