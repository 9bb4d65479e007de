/**
 * Finds how far segments count, for openings and readers. It only reads.
 *
 * Listed segments are looked up; open ones are scanned once for where their frames end, how much is proven,
 * and what is a tear (invariant 7). Without a reliable manifest, every existing segment counts as open.
 */
import { join } from 'node:path'
import {
  decodeSegmentHeader,
  FLAG_MORE,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  SEGMENT_HEADER_BYTES,
} from '../format/format.js'
import { compareFileIds, parseFileId, segmentName } from '../format/names.js'
import type { FileHandle } from '../fs/file-system.js'
import { type DirectoryFiles, notAFile, openFile, readAt } from '../fs/read-file.js'
import type { CurrentManifest } from '../manifest/current-manifest.js'
import type { ManifestSegment } from '../manifest/manifest.js'
import { type ScanSink, scanSegment } from '../segment/scan.js'
import { Segment } from '../segment/segment.js'
import type { CorruptRange, LogIdentity } from '../types.js'
import type { ListedSegment, MissingSegment, RecoveredSegment } from './recovered-segment.js'

/** One log after the scan of its tails. */
export interface TailScan {
  readonly spec: LogIdentity
  /** In the order of their first use. */
  readonly candidates: readonly RecoveredSegment[]
  readonly gone: MissingSegment[]
  /** What the manifest lists, found or not; empty without a manifest. */
  readonly listed: readonly ListedSegment[]
  /**
   * Exceeds every sequence in the manifest and in any frame of an open segment, void ones included (invariant
   * 2).
   */
  readonly nextSequence: number
  readonly lowWater: number
  /** Bytes after the last frame that counts. A living owner may be writing them. */
  readonly tornBytes: number
  /**
   * Tells tears from damage again, given the highest sequence that was certainly accepted: bad bytes before
   * its frame, or in its place, are no unfinished write.
   */
  remeasure(accepted: number): void
}

export async function scanTails(
  directory: DirectoryFiles,
  spec: LogIdentity,
  current: CurrentManifest,
): Promise<TailScan> {
  const entry = current.manifest?.logs.find(log => log.name === spec.name)
  const { candidates, gone, listed } = await findCandidates(directory, spec, current)
  const open = candidates.filter(candidate => candidate.wasOpen)
  const tails = new Map<RecoveredSegment, SegmentTail>()
  let nextSequence = entry?.nextSequence ?? 1
  // The last one first: while an owner writes, frames in a segment show that those before it are complete,
  // and they are then read in that state.
  for (const candidate of open.toReversed()) {
    // Its header names the sequence that was next when it was made. Without a manifest, nothing else may name
    // it.
    nextSequence = Math.max(nextSequence, candidate.segment.firstSequence)
    const tail = await scanTail(directory, spec, candidate)
    tails.set(candidate, tail)
    nextSequence = Math.max(nextSequence, tail.lastSequence + 1)
  }
  if (current.manifest === undefined) sortByRecords(candidates, gone, tails)
  // Only the last one that holds a frame can be torn: all before it was synced.
  const lastWithFrames = open.findLastIndex(candidate => candidate.holdsFrames)
  const tearable = current.manifest === undefined ? open : open.slice(Math.max(0, lastWithFrames))
  const surveyed = {
    spec,
    candidates,
    gone,
    listed,
    nextSequence,
    lowWater: entry?.lowWater ?? 0,
    tornBytes: 0,
    remeasure(accepted: number): void {
      let tornBytes = 0
      let before = 0
      for (const candidate of candidates) {
        const tail = tails.get(candidate)
        if (tail !== undefined) {
          const { end, proven } = tail
          const isTearable = tearable.includes(candidate)
          candidate.end = isTearable ? tail.tearAt(candidate, before, accepted) : end
          candidate.provenEnd = isTearable ? Math.min(proven, candidate.end) : end
          tornBytes += end - candidate.end
        }
        before = Math.max(before, tail?.lastIntact ?? candidate.lastSequence)
      }
      surveyed.tornBytes = tornBytes
    },
  }
  surveyed.remeasure(0)
  return surveyed
}

/**
 * An unrecognizable segment stays after the one that precedes it by name. A header's sequence is only a
 * bound: by its header, a segment made ahead begins in the middle of the previous one, and a rewrite of that
 * one may begin after it.
 */
function sortByRecords(
  candidates: RecoveredSegment[],
  gone: MissingSegment[],
  tails: ReadonlyMap<RecoveredSegment, SegmentTail>,
): void {
  const first = new Map(
    candidates.map(candidate => {
      const { firstSequence } = tails.get(candidate)!
      return [candidate, Number.isFinite(firstSequence) ? firstSequence : candidate.segment.firstSequence]
    }),
  )
  const before = gone.map(({ after }) => candidates[after - 1])
  candidates.sort((one, other) => first.get(one)! - first.get(other)!)
  for (const [index, candidate] of before.entries()) {
    const after = candidate === undefined ? 0 : candidates.indexOf(candidate) + 1
    gone[index] = { ...gone[index]!, after }
  }
  gone.sort((one, other) => one.after - other.after)
}

