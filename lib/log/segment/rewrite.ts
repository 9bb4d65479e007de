/**
 * Compaction: copies the records still needed from some sealed segments into new ones. Every CRC is verified
 * on the way, and the copies get a fresh salt (invariant 12). No copy counts until one manifest lists the
 * copies instead of the originals: a crash before it leaves void copies, one after it void originals.
 */

import type { DirectoryContext } from '../directory/directory-context.js'
import { WaqError } from '../errors/waq-error.js'
import { FRAME_HEADER_BYTES, SEGMENT_HEADER_BYTES } from '../format/format.js'
import { segmentName } from '../format/names.js'
import type { FileHandle } from '../fs/file-system.js'
import { writeFully } from '../fs/write.js'
import { nextTurn } from '../runtime/real-time.js'
import type { LogSpec, PutRecord, RewriteOptions } from '../types.js'
import { beginCopiedSegment, type CopiedHeader, copyFrame } from './copied-segment.js'
import { type ScanSink, scanSegment } from './scan.js'
import type { Segment } from './segment.js'

/**
 * Bytes read, judged and copied before the event loop gets a turn: a few hundred records, under a
 * millisecond.
 */
const SLICE_BYTES = 32 * 1024
/** Syncing more at once would hold up the commits that share the device. */
const SYNC_BYTES = 1024 * 1024

/** Where each record went, as columns of one table: a segment may hold a hundred thousand records. */
export class Moves {
  readonly sequences: number[] = []
  /** `PUT`, `PUT_AHEAD`: it is not a copy. */
  readonly from: number[] = []
  readonly fromOffsets: number[] = []
  readonly to: number[] = []
  readonly toOffsets: number[] = []

  add(sequence: number, from: number, fromOffset: number, to: number, toOffset: number): void {
    this.sequences.push(sequence)
    this.from.push(from)
    this.fromOffsets.push(fromOffset)
    this.to.push(to)
    this.toOffsets.push(toOffset)
  }
}

/** Instead of a segment's id: the record was put. */
const PUT = -1
/** The same, if others follow it in the same segment. */
const PUT_AHEAD = -2

/** Moves reported before the event loop gets a turn. */
const SLICE_MOVES = 1024

/** Reports where each record went. */
export async function tellMoves(moves: Moves, options: RewriteOptions): Promise<void> {
  const { sequences, from, fromOffsets, to, toOffsets } = moves
  let told = 0
  for (let i = 0; i < sequences.length; i += 1) {
    if (told >= SLICE_MOVES) {
      await (options.turn ?? nextTurn)()
      told = 0
    }
    told += 1
    if (from[i]! < 0) {
      options.placed?.(sequences[i]!, to[i]!, toOffsets[i]!)
      // It replaces many.
      if (from[i] === PUT) told = SLICE_MOVES
      continue
    }
    options.moved(
      sequences[i]!,
      { segment: from[i]!, offset: fromOffsets[i]! },
      { segment: to[i]!, offset: toOffsets[i]! },
    )
  }
}

export interface Rewritten {
  /** Written whole and synced with their directory; no manifest lists them yet. */
  readonly segments: readonly Segment[]
  readonly moves: Moves
}

/**
 * Rejects with WAQ_CORRUPT if an original holds damage not known before: unreadable bytes are never dropped.
 */
export async function rewriteSegments(
  directory: DirectoryContext,
  spec: LogSpec,
  segmentBytes: number,
  originals: readonly Segment[],
  isKnownDamage: (file: string, offset: number, length: number) => boolean,
  options: RewriteOptions,
): Promise<Rewritten> {
  const rewriting = new Rewriting(directory, spec, segmentBytes)
  try {
    for (const original of originals) await rewriting.copy(original, isKnownDamage, options)
    options.putRest?.(rewriting.put)
    const rewritten = await rewriting.finish()
    await options.beforeItCounts?.()
    options.signal?.throwIfAborted()
    return rewritten
  } catch (error) {
    await rewriting.undo()
    if (options.signal?.aborted) throw error
    throw directory.failure(error, `compacting the ${spec.name} log failed; its segments stay as they were`)
  }
}

class Rewriting {
  readonly #directory: DirectoryContext
  readonly #spec: LogSpec
  readonly #segmentBytes: number
  readonly #moves = new Moves()
  readonly #outputs: Segment[] = []
  #output: { segment: Segment; file: FileHandle; written: number; synced: number } | undefined
  /** Encoded but not written: headers and frames in order. */
  #pending: Buffer[] = []
  /** The next frame goes into the same segment as the last one, however full. */
  #follows = false
  /** The headers among them, each the start of an output's file. */
  readonly #starts = new Map<Buffer, Segment>()

  constructor(directory: DirectoryContext, spec: LogSpec, segmentBytes: number) {
    this.#directory = directory
    this.#spec = spec
    this.#segmentBytes = segmentBytes
  }

