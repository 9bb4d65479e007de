import { systemCode } from '../errors/system-error.js'
import { asWaqError, WaqError } from '../errors/waq-error.js'
import { FRAME_HEADER_BYTES, type FrameHeader, SEGMENT_HEADER_BYTES } from '../format/format.js'
import type { FileHandle } from '../fs/file-system.js'
import { type DirectoryFiles, openFile, readAt } from '../fs/read-file.js'
import { type CurrentManifest, damagedManifest } from '../manifest/current-manifest.js'
import { LogReplay, type ReplayVisitor, replaySegments, visitAround } from '../recovery/log-replay.js'
import { findLosses, mayLackUnsynced } from '../recovery/losses.js'
import type { MissingSegment, RecoveredSegment } from '../recovery/recovered-segment.js'
import { missingSegment, type TailScan } from '../recovery/tail-scan.js'
import { headerIn, noRecord, payloadIn } from '../segment/frame-at.js'
import { scanSegment } from '../segment/scan.js'
import type { CorruptRange, LostRecord, VisitedFrame, Witness } from '../types.js'
import { pull } from './pull.js'

/** A listed file is gone because the owner published a newer manifest: take a new snapshot. */
export class StaleSnapshot extends Error {
  override readonly name = 'StaleSnapshot'
}

/** A segment as a snapshot sees it. */
export interface SnapshotSegment {
  /** Valid in this snapshot only. */
  readonly id: number
  /** Relative to the directory. */
  readonly file: string
  /** No frame has a lower sequence than the first, or a higher one than the last. */
  readonly firstSequence: number
  readonly lastSequence: number
  /** Bytes that count, header included. */
  readonly length: number
  readonly diskBytes: number
  /** The manifest gives its length: it is no longer written to. */
  readonly sealed: boolean
}

export interface SnapshotLog {
  readonly name: string
  /** Exceeds every sequence seen. */
  readonly nextSequence: number
  /** In the order of their first use. */
  readonly segments: readonly SnapshotSegment[]
  /** Bytes after the last frame that counts: a living owner is writing them, otherwise they are a tear. */
  readonly unfinishedBytes: number
}

export interface VisitOptions {
  /** Awaited between two windows of a segment. */
  readonly turn?: () => Promise<void>
  /** Called with the number of bytes read since the last call. */
  readonly onProgress?: (bytes: number) => void
  /** An owner lives or may live: the last bytes may still be being written. Default false. */
  readonly mayBeWritten?: boolean
}

export class LogSnapshot {
  readonly logs: readonly SnapshotLog[]
  /** The newest manifest cannot be read. */
  readonly damagedManifest: CorruptRange | undefined
  readonly #files: DirectoryFiles
  readonly #current: CurrentManifest
  readonly #surveyed: readonly TailScan[]
  readonly #isNewest: () => Promise<boolean>
  readonly #bootId: string | null
  readonly #records = new Map<number, RecordFile>()

