import fs from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import lockfile from 'proper-lockfile'
import { CLAIMING_NAME, claimerDied, clearClaiming } from './claiming.js'
import { asWaqError, type Owner, systemCode, WaqError } from './errors.js'
import { GUARD_NAME, GUARD_RIGHT_PREFIX, type Guard, takeGuard } from './guard.js'
import { type DirectoryLock, HeldLock, LOCK_NAME, removeLockDirectory } from './held-lock.js'
import { type Liveness, livenessOf, type OwnerRecord, ownIdentity, type ProcessIdentity } from './identity.js'

export type { DirectoryLock } from './held-lock.js'

// proper-lockfile says who owns a directory. Around it stands what it does not do: a dead owner is recognised at
// once, taking the lock and claiming an epoch are one step among openers, and a replaced owner leaves its
// successor's lock alone. All of this is advice: two owners at once, by whatever mistake, are told apart by their
// epochs (docs/format.md, invariants 1 and 3).

/** The names that the lock makes in a directory: one that holds nothing else is empty as far as its logs go. */
export function isLockName(name: string): boolean {
  return (
    name === LOCK_NAME || name === CLAIMING_NAME || name === GUARD_NAME || name.startsWith(GUARD_RIGHT_PREFIX)
  )
}

/** proper-lockfile takes no less for `staleMs`: a smaller value means this one. */
export const LEAST_STALE_MS = 2_000
/** `waitMs: 'auto'` waits for staleness and this much more, for the clocks and the pace of asking. */
const STALENESS_MARGIN_MS = 5_000
/** The guard is held for milliseconds: even `waitMs: 0` waits this long for it, else openers would fail by chance. */
const LEAST_GUARD_WAIT_MS = 5_000
const POLL_MS = 100
/** The room to be made ends long before. */
const MOST_REQUESTS_FOR_ROOM = 100

export interface LockOptions {
  /** After how long without a sign of life an owner that is not proven dead loses the lock; at least `LEAST_STALE_MS`. */
  staleMs: number
  /**
   * How long to wait for a lock that somebody holds. `'auto'`: not at all for an owner that is alive here; for one
   * that can not be asked (another host, boot or pid namespace, a torn owner file) `staleMs` and 5 s. For another
   * opener that is at work just now everybody waits, if need be for 5 s.
   */
  waitMs: number | 'auto'
}

/** The newest owner file. Without an identity: it is torn, or not one of ours. */
export interface FoundOwner extends Omit<OwnerRecord, 'identity'> {
  identity: ProcessIdentity | undefined
  /** Relative to the directory: for messages to people. */
  file: string
}

/** What the lock asks of those who own the files. */
export interface LockContext<T> {
  /** The newest owner file, as it is at this moment; undefined where there is none. */
  readOwner(): Promise<FoundOwner | undefined>
  /** Called inside the guard, with the lock held. A failure gives the lock back, and is passed on. */
  claim(): Promise<T>
  /** Asked after `claim` only, and synchronously: our own owner file exists. It must stay until `release()` resolved. */
  ownerFileStands(): boolean
  /** The disk is full: make room for a directory and a link. True: try again. */
  makeRoom?(): Promise<boolean>
}

export interface AcquiredLock<T> {
  lock: DirectoryLock
  claimed: T
  /** The newest owner on record, where a lock was found and taken from it. */
  tookOverFrom: Owner | undefined
}

/** Directories open in this process, by canonical path, and since when (epoch ms). */
const openHere = new Map<string, number>()

/**
 * Takes the lock of a directory, given by its canonical path, and claims it.
 * Rejects with `WAQ_LOCKED` (naming the owner, where it is known), `WAQ_DISK_FULL`, `WAQ_IO`, or what `claim` did.
 */
export async function acquireLock<T>(
  directory: string,
  options: LockOptions,
  context: LockContext<T>,
): Promise<AcquiredLock<T>> {
  const staleMs = Math.max(options.staleMs, LEAST_STALE_MS)
  const { waitMs } = options
  const startedAt = performance.now()
  for (;;) {
    const result = await attempt(directory, staleMs, waitMs, context)
    if ('lock' in result) return result
    const patienceMs =
      waitMs !== 'auto' ? waitMs : result.liveness === 'alive' ? 0 : staleMs + STALENESS_MARGIN_MS
    const waitedMs = performance.now() - startedAt
    if (waitedMs >= patienceMs) throw refusal(directory, result, Math.round(waitedMs), staleMs)
    await sleep(Math.min(POLL_MS, patienceMs - waitedMs))
  }
}

/** Why an attempt came back without the lock. */
interface Obstacle {
  liveness: Liveness
  found: FoundOwner | undefined
  here: boolean
}

async function attempt<T>(
  directory: string,
  staleMs: number,
  waitMs: number | 'auto',
  context: LockContext<T>,
): Promise<AcquiredLock<T> | Obstacle> {
  const since = openHere.get(directory)
  if (since !== undefined) {
    return { liveness: 'alive', found: { identity: ownIdentity(), since, file: '' }, here: true }
  }
  openHere.set(directory, Date.now())
  let acquired = false
  try {
    const result = await attemptInGuard(directory, staleMs, waitMs, context)
    acquired = 'lock' in result
    return result
  } finally {
    if (!acquired) openHere.delete(directory)
  }
}

