import { createHash, randomUUID } from 'node:crypto'
import fs from 'node:fs'
import { join } from 'node:path'
import { WaqError } from '../errors/waq-error.js'
import { clearInterval, monotonicNow, setInterval, sleep, wallNow } from '../runtime/real-time.js'
import { livenessOf, ownIdentity, parseOwnerRecord } from './identity.js'
import { createSymlinkRecord, readSymlinkRecord, removeSymlinkRecord } from './symlink-record.js'
import { endWatch, markOf, watchOf } from './watch.js'

// The mutex makes "look at the lock, take it, claim" one step among all openers of a directory.
//
// It is a link whose target is its holder's record (symlink-record.ts), so no mutex is ever met that does not
// say whose it is.
//
// A holder may be killed inside. Its mutex is then removed by the test that the lock itself obeys, and "is it
// still the dead one's?" and "remove it" must be one step as well, else a slow remover takes away the mutex
// of the next holder. So the right to remove one certain mutex is a mutex of its own, named after that
// mutex's content, which is unique. Who holds the right, and then still finds that content, removes it:
// no one else may, its own holder is dead, and so what it finds cannot change under it. A holder of the
// right may be killed too: the same again, one level down. While somebody holds the mutex, rights to remove
// earlier mutexes have no object any more and no one can do harm with one: the holder clears them away.
//
// A holder that cannot be proven dead (of another host or pid namespace, or stopped by a signal) loses its
// mutex when somebody has watched it for `staleMs` and seen no sign of life (watch.ts), which a running
// holder gives. If it goes on after all there are two inside; then the epochs decide (docs/format.md,
// invariants 1 and 3): nothing is lost but somebody's lock.

export const MUTEX_NAME = '.mutex'
/** Followed by a hash of the mutex that may be removed. */
export const MUTEX_REMOVAL_PREFIX = '.mutex-'
const MAX_MS_WITHOUT_SIGN_OF_LIFE = 1_000

export interface OpenMutex {
  /** For how long others kept it from being taken. */
  readonly waitedMs: number
  /**
   * False once somebody else took it away, as that of a holder without a sign of life; also where it cannot
   * be told.
   */
  stands(): boolean
  /** Only its own: one that was taken away is left alone. Idempotent. */
  release(): void
}

export interface OpenMutexOptions {
  /**
   * After how long a holder without a sign of life loses the mutex, unless it is proven dead: then at once.
   */
  staleMs: number
  /** How long to wait while somebody else holds it. */
  waitMs: number
}

/**
 * Takes the mutex of a directory, waiting while another opener holds it. Rejects with `WAQ_LOCKED`, which
 * names the holder, after `waitMs`; with the system's error where the mutex cannot be created.
 */
export async function takeOpenMutex(directory: string, options: OpenMutexOptions): Promise<OpenMutex> {
  const path = join(directory, MUTEX_NAME)
  const content = recordOfThis()
  const waitedMs = await take(directory, path, content, options)
  removeVoidRights(directory, content)
  const stands = () => {
    try {
      return readSymlinkRecord(path) === content
    } catch {
      return false
    }
  }
  const signOfLife = setInterval(
    () => {
      if (stands()) touch(path)
    },
    Math.min(options.staleMs / 4, MAX_MS_WITHOUT_SIGN_OF_LIFE),
  ).unref()
  return {
    waitedMs,
    stands,
    release() {
      clearInterval(signOfLife)
      if (!stands()) return
      try {
        removeSymlinkRecord(path)
      } catch {
        // What was done inside is done; without signs of life the mutex is taken away after staleMs.
      }
    },
  }
}

function recordOfThis(): string {
  return JSON.stringify({ ...ownIdentity(), since: wallNow(), token: randomUUID() })
}

/** Resolves with the ms that it waited for others. */
async function take(
  directory: string,
  path: string,
  content: string,
  options: OpenMutexOptions,
): Promise<number> {
  const startedAt = monotonicNow()
  let waitedMs = 0
  for (;;) {
    if (createSymlinkRecord(path, content)) {
      endWatch(path)
      return waitedMs
    }
    const held = readSymlinkRecord(path)
    if (held === undefined) continue
    if (isAbandoned(directory, path, held, options.staleMs)) {
      const right = join(directory, rightToRemove(held))
      const rightContent = recordOfThis()
      const waitMs = options.waitMs - waitedMs
      waitedMs += await take(directory, right, rightContent, { ...options, waitMs })
      try {
        if (readSymlinkRecord(path) === held && isAbandoned(directory, path, held, options.staleMs))
          removeSymlinkRecord(path)
      } finally {
        if (readSymlinkRecord(right) === rightContent) removeSymlinkRecord(right)
      }
      continue
    }
    if (waitedMs >= options.waitMs) throw refusal(directory, held)
    // Held for a few milliseconds as a rule. Not all in step: several may wait.
    await sleep(2 + Math.random() * 8)
    waitedMs = monotonicNow() - startedAt
  }
}

function isAbandoned(directory: string, path: string, content: string, staleMs: number): boolean {
  const holder = parseOwnerRecord(content)
  if (holder !== undefined && livenessOf(holder.identity, directory) === 'dead') return true
  const mark = markOf(path)
  return mark !== undefined && watchOf(path, mark).isStale(mark, staleMs)
}

function rightToRemove(content: string): string {
  return MUTEX_REMOVAL_PREFIX + createHash('sha256').update(content).digest('hex').slice(0, 32)
}

function removeVoidRights(directory: string, content: string): void {
  const toRemoveThisOne = rightToRemove(content)
  for (const name of fs.readdirSync(directory)) {
    if (name.startsWith(MUTEX_REMOVAL_PREFIX) && name !== toRemoveThisOne)
      removeSymlinkRecord(join(directory, name))
  }
}

function touch(path: string): void {
  const now = new Date(wallNow())
  try {
    fs.lutimesSync(path, now, now)
  } catch {
    // Without its signs of life the mutex may be taken away: that is what `stands` is asked for.
  }
}

function refusal(directory: string, content: string): WaqError {
  const holder = parseOwnerRecord(content)
  if (holder === undefined) {
    return new WaqError(
      'WAQ_LOCKED',
      `${directory} is being opened by a process whose record cannot be read: ` +
        `${join(directory, MUTEX_NAME)} points to ${JSON.stringify(content)}. Try again; if no process ` +
        'has it open, remove that link.',
    )
  }
  const { identity, since } = holder
  const { pid, host } = identity
  const liveness = livenessOf(identity, directory)
  return new WaqError(
    'WAQ_LOCKED',
    `${directory} is being opened by process ${pid} on host ${host} since ` +
      `${new Date(since).toISOString()}. Try again, or stop that process first.`,
    { owner: { pid, host, since, alive: liveness === 'unknown' ? null : liveness === 'alive' } },
  )
}
