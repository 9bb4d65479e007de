import type { Host } from './host.js'

/** What a run leaves behind: every figure of every round. Reports are made from it alone. */
export interface Recording {
  readonly format: 1
  readonly date: string
  readonly command: string
  readonly rounds: number
  readonly budgetMs: number
  readonly host: Host
  readonly candidates: readonly RecordedCandidate[]
  readonly measures: readonly RecordedMeasure[]
}

export interface RecordedCandidate {
  readonly name: string
  readonly title: string
  readonly kind: 'floor' | 'waq' | 'peer'
  readonly durability: string
  readonly version?: string
  readonly lesser?: string
  /** Why it did not take part. */
  readonly skipped?: string
}

/** Figures of one round, by name; the unit is the last part of the name. */
export type Figures = Readonly<Record<string, number>>

export interface RecordedMeasure {
  readonly name: string
  readonly cells: readonly RecordedCell[]
}

export interface RecordedCell {
  readonly candidate: string
  readonly point: string
  readonly rounds: readonly Figures[]
}
