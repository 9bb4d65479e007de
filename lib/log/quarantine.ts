import type { Directory } from './directory.js'
import { asWaqError, systemCode } from './errors.js'
import { QUARANTINE } from './names.js'
import type { CorruptRange } from './types.js'
import { writeFully } from './write.js'

const COPY_BYTES = 1024 * 1024

/** Where the copy of a damaged range stands, relative to the directory: named by file and offset. */
export function quarantineName(range: CorruptRange): string {
  return `${QUARANTINE}/${range.file.replaceAll('/', '-')}-${range.offset}`
}

/**
 * Copies bytes that could not be read as records to `quarantine/`, where the engine never deletes them: a person
 * may find more in them than we can. Done before a manifest calls the damage known.
 */
export async function quarantine(directory: Directory, ranges: readonly CorruptRange[]): Promise<void> {
  if (ranges.length === 0) return
  for (const range of ranges) {
    if (range.length === 0) continue // of what is gone altogether nothing can be kept
    try {
      await directory.withRoom(() => copyRange(directory, range))
    } catch (error) {
      // A file that is gone altogether leaves nothing to keep.
      if (systemCode(error) !== 'ENOENT') {
        throw asWaqError(error, `copying ${range.file} at ${range.offset} to ${QUARANTINE} failed`)
      }
    }
  }
  await directory.fileSystem.syncDirectory(directory.path(QUARANTINE))
}

async function copyRange(directory: Directory, range: CorruptRange): Promise<void> {
  const { fileSystem } = directory
  const source = await fileSystem.open(directory.path(range.file), 'read')
  try {
    let name = directory.path(quarantineName(range))
    // An opening that died may have left half a copy under this name; it is kept as it is.
    if ((await fileSystem.stat(name)) !== undefined) name += `-copied-by-${directory.epoch}`
    const target = await fileSystem.create(name)
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
