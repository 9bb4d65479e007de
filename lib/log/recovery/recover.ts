/**
 * Opening: finds the segments that count from the newest manifest and the bytes on disk.
 *
 * 1. The newest manifest says which segments count, and how far. (If both its copies are bad, every existing
 *    segment counts as open.)
 * 2. Open segments are scanned for where their frames end, how much is proven, and what is a tear (invariant
 *    7).
 * 3. Every frame that counts is shown to the store, log by log. Unproven frames are copied on the way into a
 *    fresh segment (invariant 8), with the same sequences.
 * 4. The caller publishes the first manifest: it lists the copies and cuts the originals, in one step.
 *
 * No existing file is written to (invariant 1), and nothing is deleted until that manifest is durable.
 */

import type { DirectoryContext } from '../directory/directory-context.js'
import { WaqError } from '../errors/waq-error.js'
import { type FrameHeader, SEGMENT_HEADER_BYTES } from '../format/format.js'
import type { FileHandle } from '../fs/file-system.js'
import { openFile } from '../fs/read-file.js'
import { writeFully } from '../fs/write.js'
import { type CurrentManifest, damagedManifest, readNewestManifest } from '../manifest/current-manifest.js'
import { beginCopiedSegment, copyFrame } from '../segment/copied-segment.js'
import { ScanBuffers, type ScanSink, scanSegment } from '../segment/scan.js'
import type { Segment } from '../segment/segment.js'
import type { CorruptRange, LogSpec, LostRecord, OpenVisitor, Witness } from '../types.js'
import { LogReplay, replaySegments, visitAround } from './log-replay.js'
import { findLosses, mayLackUnsynced } from './losses.js'
import { quarantine } from './quarantine.js'
import type { RecoveredSegment } from './recovered-segment.js'
import { scanTails, type TailScan } from './tail-scan.js'

export interface RecoveredLog {
  readonly segments: Segment[]
  readonly nextSequence: number
  readonly lowWater: number
  readonly tailInDoubt: boolean
}

export interface Recovered {
  /** The directory's; undefined if it has none yet. */
  readonly identity: string | undefined
  readonly logs: ReadonlyMap<string, RecoveredLog>
  /** Old and new damage, as the first manifest lists it. */
  readonly corrupt: readonly CorruptRange[]
  readonly tornBytes: number
  /** Records proven to be lost, except those that an earlier opening reported. */
  readonly lost: readonly LostRecord[]
  /** Existing manifest files: void once the first manifest of this opening is durable. */
  readonly manifests: readonly string[]
}

export async function recover(
  directory: DirectoryContext,
  specs: readonly LogSpec[],
  onCorruption: 'quarantine' | 'refuse',
  visitor: OpenVisitor,
  bootId: string | null,
): Promise<Recovered> {
  const current = await readNewestManifest(directory, specs)
  const logs: LogRecovery[] = []
  for (const spec of specs) {
    const surveyed = await scanTails(directory, spec, current)
    const { nextSequence } = surveyed
    const unsynced = mayLackUnsynced(current, spec.name, bootId)
    const tailInDoubt = spec.accountsForTail === true && isTailInDoubt(current, spec.name, unsynced)
    logs.push({ spec, surveyed, nextSequence, mayLackUnsynced: unsynced, tailInDoubt, copy: undefined })
  }
  const recovery = new Recovery(directory, current, logs, visitor)
  await recovery.visit()
  const found = recovery.corrupt.filter(range => !range.known)
  if (found.length > 0 && onCorruption === 'refuse') throw corruptionRefused(directory, found)
  await quarantine(directory, found)
  await recovery.writeCopies()
  return recovery.result()
}

/** See `OpenVisitor.tailInDoubt`. Segments of exact length were synced whole. */
function isTailInDoubt(
  { manifest, damage }: CurrentManifest,
  log: string,
  mayLackUnsynced: boolean,
): boolean {
  if (manifest === undefined) return damage !== undefined
  const { tailInDoubt, segments } = manifest.logs.find(({ name }) => name === log)!
  return tailInDoubt || (mayLackUnsynced && segments.some(({ length }) => length === undefined))
}

