import fs from 'node:fs'
import { join } from 'node:path'
import { needsBytes, systemCode } from '../errors/system-error.js'
import { asWaqError, type Owner, WaqError } from '../errors/waq-error.js'
import { monotonicNow, sleep } from '../runtime/real-time.js'
import { type DirectoryLock, HeldLock, LOCK_NAME } from './held-lock.js'
import {
  isThisProcess,
  isThisThread,
  type Liveness,
  livenessOf,
  type OwnerRecord,
  ownIdentity,
  type ProcessIdentity,
} from './identity.js'
import { removeDirectory } from './lock-directory.js'
import { clearLockIntent, intendingOwnerDied, LOCK_INTENT_NAME } from './lock-intent.js'
import { addOpen, makerHere, openHere, removeOpen } from './open-directories.js'
import { MUTEX_NAME, MUTEX_REMOVAL_PREFIX, type OpenMutex, takeOpenMutex } from './open-mutex.js'
import { endWatch, markOf, watchOf } from './watch.js'

export type { DirectoryLock } from './held-lock.js'

// proper-lockfile holds the lock of a directory. This module adds what it lacks: a dead owner is recognised
// at once; an owner that cannot be checked is stale after `staleMs` under watch without a sign of life;
// taking the lock and claiming an epoch are one step among openers; a replaced owner leaves its successor's
// lock alone. None of it depends on the wall clock. The lock is advisory: should there be two owners at once,
// their epochs tell them apart (docs/format.md, invariants 1 and 3).

/** Names that the lock creates in a directory. A directory that holds only these counts as empty. */
export function isLockName(name: string): boolean {
  return (
    name === LOCK_NAME ||
    name === LOCK_INTENT_NAME ||
    name === MUTEX_NAME ||
    name.startsWith(MUTEX_REMOVAL_PREFIX)
  )
}

/** The least that proper-lockfile accepts; a smaller `staleMs` is raised to it. */
export const MIN_STALE_MS = 2_000
/** `waitMs: 'auto'` waits `staleMs` plus this margin, for a last sign of life and the polling interval. */
const STALENESS_MARGIN_MS = 5_000
/**
 * The mutex is held for milliseconds. Even `waitMs: 0` waits this long for it; otherwise openers would fail
 * at random.
 */
const MIN_MUTEX_WAIT_MS = 5_000
const POLL_MS = 100
/** `makeRoom` runs out long before this. */
const MAX_REQUESTS_FOR_ROOM = 100

export interface LockOptions {
  /**
   * An owner not proven dead loses the lock once an opener has watched it this long without a sign of life;
   * at least `MIN_STALE_MS`.
   */
  staleMs: number
  /**
   * How long to wait for a held lock. `'auto'`: not at all if the owner is alive on this host; `staleMs` plus
   * 5 s if it cannot be checked (another host or pid namespace, a torn owner file). Even `0` waits up to 5 s
   * for another opener at work.
   */
  waitMs: number | 'auto'
}

/** The newest owner file. Without an identity, it is torn or not ours. */
export interface FoundOwner extends Omit<OwnerRecord, 'identity' | 'inode'> {
  identity: ProcessIdentity | undefined
  /** The file is a copy of the one its owner made: a restored directory, or a backup. Default false. */
  isCopy?: boolean
  /** Relative to the directory, for error messages. */
  file: string
}

/** What the lock needs from the code that owns the files. */
export interface LockContext<T> {
  /** The newest owner file as of now; undefined if there is none. */
  readOwner(): Promise<FoundOwner | undefined>
  /** Called inside the mutex, with the lock held. On failure the lock is released and the error passed on. */
  claim(): Promise<T>
  /**
   * Whether our own owner file exists; called only after `claim`. The file must stay until `release()` has
   * resolved.
   */
  ownerFileStands(): boolean
  /** Called on a full disk: makes room for a directory and a link. True: try again. */
  makeRoom?(): Promise<boolean>
}

export interface AcquiredLock<T> {
  lock: DirectoryLock
  claimed: T
  /** The newest owner on record, if its lock was taken over. */
  tookOverFrom: Owner | undefined
  /** How long other processes delayed it. */
  waitedMs: number
}

/**
 * Takes the lock of a directory, given by its canonical path, and claims it. Rejects with `WAQ_LOCKED`
 * (naming the owner, if known), `WAQ_DISK_FULL`, `WAQ_IO`, `WAQ_UNSUPPORTED_VERSION` (open-directories.ts),
 * or the error of `claim`.
 */
