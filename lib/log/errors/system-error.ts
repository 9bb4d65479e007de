import fs from 'node:fs'
import { constants } from 'node:os'
import { dirname } from 'node:path'

// The one place that knows the names of system errors and their remedies.

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(constants.errno).map(([name, number]) => [number, name]),
)
/** How Node names codes it does not know, such as EDQUOT. */
const UNNAMED = /Unknown system error (-?\d+)/

const TEXTS: Readonly<Record<string, string>> = { EDQUOT: 'disk quota exceeded' }

const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'The device is full: free some space.',
  EDQUOT: "The user's quota of space or of files is used up: free some, or have it raised.",
  EROFS:
    'The file system is mounted read-only: mount it for writing. If it was mounted for writing, the ' +
    'kernel found an error on it: see the kernel log.',
}
const NO_INODES_REMEDY =
  'The file system has no inode left, so it can hold no more files, however much space is free: remove ' +
  'files.'

/**
 * The name of a system error (`ENOSPC`, …), even if Node does not know it; else the error's `code`, if any.
 * Undefined for anything else.
 */
export function systemCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, errno } = error as { code?: unknown; errno?: unknown }
  if (typeof code !== 'string') return undefined
  const unnamed = UNNAMED.exec(code)
  if (unnamed === null) return code
  return NAMES.get(Math.abs(typeof errno === 'number' ? errno : Number(unnamed[1]))) ?? code
}

/** The device has no space, the user no quota, or the file system no inode. */
export function isDiskFull(error: unknown): boolean {
  const code = systemCode(error)
  if (code === 'WAQ_DISK_FULL' || code === 'ENOSPC' || code === 'EDQUOT') return true
  return error instanceof Error && error.cause !== undefined && isDiskFull(error.cause)
}

/** The disk is full, and freeing bytes helps. (A lack of inodes ends only when files are removed.) */
export function needsBytes(error: unknown): boolean {
  return isDiskFull(error) && !isOutOfInodes(error)
}

function isOutOfInodes(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return 'isOutOfInodes' in error || isOutOfInodes(error.cause)
}

/**
 * For the error of a call that creates something at this path: makes an ENOSPC for lack of inodes say so. The
 * system has one code for lack of space and of inodes.
 */
export function creationError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || systemCode(error) !== 'ENOSPC' || !lacksInodes(dirname(path))) return error
  error.message = error.message.replace('no space left on device', 'no inode left on the file system')
  return Object.assign(error, { isOutOfInodes: true })
}

function lacksInodes(directory: string): boolean {
  try {
    const { files, ffree } = fs.statfsSync(directory)
    // File systems that make inodes on demand report 0 in total and 0 free.
    return files > 0 && ffree === 0
  } catch {
    return false
  }
}

/** The system's own message, with the error's name in front. */
export function systemMessage(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = systemCode(error)
  if (code === undefined || !UNNAMED.test(error.message)) return error.message
  const named = TEXTS[code] === undefined ? code : `${code}: ${TEXTS[code]}`
  return error.message.replace(/Unknown system error -?\d+(: Unknown system error -?\d+)?/, named)
}

/** What an administrator can do about it; undefined if unknown. */
export function remedyOf(error: unknown): string | undefined {
  if (isOutOfInodes(error)) return NO_INODES_REMEDY
  for (let at = error; at instanceof Error; at = at.cause) {
    const remedy = REMEDIES[systemCode(at) ?? '']
    if (remedy !== undefined) return remedy
  }
  return undefined
}
