/**
 * Opening: from the newest manifest and the bytes on disk to the segments that count.
 *
 * 1. The newest manifest says which segments count, and how far. (Where both its copies are bad, every segment
 *    that is there counts as open.)
 * 2. Open segments are surveyed: where their frames end, what of them is proven, what is a tear (invariant 7).
 * 3. Every frame that counts is shown to the floor above, log by log. Frames that are not proven are copied on the
 *    way into a fresh segment (invariant 8), with the same sequences.
 * 4. The caller publishes the first manifest: it lists the copies and cuts the originals, in one step.
 *
 * Nothing that existed before is written to (invariant 1), and until that manifest is durable nothing is deleted.
 */
import { randomBytes } from 'node:crypto'
import type { Directory } from './directory.js'
import { asWaqError, systemCode, WaqError } from './errors.js'
import type { FileHandle } from './file-system.js'
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  FLAG_MORE,
  FRAME_HEADER_BYTES,
  type FrameHeader,
  SALT_BYTES,
  SEGMENT_HEADER_BYTES,
  sealFrame,
} from './format.js'
import { decodeManifest, type Manifest, type ManifestSegment } from './manifest.js'
import { compareFileIds, type FileId, MANIFESTS, parseFileId, segmentName } from './names.js'
import { quarantine } from './quarantine.js'
import { type ScanSink, scanSegment } from './scan.js'
import { Segment } from './segment.js'
import type { CorruptRange, LogSpec, OpenVisitor } from './types.js'
import { writeFully } from './write.js'

export interface RecoveredLog {
  readonly segments: Segment[]
  readonly nextSequence: number
  readonly lowWater: number
}

export interface Recovered {
  readonly logs: ReadonlyMap<string, RecoveredLog>
  /** Old and new damage, as the first manifest lists it. */
  readonly corrupt: readonly CorruptRange[]
  readonly tornBytes: number
  /** Manifest files that stand: void as soon as the first manifest of this opening is durable. */
  readonly manifests: readonly string[]
}

export async function recover(
  directory: Directory,
  specs: readonly LogSpec[],
  onCorruption: 'quarantine' | 'refuse',
  visitor: OpenVisitor,
): Promise<Recovered> {
  const inForce = await readNewestManifest(directory, specs)
  const recovery = new Recovery(directory, specs, inForce, visitor)
  await recovery.survey()
  await recovery.visit()
  const found = recovery.corrupt.filter(range => !range.known)
  if (found.length > 0 && onCorruption === 'refuse') throw corruptionRefused(directory, found)
  await quarantine(directory, found)
  await recovery.writeCopies()
  return recovery.result()
}

interface InForce {
  /** Undefined: none at all (a new directory), or none that can be read. */
  readonly manifest: Manifest | undefined
  readonly names: readonly string[]
  /** Both copies of the newest one are bad, or it is gone though segments are there. */
  readonly damage: { file: string; length: number } | undefined
}

async function readNewestManifest(directory: Directory, specs: readonly LogSpec[]): Promise<InForce> {
  const listed = await directory.fileSystem.readdir(directory.path(MANIFESTS))
  const ids = listed.flatMap(name => parseFileId(name, '') ?? []).sort(compareFileIds)
  const names = listed.filter(name => parseFileId(name, '') !== undefined)
  const newest = ids.at(-1)
  if (newest === undefined) {
    for (const spec of specs) {
      const files = await directory.fileSystem.readdir(directory.path(spec.name))
      // A segment is created only after the first manifest was durable.
      if (files.some(name => parseFileId(name, '.seg')))
        return { manifest: undefined, names, damage: { file: MANIFESTS, length: 0 } }
    }
    return { manifest: undefined, names, damage: undefined }
  }
  const name = names.find(candidate => compareFileIds(parseFileId(candidate, '')!, newest) === 0)!
  const file = `${MANIFESTS}/${name}`
  const bytes = await readWhole(directory, file)
  const manifest = decodeManifest(bytes, file)
  if (manifest === undefined) return { manifest, names, damage: { file, length: bytes.length } }
  const known = specs.map(spec => spec.name)
  const others = manifest.logs.map(log => log.name).filter(log => !known.includes(log))
  if (others.length > 0 || manifest.logs.length !== known.length) {
    throw new WaqError(
      'WAQ_NOT_A_QUEUE',
      `${directory.root} holds the logs ${manifest.logs.map(log => log.name).join(', ')}, not ${known.join(', ')}; open it with what wrote it`,
    )
  }
  return { manifest, names, damage: undefined }
}

