import type { Measure, MeasureOptions } from '../measures/measure.js'
import type { Peer } from '../peers/peer.js'
import { Candidate, Skipped } from './candidate.js'
import type { Figures, RecordedCell, RecordedMeasure } from './recording.js'

export interface RoundsOptions extends MeasureOptions {
  readonly rounds: number
  /** Where candidates keep their files. */
  readonly directory: string
}

export interface RoundsListener {
  /** Something begins, of so many steps in all. */
  step(done: number, steps: number, what: string): void
  prepared(candidate: Candidate): void
  skipped(peer: Peer, reason: string): void
}

/**
 * Runs one measure: in every round, at every point, each candidate in turn (A B C, A B C, …), so that a disk that
 * grows slower meets all of them. One round before the first is not counted: it warms compilers and caches up.
 */
export async function runRounds(
  measure: Measure,
  peers: readonly Peer[],
  options: RoundsOptions,
  listener: RoundsListener,
): Promise<RecordedMeasure> {
  const points = measure.points(options)
  const candidates: Candidate[] = []
  try {
    for (const peer of peers) {
      listener.step(candidates.length, peers.length, `preparing ${peer.name}`)
      try {
        const candidate = await Candidate.prepare(peer, measure, options.directory, options)
        candidates.push(candidate)
        listener.prepared(candidate)
      } catch (error) {
        if (!(error instanceof Skipped)) throw error
        listener.skipped(peer, error.message)
      }
    }
    const cells = candidates.flatMap(candidate =>
      points
        .filter(({ onlyFor }) => onlyFor?.(candidate.peer) !== false)
        .map(point => ({ candidate, point, rounds: [] as Figures[] })),
    )
    const inTurn = points.flatMap(point => cells.filter(cell => cell.point === point))
    const steps = inTurn.length * (options.rounds + 1)
    let done = 0
    for (let round = 0; round <= options.rounds; round += 1) {
      for (const { candidate, point, rounds } of inTurn) {
        const where =
          point.name === '' ? '' : `, ${[point.name, measure.pointTitle].filter(Boolean).join(' ')}`
        const which = round === 0 ? 'warming up' : `round ${round} of ${options.rounds}`
        listener.step(done, steps, `${which}: ${candidate.peer.name}${where}`)
        const figures = await candidate.round(measure, point.name)
        if (round > 0) rounds.push(figures)
        done += 1
      }
    }
    return {
      name: measure.name,
      cells: cells.map(
        ({ candidate, point, rounds }): RecordedCell => ({
          candidate: candidate.peer.name,
          point: point.name,
          rounds,
        }),
      ),
    }
  } finally {
    for (const candidate of candidates) await candidate.close()
  }
}
