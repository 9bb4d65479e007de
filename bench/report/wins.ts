import type { Measure } from '../measures/measure.js'
import type { Recording } from '../method/recording.js'
import { Figures, formatFigure } from './figures.js'

/** Within this of each other, two medians are called equal. */
const CLEARLY = 1.05

export interface Win {
  readonly where: string
  readonly peer: string
  readonly theirs: string
  readonly ours: string
  /** What the peer leaves out, where it does. */
  readonly lesser: string | undefined
}

/** Where a peer is clearly better than waq, in every figure that has a table. */
export function winsOfPeers(recording: Recording, measures: readonly Measure[]): Win[] {
  const peers = recording.candidates.filter(({ kind, skipped }) => kind === 'peer' && skipped === undefined)
  const wins: Win[] = []
  for (const recorded of recording.measures) {
    const measure = measures.find(({ name }) => name === recorded.name)!
    const figures = new Figures(recorded)
    for (const point of new Set(recorded.cells.map(cell => cell.point))) {
      for (const { figure, title, format, moreIsBetter = false } of measure.columns) {
        const ours = figures.median('waq', point, figure)
        if (ours === undefined) continue
        for (const { name, lesser } of peers) {
          const theirs = figures.median(name, point, figure)
          if (theirs === undefined) continue
          const advantage = moreIsBetter ? theirs / ours : ours / theirs
          if (!(advantage > CLEARLY)) continue
          wins.push({
            where: [measure.title, point && `${point} ${measure.pointTitle}`, title]
              .filter(Boolean)
              .join(', '),
            peer: name,
            theirs: formatFigure(theirs, format),
            ours: formatFigure(ours, format),
            lesser,
          })
        }
      }
    }
  }
  return wins
}
