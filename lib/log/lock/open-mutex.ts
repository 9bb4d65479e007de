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
// It is a link whose target is its holder's record (symlink-record.ts), so every mutex names its holder.
//
// A holder may be killed inside. Its mutex is then removed by the same test as the lock, and "is it still the
// dead one's?" and "remove it" must be one step as well; otherwise a slow remover takes away the mutex of the
// next holder. So the right to remove a given mutex is itself a mutex, named after the unique content of the
// first. A process that holds the right and still finds that content removes the mutex: no one else may, and
// its holder is dead, so it cannot change meanwhile. If the holder of the right is killed too, the same
// applies one level down. While the mutex is held, rights to remove earlier mutexes are void and harmless, so
// the holder clears them away.
//
// A holder that cannot be proven dead (on another host or pid namespace, or stopped by a signal) loses its
// mutex once an opener has watched it for `staleMs` without a sign of life (watch.ts); a running holder gives
// them. If it resumes after all, two are inside; then the epochs decide (docs/format.md, invariants 1 and 3),
// and one of them loses its lock, nothing else.

export const MUTEX_NAME = '.mutex'
/** Followed by a hash of the content of the mutex to remove. */
export const MUTEX_REMOVAL_PREFIX = '.mutex-'
const MAX_MS_WITHOUT_SIGN_OF_LIFE = 1_000

export interface OpenMutex {
  /** How long other processes delayed it. */
  readonly waitedMs: number
  /**
   * False once another process has taken it away for want of a sign of life, or if that cannot be checked.
   */
  stands(): boolean
  /** Removes only its own mutex, not a successor's. Idempotent. */
  release(): void
}

export interface OpenMutexOptions {
  /** How long until a holder without a sign of life loses the mutex; one proven dead loses it at once. */
  staleMs: number
  /** How long to wait while another opener holds it. */
  waitMs: number
}

/**
 * Takes the mutex of a directory, waiting while another opener holds it. Rejects with `WAQ_LOCKED`, which
 * names the holder, after `waitMs`; with the system's error if the mutex cannot be created.
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
        // The work inside is done; without signs of life the mutex is taken away after staleMs.
      }
    },
  }
}

function recordOfThis(): string {
  return JSON.stringify({ ...ownIdentity(), since: wallNow(), token: randomUUID() })
}

/** Resolves with the ms spent waiting for others. */
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
    // Usually held for a few milliseconds. Random, so that several waiters do not run in step.
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
    // Without signs of life the mutex may be taken away; `stands` detects that.
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
