import type { Figures } from '../method/recording.js'
import type { Peer } from '../peers/peer.js'

/** One question, asked of every candidate in the same way, at several points (how many callers, how many bytes, …). */
export interface Measure {
  readonly name: string
  readonly title: string
  /** What is done, in a sentence or two. */
  readonly explanation: string
  /** What the points are; empty where there is one. */
  readonly pointTitle: string
  /** What the points count, for plots and headings: `callers`. */
  points(options: MeasureOptions): readonly Point[]
  /** Whether it can be asked of this candidate at all. */
  suits(peer: Peer): boolean
  /** A process of its own for each candidate in each round; none warms up. Default: one for all rounds of a measure. */
  readonly freshProcesses?: boolean
  /** Candidates that take part although no one asks for them elsewhere. */
  readonly extraCandidates?: readonly string[]
  /** Before all candidates: makes what they share. */
  begin?(options: MeasureOptions): Promise<Shared>
  /** In a process of the candidate's own. */
  prepare(peer: Peer, directory: string, options: MeasureOptions): Promise<Prepared>
  /** Of a table, in order. */
  readonly columns: readonly Column[]
}

export interface MeasureOptions {
  /** For one candidate, at one point, in one round. */
  readonly budgetMs: number
  /** A file of messages, one JSON object `{ channel, text }` a line. */
  readonly messagesFile?: string
  readonly size: Size
  /** What `begin` made. */
  readonly shared?: unknown
}

/** How far the measures go that grow with what waits: `tiny` only shows that they work. */
export type Size = 'tiny' | 'short' | 'long'

export interface Shared {
  /** For `MeasureOptions.shared`: data alone. */
  readonly shared: unknown
  end(): void
}

export interface Point {
  readonly name: string
  /** Where it is a number: for the axis of a plot. */
  readonly value: number
  /** Candidates that are too slow to get there. */
  readonly onlyFor?: (peer: Peer) => boolean
  /** All candidates at the same time, not in turns. Default false. */
  readonly atOnce?: boolean
}

/** Which candidate of how many this is, for those that run at once. */
export interface Place {
  readonly nth: number
  readonly of: number
}

export interface Prepared {
  readonly version: string
  readonly lesser?: string
  round(point: string, place: Place): Promise<Figures>
  close(): Promise<void>
}

export interface Column {
  readonly figure: string
  readonly title: string
  readonly format: 'us' | 'perSecond' | 'count' | 'bytes' | 'ms' | 'number'
  /** More is better: throughput. Default: less is. */
  readonly moreIsBetter?: boolean
  /** Also as a multiple of the floor's figure in the same round. */
  readonly toFloor?: boolean
}

export const ONE_POINT: readonly Point[] = [{ name: '', value: 0 }]