  constructor(
    files: DirectoryFiles,
    current: CurrentManifest,
    surveyed: readonly TailScan[],
    isNewest: () => Promise<boolean>,
    bootId: string | null,
  ) {
    this.#files = files
    this.#current = current
    this.#surveyed = surveyed
    this.#isNewest = isNewest
    this.#bootId = bootId
    this.logs = surveyed.map(log => ({
      name: log.spec.name,
      nextSequence: log.nextSequence,
      unfinishedBytes: log.tornBytes,
      segments: log.candidates.map(({ segment, wasOpen, end, lastSequence }) => ({
        id: segment.id,
        file: segment.file,
        firstSequence: segment.firstSequence,
        lastSequence,
        length: end,
        diskBytes: segment.diskBytes,
        sealed: !wasOpen,
      })),
    }))
    this.damagedManifest = damagedManifest(current, this.#nextSequences())
  }

  /** The name of the manifest in force; undefined: there is none. */
  get manifest(): string | undefined {
    return this.#current.file
  }

  log(name: string): SnapshotLog {
    return this.logs.find(log => log.name === name)!
  }

  /**
   * Shows every frame of a log that counts, by segment, and the damage between them. Resolves with the
   * records proven to be lost, known ones included. Rejects with StaleSnapshot or WAQ_IO.
   */
  async visit(
    name: string,
    visitor: ReplayVisitor,
    options: VisitOptions = {},
  ): Promise<readonly LostRecord[]> {
    const log = this.#scanOf(name)
    const witness = visitor.witness?.(name)
    const unsynced = mayLackUnsynced(this.#current, name, this.#bootId)
    if (witness !== undefined && !unsynced && options.mayBeWritten !== true) log.remeasure(witness.highest)
    const corrupt: CorruptRange[] = []
    const known = this.#current.manifest?.corrupt ?? []
    const replay = new LogReplay(log, visitor, this.#nextSequences(), known, corrupt)
    await replaySegments(log, replay, async candidate => {
      const file = await this.#open(candidate)
      if (file === undefined) return replay.gone(missing(log, candidate))
      try {
        await visitSegment(log, candidate, file, replay, options)
      } finally {
        await file.close()
      }
    })
    const nextSequence = Math.max(log.nextSequence, (witness?.highest ?? 0) + 1)
    replay.end(nextSequence)
    if (witness === undefined) return []
    const searched = { name, listed: log.listed, nextSequence, mayLackUnsynced: unsynced }
    const { lost, damage } = findLosses(searched, witness, corrupt)
    const absent = options.mayBeWritten === true ? await this.#stillAbsent(log, lost) : lost
    for (const range of damage) {
      const isLost = absent.some(({ file, known }) => file === range.file && !known)
      if (isLost) visitor.lost(name, { ...range, nextSequences: this.#nextSequences() })
    }
    return absent
  }

  /**
   * Whether a witness that has seen every record of a log names a missing one that must be there. Only
   * `visit` tells for certain.
   */
  suspectsLoss(name: string, witness: Witness): boolean {
    const { listed, nextSequence } = this.#scanOf(name)
    const mayLack = mayLackUnsynced(this.#current, name, this.#bootId)
    const searched = { name, listed, nextSequence, mayLackUnsynced: mayLack }
    return findLosses(searched, witness, this.#current.manifest?.corrupt ?? []).lost.length > 0
  }

  /**
   * A living owner may have written records that other logs name just after this snapshot saw the log: open
   * segments are scanned again. If the manifest has changed meanwhile, records of open segments are not
   * reported.
   */
  async #stillAbsent(log: TailScan, lost: readonly LostRecord[]): Promise<readonly LostRecord[]> {
    const open = new Set(log.listed.filter(({ entry }) => entry.length === undefined).map(({ file }) => file))
    if (!lost.some(({ file, known }) => !known && open.has(file))) return lost
    const there = new Set<number>()
    for (const candidate of log.candidates) {
      const { segment } = candidate
      if (!open.has(segment.file)) continue
      const file = await this.#open(candidate)
      if (file === undefined) continue
      try {
        const source = { file, name: segment.file, salted: segment.salted, from: SEGMENT_HEADER_BYTES }
        const sink = {
          frame: (_: number, { sequence }: FrameHeader) => void there.add(sequence),
          bad: () => {},
        }
        await scanSegment({ ...source, to: await file.size() }, sink)
      } finally {
        await file.close()
      }
    }
    const isNewest = await this.#isNewest()
    return lost.filter(({ sequence, file, known }) => {
      if (known || !open.has(file)) return true
      return isNewest && !there.has(sequence)
    })
  }

  /**
   * Yields the results of `select` for the intact frames of one segment, in batches of at most one window.
   * The frame's data is overwritten after the call. `onDamage` gets each unreadable range, without the
   * missing sequences: only `visit` knows them.
   */
  async *select<T>(
    name: string,
    segment: SnapshotSegment,
    select: (frame: VisitedFrame) => T | undefined,
    onDamage: (range: CorruptRange) => void = () => {},
  ): AsyncGenerator<T[], void, undefined> {
    const log = this.#scanOf(name)
    const candidate = log.candidates.find(each => each.segment.id === segment.id)!
    const file = await this.#open(candidate)
    if (file === undefined) return
    try {
      yield* pull<T>(async (push, turn) => {
        const visitor: ReplayVisitor = {
          frame: (_, frame) => {
            const selected = select(frame)
            if (selected !== undefined) push(selected)
          },
          lost: (_, range) => onDamage(range),
        }
        const replay = new LogReplay(log, visitor, {}, this.#current.manifest?.corrupt ?? [], [])
        await visitSegment(log, candidate, file, replay, { turn })
        replay.end(0)
      })
    } finally {
      await file.close()
    }
  }

  /** The payload of one frame shown before. Its neighbours are read along: a listing needs them next. */
  async read(name: string, segmentId: number, offset: number): Promise<Buffer> {
    const entry = await this.#recordFile(name, segmentId)
    const { segment, end } = entry.candidate
    const place = { segment, offset, room: end - offset }
    const bytes = (length: number): Promise<Buffer> => readWindow(entry, offset, length)
    try {
      const header = headerIn(await bytes(FRAME_HEADER_BYTES), offset, place)
      const whole = header && (await bytes(FRAME_HEADER_BYTES + header.payloadLength))
      const payload = whole && payloadIn(whole, offset, place)
      if (payload !== undefined) return payload
    } catch (error) {
      throw asWaqError(error, `reading ${segment.file} at ${offset} failed`)
    }
    throw noRecord(place)
  }

  async close(): Promise<void> {
    const entries = [...this.#records.values()]
    this.#records.clear()
    for (const { file } of entries) await file.close()
  }

  async #recordFile(name: string, segmentId: number): Promise<RecordFile> {
    const known = this.#records.get(segmentId)
    if (known !== undefined) return known
    const log = this.#scanOf(name)
    const candidate = log.candidates.find(({ segment }) => segment.id === segmentId)!
    const file = await this.#open(candidate)
    if (file === undefined) throw new WaqError('WAQ_CORRUPT', `${candidate.segment.file} is missing`)
    const entry = { candidate, file, window: Buffer.alloc(0), at: 0 }
    this.#records.set(segmentId, entry)
    for (const [id, oldest] of this.#records) {
      if (this.#records.size <= MAX_RECORD_FILES) break
      this.#records.delete(id)
      await oldest.file.close()
    }
    return entry
  }

  #scanOf(name: string): TailScan {
    return this.#surveyed.find(({ spec }) => spec.name === name)!
  }

  /** Undefined: the file is missing, though the newest manifest lists it. */
  async #open({ segment }: RecoveredSegment): Promise<FileHandle | undefined> {
    try {
      return await openFile(this.#files, segment.file)
    } catch (error) {
      if (systemCode((error as Error).cause) !== 'ENOENT') throw error
      if (await this.#isNewest()) return undefined
      throw new StaleSnapshot(`${segment.file} was removed while ${this.#files.root} was read`)
    }
  }

  #nextSequences(): Record<string, number> {
    return Object.fromEntries(this.#surveyed.map(log => [log.spec.name, log.nextSequence]))
  }
}

const MAX_RECORD_FILES = 16
const RECORD_WINDOW_BYTES = 64 * 1024

/** A file for reads of single frames, with the window read last. */
interface RecordFile {
  readonly candidate: RecoveredSegment
  readonly file: FileHandle
  window: Buffer
  at: number
}

async function readWindow(entry: RecordFile, offset: number, length: number): Promise<Buffer> {
  if (offset < entry.at || offset + length > entry.at + entry.window.length) {
    const wanted = Math.max(length, Math.min(RECORD_WINDOW_BYTES, entry.candidate.end - offset))
    entry.window = await readAt(entry.file, offset, wanted)
    entry.at = offset
  }
  return entry.window.subarray(offset - entry.at, offset - entry.at + length)
}

async function visitSegment(
  log: TailScan,
  candidate: RecoveredSegment,
  file: FileHandle,
  replay: LogReplay,
  { turn, onProgress }: VisitOptions,
): Promise<void> {
  const { segment, end } = candidate
  let reported = 0
  const progress = (at: number): void => {
    onProgress?.(at - reported)
    reported = at
  }
  await visitAround(replay, log.spec, candidate, file, async () => {
    if (end <= SEGMENT_HEADER_BYTES) return
    const source = { file, name: segment.file, salted: segment.salted, from: SEGMENT_HEADER_BYTES, to: end }
    let at = SEGMENT_HEADER_BYTES
    const scanned = await scanSegment(source, {
      frame: (offset: number, frame: FrameHeader, payload: Buffer) => {
        at = offset + FRAME_HEADER_BYTES + payload.length
        replay.frame(segment, offset, frame, payload)
      },
      bad: (offset: number, length: number, frame: FrameHeader | undefined) => {
        at = offset + length
        replay.bad(segment, offset, length, frame)
      },
      turn: async () => {
        progress(at)
        await turn?.()
      },
    })
    if (scanned.zerosFrom < end) replay.bad(segment, scanned.zerosFrom, end - scanned.zerosFrom, undefined)
  })
  progress(end)
}

function missing(
  { spec }: TailScan,
  { segment, wasOpen, lastSequence, end }: RecoveredSegment,
): Pick<MissingSegment, 'range' | 'unbounded'> {
  const { file, epoch, ordinal, token, salt, firstSequence, compacted } = segment
  const length = wasOpen ? undefined : end
  const listed = { epoch, ordinal, token, salt, firstSequence, lastSequence, length, compacted }
  return { range: missingSegment(spec.name, file, listed), unbounded: wasOpen }
}
