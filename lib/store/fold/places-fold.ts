import type { OutcomeRecord, PlacesRecord } from '../record/outcome.js'
import { supersedes } from './supersedes.js'

export interface FoldedPlaces {
  readonly record: PlacesRecord
  readonly ackSequence: number
  readonly segment: number
}

/** The last record of each window of a limit, by ack sequence, and the last record of uncounted attempts. */
export class PlacesFold {
  readonly last = new Map<string, FoldedPlaces>()
  uncounted: { readonly at: number; readonly ackSequence: number; readonly segment: number } | undefined

  add(ackSequence: number, segment: number, record: OutcomeRecord): void {
    if (record.kind === 'places') {
      const key = windowKey(record)
      if (supersedes(ackSequence, this.last.get(key))) this.last.set(key, { record, ackSequence, segment })
    } else if (record.kind === 'uncounted' && supersedes(ackSequence, this.uncounted))
      this.uncounted = { at: record.at, ackSequence, segment }
  }
}

/** The key of a window of a limit. */
export function windowKey({
  scope,
  target,
  perMs,
}: Pick<PlacesRecord, 'scope' | 'target' | 'perMs'>): string {
  return `${perMs} ${scope} ${target}`
}