interface LogRecovery {
  readonly spec: LogSpec
  readonly surveyed: TailScan
  /** A power loss may have taken accepted records without any damage. */
  readonly mayLackUnsynced: boolean
  readonly tailInDoubt: boolean
  nextSequence: number
  copy: Copy | undefined
}

interface Copy {
  readonly segment: Segment
  readonly parts: Buffer[]
}

class Recovery {
  readonly #directory: DirectoryContext
  readonly #current: CurrentManifest
  readonly #visitor: OpenVisitor
  readonly #logs: LogRecovery[]
  readonly corrupt: CorruptRange[] = []
  readonly #lost: LostRecord[] = []
  readonly #buffers = new ScanBuffers()

  constructor(
    directory: DirectoryContext,
    current: CurrentManifest,
    logs: LogRecovery[],
    visitor: OpenVisitor,
  ) {
    this.#directory = directory
    this.#current = current
    this.#visitor = visitor
    this.#logs = logs
    const damaged = damagedManifest(current, this.#nextSequences())
    if (damaged !== undefined) this.corrupt.push(damaged)
  }

  result(): Recovered {
    const logs = new Map<string, RecoveredLog>()
    for (const log of this.#logs) {
      const segments = log.surveyed.candidates.flatMap(candidate =>
        candidate.segment.holdsFrames ? [candidate.segment] : [],
      )
      if (log.copy?.segment.holdsFrames) segments.push(log.copy.segment)
      const { nextSequence, surveyed, tailInDoubt } = log
      logs.set(log.spec.name, { segments, nextSequence, lowWater: surveyed.lowWater, tailInDoubt })
    }
    const { identity, names: manifests } = this.#current
    const tornBytes = this.#logs.reduce((sum, log) => sum + log.surveyed.tornBytes, 0)
    return { identity, logs, corrupt: this.corrupt, tornBytes, lost: this.#lost, manifests }
  }

  // ── The visit: what counts is shown, and copied where it is not proven ─────────────────────────

  async visit(): Promise<void> {
    for (const log of this.#logs) {
      const { spec, surveyed } = log
      const witness = this.#visitor.witness?.(spec.name)
      if (witness !== undefined && !log.mayLackUnsynced) surveyed.remeasure(witness.highest)
      log.nextSequence = Math.max(log.nextSequence, this.#visitor.nextSequenceAtLeast(spec.name))
      // Proven bytes stay where they are; the rest is copied.
      for (const { wasOpen, segment, provenEnd } of surveyed.candidates) if (wasOpen) segment.cut(provenEnd)
      if (log.tailInDoubt) this.#visitor.tailInDoubt?.(spec.name)
      const replay = new LogReplay(
        surveyed,
        this.#visitor,
        this.#nextSequences(),
        this.#current.manifest?.corrupt ?? [],
        this.corrupt,
      )
      await replaySegments(surveyed, replay, async candidate => {
        const file = await openFile(this.#directory, candidate.segment.file)
        try {
          await this.#visitSegment(log, replay, candidate, file)
        } finally {
          await file.close()
        }
      })
      replay.end(log.nextSequence)
      log.nextSequence = Math.max(log.nextSequence, replay.lastSequence + 1)
      if (witness !== undefined) this.#addLosses(log, witness)
    }
  }

  #addLosses(log: LogRecovery, witness: Witness): void {
    const { spec, surveyed, nextSequence, mayLackUnsynced } = log
    const searched = { name: spec.name, listed: surveyed.listed, nextSequence, mayLackUnsynced }
    const { lost, damage } = findLosses(searched, witness, this.corrupt)
    for (const record of lost) if (!record.known) this.#lost.push(record)
    const nextSequences = this.#nextSequences()
    for (const range of damage) {
      this.corrupt.push({ ...range, nextSequences })
      this.#visitor.lost(spec.name, { ...range, nextSequences })
    }
  }

  async #visitSegment(
    log: LogRecovery,
    replay: LogReplay,
    candidate: RecoveredSegment,
    file: FileHandle,
  ): Promise<void> {
    const { segment, provenEnd, end, wasOpen } = candidate
    const { file: name, salted } = segment
    await visitAround(replay, log.spec, candidate, file, async () => {
      if (provenEnd > SEGMENT_HEADER_BYTES) {
        const to = provenEnd
        const source = { file, name, salted, from: SEGMENT_HEADER_BYTES, to, buffers: this.#buffers }
        const scanned = await scanSegment(source, new ReplaySink(replay, segment, undefined, wasOpen))
        // Zeros within the accepted length are damage: a segment's only clean end is that length.
        if (scanned.zerosFrom < to) replay.bad(segment, scanned.zerosFrom, to - scanned.zerosFrom, undefined)
      }
      if (end > provenEnd) {
        log.copy ??= this.#newCopy(log)
        const { copy } = log
        const source = { file, name, salted, from: provenEnd, to: end, buffers: this.#buffers }
        await scanSegment(source, new ReplaySink(replay, segment, copy, false))
      }
    })
  }

  // ── Copies ─────────────────────────────────────────────────────────────────────────────────────

  /** It counts as compacted if one of its sources may be. */
  #newCopy({ spec, nextSequence, surveyed: { candidates } }: LogRecovery): Copy {
    const compacted = candidates.some(({ wasOpen, segment }) => wasOpen && segment.compacted)
    const { segment, header } = beginCopiedSegment(this.#directory, spec, nextSequence, compacted)
    return { segment, parts: [header] }
  }

  /** Written whole and synced with their directory before any manifest lists them. */
  async writeCopies(): Promise<void> {
    for (const { copy, spec } of this.#logs) {
      if (!copy?.segment.holdsFrames) continue
      const bytes = Buffer.concat(copy.parts)
      const path = this.#directory.path(copy.segment.file)
      copy.segment.diskBytes = bytes.length
      await this.#directory.withRoom(async () => {
        const file = await this.#directory.create(path)
        try {
          await writeFully(file, bytes, 0)
          await file.sync()
        } catch (error) {
          // It is void; removing it frees the name for another try.
          await this.#directory.fileSystem.unlink(path).catch(() => {})
          throw this.#directory.failure(error, `copying the end of the ${spec.name} log failed`)
        } finally {
          await file.close()
        }
      })
      await this.#directory.fileSystem.syncDirectory(this.#directory.path(spec.name))
    }
  }

  #nextSequences(): Record<string, number> {
    return Object.fromEntries(this.#logs.map(log => [log.spec.name, log.nextSequence]))
  }
}

/**
 * Replays what the scan finds in one segment, at its own position or at that of its copy. It is a class so
 * that every scan sees the same kind of object: with a closure per segment, V8 kept discarding the scan's
 * compiled code.
 */
class ReplaySink implements ScanSink {
  readonly #replay: LogReplay
  readonly #segment: Segment
  readonly #copy: Copy | undefined
  /** The segment was open: the scan finds its sequences. */
  readonly #learns: boolean

  constructor(replay: LogReplay, segment: Segment, copy: Copy | undefined, learns: boolean) {
    this.#replay = replay
    this.#segment = segment
    this.#copy = copy
    this.#learns = learns
  }

  frame(offset: number, header: FrameHeader, payload: Buffer): void {
    const copy = this.#copy
    if (this.#learns) this.#segment.met(header.sequence)
    if (copy === undefined) this.#replay.frame(this.#segment, offset, header, payload)
    else this.#replay.frame(copy.segment, appendCopy(copy, header, payload), header, payload)
  }

  bad(offset: number, length: number, header: FrameHeader | undefined): void {
    if (this.#learns && header !== undefined) this.#segment.met(header.sequence)
    this.#replay.bad(this.#segment, offset, length, header)
  }
}

/** Appends a frame to a copy; returns its offset there. */
function appendCopy({ segment, parts }: Copy, header: FrameHeader, payload: Buffer): number {
  const offset = segment.length
  parts.push(copyFrame(segment, header, payload))
  return offset
}

function corruptionRefused(directory: DirectoryContext, found: readonly CorruptRange[]): WaqError {
  const first = found[0]!
  return new WaqError(
    'WAQ_CORRUPT',
    `${directory.root} is damaged: ${first.file} at ${first.offset}, ${first.length} bytes` +
      `${found.length > 1 ? ` (and ${found.length - 1} more places)` : ''}. ` +
      `Opening with onCorruption: 'quarantine' keeps a copy of these bytes and loads the rest.`,
  )
}
