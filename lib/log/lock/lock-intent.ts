import { join } from 'node:path'
import { wallNow } from '../runtime/real-time.js'
import { livenessOf, ownerRecord, ownIdentity, parseOwnerRecord } from './identity.js'
import { createSymlinkRecord, readSymlinkRecord, removeSymlinkRecord } from './symlink-record.js'

// Between making the lock directory and claiming, a lock says nothing of whose it is. Whoever is killed there
// would make the next opener wait until the lock is stale. So whoever makes one says so first.
//
// All of it happens inside the mutex: the mark is set while no lock directory exists, each lock directory is
// made after a mark, and the mark is removed once its setter's owner file stands. Hence, for one who is
// inside the mutex and meets both mark and lock: the setter of the mark made the lock, and never came to the
// end. Where it is also proven dead, the lock belongs to no one.

/** A link (symlink-record.ts) to the record of the process that is about to make a lock directory. */
export const LOCK_INTENT_NAME = '.lock-intent'

/** To be called inside the mutex, while no lock directory exists. */
export function setLockIntent(directory: string): void {
  const path = join(directory, LOCK_INTENT_NAME)
  removeSymlinkRecord(path)
  createSymlinkRecord(path, ownerRecord(ownIdentity(), wallNow()).trim())
}

/** To be called inside the mutex. */
export function clearLockIntent(directory: string): void {
  try {
    removeSymlinkRecord(join(directory, LOCK_INTENT_NAME))
  } catch {
    // It claims nothing while its setter lives, and the next one to set it must get it out of the way first.
  }
}

/** Inside the mutex: a process (or a thread of one) that set the mark was killed before it could claim. */
export function intendingOwnerDied(directory: string): boolean {
  const record = parseOwnerRecord(readSymlinkRecord(join(directory, LOCK_INTENT_NAME)) ?? '')
  return record !== undefined && livenessOf(record.identity, directory) === 'dead'
}