/** A segment on its way through recovery. */
interface Candidate {
  readonly segment: Segment
  readonly wasOpen: boolean
  readonly fileBytes: number
  /** Bytes that count of it; set by the survey for open ones. */
  end: number
  /** From here to `end` its frames are not proven: they are copied. */
  copyFrom: number
}

/** Damage that leaves no segment to scan: its file is gone, or can not be recognised. It has a place in the order all the same. */
interface Gone extends FileId {
  readonly range: CorruptRange
}

interface LogRecovery {
  readonly spec: LogSpec
  candidates: Candidate[]
  gone: Gone[]
  nextSequence: number
  lowWater: number
  copy: Copy | undefined
}

interface Copy {
  readonly segment: Segment
  readonly parts: Buffer[]
}

class Recovery {
  readonly #directory: Directory
  readonly #inForce: InForce
  readonly #visitor: OpenVisitor
  readonly #logs: LogRecovery[]
  readonly corrupt: CorruptRange[] = []
  #tornBytes = 0

  constructor(directory: Directory, specs: readonly LogSpec[], inForce: InForce, visitor: OpenVisitor) {
    this.#directory = directory
    this.#inForce = inForce
    this.#visitor = visitor
    this.#logs = specs.map(spec => {
      const listed = inForce.manifest?.logs.find(log => log.name === spec.name)
      return {
        spec,
        candidates: [],
        gone: [],
        nextSequence: listed?.nextSequence ?? 1,
        lowWater: listed?.lowWater ?? 0,
        copy: undefined,
      }
    })
  }

  result(): Recovered {
    const logs = new Map<string, RecoveredLog>()
    for (const log of this.#logs) {
      const segments = log.candidates.flatMap(candidate =>
        candidate.segment.holdsFrames ? [candidate.segment] : [],
      )
      if (log.copy !== undefined) segments.push(log.copy.segment)
      const nextSequence = Math.max(log.nextSequence, this.#visitor.nextSequenceAtLeast(log.spec.name))
      logs.set(log.spec.name, { segments, nextSequence, lowWater: log.lowWater })
    }
    return { logs, corrupt: this.corrupt, tornBytes: this.#tornBytes, manifests: this.#inForce.names }
  }

  // ── The survey: how far open segments count ─────────────────────────────────────────────────────────────────

  async survey(): Promise<void> {
    const { damage } = this.#inForce
    for (const log of this.#logs) await this.#findCandidates(log)
    for (const log of this.#logs) await this.#surveyLog(log)
    if (damage !== undefined) {
      this.corrupt.push({
        log: MANIFESTS,
        file: damage.file,
        offset: 0,
        length: damage.length,
        nextSequences: this.#nextSequences(),
        known: false,
      })
    }
  }

  async #findCandidates(log: LogRecovery): Promise<void> {
    const { manifest } = this.#inForce
    if (manifest === undefined) {
      log.candidates = await this.#everySegment(log)
      return
    }
    const { segments } = manifest.logs.find(entry => entry.name === log.spec.name)!
    // Known damage in a segment is met again by the scan. That of a file which is gone stays listed, for the floor
    // above may still be in doubt about what was lost with it.
    const files = new Set(segments.map(listed => `${log.spec.name}/${segmentName(listed)}`))
    for (const range of manifest.corrupt) {
      const id = parseFileId(range.file.slice(log.spec.name.length + 1), '.seg')
      if (range.log === log.spec.name && id !== undefined && !files.has(range.file))
        log.gone.push({ ...id, range })
    }
    for (const listed of segments) {
      const file = `${log.spec.name}/${segmentName(listed)}`
      const stat = await this.#directory.fileSystem.stat(this.#directory.path(file))
      if (stat === undefined || stat.kind !== 'file') {
        log.gone.push({ ...listed, range: missingSegment(log.spec.name, file, listed) })
        continue
      }
      const segment = new Segment({
        ...listed,
        log: log.spec.name,
        length: listed.length ?? stat.size,
        diskBytes: stat.size,
      })
      const end = listed.length ?? stat.size
      log.candidates.push({
        segment,
        wasOpen: listed.length === undefined,
        fileBytes: stat.size,
        end,
        copyFrom: end,
      })
    }
  }

  /** No manifest can be relied on: all that is there counts, and a salt is found in the segment's own header only. */
  async #everySegment(log: LogRecovery): Promise<Candidate[]> {
    const names = await this.#directory.fileSystem.readdir(this.#directory.path(log.spec.name))
    const ids = names.flatMap(name => parseFileId(name, '.seg') ?? []).sort(compareFileIds)
    const candidates: Candidate[] = []
    for (const id of ids) {
      const file = `${log.spec.name}/${segmentName(id)}`
      const handle = await this.#open(file)
      try {
        const size = await handle.size()
        const header = decodeSegmentHeader(await readAt(handle, 0, SEGMENT_HEADER_BYTES), file)
        if (header === undefined || header.logId !== log.spec.id) {
          const range = { log: log.spec.name, file, offset: 0, length: size, nextSequences: {}, known: false }
          log.gone.push({ ...id, range })
          continue
        }
        const segment = new Segment({
          ...id,
          log: log.spec.name,
          salt: header.salt,
          firstSequence: header.firstSequence,
          lastSequence: 0,
          length: size,
          diskBytes: size,
        })
        candidates.push({ segment, wasOpen: true, fileBytes: size, end: size, copyFrom: size })
      } finally {
        await handle.close()
      }
    }
    return candidates
  }

  async #surveyLog(log: LogRecovery): Promise<void> {
    const open = log.candidates.filter(candidate => candidate.wasOpen)
    const surveys: Survey[] = []
    for (const candidate of open) surveys.push(await this.#surveySegment(log, candidate))
    // Only the last one that holds a frame can be torn; behind it there is none, and in front all was synced.
    const lastWithFrames = surveys.findLastIndex(survey => survey.frames > 0)
    open.forEach((candidate, index) => {
      const survey = surveys[index]!
      const tearable = index >= lastWithFrames || this.#inForce.manifest === undefined
      const end = tearable ? survey.tearAt() : survey.end
      if (tearable) this.#tornBytes += survey.end - end
      candidate.end = end
      candidate.copyFrom = tearable ? Math.min(survey.proven, end) : end
      candidate.segment.limit(candidate.copyFrom)
    })
  }

  async #surveySegment(log: LogRecovery, candidate: Candidate): Promise<Survey> {
    const survey = new Survey()
    const file = await this.#open(candidate.segment.file)
    try {
      const end = await scanSegment(
        {
          file,
          name: candidate.segment.file,
          salted: candidate.segment.salted,
          from: SEGMENT_HEADER_BYTES,
          to: candidate.fileBytes,
        },
        survey,
      )
      survey.end = end.zerosFrom
      survey.proven = end.proven
    } finally {
      await file.close()
    }
    // Also of frames that do not count: a sequence is never given twice (invariant 2).
    log.nextSequence = Math.max(log.nextSequence, survey.lastSequence + 1)
    return survey
  }

  // ── The visit: what counts is shown, and copied where it is not proven ──────────────────────────────────────

  async visit(): Promise<void> {
    for (const log of this.#logs) {
      const visit = new LogVisit(
        log,
        this.#visitor,
        this.#nextSequences(),
        this.#inForce.manifest?.corrupt ?? [],
        this.corrupt,
      )
      const gone = log.gone.sort(compareFileIds)
      for (const candidate of log.candidates) {
        while (gone[0] !== undefined && compareFileIds(gone[0], candidate.segment) < 0)
          visit.gone(gone.shift()!.range)
        const file = await this.#open(candidate.segment.file)
        try {
          await this.#visitSegment(log, visit, candidate, file)
        } finally {
          await file.close()
        }
      }
      for (const { range } of gone) visit.gone(range)
      visit.end(log.nextSequence)
      log.nextSequence = Math.max(log.nextSequence, visit.lastSequence + 1)
    }
  }

  async #visitSegment(
    log: LogRecovery,
    visit: LogVisit,
    candidate: Candidate,
    file: FileHandle,
  ): Promise<void> {
    const { segment } = candidate
    const source = { file, name: segment.file, salted: segment.salted }
    const header = decodeSegmentHeader(await readAt(file, 0, SEGMENT_HEADER_BYTES), segment.file)
    // The manifest has the salt too, so the frames do not need the header; that it is wrong is damage all the same.
    const sound =
      header?.salt.equals(segment.salt) &&
      header.epoch === segment.epoch &&
      header.ordinal === segment.ordinal &&
      header.logId === log.spec.id
    if (!sound) visit.bad(segment, 0, SEGMENT_HEADER_BYTES, undefined)
    if (candidate.copyFrom > SEGMENT_HEADER_BYTES) {
      const to = candidate.copyFrom
      const scanned = await scanSegment(
        { ...source, from: SEGMENT_HEADER_BYTES, to },
        {
          frame: (offset, frame, payload) => visit.frame(segment, offset, frame, payload),
          bad: (offset, length, frame) => visit.bad(segment, offset, length, frame),
        },
      )
      // Inside its accepted length a segment has no clean end but that length.
      if (scanned.zerosFrom < to) visit.bad(segment, scanned.zerosFrom, to - scanned.zerosFrom, undefined)
    }
    if (candidate.end > candidate.copyFrom) {
      log.copy ??= this.#newCopy(log)
      const { copy } = log
      await scanSegment(
        { ...source, from: candidate.copyFrom, to: candidate.end },
        {
          frame: (_, frame, payload) =>
            visit.frame(copy.segment, appendCopy(copy, frame, payload), frame, payload),
          bad: (offset, length, frame) => visit.bad(segment, offset, length, frame),
        },
      )
    }
  }

  // ── Copies ──────────────────────────────────────────────────────────────────────────────────────────────────

  #newCopy(log: LogRecovery): Copy {
    const id = { epoch: this.#directory.epoch, ordinal: this.#directory.nextOrdinal() }
    const salt = randomBytes(SALT_BYTES)
    const segment = new Segment({
      log: log.spec.name,
      ...id,
      salt,
      firstSequence: log.nextSequence,
      lastSequence: 0,
      length: SEGMENT_HEADER_BYTES,
      diskBytes: SEGMENT_HEADER_BYTES,
    })
    const header = encodeSegmentHeader({
      logId: log.spec.id,
      ...id,
      salt,
      firstSequence: log.nextSequence,
      createdAt: this.#directory.now(),
    })
    return { segment, parts: [header] }
  }

  /** Written whole and synced with their directory before any manifest lists them. */
  async writeCopies(): Promise<void> {
    for (const { copy, spec } of this.#logs) {
      if (copy === undefined) continue
      const bytes = Buffer.concat(copy.parts)
      const path = this.#directory.path(copy.segment.file)
      await this.#directory.withRoom(async () => {
        const file = await this.#directory.fileSystem.create(path)
        try {
          await writeFully(file, bytes, 0)
          await file.sync()
        } catch (error) {
          await this.#directory.fileSystem.unlink(path).catch(() => {}) // void; and the name is free for another try
          throw asWaqError(error, `copying the end of the ${spec.name} log failed`)
        } finally {
          await file.close()
        }
      })
      await this.#directory.fileSystem.syncDirectory(this.#directory.path(spec.name))
    }
  }

  async #open(file: string): Promise<FileHandle> {
    try {
      return await this.#directory.fileSystem.open(this.#directory.path(file), 'read')
    } catch (error) {
      throw asWaqError(error, `opening ${file} failed`)
    }
  }

  #nextSequences(): Record<string, number> {
    return Object.fromEntries(this.#logs.map(log => [log.spec.name, log.nextSequence]))
  }
}

