import { join } from 'node:path'
import { systemCode } from '../errors/system-error.js'
import { asWaqError, WaqError } from '../errors/waq-error.js'
import type { FileHandle, FileSystem } from './file-system.js'

/** Where the files of a queue are: all that a reader needs to know of a directory. */
export interface DirectoryFiles {
  /** Canonical. */
  readonly root: string
  readonly fileSystem: FileSystem
}

/** Opens a file, named relative to the directory, for reading. */
export async function openFile({ root, fileSystem }: DirectoryFiles, file: string): Promise<FileHandle> {
  try {
    return await fileSystem.open(join(root, file), 'read')
  } catch (error) {
    throw unreadable(error, root, file, `opening ${file} failed`)
  }
}

/** Reads a small file whole; empty if there is none. */
export async function readWhole({ root, fileSystem }: DirectoryFiles, file: string): Promise<Buffer> {
  try {
    const handle = await fileSystem.open(join(root, file), 'read')
    try {
      return await readAt(handle, 0, await handle.size())
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return Buffer.alloc(0)
    throw unreadable(error, root, file, `reading ${file} failed`)
  }
}

/**
 * The error for a name that belongs to something other than a file. It is neither followed nor touched: it
 * may be anyone's.
 */
export function notAFile(root: string, file: string): WaqError {
  return new WaqError(
    'WAQ_NOT_A_QUEUE',
    `${join(root, file)} is not a file but a link, a directory or a device; a queue cannot have its ` +
      `${JSON.stringify(file)} there`,
  )
}

function unreadable(error: unknown, root: string, file: string, what: string): WaqError {
  return systemCode(error) === 'ELOOP' ? notAFile(root, file) : asWaqError(error, what)
}

/** Reads `length` bytes; fewer only at the end of the file. */
export function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  return readUpTo(file, Buffer.alloc(length), 0, offset)
}

/**
 * Fills `bytes` with those of the file from `offset` on; the first `filled` are there already. Returns fewer
 * only at the end of the file.
 */
export async function readUpTo(
  file: FileHandle,
  bytes: Buffer,
  filled: number,
  offset: number,
): Promise<Buffer> {
  let end = filled
  while (end < bytes.length) {
    const read = await file.read(bytes, end, bytes.length - end, offset + end)
    if (read === 0) break
    end += read
  }
  return end === bytes.length ? bytes : bytes.subarray(0, end)
}
