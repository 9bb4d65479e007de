import type { Column } from '../measures/measure.js'
import type { RecordedCell, RecordedMeasure } from '../method/recording.js'
import { median, type Spread, spreadOf } from '../method/statistics.js'

/** Whose figures are the measure of all others. */
export const FLOOR = 'floor'

/** Medians and spreads of the rounds of a measure. */
export class Figures {
  readonly #cells = new Map<string, RecordedCell>()

  constructor({ cells }: RecordedMeasure) {
    for (const cell of cells) this.#cells.set(key(cell.candidate, cell.point), cell)
  }

  spread(candidate: string, point: string, figure: string): Spread | undefined {
    const values = this.#values(candidate, point, figure)
    return values.length === 0 ? undefined : spreadOf(values)
  }

  median(candidate: string, point: string, figure: string): number | undefined {
    return this.spread(candidate, point, figure)?.median
  }

  /** The median of the rounds' ratios: what the disk did in a round, it did to both. */
  ratio(candidate: string, to: string, point: string, figure: string): number | undefined {
    const ratios = this.ratios(candidate, to, point, figure)
    return ratios.length === 0 ? undefined : median(ratios)
  }

  /** Of each round. */
  ratios(candidate: string, to: string, point: string, figure: string): number[] {
    const ours = this.#values(candidate, point, figure)
    const theirs = this.#values(to, point, figure)
    return ours.flatMap((value, round) => (theirs[round] === undefined ? [] : [value / theirs[round]!]))
  }

  #values(candidate: string, point: string, figure: string): number[] {
    return (this.#cells.get(key(candidate, point))?.rounds ?? []).flatMap(figures => figures[figure] ?? [])
  }
}

function key(candidate: string, point: string): string {
  return `${candidate}\n${point}`
}

type Format = Column['format']

/** In units that fit the median, so that the spread reads at a glance: `0.21 ms (0.20–0.24)`. */
export function formatSpread({ median, least, most }: Spread, format: Format): string {
  const { per, name } = unitFor(median, format)
  return `${digits(median / per)}${name} (${digits(least / per)}–${digits(most / per)})`
}

export function formatFigure(value: number, format: Format): string {
  const { per, name } = unitFor(value, format)
  return `${digits(value / per)}${name}`
}

function unitFor(value: number, format: Format): { per: number; name: string } {
  switch (format) {
    case 'us':
      return value < 100 ? { per: 1, name: ' µs' } : { per: 1e3, name: ' ms' }
    case 'ms':
      return value < 10_000 ? { per: 1, name: ' ms' } : { per: 1e3, name: ' s' }
    case 'bytes':
      return value < 10_000 ? { per: 1, name: ' B' } : { per: 1e3, name: ' kB' }
    case 'perSecond':
    case 'count':
    case 'number':
      return { per: 1, name: '' }
  }
}

/** Three significant digits, and whole numbers above. */
export function digits(value: number): string {
  if (Number.isNaN(value)) return '–'
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toFixed(3)
}
