import fs from 'node:fs'
import { systemCode } from './errors.js'

// A symbolic link that points nowhere and is only read: the one thing that a file system creates atomically
// together with its content. So nobody ever meets one that is half written, and no temporary file can stay behind.

/** False where the name is taken; throws the system's error where the link can not be made. */
export function createRecordLink(path: string, content: string): boolean {
  try {
    fs.symlinkSync(content, path)
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    throw error
  }
}

/** Undefined where nothing has that name; throws EINVAL where it is not a link. */
export function readRecordLink(path: string): string | undefined {
  try {
    return fs.readlinkSync(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Nothing of that name is left afterwards. */
export function removeRecordLink(path: string): void {
  try {
    fs.unlinkSync(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}