export async function acquireLock<T>(
  directory: string,
  options: LockOptions,
  context: LockContext<T>,
): Promise<AcquiredLock<T>> {
  const staleMs = Math.max(options.staleMs, MIN_STALE_MS)
  const { waitMs } = options
  const startedAt = monotonicNow()
  let waitedMs = 0
  let changesAtFirst: number | undefined
  for (;;) {
    const result = await attempt(directory, staleMs, waitMs, context)
    if ('lock' in result) return { ...result, waitedMs: waitedMs + result.waitedMs }
    changesAtFirst ??= result.changes
    const refused = { ...result, showedLife: result.changes !== changesAtFirst }
    const patienceMs = waitMs === 'auto' ? patienceWith(refused, staleMs) : waitMs
    waitedMs = monotonicNow() - startedAt
    if (waitedMs >= patienceMs) throw refusal(directory, refused, Math.round(waitedMs), staleMs)
    await sleep(Math.min(POLL_MS, patienceMs - waitedMs))
    waitedMs = monotonicNow() - startedAt
  }
}

function patienceWith({ liveness, changes, showedLife }: Refused, staleMs: number): number {
  if (liveness === 'alive') return 0
  // A lock without a sign of life turns stale in the end, however rarely this process looks.
  return changes === undefined || showedLife ? staleMs + STALENESS_MARGIN_MS : Number.POSITIVE_INFINITY
}

/** Why an attempt came back without the lock. */
interface Obstacle {
  liveness: Liveness
  found: FoundOwner | undefined
  /** It is open in this thread. */
  here?: boolean
  /** How many changes of the lock this process has seen. */
  changes?: number
}

async function attempt<T>(
  directory: string,
  staleMs: number,
  waitMs: number | 'auto',
  context: LockContext<T>,
): Promise<AcquiredLock<T> | Obstacle> {
  const open = openHere(directory)
  if (open !== undefined) {
    const found = { identity: ownIdentity(), since: open.since, file: '' }
    return { liveness: 'alive', found, here: true }
  }
  const lock = new HeldLock(
    directory,
    staleMs,
    () => context.ownerFileStands(),
    () => removeOpen(lock),
  )
  addOpen(lock)
  let acquired = false
  try {
    const result = await attemptInMutex(directory, staleMs, waitMs, lock, context)
    acquired = 'lock' in result
    return result
  } finally {
    if (!acquired) removeOpen(lock)
  }
}

async function attemptInMutex<T>(
  directory: string,
  staleMs: number,
  waitMs: number | 'auto',
  lock: HeldLock,
  context: LockContext<T>,
): Promise<AcquiredLock<T> | Obstacle> {
  const mutexWaitMs = waitMs === 'auto' ? staleMs + STALENESS_MARGIN_MS : Math.max(waitMs, MIN_MUTEX_WAIT_MS)
  for (let requests = 0; ; requests++) {
    let mutex: OpenMutex | undefined
    try {
      mutex = await takeOpenMutex(directory, { staleMs, waitMs: mutexWaitMs })
      return await lockAndClaim(directory, staleMs, mutex, lock, context)
    } catch (error) {
      const canMakeRoom = context.makeRoom !== undefined && requests < MAX_REQUESTS_FOR_ROOM
      if (!needsBytes(error) || !canMakeRoom) throw explain(error, directory)
      // The reserve is the owner's; an opener that will be refused must not use it.
      const obstacle = await look(directory, staleMs, context)
      if (obstacle !== undefined && !('takeOver' in obstacle)) return obstacle
      if (!(await context.makeRoom?.())) throw explain(error, directory)
    } finally {
      mutex?.release()
    }
  }
}

async function lockAndClaim<T>(
  directory: string,
  staleMs: number,
  mutex: OpenMutex,
  lock: HeldLock,
  context: LockContext<T>,
): Promise<AcquiredLock<T> | Obstacle> {
  const seen = await look(directory, staleMs, context)
  if (seen !== undefined) {
    if (!('takeOver' in seen)) return seen
    removeDirectory(join(directory, LOCK_NAME))
  }
  try {
    await lock.take()
    if (!mutex.stands()) throw Object.assign(new Error('The mutex was taken away.'), { code: 'ELOCKED' })
    const claimed = await context.claim()
    lock.claimed()
    endWatch(join(directory, LOCK_NAME))
    return { lock, claimed, tookOverFrom: seen?.takeOver, waitedMs: mutex.waitedMs }
  } catch (error) {
    lock.abandon()
    // No one else makes a lock while our mutex stands, so it was taken away: this process was stopped too
    // long.
    if (systemCode(error) === 'ELOCKED') return { liveness: 'unknown', found: undefined }
    throw error
  } finally {
    if (mutex.stands()) clearLockIntent(directory)
  }
}

