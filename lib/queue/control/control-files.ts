import { constants } from 'node:fs'
import { open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { systemCode } from '../../log/errors/system-error.js'
import { newToken } from '../../log/format/names.js'
import { nodeFileSystem } from '../../log/fs/node-file-system.js'
import { writeFully } from '../../log/fs/write.js'

/** A file that cannot be what it claims to be, whatever is in it. */
export class HostileFile extends Error {
  override readonly name = 'HostileFile'
}

/**
 * Writes a private file under a temporary name and renames it: whoever sees it sees it whole, and after a
 * crash too.
 */
export async function putFile(path: string, text: string, options: { durable: boolean }): Promise<void> {
  // No one else has that name, whatever directory the call meets.
  const temporary = `${path}.${newToken()}.tmp`
  const file = await nodeFileSystem.create(temporary)
  try {
    await writeFully(file, Buffer.from(text), 0)
    if (options.durable) await file.sync()
  } catch (error) {
    await file.close()
    await removeFile(temporary)
    throw error
  }
  await file.close()
  await rename(temporary, path)
  if (options.durable) await nodeFileSystem.syncDirectory(dirname(path))
}

/**
 * Reads a file that another process put there: only a plain one (no link, no pipe that would hang us), of
 * this user or of root, which no one else could have written to, and of a bounded size. Undefined: there is
 * none (any more).
 */
export async function takeFile(path: string, maxBytes: number): Promise<string | undefined> {
  let file: Awaited<ReturnType<typeof open>>
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT') return undefined
    if (code === 'ELOOP' || code === 'EMLINK') throw new HostileFile('it is a symbolic link')
    throw error
  }
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw new HostileFile('it is not a file')
    const user = process.geteuid?.()
    if (user !== undefined && stat.uid !== user && stat.uid !== 0) {
      throw new HostileFile(`it belongs to user ${stat.uid}, not to user ${user} who has the queue open`)
    }
    if ((stat.mode & 0o022) !== 0) throw new HostileFile('users other than its owner may write to it')
    if (stat.size > maxBytes)
      throw new HostileFile(`it has ${stat.size} bytes; at most ${maxBytes} are allowed`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/** False: there was none. */
export async function removeFile(path: string): Promise<boolean> {
  try {
    await unlink(path)
    return true
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false
    throw error
  }
}
