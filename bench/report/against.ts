import type { Column, Measure } from '../measures/measure.js'
import type { RecordedMeasure } from '../method/recording.js'
import { median } from '../method/statistics.js'
import { digits, Figures, formatFigure } from './figures.js'

/** One figure of two commits, from rounds in which they took turns. */
export interface Comparison {
  readonly point: string
  readonly column: Column
  readonly before: number
  readonly now: number
  /** Of each round, now over before; of what is better when it is more, before over now: above 1 is worse. */
  readonly ratios: readonly number[]
  readonly isWorse: boolean
}

/** So many of the rounds have to agree before a figure counts as worse. */
const AGREEING_SHARE = 3 / 4

/**
 * Of each figure of `name`, how it stands beside `counterpart`. Worse is what is worse by more than `tolerance` in the
 * median of the rounds, and worse at all in three of four of them: else it is noise.
 */
export function compare(
  measure: Measure,
  recorded: RecordedMeasure,
  name: string,
  counterpart: string,
  tolerance: number,
): Comparison[] {
  const figures = new Figures(recorded)
  const points = [...new Set(recorded.cells.map(({ point }) => point))]
  return points.flatMap(point =>
    measure.columns.flatMap(column => {
      const now = figures.median(name, point, column.figure)
      const before = figures.median(counterpart, point, column.figure)
      const ratios = figures
        .ratios(name, counterpart, point, column.figure)
        .map(ratio => (column.moreIsBetter ? 1 / ratio : ratio))
        .filter(Number.isFinite)
      if (now === undefined || before === undefined || ratios.length === 0) return []
      const worse = ratios.filter(ratio => ratio > 1).length
      const isWorse = median(ratios) > 1 + tolerance && worse >= AGREEING_SHARE * ratios.length
      return [{ point, column, before, now, ratios, isWorse }]
    }),
  )
}

/** One line for each. */
export function toLines(comparisons: readonly Comparison[]): string[] {
  return comparisons.map(({ point, column, before, now, ratios, isWorse }) => {
    const spread = `${digits(Math.min(...ratios))}–${digits(Math.max(...ratios))}`
    const figures = `${formatFigure(before, column.format)} → ${formatFigure(now, column.format)}`
    const what = [point, column.title].filter(Boolean).join(' ')
    return `${isWorse ? 'WORSE' : '     '}  ${digits(median(ratios))} × (${spread})  ${what}: ${figures}`
  })
}
