/**
 * How far segments count: the step that an opening and a reader have in common. It reads, and changes nothing.
 *
 * What the manifest lists is looked up; open segments are scanned once for where their frames end, what of them is
 * proven, and what is a tear (invariant 7). Where no manifest can be relied on, every segment that is there counts as
 * open.
 */
import { join } from 'node:path'
import {
  decodeSegmentHeader,
  FLAG_MORE,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  SEGMENT_HEADER_BYTES,
} from './format.js'
import type { InForce } from './in-force.js'
import type { ManifestSegment } from './manifest.js'
import { compareFileIds, parseFileId, segmentName } from './names.js'
import { type DirectoryFiles, notAFile, openFile, readAt } from './read-file.js'
import { type ScanSink, scanSegment } from './scan.js'
import { Segment } from './segment.js'
import type { CorruptRange, LogIdentity } from './types.js'

/** A segment, and what of it counts. */
export interface Candidate {
  readonly segment: Segment
  readonly wasOpen: boolean
  readonly fileBytes: number
  /** Bytes that count of it; set by the survey for open ones. */
  end: number
  /** From here to `end` its frames are not proven to be on the device. */
  provenEnd: number
  /** No frame in it has a higher sequence. */
  lastSequence: number
}

/** Damage that leaves no segment to scan: its file is gone, or can not be recognised. It has a place in the order all the same. */
export interface Gone {
  /** How many candidates stand before it. Segments are in the order of their records, not of their names: a rewritten one has a new name. */
  readonly after: number
  readonly range: CorruptRange
}

/** One log, surveyed. */
export interface SurveyedLog {
  readonly spec: LogIdentity
  /** In the order of their first use. */
  readonly candidates: readonly Candidate[]
  readonly gone: Gone[]
  /** Exceeds every sequence in the manifest and in any frame of an open segment, void ones included (invariant 2). */
  readonly nextSequence: number
  readonly lowWater: number
  /** Bytes behind the last frame that counts. Where the owner lives, it may be writing them. */
  readonly tornBytes: number
}

export async function surveyLog(
  directory: DirectoryFiles,
  spec: LogIdentity,
  inForce: InForce,
): Promise<SurveyedLog> {
  const listed = inForce.manifest?.logs.find(log => log.name === spec.name)
  const { candidates, gone } = await findCandidates(directory, spec, inForce)
  const open = candidates.filter(candidate => candidate.wasOpen)
  const surveys: Survey[] = []
  let nextSequence = listed?.nextSequence ?? 1
  // The last one first: under an owner that goes on writing, what stands in a segment tells that those before it are
  // complete, and they are then read in that state.
  for (const candidate of open.toReversed()) {
    // Its header names the sequence that was next when it was made: where no manifest can, that may be all that does.
    nextSequence = Math.max(nextSequence, candidate.segment.firstSequence)
    const survey = await surveySegment(directory, candidate)
    surveys.unshift(survey)
    nextSequence = Math.max(nextSequence, survey.lastSequence + 1)
  }
  let tornBytes = 0
  // Only the last one that holds a frame can be torn; behind it there is none, and in front all was synced.
  const lastWithFrames = surveys.findLastIndex(survey => survey.frames > 0)
  open.forEach((candidate, index) => {
    const survey = surveys[index]!
    const tearable = index >= lastWithFrames || inForce.manifest === undefined
    const end = tearable ? survey.tearAt() : survey.end
    if (tearable) tornBytes += survey.end - end
    candidate.end = end
    candidate.provenEnd = tearable ? Math.min(survey.proven, end) : end
  })
  if (inForce.manifest === undefined) sortByRecords(candidates, gone, surveys)
  return { spec, candidates, gone, nextSequence, lowWater: listed?.lowWater ?? 0, tornBytes }
}

/**
 * A segment that can not be recognised stays behind the one whose name is the one before it.
 * What a header foretells is a lower bound: a segment that was made ahead begins, by its header, in the middle of the
 * one before it, and what a rewrite has made of that one may begin behind it.
 */
