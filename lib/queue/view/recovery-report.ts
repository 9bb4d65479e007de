import type { CorruptRange } from '../../log/types.js'
import type { StoreRecovery } from '../../store/types.js'
import type { CorruptBytes, RecoveryReport } from '../types.js'

/** The public report of what `open` found. */
export function recoveryReport(recovery: StoreRecovery): RecoveryReport {
  const { messages, pending, inDoubt, dead, expired, tornBytes, durationMs, lockWaitMs, tookOverFrom } =
    recovery
  return {
    messages,
    pending,
    inDoubt,
    dead,
    expired,
    tornBytes,
    corrupt: recovery.corrupt.map(corruptBytes),
    lost: recovery.lost,
    durationMs,
    lockWaitMs,
    ...(tookOverFrom !== undefined && { tookOverFrom }),
  }
}

function corruptBytes({
  file,
  offset,
  length,
  firstMissing,
  lastMissing,
  known,
}: CorruptRange): CorruptBytes {
  return {
    file,
    offset,
    length,
    ...(firstMissing !== undefined && { firstMissing }),
    ...(lastMissing !== undefined && { lastMissing }),
    known,
  }
}