interface Found {
  candidates: RecoveredSegment[]
  gone: MissingSegment[]
  listed: ListedSegment[]
}

async function findCandidates(
  directory: DirectoryFiles,
  spec: LogIdentity,
  { manifest }: CurrentManifest,
): Promise<Found> {
  if (manifest === undefined) return everySegment(directory, spec)
  const found: Found = { candidates: [], gone: [], listed: [] }
  const { segments } = manifest.logs.find(entry => entry.name === spec.name)!
  // The scan meets known damage inside the counted bytes again. Other known damage (a file that is gone, or
  // bytes after its segment's end) stays listed: the store may still be in doubt about what was lost with it.
  const ends = new Map(
    segments.map(entry => [`${spec.name}/${segmentName(entry)}`, entry.length ?? Infinity]),
  )
  for (const range of manifest.corrupt) {
    const isSegment = parseFileId(range.file.slice(spec.name.length + 1), '.seg') !== undefined
    const isMetAgain = range.offset < (ends.get(range.file) ?? 0)
    // Its place does not matter now: the manifest has its bounds since it was first found.
    if (range.log === spec.name && isSegment && !isMetAgain)
      found.gone.push({ after: 0, range, unbounded: false })
  }
  for (const entry of segments) {
    const file = `${spec.name}/${segmentName(entry)}`
    const stat = await directory.fileSystem.stat(join(directory.root, file))
    if (stat !== undefined && stat.kind !== 'file') throw notAFile(directory.root, file)
    const wasOpen = entry.length === undefined
    const { firstSequence, lastSequence } = entry
    if (stat === undefined) {
      found.listed.push({ entry, file, candidate: undefined })
      const range = missingSegment(spec.name, file, entry)
      found.gone.push({ after: found.candidates.length, range, unbounded: wasOpen })
      continue
    }
    const end = entry.length ?? stat.size
    const candidate: RecoveredSegment = {
      segment: new Segment({ ...entry, log: spec.name, length: end, diskBytes: stat.size }),
      wasOpen,
      fileBytes: stat.size,
      syncedSequence: wasOpen && lastSequence >= firstSequence ? lastSequence : 0,
      end,
      provenEnd: end,
      lastSequence,
      holdsFrames: end > SEGMENT_HEADER_BYTES,
      begins: undefined,
      lostTail: false,
    }
    found.listed.push({ entry, file, candidate })
    found.candidates.push(candidate)
  }
  return found
}

/** Without a reliable manifest every segment counts, and only its own header tells its salt. */
async function everySegment(directory: DirectoryFiles, spec: LogIdentity): Promise<Found> {
  const names = await directory.fileSystem.readdir(join(directory.root, spec.name))
  const ids = names.flatMap(name => parseFileId(name, '.seg') ?? []).sort(compareFileIds)
  const found: Found = { candidates: [], gone: [], listed: [] }
  for (const id of ids) {
    const file = `${spec.name}/${segmentName(id)}`
    const handle = await openFile(directory, file)
    try {
      const size = await handle.size()
      const header = decodeSegmentHeader(await readAt(handle, 0, SEGMENT_HEADER_BYTES), file)
      if (header === undefined || header.logId !== spec.id) {
        const range = { log: spec.name, file, offset: 0, length: size, nextSequences: {}, known: false }
        found.gone.push({ after: found.candidates.length, range, unbounded: true })
        continue
      }
      const segment = new Segment({
        ...id,
        log: spec.name,
        salt: header.salt,
        firstSequence: header.firstSequence,
        lastSequence: 0,
        length: size,
        diskBytes: size,
        // Unknown without a manifest.
        compacted: true,
      })
      const bounds = { fileBytes: size, end: size, provenEnd: size, lastSequence: 0, syncedSequence: 0 }
      const unread = { holdsFrames: false, begins: undefined, lostTail: false }
      found.candidates.push({ segment, wasOpen: true, ...bounds, ...unread })
    } finally {
      await handle.close()
    }
  }
  return found
}

async function scanTail(
  directory: DirectoryFiles,
  spec: LogIdentity,
  candidate: RecoveredSegment,
): Promise<SegmentTail> {
  const { segment, fileBytes, syncedSequence } = candidate
  const tail = new SegmentTail()
  const file = await openFile(directory, segment.file)
  let hasHeader: boolean
  try {
    hasHeader = await holdsHeader(file, segment, spec)
    const { salted } = segment
    const source = { file, name: segment.file, salted, from: SEGMENT_HEADER_BYTES, to: fileBytes }
    const end = await scanSegment(source, tail)
    tail.finish(Math.max(SEGMENT_HEADER_BYTES, end.zerosFrom), end.proven)
  } finally {
    await file.close()
  }
  candidate.holdsFrames = tail.frames > 0
  candidate.begins = tail.begins
  candidate.lostTail = !hasHeader || syncedSequence > tail.lastSequence
  // A copy made by an opening has lower sequences than its header says.
  segment.firstSequence = Math.min(segment.firstSequence, tail.firstSequence)
  candidate.lastSequence = Math.max(candidate.lastSequence, tail.lastSequence)
  return tail
}

