import type { Measure } from '../measures/measure.js'
import type { Recording } from '../method/recording.js'
import { Figures, formatFigure } from './figures.js'
import { headingOf } from './table.js'

/** Within this of each other, two medians are called equal. */
const CLEARLY = 1.05

export interface Win {
  readonly measure: string
  readonly point: string
  readonly figure: string
  readonly ours: string
  /** The peers that are better, the best first, with what they leave out. */
  readonly theirs: string
}

/** Where a peer is clearly better than waq, in every figure that has a table but the worst of a round: that is chance. */
export function winsOfPeers(recording: Recording, measures: readonly Measure[]): Win[] {
  const peers = recording.candidates.filter(({ kind, skipped }) => kind === 'peer' && skipped === undefined)
  const wins: Win[] = []
  for (const recorded of recording.measures) {
    const measure = measures.find(({ name }) => name === recorded.name)!
    const figures = new Figures(recorded)
    for (const point of new Set(recorded.cells.map(cell => cell.point))) {
      for (const { figure, title, format, moreIsBetter = false } of measure.columns) {
        const ours = figures.median('waq', point, figure)
        if (ours === undefined || figure.toLowerCase().includes('max')) continue
        const better = peers
          .flatMap(({ name, lesser }) => {
            const value = figures.median(name, point, figure)
            if (value === undefined) return []
            return [{ name, lesser, value, advantage: moreIsBetter ? value / ours : ours / value }]
          })
          .filter(({ advantage }) => advantage > CLEARLY)
          .sort((a, b) => b.advantage - a.advantage)
        if (better.length === 0) continue
        wins.push({
          measure: measure.title,
          point: point === '' ? '' : headingOf(measure, point),
          figure: title,
          ours: formatFigure(ours, format),
          theirs: better
            .map(
              ({ name, value, lesser }) =>
                `${name} ${formatFigure(value, format)}${lesser === undefined ? '' : ` (${lesser})`}`,
            )
            .join('; '),
        })
      }
    }
  }
  return wins
}
