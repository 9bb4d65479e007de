import fs from 'node:fs'
import { creationError, systemCode } from '../errors/system-error.js'

// A symbolic link that points nowhere and is only read: the one thing a file system creates atomically
// together with its content. So none is ever half written, and no temporary file can be left behind.

/** False if the name is taken; throws the system's error if the link cannot be made. */
export function createSymlinkRecord(path: string, content: string): boolean {
  try {
    fs.symlinkSync(content, path)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw creationError(withoutContent(error, path), path)
  }
}

/** System errors name the target of a link as if it were a path: here it is a record. */
function withoutContent(error: unknown, path: string): unknown {
  if (!(error instanceof Error)) return error
  error.message = error.message.replace(/, symlink [\s\S]*$/, `, symlink '${path}'`)
  Reflect.deleteProperty(error, 'dest')
  return Object.assign(error, { path })
}

/** Undefined if nothing has that name; throws EINVAL if it is not a link. */
export function readSymlinkRecord(path: string): string | undefined {
  try {
    return fs.readlinkSync(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Removes it; no error if there is none. */
export function removeSymlinkRecord(path: string): void {
  try {
    fs.unlinkSync(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}