function sortByRecords(candidates: Candidate[], gone: Gone[], surveys: readonly Survey[]): void {
  const first = new Map(
    candidates.map((candidate, index) => {
      const { firstSequence } = surveys[index]!
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
  candidates: Candidate[]
  gone: Gone[]
}

async function findCandidates(
  directory: DirectoryFiles,
  spec: LogIdentity,
  { manifest }: InForce,
): Promise<Found> {
  if (manifest === undefined) return everySegment(directory, spec)
  const found: Found = { candidates: [], gone: [] }
  const { segments } = manifest.logs.find(entry => entry.name === spec.name)!
  // Known damage in a segment is met again by the scan. That of a file which is gone stays listed, for the floor
  // above may still be in doubt about what was lost with it.
  const files = new Set(segments.map(listed => `${spec.name}/${segmentName(listed)}`))
  for (const range of manifest.corrupt) {
    const isSegment = parseFileId(range.file.slice(spec.name.length + 1), '.seg') !== undefined
    // Its place was known when it was found first, and what it tells has been in the manifest since.
    if (range.log === spec.name && isSegment && !files.has(range.file)) found.gone.push({ after: 0, range })
  }
  for (const listed of segments) {
    const file = `${spec.name}/${segmentName(listed)}`
    const stat = await directory.fileSystem.stat(join(directory.root, file))
    if (stat !== undefined && stat.kind !== 'file') throw notAFile(directory.root, file)
    if (stat === undefined) {
      const range = missingSegment(spec.name, file, listed)
      found.gone.push({ after: found.candidates.length, range })
      continue
    }
    const end = listed.length ?? stat.size
    const segment = new Segment({ ...listed, log: spec.name, length: end, diskBytes: stat.size })
    const wasOpen = listed.length === undefined
    const { lastSequence } = listed
    found.candidates.push({ segment, wasOpen, fileBytes: stat.size, end, provenEnd: end, lastSequence })
  }
  return found
}

/** No manifest can be relied on: all that is there counts, and a salt is found in the segment's own header only. */
async function everySegment(directory: DirectoryFiles, spec: LogIdentity): Promise<Found> {
  const names = await directory.fileSystem.readdir(join(directory.root, spec.name))
  const ids = names.flatMap(name => parseFileId(name, '.seg') ?? []).sort(compareFileIds)
  const found: Found = { candidates: [], gone: [] }
  for (const id of ids) {
    const file = `${spec.name}/${segmentName(id)}`
    const handle = await openFile(directory, file)
    try {
      const size = await handle.size()
      const header = decodeSegmentHeader(await readAt(handle, 0, SEGMENT_HEADER_BYTES), file)
      if (header === undefined || header.logId !== spec.id) {
        const range = { log: spec.name, file, offset: 0, length: size, nextSequences: {}, known: false }
        found.gone.push({ after: found.candidates.length, range })
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
        // What it was is not known without a manifest.
        compacted: true,
      })
      const bounds = { fileBytes: size, end: size, provenEnd: size, lastSequence: 0 }
      found.candidates.push({ segment, wasOpen: true, ...bounds })
    } finally {
      await handle.close()
    }
  }
  return found
}

async function surveySegment(directory: DirectoryFiles, candidate: Candidate): Promise<Survey> {
  const { segment, fileBytes } = candidate
  const survey = new Survey()
  const file = await openFile(directory, segment.file)
  try {
    const { salted } = segment
    const source = { file, name: segment.file, salted, from: SEGMENT_HEADER_BYTES, to: fileBytes }
    const end = await scanSegment(source, survey)
    survey.end = end.zerosFrom
    survey.proven = end.proven
  } finally {
    await file.close()
  }
  // A copy that an opening made bears lower sequences than its header foretells.
  segment.firstSequence = Math.min(segment.firstSequence, survey.firstSequence)
  candidate.lastSequence = Math.max(candidate.lastSequence, survey.lastSequence)
  return survey
}

/** What one pass over an open segment found. */
class Survey implements ScanSink {
  frames = 0
  firstSequence = Number.POSITIVE_INFINITY
  lastSequence = 0
  /** Where zeros begin that reach to the end of the file. */
  end = 0
  proven = 0
  readonly #bad: { from: number; end: number }[] = []
  /** The list under way at the last frame, by where it begins; -1: none is. */
  readonly #lists: { from: number; end: number }[] = []
  #listFrom = -1

  frame(offset: number, header: FrameHeader): void {
    this.frames += 1
    this.firstSequence = Math.min(this.firstSequence, header.sequence)
    this.lastSequence = Math.max(this.lastSequence, header.sequence)
    const end = offset + FRAME_HEADER_BYTES + header.payloadLength
    if ((header.flags & FLAG_MORE) !== 0) {
      if (this.#listFrom < 0) this.#listFrom = offset
    } else if (this.#listFrom >= 0) {
      this.#lists.push({ from: this.#listFrom, end })
      this.#listFrom = -1
    }
  }

  bad(offset: number, length: number, header: FrameHeader | undefined): void {
    this.#bad.push({ from: offset, end: offset + length })
    if (this.#listFrom >= 0) this.#lists.push({ from: this.#listFrom, end: Number.POSITIVE_INFINITY })
    this.#listFrom = -1
    if (header !== undefined) this.lastSequence = Math.max(this.lastSequence, header.sequence)
  }

  /**
   * Where the bytes stop that count, if this segment can be torn: at the first bad frame that no later frame
   * proves (`durable` beyond it), and before an atomic list that is not whole there. Bad bytes that begin before the
   * last proven offset, where a frame ends, and go on behind it are both: corruption, and then a tear.
   */
  tearAt(): number {
    const torn = this.#bad.find(({ end }) => end > this.proven)
    const end = torn === undefined ? this.end : Math.max(torn.from, this.proven)
    // A list is written in one flush, so one that the tear cuts lies behind what is proven. (A list that corruption
    // cuts keeps its healthy records.)
    const lists =
      this.#listFrom < 0
        ? this.#lists
        : [...this.#lists, { from: this.#listFrom, end: Number.POSITIVE_INFINITY }]
    const cut = lists.find(list => list.from >= this.proven && list.from < end && list.end > end)
    return cut === undefined ? end : cut.from
  }
}

/** One that was open and is gone may never have held a frame; that it is gone is damage all the same. */
export function missingSegment(log: string, file: string, listed: ManifestSegment): CorruptRange {
  const missing =
    listed.lastSequence >= listed.firstSequence
      ? { firstMissing: listed.firstSequence, lastMissing: listed.lastSequence }
      : {}
  return { log, file, offset: 0, length: listed.length ?? 0, ...missing, nextSequences: {}, known: false }
}