/** What is in the way: nothing (undefined), a lock to take over, or a held lock. */
async function look<T>(
  directory: string,
  staleMs: number,
  context: LockContext<T>,
): Promise<{ takeOver: Owner | undefined } | Obstacle | undefined> {
  const path = join(directory, LOCK_NAME)
  const mark = markOf(path)
  if (mark === undefined) return undefined
  const watch = watchOf(path, mark)
  const isStale = watch.isStale(mark, staleMs)
  const found = await context.readOwner()
  const liveness = livenessOfLock(path, found, directory)
  if (isStale || liveness === 'dead') return { takeOver: formerOwner(found, directory) }
  // The newest owner on record did not make this lock: it released its own.
  if (intendingOwnerDied(directory)) return { takeOver: undefined }
  return { liveness, found, changes: watch.changes }
}

/** Undefined for this thread itself: it knows which locks it has lost or released. */
function formerOwner(found: FoundOwner | undefined, directory: string): Owner | undefined {
  if (found?.identity === undefined || isThisThread(found.identity)) return undefined
  return ownerOf(found, directory)
}

/** Whether the maker of the lock still owns it. */
function livenessOfLock(path: string, found: FoundOwner | undefined, directory: string): Liveness {
  const lock = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false })
  const maker = lock && makerHere(lock.dev, lock.ino)
  if (maker !== undefined) return maker.stands() ? 'alive' : 'dead'
  if (found?.identity === undefined) return 'unknown'
  // This thread knows what it has open: its record in a copy of the files, or in a lost lock, does not block
  // it.
  return isThisThread(found.identity) ? 'dead' : livenessOfOwner(found, found.identity, directory)
}

/** A live process that owns the original files does not own these copies. */
function livenessOfOwner({ isCopy }: FoundOwner, identity: ProcessIdentity, directory: string): Liveness {
  const liveness = livenessOf(identity, directory)
  // Inode numbers are comparable only within one kernel.
  return liveness === 'alive' && isCopy === true ? 'dead' : liveness
}

/** `directory`: where the owner file was found. */
export function ownerOf(found: FoundOwner, directory: string): Owner | undefined {
  if (found.identity === undefined) return undefined
  const { pid, host } = found.identity
  const liveness = livenessOfOwner(found, found.identity, directory)
  return { pid, host, since: found.since, alive: liveness === 'unknown' ? null : liveness === 'alive' }
}

/** An obstacle, and whether its lock changed during this refused opening. */
type Refused = Obstacle & { showedLife: boolean }

function refusal(directory: string, obstacle: Refused, waitedMs: number, staleMs: number): WaqError {
  const { found } = obstacle
  const owner = found && ownerOf(found, directory)
  const waited = waitedMs < POLL_MS ? '' : ` Waited ${waitedMs} ms.`
  const text = `${directory} is locked by ${whoOf(found, owner)}.${waited} ${adviceFor(obstacle, staleMs)}`
  return new WaqError('WAQ_LOCKED', text, owner === undefined ? {} : { owner })
}

function whoOf(found: FoundOwner | undefined, owner: Owner | undefined): string {
  if (found === undefined) return 'a process that left no owner file'
  if (owner === undefined) return `an owner whose file ${found.file} cannot be read`
  return `process ${owner.pid} on host ${owner.host} since ${new Date(owner.since).toISOString()}`
}

function adviceFor({ liveness, found, here, showedLife }: Refused, staleMs: number): string {
  if (here === true) return 'That is this process: close the queue that it opened before, or use that one.'
  if (liveness === 'alive') {
    return found?.identity !== undefined && isThisProcess(found.identity)
      ? 'That is another thread of this process: let it close the directory, or send through it.'
      : 'It is running: stop it, or let it close the directory, then try again. lock.waitMs waits for it.'
  }
  if (showedLife)
    return 'It gave a sign of life while this process waited: stop it where it runs, then try again.'
  const where =
    found?.identity === undefined
      ? 'Stop that process.'
      : 'It belongs to another host or container, so this process cannot tell whether it still runs. ' +
        'Stop it there.'
  return (
    `${where} If it is gone already, the next opener that watches its lock for ${staleMs} ms and sees ` +
    `no sign ` +
    "of life takes it over: try again with a larger lock.waitMs, or with 'auto'."
  )
}

/** Turns system errors into `WaqError`s; others pass unchanged. */
function explain(error: unknown, directory: string): unknown {
  const code = systemCode(error)
  if (error instanceof WaqError || code === undefined) return error
  const known = asWaqError(error, `Could not lock ${directory}`)
  if (code !== 'EACCES' && code !== 'EPERM') return known
  const advice = 'Opening needs permission to create and remove files there.'
  return new WaqError(known.code, `${known.message}. ${advice}`, { cause: error })
}
