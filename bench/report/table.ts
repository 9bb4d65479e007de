import type { Column, Measure } from '../measures/measure.js'
import type { RecordedCandidate, RecordedMeasure } from '../method/recording.js'
import { digits, Figures, FLOOR, formatSpread } from './figures.js'

export interface Table {
  readonly point: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** One table a point: a row for each candidate, medians of the rounds with their spread. */
export function tablesOf(
  measure: Measure,
  recorded: RecordedMeasure,
  candidates: readonly RecordedCandidate[],
): Table[] {
  const figures = new Figures(recorded)
  const points = [...new Set(recorded.cells.map(({ point }) => point))]
  const hasFloor = recorded.cells.some(({ candidate }) => candidate === FLOOR)
  return points.map(point => ({
    point,
    head: [
      'candidate',
      ...measure.columns.flatMap(column => [
        column.title,
        ...(column.toFloor && hasFloor ? ['× floor'] : []),
      ]),
      'does less',
    ],
    rows: candidates
      .filter(({ name }) => recorded.cells.some(cell => cell.candidate === name && cell.point === point))
      .map(candidate => [
        candidate.name,
        ...measure.columns.flatMap(column => cellsOf(figures, candidate.name, point, column, hasFloor)),
        candidate.lesser ?? '',
      ]),
  }))
}

function cellsOf(
  figures: Figures,
  candidate: string,
  point: string,
  { figure, format, toFloor = false }: Column,
  hasFloor: boolean,
): string[] {
  const spread = figures.spread(candidate, point, figure)
  const shown = spread === undefined ? '–' : formatSpread(spread, format)
  if (!toFloor || !hasFloor) return [shown]
  const ratio = figures.ratio(candidate, FLOOR, point, figure)
  return [shown, ratio === undefined ? '–' : digits(ratio)]
}

/** For a terminal. */
export function toText({ head, rows }: Table): string {
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map(row => row[at]!.length)))
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]!) : cell.padStart(widths[at]!)))
      .join('  ')
      .trimEnd()
  return [line(head), ...rows.map(line)].join('\n')
}

export function toMarkdown({ head, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const isNumber = (at: number): boolean => rows.every(row => /^[\d–]/.test(row[at]!))
  return [line(head), line(head.map((_, at) => (isNumber(at) ? '---:' : '---'))), ...rows.map(line)].join(
    '\n',
  )
}

/** A point as a heading has it: `64 callers`, `4 KB`. */
export function headingOf({ pointTitle }: Measure, point: string): string {
  return pointTitle === '' ? point : `${point} ${pointTitle}`
}