/** Encodes a frame at the end of a copy; returns where it stands there. What is copied is whole, so no list is open any more. */
function appendCopy(copy: Copy, header: FrameHeader, payload: Buffer): number {
  const { segment } = copy
  const offset = segment.length
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length)
  payload.copy(frame, FRAME_HEADER_BYTES)
  const flags = header.flags & ~FLAG_MORE
  sealFrame(
    frame,
    0,
    payload.length,
    header.type,
    flags,
    SEGMENT_HEADER_BYTES,
    header.sequence,
    segment.salted,
    offset,
  )
  copy.parts.push(frame)
  if (copy.parts.length === 2) segment.firstSequence = header.sequence
  segment.firstSequence = Math.min(segment.firstSequence, header.sequence)
  segment.lastSequence = Math.max(segment.lastSequence, header.sequence)
  segment.limit(offset + frame.length)
  segment.diskBytes = segment.length
  return offset
}

/** What one pass over an open segment found. */
class Survey implements ScanSink {
  frames = 0
  lastSequence = 0
  /** Where zeros begin that reach to the end of the file. */
  end = 0
  proven = 0
  readonly #bad: number[] = []
  /** The list under way at the last frame, by where it begins; -1: none is. */
  readonly #lists: { from: number; end: number }[] = []
  #listFrom = -1

