/**
 * Gives the files that a process creates as root to the user who owns the directory. Otherwise a single run
 * as root would lock that user out of the queue.
 *
 * Nothing is given away by path, because that user can replace whatever a path leads to. The directory is
 * opened and its user read from the descriptor. The new file is created in that very directory, through the
 * descriptor's path (Linux only), whatever has the directory's own path by then. And the chown is by
 * descriptor: of a file that did not exist, or of an empty directory owned by root.
 */
import fs from 'node:fs'
import { basename, dirname } from 'node:path'
import { promisify } from 'node:util'

const open = promisify(fs.open)
const fstat = promisify(fs.fstat)
const fchmod = promisify(fs.fchmod)
const fchown = promisify(fs.fchown)
const close = promisify(fs.close)

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR } = fs.constants

interface User {
  readonly uid: number
  readonly gid: number
}

/** Creates a file, mode 0600 whatever the umask. EEXIST if the name is taken. */
export function createFile(path: string): Promise<number> {
  return inItsDirectory(path, async (place, user) => {
    const file = await open(place, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    try {
      await fchmod(file, 0o600)
      if (user !== undefined) await fchown(file, user.uid, user.gid)
      return file
    } catch (error) {
      await close(file)
      throw error
    }
  })
}

/** Creates a directory, mode 0700 whatever the umask. EEXIST if the name is taken. */
export function createDirectory(path: string): Promise<void> {
  return inItsDirectory(path, async (place, user) => {
    await fs.promises.mkdir(place, { mode: 0o700 })
    // By path: under a umask that removes all rights, only root could open it.
    if (user === undefined) return fs.promises.chmod(place, 0o700)
    const directory = await open(place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    try {
      await fchmod(directory, 0o700)
      const isOurs = (await fstat(directory)).uid === process.geteuid?.()
      const isEmpty = (await fs.promises.readdir(pathOf(directory))).length === 0
      if (isOurs && isEmpty) await fchown(directory, user.uid, user.gid)
    } finally {
      await close(directory)
    }
  })
}

/** `user`: who is given what `create` makes as root; undefined: its creator keeps it. */
async function inItsDirectory<T>(
  path: string,
  create: (place: string, user: User | undefined) => Promise<T>,
): Promise<T> {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return create(path, undefined)
  const directory = await open(dirname(path), O_RDONLY | O_DIRECTORY)
  try {
    const { uid, gid } = await fstat(directory)
    const place = `${pathOf(directory)}/${basename(path)}`
    // Without /proc there is no safe way, so root keeps it.
    if (uid === 0 || !fs.existsSync(pathOf(directory))) return await create(path, undefined)
    try {
      return await create(place, { uid, gid })
    } catch (error) {
      throw placedAt(error, place, path)
    }
  } finally {
    await close(directory)
  }
}

function pathOf(descriptor: number): string {
  return `/proc/self/fd/${descriptor}`
}

/** Makes the error name the path that the caller gave. */
function placedAt(error: unknown, place: string, path: string): unknown {
  if (!(error instanceof Error)) return error
  error.message = error.message.replace(place, path)
  if ('path' in error) error.path = path
  return error
}
