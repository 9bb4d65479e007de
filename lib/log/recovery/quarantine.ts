import type { DirectoryContext } from '../directory/directory-context.js'
import { systemCode } from '../errors/system-error.js'
import { QUARANTINE } from '../format/names.js'
import { writeFully } from '../fs/write.js'
import type { CorruptRange } from '../types.js'

const COPY_BYTES = 1024 * 1024

/**
 * The path of a life's copy of a damaged range, relative to the directory: file, offset and the life's token.
 */
function quarantineName(range: CorruptRange, token: string): string {
  return `${QUARANTINE}/${range.file.replaceAll('/', '-')}-${range.offset}-${token}`
}

/**
 * Copies bytes that are no readable records to `quarantine/`, where they are never deleted: a person may find
 * more in them than we can. Runs before a manifest lists the damage as known.
 */
export async function quarantine(
  directory: DirectoryContext,
  ranges: readonly CorruptRange[],
): Promise<void> {
  if (ranges.length === 0) return
  for (const range of ranges) {
    if (range.length === 0) continue // the file is gone: nothing to keep
    try {
      await directory.withRoom(() => copyRange(directory, range))
    } catch (error) {
      // A missing file leaves nothing to keep.
      if (systemCode(error) !== 'ENOENT') {
        throw directory.failure(error, `copying ${range.file} at ${range.offset} to ${QUARANTINE} failed`)
      }
    }
  }
  await directory.fileSystem.syncDirectory(directory.path(QUARANTINE))
}

async function copyRange(directory: DirectoryContext, range: CorruptRange): Promise<void> {
  const { fileSystem } = directory
  const source = await fileSystem.open(directory.path(range.file), 'read')
  try {
    // An opening that died may have left half a copy under its own name; that copy is kept.
    const name = directory.path(quarantineName(range, directory.token))
    const target = await directory.create(name)
    try {
      const buffer = Buffer.allocUnsafe(Math.min(range.length, COPY_BYTES))
      let copied = 0
      while (copied < range.length) {
        const read = await source.read(
          buffer,
          0,
          Math.min(buffer.length, range.length - copied),
          range.offset + copied,
        )
        if (read === 0) break
        await writeFully(target, buffer.subarray(0, read), copied)
        copied += read
      }
      await target.sync()
    } catch (error) {
      await fileSystem.unlink(name).catch(() => {}) // half a copy would pass for a whole one
      throw error
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}