  frame(offset: number, header: FrameHeader): void {
    this.frames += 1
    this.lastSequence = Math.max(this.lastSequence, header.sequence)
    const end = offset + FRAME_HEADER_BYTES + header.payloadLength
    if ((header.flags & FLAG_MORE) !== 0) {
      if (this.#listFrom < 0) this.#listFrom = offset
    } else if (this.#listFrom >= 0) {
      this.#lists.push({ from: this.#listFrom, end })
      this.#listFrom = -1
    }
  }

  bad(offset: number, _length: number, header: FrameHeader | undefined): void {
    this.#bad.push(offset)
    if (this.#listFrom >= 0) this.#lists.push({ from: this.#listFrom, end: Number.POSITIVE_INFINITY })
    this.#listFrom = -1
    if (header !== undefined) this.lastSequence = Math.max(this.lastSequence, header.sequence)
  }

  /**
   * Where the bytes stop that count, if this segment can be torn: at the first bad frame that no later frame
   * proves (`durable` beyond it), and before an atomic list that is not whole there.
   */
  tearAt(): number {
    const tear = this.#bad.find(offset => offset >= this.proven)
    const end = tear ?? this.end
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

/** Shows one log to the floor above, and gathers what is bad on the way. */
class LogVisit {
  readonly #log: LogRecovery
  readonly #visitor: OpenVisitor
  readonly #nextSequences: Readonly<Record<string, number>>
  readonly #known: readonly CorruptRange[]
  readonly #corrupt: CorruptRange[]
  /** Damage whose missing sequences are known only with the next frame. */
  #waiting: { range: CorruptRange; exact: number | undefined }[] = []
  lastSequence = 0

  constructor(
    log: LogRecovery,
    visitor: OpenVisitor,
    nextSequences: Readonly<Record<string, number>>,
    known: readonly CorruptRange[],
    corrupt: CorruptRange[],
  ) {
    this.#log = log
    this.#visitor = visitor
    this.#nextSequences = nextSequences
    this.#known = known
    this.#corrupt = corrupt
  }

  frame(segment: Segment, offset: number, header: FrameHeader, payload: Buffer): void {
    if (this.#waiting.length > 0) this.#tell(header.sequence)
    this.lastSequence = Math.max(this.lastSequence, header.sequence)
    if (segment.lastSequence < header.sequence) segment.lastSequence = header.sequence
    if (header.sequence < this.#log.lowWater) return
    this.#visitor.frame(this.#log.spec.name, {
      sequence: header.sequence,
      type: header.type,
      data: payload,
      segment: segment.id,
      offset,
    })
  }

  bad(segment: Segment, offset: number, length: number, header: FrameHeader | undefined): void {
    const { file } = segment
    const known = this.#known.find(
      range => range.file === file && range.offset === offset && range.length === length,
    )
    const range = known ?? {
      log: this.#log.spec.name,
      file,
      offset,
      length,
      nextSequences: this.#nextSequences,
      known: false,
    }
    this.#waiting.push({ range, exact: header?.sequence })
    if (header !== undefined) this.lastSequence = Math.max(this.lastSequence, header.sequence)
  }

  /** Damage without a segment. */
  gone(range: CorruptRange): void {
    const complete = range.known ? range : { ...range, nextSequences: this.#nextSequences }
    this.#corrupt.push(complete)
    this.#visitor.lost(this.#log.spec.name, complete)
  }

  end(nextSequence: number): void {
    this.#tell(nextSequence)
  }

  #tell(nextSequence: number): void {
    for (const { range, exact } of this.#waiting.splice(0)) {
      const firstMissing = exact ?? this.lastSequence + 1
      const lastMissing = exact ?? nextSequence - 1
      // A header holds no record; a gap without a sequence in it lost none.
      const complete =
        range.known || range.offset === 0 || lastMissing < firstMissing
          ? range
          : { ...range, firstMissing, lastMissing }
      this.#corrupt.push(complete)
      this.#visitor.lost(this.#log.spec.name, complete)
    }
  }
}

/** One that was open and is gone may never have held a frame; that it is gone is damage all the same. */
function missingSegment(log: string, file: string, listed: ManifestSegment): CorruptRange {
  const missing =
    listed.lastSequence >= listed.firstSequence
      ? { firstMissing: listed.firstSequence, lastMissing: listed.lastSequence }
      : {}
  return { log, file, offset: 0, length: listed.length ?? 0, ...missing, nextSequences: {}, known: false }
}

async function readWhole(directory: Directory, file: string): Promise<Buffer> {
  try {
    const handle = await directory.fileSystem.open(directory.path(file), 'read')
    try {
      return await readAt(handle, 0, await handle.size())
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return Buffer.alloc(0)
    throw asWaqError(error, `reading ${file} failed`)
  }
}

async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  let filled = 0
  while (filled < length) {
    const read = await file.read(bytes, filled, length - filled, offset + filled)
    if (read === 0) break
    filled += read
  }
  return bytes.subarray(0, filled)
}

function corruptionRefused(directory: Directory, found: readonly CorruptRange[]): WaqError {
  const first = found[0]!
  return new WaqError(
    'WAQ_CORRUPT',
    `${directory.root} is damaged: ${first.file} at ${first.offset}, ${first.length} bytes` +
      `${found.length > 1 ? ` (and ${found.length - 1} more places)` : ''}. ` +
      `Opening with onCorruption: 'quarantine' keeps a copy of these bytes and loads the rest.`,
  )
}
