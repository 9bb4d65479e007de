/** The two logs of a directory, as the store sees them: `LogDirectory`, or a test's substitute. */
import type { Owner, WaqError } from '../log/errors/waq-error.js'
import type { CommitStats, Log, LogSpec, OpenReport, OpenVisitor } from '../log/types.js'

export interface Logs {
  /** Canonical. */
  readonly directory: string
  readonly report: OpenReport
  readonly tookOverFrom: Owner | undefined
  /** How long others kept the lock from being taken. */
  readonly lockWaitMs: number
  log(name: string): Log
  /** Asks the disk whether the directory is still ours. */
  fenceStands(): boolean
  onLost(listener: (error: WaqError) => void): void
  onError(listener: (error: WaqError) => void): void
  diskBytes(): number
  syncCounts(): { syncs: number; syncMs: ArrayLike<number>; commits: CommitStats }
  /** Syncs both logs, publishes a clean manifest, releases the lock. */
  close(): Promise<void>
}

/** Opens the logs named by the specs and shows the visitor their contents, log by log in that order. */
export type OpenLogs = (specs: readonly LogSpec[], visitor: OpenVisitor) => Promise<Logs>
