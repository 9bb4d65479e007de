import { basename, dirname, join, resolve } from 'node:path'
import { systemCode } from '../errors/system-error.js'
import { asWaqError, WaqError } from '../errors/waq-error.js'
import { CONTROL, isBallastName, MANIFESTS, OWNERS, QUARANTINE } from '../format/names.js'
import type { FileSystem } from '../fs/file-system.js'
import { isLockName } from '../lock/lock.js'

/**
 * Creates the directory and its subdirectories where missing (mode 0700), and returns the canonical path. The
 * parent of each created directory is synced before anything relies on it (invariant 9).
 *
 * Rejects with WAQ_NOT_A_QUEUE if something else is there: nothing is written into a foreign directory.
 */
export async function prepareDirectory(
  fileSystem: FileSystem,
  directory: string,
  logs: readonly string[],
): Promise<string> {
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw new WaqError('WAQ_INVALID_OPTION', `the directory must be a path, got ${JSON.stringify(directory)}`)
  }
  try {
    await makeDirectories(fileSystem, resolve(directory))
    const root = await fileSystem.realpath(resolve(directory))
    const subdirectories = [...logs, MANIFESTS, OWNERS, QUARANTINE, CONTROL]
    await refuseStranger(fileSystem, root, subdirectories)
    let created = false
    for (const name of subdirectories)
      created = (await makeDirectory(fileSystem, join(root, name))) || created
    const isNew = (await fileSystem.readdir(join(root, MANIFESTS))).length === 0
    if (created || isNew) await fileSystem.syncDirectory(root)
    if (isNew) await syncAbove(fileSystem, root)
    return root
  } catch (error) {
    const problem = NO_DIRECTORY[systemCode(error) ?? '']
    if (problem !== undefined) {
      throw new WaqError(
        'WAQ_NOT_A_QUEUE',
        `${directory} cannot be the directory of a queue: ${problem}. Name another one.`,
        { cause: error },
      )
    }
    throw asWaqError(error, `the directory ${directory} cannot be used`)
  }
}

/** System error codes for a path that is not a directory and cannot become one. */
const NO_DIRECTORY: Readonly<Record<string, string>> = {
  ENOENT: 'it is, or is below, a link to nothing, or was removed just now',
  ELOOP: 'it is, or is below, a link that leads back to itself',
  ENOTDIR: 'it is, or is below, something that is no directory',
}

/** In the root of a fresh volume: the directory where fsck puts recovered files. */
const LOST_AND_FOUND = 'lost+found'

async function refuseStranger(
  fileSystem: FileSystem,
  root: string,
  subdirectories: readonly string[],
): Promise<void> {
  const names = await fileSystem.readdir(root)
  const foreign = names.filter(
    name =>
      !subdirectories.includes(name) && !isBallastName(name) && !isLockName(name) && name !== LOST_AND_FOUND,
  )
  if (foreign.length > 0 && !names.includes(MANIFESTS)) {
    throw new WaqError(
      'WAQ_NOT_A_QUEUE',
      `${root} is not empty and holds no queue (it has ${JSON.stringify(foreign[0])}); give it a ` +
        'directory of its own',
    )
  }
}

/** Creates a directory and its missing parents. */
async function makeDirectories(fileSystem: FileSystem, path: string): Promise<void> {
  const parent = dirname(path)
  if (parent !== path && (await fileSystem.stat(path)) === undefined)
    await makeDirectories(fileSystem, parent)
  if (await makeDirectory(fileSystem, path, true)) await fileSystem.syncDirectory(parent)
}

/**
 * An opener killed between creating a directory and syncing its parent leaves one that may exist only in the
 * page cache, and nothing shows it. So an opening that finds no manifest syncs every parent.
 */
async function syncAbove(fileSystem: FileSystem, path: string): Promise<void> {
  for (let at = dirname(path); ; at = dirname(at)) {
    try {
      await fileSystem.syncDirectory(at)
    } catch (error) {
      // A directory that this user may not even open was not made by such an opener.
      if (!['EACCES', 'EPERM', 'EINVAL', 'EROFS'].includes(systemCode(error) ?? '')) throw error
    }
    if (at === dirname(at)) return
  }
}

/**
 * True: it was created just now, here or by another opener. `linkAllowed`: accepts a symbolic link to a
 * directory, as for the path a user gives.
 */
async function makeDirectory(fileSystem: FileSystem, path: string, linkAllowed = false): Promise<boolean> {
  const found = await fileSystem.stat(path)
  if (found === undefined) {
    try {
      await fileSystem.mkdir(path)
      return true
    } catch (error) {
      // Another opener was faster.
      if (systemCode(error) !== 'EEXIST') throw error
      return true
    }
  }
  if (found.kind === 'directory' || (linkAllowed && found.kind === 'other')) return false
  throw new WaqError(
    'WAQ_NOT_A_QUEUE',
    `${path} is not a directory${found.kind === 'other' ? ' but a link or a device' : ''}; a queue cannot ` +
      `have its ${JSON.stringify(basename(path))} there`,
  )
}
