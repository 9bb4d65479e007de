import type { Measure, MeasureOptions, Point } from '../measures/measure.js'
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
 * grows slower meets all of them; or all at once, where a point says so. One round before the first is not counted: it
 * warms compilers and caches up, unless each round has processes of its own.
 */
export async function runRounds(
  measure: Measure,
  peers: readonly Peer[],
  given: RoundsOptions,
  listener: RoundsListener,
): Promise<RecordedMeasure> {
  const begun = await measure.begin?.(given)
  const options = begun === undefined ? given : { ...given, shared: begun.shared }
  const points = measure.points(options)
  const { freshProcesses = false } = measure
  const candidates: Candidate[] = []
  try {
    for (const peer of peers) {
      listener.step(candidates.length, peers.length, `preparing ${peer.name}`)
      try {
        const candidate = await Candidate.prepare(peer, measure, options.directory, options)
        candidates.push(candidate)
        listener.prepared(candidate)
        // It was asked whether it can run here.
        if (freshProcesses) await candidate.close()
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
    const turns = points.flatMap(point => {
      const there = cells.filter(cell => cell.point === point)
      return point.atOnce === true ? [there] : there.map(cell => [cell])
    })
    const warmUps = freshProcesses ? 0 : 1
    const steps = turns.length * (options.rounds + warmUps)
    let done = 0
    for (let round = 1 - warmUps; round <= options.rounds; round += 1) {
      for (const turn of turns) {
        listener.step(done, steps, describe(measure, turn, round, options.rounds))
        const figures = await Promise.all(
          turn.map(async ({ candidate, point }, nth) => {
            const place = { nth, of: turn.length }
            if (!freshProcesses) return candidate.round(measure, point.name, place)
            const fresh = await Candidate.prepare(candidate.peer, measure, options.directory, options)
            return fresh.round(measure, point.name, place).finally(() => fresh.close())
          }),
        )
        if (round > 0) for (const [nth, cell] of turn.entries()) cell.rounds.push(figures[nth]!)
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
    begun?.end()
    for (const candidate of candidates) await candidate.close()
  }
}

function describe(
  measure: Measure,
  turn: readonly { readonly candidate: Candidate; readonly point: Point }[],
  round: number,
  rounds: number,
): string {
  const [{ point } = { point: { name: '' } }] = turn
  const where = point.name === '' ? '' : `, ${[point.name, measure.pointTitle].filter(Boolean).join(' ')}`
  const which = round === 0 ? 'warming up' : `round ${round} of ${rounds}`
  return `${which}: ${turn.map(({ candidate }) => candidate.peer.name).join(' ')}${where}`
}