async function attemptInGuard<T>(
  directory: string,
  staleMs: number,
  waitMs: number | 'auto',
  context: LockContext<T>,
): Promise<AcquiredLock<T> | Obstacle> {
  const guardWaitMs =
    waitMs === 'auto' ? staleMs + STALENESS_MARGIN_MS : Math.max(waitMs, LEAST_GUARD_WAIT_MS)
  for (let requests = 0; ; requests++) {
    let guard: Guard | undefined
    try {
      guard = await takeGuard(directory, { staleMs, waitMs: guardWaitMs })
      return await lockAndClaim(directory, staleMs, guard, context)
    } catch (error) {
      const canMakeRoom = context.makeRoom !== undefined && requests < MOST_REQUESTS_FOR_ROOM
      if (!isDiskFull(error) || !canMakeRoom) throw explain(error, directory)
      // The room to be made is in reserve for the owner: not for an opener that it will turn away.
      const obstacle = await look(directory, staleMs, context)
      if (obstacle !== undefined && !('takeOver' in obstacle)) return obstacle
      if (!(await context.makeRoom?.())) throw explain(error, directory)
    } finally {
      guard?.release()
    }
  }
}

async function lockAndClaim<T>(
  directory: string,
  staleMs: number,
  guard: Guard,
  context: LockContext<T>,
): Promise<AcquiredLock<T> | Obstacle> {
  const seen = await look(directory, staleMs, context)
  if (seen !== undefined) {
    if (!('takeOver' in seen)) return seen
    removeLockDirectory(directory)
  }
  const lock = new HeldLock(
    directory,
    staleMs,
    () => context.ownerFileStands(),
    () => openHere.delete(directory),
  )
  try {
    await lock.take()
    if (!guard.stands()) throw Object.assign(new Error('The guard was taken away.'), { code: 'ELOCKED' })
    const claimed = await context.claim()
    lock.claimed()
    return { lock, claimed, tookOverFrom: seen?.takeOver }
  } catch (error) {
    lock.abandon(guard.stands())
    // While the guard stands nobody else makes a lock. It was taken away: this process was stopped for too long.
    if (systemCode(error) === 'ELOCKED') return { liveness: 'unknown', found: undefined, here: false }
    throw error
  } finally {
    if (guard.stands()) clearClaiming(directory)
  }
}

/** What stands in the way: nothing (undefined), a lock that may be taken over, or somebody's lock. */
async function look<T>(
  directory: string,
  staleMs: number,
  context: LockContext<T>,
): Promise<{ takeOver: Owner | undefined } | Obstacle | undefined> {
  const path = join(directory, LOCK_NAME)
  const fresh = await lockfile.check(directory, { lockfilePath: path, realpath: false, stale: staleMs })
  if (!fresh && fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined
  const found = await context.readOwner()
  const liveness = found?.identity === undefined ? 'unknown' : livenessOf(found.identity)
  if (!fresh || liveness === 'dead') return { takeOver: found && ownerOf(found) }
  // The newest owner on record has nothing to do with this lock: it gave its own back.
  if (claimerDied(directory)) return { takeOver: undefined }
  return { liveness, found, here: false }
}

export function ownerOf(found: FoundOwner): Owner | undefined {
  if (found.identity === undefined) return undefined
  const { pid, host } = found.identity
  const liveness = livenessOf(found.identity)
  return { pid, host, since: found.since, alive: liveness === 'unknown' ? null : liveness === 'alive' }
}

function refusal(directory: string, obstacle: Obstacle, waitedMs: number, staleMs: number): WaqError {
  const { found, liveness, here } = obstacle
  const waited = waitedMs < POLL_MS ? '' : ` Waited ${waitedMs} ms.`
  const owner = found && ownerOf(found)
  if (owner === undefined) {
    const who =
      found === undefined
        ? 'a process that left no owner file'
        : `an owner whose file ${found.file} can not be read`
    return new WaqError(
      'WAQ_LOCKED',
      `${directory} is locked by ${who}.${waited} Stop that process. If it is gone already, its lock expires ` +
        `${staleMs} ms after its last sign of life: try again then.`,
    )
  }
  const since = new Date(owner.since).toISOString()
  const who = `process ${owner.pid} on host ${owner.host} since ${since}`
  const advice = here
    ? 'That is this process: close what it opened before, or use that.'
    : liveness === 'alive'
      ? 'It is running: stop it, or let it close the directory, then try again. lock.waitMs waits for it.'
      : 'It belongs to another host, boot or container, so this process can not tell whether it still runs. Stop ' +
        `it there. If it is gone already, its lock expires ${staleMs} ms after its last sign of life: try again then.`
  return new WaqError('WAQ_LOCKED', `${directory} is locked by ${who}.${waited} ${advice}`, { owner })
}

function isDiskFull(error: unknown): boolean {
  const code = systemCode(error)
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'WAQ_DISK_FULL'
}

/** Errors of the system in this package's words; every other one passes unchanged. */
function explain(error: unknown, directory: string): unknown {
  const code = systemCode(error)
  if (error instanceof WaqError || code === undefined) return error
  const known = asWaqError(error, `Could not lock ${directory}`)
  const advice = isDiskFull(error)
    ? 'Free some space on that disk, then try again.'
    : code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
      ? 'Opening needs permission to create and remove files there, on a file system that can be written.'
      : undefined
  return advice === undefined
    ? known
    : new WaqError(known.code, `${known.message}. ${advice}`, { cause: error })
}
