import { randomBytes } from 'node:crypto'
import { diskFullError } from '../directory/ballast.js'
import type { DirectoryContext } from '../directory/directory-context.js'
import { encodeSegmentHeader, SALT_BYTES, SEGMENT_HEADER_BYTES } from '../format/format.js'
import { segmentName } from '../format/names.js'
import type { FileHandle } from '../fs/file-system.js'
import { writeFully, ZEROS } from '../fs/write.js'
import type { LogSpec } from '../types.js'
import { ActiveSegment, Segment } from './segment.js'

/**
 * Bytes written and synced at once. More would hold up the commits of the active segment, which share the
 * device. Less would take more turns of the event loop, which are long under load, and the active segment
 * outgrows its size until this one is ready.
 */
const FILL_BYTES = ZEROS.length

export interface NewSegment {
  readonly spec: LogSpec
  /** A lower bound of the sequences it will hold. */
  readonly firstSequence: number
  /** The log's. The header names it, so no sequence is assigned twice even without a manifest. */
  readonly nextSequence: number
  /**
   * The size at which the next segment is due. It is filled with zeros up to there, unless the durability is
   * `'os'`.
   */
  readonly targetBytes: number
  /** `true`: it may use the ballast, because it serves appends that must not fail. */
  readonly mustSucceed: boolean
}

/**
 * Creates a segment of our epoch: header and zero fill, with file and directory synced. It does not count
 * until a manifest lists it. A failure leaves nothing but a void file.
 */
export function createSegment(directory: DirectoryContext, wanted: NewSegment): Promise<ActiveSegment> {
  // Each try uses a new file: a file whose sync failed for lack of space is not synced again (invariant 5).
  const created = () => directory.device.during(() => create(directory, wanted))
  return wanted.mustSucceed ? directory.withRoom(created) : created()
}

async function create(directory: DirectoryContext, wanted: NewSegment): Promise<ActiveSegment> {
  const { spec } = wanted
  const id = directory.nextFileId()
  const salt = randomBytes(SALT_BYTES)
  const path = directory.path(spec.name, segmentName(id))
  const file = await directory.create(path)
  try {
    const header = encodeSegmentHeader({
      logId: spec.id,
      ...id,
      salt,
      firstSequence: wanted.nextSequence,
      createdAt: directory.now(),
    })
    await writeFully(file, header, 0)
    const diskBytes = await fill(directory, wanted, file)
    await file.sync()
    await directory.fileSystem.syncDirectory(directory.path(spec.name))
    const segment = new Segment({
      log: spec.name,
      ...id,
      salt,
      firstSequence: wanted.firstSequence,
      lastSequence: wanted.firstSequence - 1,
      length: undefined,
      diskBytes,
      compacted: false,
    })
    return new ActiveSegment(segment, file, wanted.targetBytes, directory)
  } catch (error) {
    await file.close().catch(() => {})
    await directory.fileSystem.unlink(path).catch(() => {})
    throw directory.failure(error, `preparing segment ${spec.name}/${segmentName(id)} failed`)
  }
}

/** Fills the segment with zeros before any append enters it, so that no commit waits behind a fill. */
async function fill(directory: DirectoryContext, wanted: NewSegment, file: FileHandle): Promise<number> {
  let end = SEGMENT_HEADER_BYTES
  if (wanted.spec.durability === 'os') return end
  while (end < wanted.targetBytes) {
    // Zeros are optional: they must not take space that an outcome may need, least of all from the ballast.
    if (directory.ballast.short) {
      if (wanted.mustSucceed) return end
      throw diskFullError(directory.root, directory.ballast.shortFor)
    }
    const length = Math.min(FILL_BYTES, wanted.targetBytes - end)
    await writeFully(file, ZEROS.subarray(0, length), end)
    end += length
    // The caller syncs the last piece with the rest of the file.
    if (end < wanted.targetBytes) await file.sync()
  }
  return end
}