/**
 * Whether the segment begins with its own header. Frames can be read without it: the manifest has the salt,
 * too.
 */
export async function holdsHeader(file: FileHandle, segment: Segment, spec: LogIdentity): Promise<boolean> {
  const header = decodeSegmentHeader(await readAt(file, 0, SEGMENT_HEADER_BYTES), segment.file)
  return (
    header?.salt.equals(segment.salt) === true &&
    header.epoch === segment.epoch &&
    header.ordinal === segment.ordinal &&
    header.logId === spec.id
  )
}

/** The result of one pass over an open segment. */
class SegmentTail implements ScanSink {
  frames = 0
  firstSequence = Number.POSITIVE_INFINITY
  /** Sequence of the frame right after the header. */
  begins: number | undefined
  lastSequence = 0
  /** The highest sequence of an intact frame. */
  lastIntact = 0
  /** Where the zeros up to the end of the file begin. */
  end = 0
  proven = 0
  /** `before`: the highest sequence before it; `exact`: its own, if its header is intact. */
  readonly #bad: { from: number; end: number; before: number; exact: number | undefined }[] = []
  readonly #lists: { from: number; end: number; firstSequence: number }[] = []
  /** Where the list begins that is open at the last frame; -1: none is. */
  #listFrom = -1
  #listSequence = 0

  frame(offset: number, header: FrameHeader): void {
    this.frames += 1
    if (offset === SEGMENT_HEADER_BYTES) this.begins = header.sequence
    this.firstSequence = Math.min(this.firstSequence, header.sequence)
    this.lastSequence = Math.max(this.lastSequence, header.sequence)
    this.lastIntact = Math.max(this.lastIntact, header.sequence)
    const end = offset + FRAME_HEADER_BYTES + header.payloadLength
    if ((header.flags & FLAG_MORE) !== 0) {
      if (this.#listFrom >= 0) return
      this.#listFrom = offset
      this.#listSequence = header.sequence
    } else this.#endList(end)
  }

  bad(offset: number, length: number, header: FrameHeader | undefined): void {
    this.#bad.push({ from: offset, end: offset + length, before: this.lastIntact, exact: header?.sequence })
    this.#endList(Number.POSITIVE_INFINITY)
    if (header !== undefined) this.lastSequence = Math.max(this.lastSequence, header.sequence)
  }

  finish(end: number, proven: number): void {
    this.end = end
    this.proven = proven
    this.#endList(Number.POSITIVE_INFINITY)
  }

  #endList(end: number): void {
    if (this.#listFrom >= 0)
      this.#lists.push({ from: this.#listFrom, end, firstSequence: this.#listSequence })
    this.#listFrom = -1
  }

  /**
   * Where the counted bytes end if this segment can be torn: at the first bad frame that no later frame
   * proves (`durable` beyond it), or before an atomic list that is incomplete there. Bad bytes across the
   * last proven offset are both: corruption up to it, a tear from there.
   *
   * A certainly accepted frame proves all bytes before it and in its place: `accepted` is the highest
   * sequence of one, `before` the highest found in earlier segments. One below all sequences of this segment
   * proves nothing: an earlier life may have lost it.
   */
  tearAt({ segment, lostTail, syncedSequence }: RecoveredSegment, before: number, accepted: number): number {
    const acceptedHere = accepted >= segment.firstSequence ? accepted : 0
    // Its header was synced: if it is unreadable, synced bytes are lost, not an unfinished write.
    const known = lostTail ? Number.POSITIVE_INFINITY : Math.max(acceptedHere, syncedSequence)
    const torn = this.#bad.find(bad => {
      if (bad.end <= this.proven) return false
      return bad.exact === undefined ? Math.max(bad.before, before) >= known : bad.exact > known
    })
    const end = torn === undefined ? this.end : Math.max(torn.from, this.proven)
    // A list is written in one flush, so one that the tear cuts lies after the proven bytes. (A list cut by
    // corruption keeps its healthy records.)
    const cut = this.#lists.find(
      list => list.from >= this.proven && list.firstSequence > known && list.from < end && list.end > end,
    )
    return cut === undefined ? end : cut.from
  }
}

/** A missing open segment may never have held a frame, but it is still damage. */
export function missingSegment(log: string, file: string, listed: ManifestSegment): CorruptRange {
  const { firstSequence, lastSequence, length } = listed
  const missing = length === undefined ? {} : { firstMissing: firstSequence, lastMissing: lastSequence }
  return { log, file, offset: 0, length: length ?? 0, ...missing, nextSequences: {}, known: false }
}
