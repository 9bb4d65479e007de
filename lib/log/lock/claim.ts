import { join } from 'node:path'
import { systemCode } from '../errors/system-error.js'
import { asWaqError, WaqError } from '../errors/waq-error.js'
import { epochIn, MANIFESTS, newToken, OWNERS, ownerName, QUARANTINE } from '../format/names.js'
import type { FileHandle, FileSystem } from '../fs/file-system.js'
import { writeFully } from '../fs/write.js'
import { inodeText, type OwnerRecord, ownerRecord, ownIdentity, parseOwnerRecord } from './identity.js'
import type { FoundOwner } from './lock.js'

export interface Claim {
  readonly epoch: number
  /** Of this life. */
  readonly token: string
  /** Absolute path. While the file stands, the epoch is in force (invariant 3). */
  readonly ownerFile: string
  /** The open owner file; the holder of the claim closes it. */
  readonly file: FileHandle
}

const MAX_OWNER_FILE_BYTES = 64 * 1024
const MAX_ROUNDS = 1000

/**
 * Invariant 1: an opening claims an epoch higher than any in the directory's file names by creating an owner
 * file named after it. It unlinks every lower owner file *before* it reads a manifest, so a previous owner
 * finds its file gone at its next fence check.
 *
 * File names contain tokens, so two openers may create owner files of the same epoch. At least one of them
 * sees the other's file when it lists again, and an opener that sees another file of its own epoch or higher
 * claims again. So no two openers keep the same epoch.
 */
export async function claimEpoch(
  fileSystem: FileSystem,
  root: string,
  logs: readonly string[],
  now: () => number,
): Promise<Claim> {
  const token = newToken()
  for (let round = 0; round < MAX_ROUNDS; round++) {
    // Random, because two openers in lockstep would collide at every epoch.
    const epoch = 1 + (await highestEpoch(fileSystem, root, logs)) + Math.floor(Math.random() * (1 + round))
    if (epoch > Number.MAX_SAFE_INTEGER) throw new WaqError('WAQ_IO', `${root} has no epochs left`)
    const name = ownerName(epoch, token)
    const ownerFile = join(root, OWNERS, name)
    const file = await createOwnerFile(fileSystem, ownerFile, now())
    try {
      await fileSystem.syncDirectory(join(root, OWNERS))
      const others = (await fileSystem.readdir(join(root, OWNERS))).filter(other => other !== name)
      if (!others.some(other => epochIn(other) >= epoch)) {
        for (const other of others) {
          if (epochIn(other) > 0) await unlinkIfThere(fileSystem, join(root, OWNERS, other))
        }
        return { epoch, token, ownerFile, file }
      }
    } catch (error) {
      await withdraw(fileSystem, ownerFile, file)
      throw error
    }
    await withdraw(fileSystem, ownerFile, file)
  }
  throw new WaqError('WAQ_IO', `no epoch of ${root} could be claimed: too many processes open it at once`)
}

/** Withdraws an unused claim. A leftover owner file would be mistaken for a real owner's. */
async function withdraw(fileSystem: FileSystem, ownerFile: string, file: FileHandle): Promise<void> {
  await file.close().catch(() => {})
  await fileSystem.unlink(ownerFile).catch(() => {})
}

/** The owner file with the highest epoch. A torn or foreign one has no identity. */
export async function readNewestOwner(fileSystem: FileSystem, root: string): Promise<FoundOwner | undefined> {
  let names: string[]
  try {
    names = await fileSystem.readdir(join(root, OWNERS))
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
  const newest = names.filter(name => epochIn(name) > 0).sort((a, b) => epochIn(b) - epochIn(a))[0]
  if (newest === undefined) return undefined
  const file = `${OWNERS}/${newest}`
  const record = await readRecord(fileSystem, join(root, file))
  const { identity, since = 0, isCopy = false } = record ?? {}
  return { identity, since, file, isCopy }
}

async function highestEpoch(fileSystem: FileSystem, root: string, logs: readonly string[]): Promise<number> {
  let highest = 0
  for (const directory of [OWNERS, MANIFESTS, QUARANTINE, ...logs]) {
    for (const name of await fileSystem.readdir(join(root, directory)))
      highest = Math.max(highest, epochIn(name))
  }
  return highest
}

async function createOwnerFile(fileSystem: FileSystem, path: string, since: number): Promise<FileHandle> {
  let file: FileHandle | undefined
  try {
    file = await fileSystem.create(path)
    const record = ownerRecord(ownIdentity(), since, inodeText(file.inodeSync()))
    await writeFully(file, Buffer.from(record), 0)
    await file.sync()
    return file
  } catch (error) {
    if (file !== undefined) await withdraw(fileSystem, path, file)
    throw asWaqError(error, `writing ${path} failed`)
  }
}

async function readRecord(
  fileSystem: FileSystem,
  path: string,
): Promise<(OwnerRecord & { isCopy: boolean }) | undefined> {
  try {
    const file = await fileSystem.open(path, 'read')
    try {
      const bytes = Buffer.alloc(Math.min(await file.size(), MAX_OWNER_FILE_BYTES))
      const read = await file.read(bytes, 0, bytes.length, 0)
      const record = parseOwnerRecord(bytes.toString('utf8', 0, read))
      const isCopy = record?.inode !== undefined && record.inode !== inodeText(file.inodeSync())
      return record && { ...record, isCopy }
    } finally {
      await file.close()
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function unlinkIfThere(fileSystem: FileSystem, path: string): Promise<void> {
  try {
    await fileSystem.unlink(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}