  async copy(
    original: Segment,
    isKnownDamage: (file: string, offset: number, length: number) => boolean,
    options: RewriteOptions,
  ): Promise<void> {
    const refuseDamage = (offset: number, length: number): void => {
      if (isKnownDamage(original.file, offset, length)) return
      throw new WaqError(
        'WAQ_CORRUPT',
        `${original.file} is damaged at ${offset} (${length} bytes); it is left as it is, and the next ` +
          'opening reports it',
      )
    }
    const sink: ScanSink = {
      frame: (offset, header, payload) => {
        const frame = {
          sequence: header.sequence,
          type: header.type,
          data: payload,
          segment: original.id,
          offset,
        }
        if (options.keep(frame, this.put)) this.#add(original.id, offset, header, payload)
      },
      bad: refuseDamage,
      turn: async () => {
        options.signal?.throwIfAborted()
        await this.#flush()
        await (options.turn ?? nextTurn)()
      },
    }
    const file = await this.#directory.fileSystem.open(this.#directory.path(original.file), 'read')
    try {
      const source = {
        file,
        name: original.file,
        salted: original.salted,
        from: SEGMENT_HEADER_BYTES,
        to: original.length,
      }
      const { zerosFrom } = await scanSegment({ ...source, windowBytes: SLICE_BYTES }, sink)
      if (zerosFrom < original.length) refuseDamage(zerosFrom, original.length - zerosFrom)
    } finally {
      await file.close()
    }
    options.onProgress?.(original.length)
  }

  readonly put: PutRecord = (sequence, type, data, followedBy = 0) => {
    const original = followedBy > 0 ? PUT_AHEAD : PUT
    this.#add(original, 0, { sequence, type, flags: 0 }, data, followedBy)
  }

  async finish(): Promise<Rewritten> {
    await this.#flush()
    await this.#closeOutput()
    if (this.#outputs.length > 0)
      await this.#directory.fileSystem.syncDirectory(this.#directory.path(this.#spec.name))
    return { segments: this.#outputs, moves: this.#moves }
  }

  /** Removes the void files, so a full disk gets its space back. */
  async undo(): Promise<void> {
    await this.#output?.file.close().catch(() => {})
    for (const segment of this.#outputs)
      await this.#directory.fileSystem.unlink(this.#directory.path(segment.file)).catch(() => {})
  }

  /** Encodes a frame after the pending ones. If the output is full, it begins the next one. */
  #add(original: number, from: number, header: CopiedHeader, payload: Buffer, followedBy = 0): void {
    const bytes = FRAME_HEADER_BYTES + payload.length + followedBy
    let segment = this.#outputs.at(-1)
    const isFull = segment?.holdsFrames === true && segment.length + bytes > this.#segmentBytes
    if (segment === undefined || (isFull && !this.#follows)) segment = this.#newOutput(header.sequence)
    this.#follows = followedBy > 0
    const offset = segment.length
    const frame = copyFrame(segment, header, payload)
    this.#pending.push(frame)
    this.#moves.add(header.sequence, original, from, segment.id, offset)
  }

  #newOutput(firstSequence: number): Segment {
    const { segment, header } = beginCopiedSegment(this.#directory, this.#spec, firstSequence, true)
    this.#outputs.push(segment)
    this.#pending.push(header)
    this.#starts.set(header, segment)
    return segment
  }

  async #flush(): Promise<void> {
    const pending = this.#pending
    this.#pending = []
    let run: Buffer[] = []
    for (const buffer of pending) {
      const started = this.#starts.get(buffer)
      if (started !== undefined) {
        await this.#write(run)
        run = []
        this.#starts.delete(buffer)
        await this.#closeOutput()
        const path = this.#directory.path(this.#spec.name, segmentName(started))
        const file = await this.#directory.withRoom(() => this.#directory.create(path))
        this.#output = { segment: started, file, written: 0, synced: 0 }
      }
      run.push(buffer)
    }
    await this.#write(run)
  }

  async #write(buffers: readonly Buffer[]): Promise<void> {
    if (buffers.length === 0) return
    const output = this.#output!
    const bytes = Buffer.concat(buffers)
    await this.#directory.withRoom(async () => writeFully(output.file, bytes, output.written))
    output.written += bytes.length
    output.segment.diskBytes = output.written
    if (output.written - output.synced >= SYNC_BYTES) {
      await this.#sync(output.file)
      output.synced = output.written
    }
  }

  /** It syncs much at once: no commit syncs on the event loop meanwhile. */
  #sync(file: FileHandle): Promise<void> {
    return this.#directory.device.during(() => file.sync())
  }

  async #closeOutput(): Promise<void> {
    const output = this.#output
    if (output === undefined) return
    if (output.synced < output.written) await this.#sync(output.file)
    this.#output = undefined
    await output.file.close()
  }
}
