import { inspect } from 'node:util'
import { WaqError } from './errors/waq-error.js'
import { type LockOptions, MIN_STALE_MS } from './lock/lock.js'
import type { LogDirectoryOptions } from './log-directory.js'
import type { CommitMode, Durability } from './types.js'

const MIN_SEGMENT_BYTES = 4096
const MAX_SEGMENT_BYTES = 1024 * 1024 * 1024
/** The longest delay of a Node timer. */
const MAX_WAIT_MS = 2 ** 31 - 1

export interface SegmentedLogOptions {
  /** The size at which the next segment begins; 4096 to 1 GiB. Default 16 MiB. */
  segmentBytes?: number
  /** What an append that resolved survives. Default `'fsync'`: a power loss. */
  durability?: Durability
  /** On unreadable bytes: keep a copy and go on, or refuse to open (WAQ_CORRUPT). Default `'quarantine'`. */
  onCorruption?: 'quarantine' | 'refuse'
  /** As in the queue's options. Default `{ staleMs: 10_000, waitMs: 'auto' }`. */
  lock?: { staleMs?: number; waitMs?: number | 'auto' }
  /** Default false: fencing and fsync are promises of one kernel. */
  allowNetworkFileSystem?: boolean
  /**
   * Where commits are synced: on the event loop while the device is quick, otherwise on a thread (`'auto'`,
   * default), or always on a thread.
   */
  commits?: CommitMode
  /** For tests. */
  environment?: LogDirectoryOptions['environment']
}

interface ResolvedLogOptions {
  readonly segmentBytes: number
  readonly durability: Durability
  readonly onCorruption: 'quarantine' | 'refuse'
  readonly lock: LockOptions
  readonly allowNetworkFileSystem: boolean
  readonly commits: CommitMode
  readonly environment: LogDirectoryOptions['environment']
}

/** Fills in the defaults. Throws WAQ_INVALID_OPTION, quoting the value. */
export function resolveLogOptions(options: SegmentedLogOptions): ResolvedLogOptions {
  const {
    segmentBytes = 16 * 1024 * 1024,
    durability = 'fsync',
    onCorruption = 'quarantine',
    lock = {},
    allowNetworkFileSystem = false,
    commits = 'auto',
    environment = {},
    ...others
  } = checkObject('options', options)
  const { staleMs = 10_000, waitMs = 'auto', ...otherLock } = checkObject('lock', lock)
  refuseUnknown('options', others)
  refuseUnknown('lock', otherLock)
  check(
    'segmentBytes',
    `a whole number from ${MIN_SEGMENT_BYTES} to ${MAX_SEGMENT_BYTES}`,
    segmentBytes,
    Number.isInteger(segmentBytes) && segmentBytes >= MIN_SEGMENT_BYTES && segmentBytes <= MAX_SEGMENT_BYTES,
  )
  check('durability', "'fsync', 'os' or { syncEveryMs: 1 to 60000 }", durability, isDurability(durability))
  check(
    'onCorruption',
    "'quarantine' or 'refuse'",
    onCorruption,
    onCorruption === 'quarantine' || onCorruption === 'refuse',
  )
  const staleRange = `a number of ms from ${MIN_STALE_MS} to ${MAX_WAIT_MS}`
  check('lock.staleMs', staleRange, staleMs, isWait(staleMs) && staleMs >= MIN_STALE_MS)
  const waitRange = `'auto' or a number of ms from 0 to ${MAX_WAIT_MS}`
  check('lock.waitMs', waitRange, waitMs, waitMs === 'auto' || isWait(waitMs))
  check(
    'allowNetworkFileSystem',
    'true or false',
    allowNetworkFileSystem,
    typeof allowNetworkFileSystem === 'boolean',
  )
  check('commits', "'auto' or 'thread'", commits, commits === 'auto' || commits === 'thread')
  const resolved = { segmentBytes, durability, onCorruption, allowNetworkFileSystem, commits, environment }
  return { ...resolved, lock: { staleMs, waitMs } }
}

function isDurability(value: unknown): boolean {
  if (value === 'fsync' || value === 'os') return true
  const ms = (value as { syncEveryMs?: unknown } | null)?.syncEveryMs
  return Number.isSafeInteger(ms) && (ms as number) >= 1 && (ms as number) <= 60_000
}

function isWait(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= MAX_WAIT_MS
}

function checkObject<T extends object>(name: string, value: T): T {
  check(name, 'an object', value, typeof value === 'object' && value !== null && !Array.isArray(value))
  return value
}

function refuseUnknown(name: string, others: object): void {
  const [first] = Object.keys(others)
  if (first === undefined) return
  throw new WaqError('WAQ_INVALID_OPTION', `${name} has no property ${JSON.stringify(first)}`)
}

function check(name: string, allowed: string, value: unknown, isAllowed: boolean): void {
  if (isAllowed) return
  throw new WaqError('WAQ_INVALID_OPTION', `${name} must be ${allowed}, got ${quote(value)}`)
}

function quote(value: unknown): string {
  return typeof value === 'object' ? inspect(value, { depth: 1, breakLength: Infinity }) : String(value)
}
