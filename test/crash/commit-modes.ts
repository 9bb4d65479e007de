/** Where the processes of the crash tests sync their commits: on the event loop wherever they may, never, or now and then. */
import { DiskProcess, type DiskProcessOptions } from '../../lib/testing/disk/disk-process.js'
import type { RecordingDisk } from '../../lib/testing/disk/recording-disk.js'
import { Random } from './random.js'

const MODES = ['always', 'never', 'at random'] as const

/** How many processes were of each mode, and how many syncs of theirs were done on the event loop. */
export type CommitTally = Record<(typeof MODES)[number], { processes: number; syncsNow: number }>

export const newCommitTally = (): CommitTally => ({
  always: { processes: 0, syncsNow: 0 },
  never: { processes: 0, syncsNow: 0 },
  'at random': { processes: 0, syncsNow: 0 },
})

/** A process of a mode that is drawn. */
export function processOf(
  disk: RecordingDisk,
  random: Random,
  tally: CommitTally,
  options: DiskProcessOptions = {},
): DiskProcess {
  const mode = random.pick(MODES)
  const seed = random.next()
  const counts = tally[mode]
  counts.processes += 1
  const syncsNow = (operations: number): boolean =>
    mode === 'always' || (mode === 'at random' && new Random(seed, operations).chance(2))
  return new DiskProcess(disk, { ...options, syncsNow, onSyncNow: () => (counts.syncsNow += 1) })
}
