/**
 * A program that runs once as root gives the files that it creates to the user who owns the directory.
 * Otherwise that user would be locked out of its own queue.
 *
 * Nothing is given away by a path, for that user can put anything in the place of what a path leads to. The
 * directory is opened, and its user is that of what was opened; the new file is created in that very
 * directory, whatever has its path by then, by the path of its descriptor, which Linux has; and what is given
 * away is a descriptor as well: of a file that did not exist, or of a directory of root's that holds nothing.
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

/** Creates a file, mode 0600 whatever the umask. EEXIST where something has that name already. */
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

/** Creates a directory, mode 0700 whatever the umask. EEXIST where something has that name already. */
export function createDirectory(path: string): Promise<void> {
  return inItsDirectory(path, async (place, user) => {
    await fs.promises.mkdir(place, { mode: 0o700 })
    // Under a umask that takes all rights away only root could open it.
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

/** `user`: who gets what `create` makes as root; undefined: it stays root's. */
async function inItsDirectory<T>(
  path: string,
  create: (place: string, user: User | undefined) => Promise<T>,
): Promise<T> {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return create(path, undefined)
  const directory = await open(dirname(path), O_RDONLY | O_DIRECTORY)
  try {
    const { uid, gid } = await fstat(directory)
    const place = `${pathOf(directory)}/${basename(path)}`
    // Without /proc there is no safe way, and no other is taken.
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

/** Errors name the path that the user gave. */
function placedAt(error: unknown, place: string, path: string): unknown {
  if (!(error instanceof Error)) return error
  error.message = error.message.replace(place, path)
  if ('path' in error) error.path = path
  return error
}
