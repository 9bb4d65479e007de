import { asWaqError } from '../../log/errors/waq-error.js'
import type { DirectoryLock } from '../../log/lock/lock.js'
import type { LogEnvironment } from '../../log/log-directory.js'
import type { DiskProcess } from './disk-process.js'

/** Called by who opens a directory, with whom to tell that its owner is not the owner any more. */
type OnLost = DirectoryLock['onLost']

/**
 * Takes every directory without asking: a simulated disk has no processes to tell apart, and that two of them
 * open one directory, by whatever mistake of a lock, is what our own tests are about.
 */
export function takingAtOnce(onLost: OnLost): LogEnvironment['acquireLock'] {
  return async (directory, _options, context) => {
    try {
      const claimed = await context.claim()
      const lock = { held: true, release: async () => {}, onLost }
      return { lock, claimed, tookOverFrom: undefined, waitedMs: 0 }
    } catch (error) {
      throw asWaqError(error, `Could not lock ${directory}`) // as the real one does
    }
  }
}

/** What `LogDirectory.open` and `SegmentedLog.open` are given to run on a simulated disk. */
export function environmentOf(
  process: DiskProcess,
  now: () => number = () => 1_700_000_000_000,
  onLost: OnLost = () => {},
): Pick<LogEnvironment, 'fileSystem' | 'now' | 'bootId' | 'acquireLock'> {
  return { fileSystem: process, now, bootId: `boot ${process.disk.boot}`, acquireLock: takingAtOnce(onLost) }
}
