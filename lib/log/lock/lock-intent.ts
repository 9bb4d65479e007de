import { join } from 'node:path'
import { wallNow } from '../runtime/real-time.js'
import { livenessOf, ownerRecord, ownIdentity, parseOwnerRecord } from './identity.js'
import { createSymlinkRecord, readSymlinkRecord, removeSymlinkRecord } from './symlink-record.js'

// Until its maker claims the directory, a lock does not tell who made it. A maker killed before that would
// make the next opener wait until the lock is stale. So each maker leaves a mark first.
//
// All of this happens inside the mutex: the mark is set while no lock directory exists, each lock directory
// is made after a mark, and the mark is removed once its setter's owner file stands. So if an opener inside
// the mutex finds both mark and lock, the setter of the mark made the lock and did not finish. If the setter
// is also proven dead, the lock belongs to no one.

/** A link (symlink-record.ts) holding the record of the process about to make a lock directory. */
export const LOCK_INTENT_NAME = '.lock-intent'

/** Call inside the mutex, while no lock directory exists. */
export function setLockIntent(directory: string): void {
  const path = join(directory, LOCK_INTENT_NAME)
  removeSymlinkRecord(path)
  createSymlinkRecord(path, ownerRecord(ownIdentity(), wallNow()).trim())
}

/** Call inside the mutex. */
export function clearLockIntent(directory: string): void {
  try {
    removeSymlinkRecord(join(directory, LOCK_INTENT_NAME))
  } catch {
    // The mark means nothing while its setter lives, and the next setter removes it first.
  }
}

/** Call inside the mutex. True if the process or thread that set the mark died before it could claim. */
export function intendingOwnerDied(directory: string): boolean {
  const record = parseOwnerRecord(readSymlinkRecord(join(directory, LOCK_INTENT_NAME)) ?? '')
  return record !== undefined && livenessOf(record.identity, directory) === 'dead'
}
