import { join } from 'node:path'
import { asWaqError, systemCode, WaqError } from './errors.js'
import type { FileSystem } from './file-system.js'
import { ownerRecord, ownIdentity, parseOwnerRecord } from './identity.js'
import type { FoundOwner } from './lock.js'
import { epochIn, MANIFESTS, OWNERS, ownerName, QUARANTINE } from './names.js'
import { writeFully } from './write.js'

export interface Claim {
  readonly epoch: number
  /** Absolute. While it stands, the epoch is in force (invariant 3). */
  readonly ownerFile: string
}

const MAX_OWNER_FILE_BYTES = 64 * 1024
const MAX_ROUNDS = 1000

/**
 * Invariant 1: an opening claims an epoch that exceeds every epoch in any name of the directory, by creating its
 * owner file exclusively, and unlinks every lower owner file *before* it reads a manifest. Whoever owned the
 * directory before finds its file gone at its next fence check.
 */
export async function claimEpoch(
  fileSystem: FileSystem,
  root: string,
  logs: readonly string[],
  now: () => number,
): Promise<Claim> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const epoch = 1 + (await highestEpoch(fileSystem, root, logs))
    if (epoch > Number.MAX_SAFE_INTEGER) throw new WaqError('WAQ_IO', `${root} has no epochs left`)
    const ownerFile = join(root, OWNERS, ownerName(epoch))
    if (!(await createOwnerFile(fileSystem, ownerFile, now()))) continue
    await fileSystem.syncDirectory(join(root, OWNERS))
    const owners = await fileSystem.readdir(join(root, OWNERS))
    if (owners.some(name => epochIn(name) > epoch)) continue
    for (const name of owners) {
      if (epochIn(name) < epoch) await unlinkIfThere(fileSystem, join(root, OWNERS, name))
    }
    return { epoch, ownerFile }
  }
  throw new WaqError('WAQ_IO', `no epoch of ${root} could be claimed: too many processes open it at once`)
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
  const text = await readText(fileSystem, join(root, file))
  const record = text === undefined ? undefined : parseOwnerRecord(text)
  return { identity: record?.identity, since: record?.since ?? 0, file }
}

async function highestEpoch(fileSystem: FileSystem, root: string, logs: readonly string[]): Promise<number> {
  let highest = 0
  for (const directory of [OWNERS, MANIFESTS, QUARANTINE, ...logs]) {
    for (const name of await fileSystem.readdir(join(root, directory)))
      highest = Math.max(highest, epochIn(name))
  }
  return highest
}

/** False: somebody else has this epoch. */
async function createOwnerFile(fileSystem: FileSystem, path: string, since: number): Promise<boolean> {
  try {
    const file = await fileSystem.create(path)
    try {
      await writeFully(file, Buffer.from(ownerRecord(ownIdentity(), since)), 0)
      await file.sync()
    } finally {
      await file.close()
    }
    return true
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false
    // Half a claim: without it the next try would take a higher epoch, and the fence of nobody hangs on it.
    await fileSystem.unlink(path).catch(() => {})
    throw asWaqError(error, `writing ${path} failed`)
  }
}

async function readText(fileSystem: FileSystem, path: string): Promise<string | undefined> {
  try {
    const file = await fileSystem.open(path, 'read')
    try {
      const bytes = Buffer.alloc(Math.min(await file.size(), MAX_OWNER_FILE_BYTES))
      const read = await file.read(bytes, 0, bytes.length, 0)
      return bytes.toString('utf8', 0, read)
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
