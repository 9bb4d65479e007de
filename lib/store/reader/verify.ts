/** Reads every byte of a queue and reports what is wrong. It decides nothing and changes nothing. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../../log/errors/system-error.js'
import { WaqError } from '../../log/errors/waq-error.js'
import { SEGMENT_HEADER_BYTES } from '../../log/format/format.js'
import { MANIFESTS, parseFileId } from '../../log/format/names.js'
import type { CorruptRange, VisitedFrame } from '../../log/types.js'
import { OutcomeTable } from '../fold/outcome-table.js'
import { ACK_LOG, MESSAGE_LOG } from '../log-names.js'
import { checkIsMessage, decodeEnvelope, decodePayload } from '../record/message.js'
import { isSettling } from '../record/outcome.js'
import { RESULT_FRAME_TYPE } from '../record/result.js'
import { describeLost } from '../recovery/lost-messages.js'
import type { LostMessages } from '../types.js'
import { ResultCheck } from './result-check.js'
import type { StoreReader } from './store-reader.js'

export interface Verification {
  readonly segments: number
  readonly bytes: number
  /** Intact message frames, settled ones included. */
  readonly messages: number
  /** Outcomes in intact frames. */
  readonly outcomes: number
  /**
   * Behind the last frame of a log without a writer: an unfinished last write. Nothing in it was
   * acknowledged.
   */
  readonly tornBytes: number
  /** The same, while a living owner may be writing. */
  readonly unfinishedBytes: number
  readonly corrupt: readonly FoundDamage[]
  /** Messages proven to be lost, also by damage that an opening has already reported. */
  readonly lost: LostMessages
  /** Last outcomes that settle nothing, of messages that are gone; lost messages are not among them. */
  readonly orphanOutcomes: number
  /** Kept results: the values that `send` returned. */
  readonly results: number
  /** Results whose outcome is missing, for example because its bytes were lost. */
  readonly orphanResults: number
  /** Files that no manifest lists: they are ignored, and the next owner removes them. */
  readonly voidFiles: readonly string[]
  /** Messages with an attempt whose outcome is unknown. */
  readonly inDoubtCount: number
  /** The first of them. */
  readonly inDoubt: readonly { id: string; channel: string; sequence: number }[]
}

export interface FoundDamage {
  readonly file: string
  readonly offset: number
  readonly length: number
  /** In a few words. */
  readonly problem: string
  /** Sequences that may be missing. */
  readonly firstMissing?: number
  readonly lastMissing?: number
  /** An opening has found it already and keeps a copy in quarantine/. */
  readonly known: boolean
}

export interface VerifyOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

const MAX_LISTED = 1_000

/** Rejects with WAQ_UNSUPPORTED_VERSION, WAQ_IO, or the signal's reason. */
export function verifyStore(reader: StoreReader, options: VerifyOptions = {}): Promise<Verification> {
  const { signal, onProgress } = options
  return reader.logs.withSnapshot(async snapshot => {
    const ownerLives = ((await reader.owner())?.alive ?? false) !== false
    const segments = snapshot.logs.flatMap(log => log.segments)
    const totalBytes = segments.reduce((sum, segment) => sum + segment.length, 0)
    const check = new Check(new Map(segments.map(segment => [segment.id, segment.file])))
    let doneBytes = 0
    const visitOptions = {
      turn: async () => signal?.throwIfAborted(),
      onProgress: (bytes: number) => {
        doneBytes += bytes
        onProgress?.(doneBytes, totalBytes)
      },
    }
    if (snapshot.damagedManifest !== undefined) check.lost(snapshot.damagedManifest)
    else if (snapshot.manifest !== undefined)
      await checkManifestCopies(reader.directory, snapshot.manifest, check)
    await snapshot.visit(
      ACK_LOG,
      {
        frame: (_, frame) => check.outcome(frame),
        lost: (_, range) => {
          check.outcomes.lose(range)
          check.lost(range)
        },
      },
      visitOptions,
    )
    for (const { segment, offset, error } of check.outcomes.undecodable)
      check.bad(segment, offset, error.message)
    const lostRecords = await snapshot.visit(
      MESSAGE_LOG,
      {
        frame: (_, frame) => check.message(frame, ownerLives),
        lost: (_, range) => check.lost(range),
        witness: log => check.outcomes.witness(log),
      },
      { ...visitOptions, mayBeWritten: ownerLives },
    )
    const lost = await describeLost(lostRecords, check.outcomes, snapshot)
    const unfinished = snapshot.logs.reduce((sum, log) => sum + log.unfinishedBytes, 0)
    return {
      segments: segments.length,
      bytes: totalBytes,
      messages: check.messages,
      outcomes: check.outcomes.outcomes,
      tornBytes: ownerLives ? 0 : unfinished,
      unfinishedBytes: ownerLives ? unfinished : 0,
      corrupt: check.damage,
      lost,
      orphanOutcomes: Math.max(0, check.orphanOutcomes() - lost.unsettled),
      results: check.results.count,
      orphanResults: check.results.orphans(),
      voidFiles: await findVoidFiles(reader.directory, new Set(segments.map(({ file }) => file))),
      inDoubtCount: check.inDoubtCount,
      inDoubt: check.inDoubt,
    }
  })
}

class Check {
  readonly outcomes = new OutcomeTable()
  readonly damage: FoundDamage[] = []
  readonly inDoubt: { id: string; channel: string; sequence: number }[] = []
  readonly #files: ReadonlyMap<number, string>
  readonly results = new ResultCheck()
  messages = 0
  inDoubtCount = 0
  /** Messages that are there and whose last outcome left them alive. */
  #aliveWithOutcome = 0

  constructor(files: ReadonlyMap<number, string>) {
    this.#files = files
  }

  outcome(frame: VisitedFrame): void {
    this.outcomes.add(frame)
    const { sequence, type, data, segment, offset } = frame
    this.results.met(frame)
    if (type !== RESULT_FRAME_TYPE) return
    try {
      decodePayload(data, `The result in frame ${sequence} of the ack log`)
    } catch (error) {
      this.bad(segment, offset, (error as Error).message)
    }
  }

  message(frame: VisitedFrame, ownerLives: boolean): void {
    const { sequence, type, data, segment, offset } = frame
    checkIsMessage(sequence, type)
    this.messages += 1
    const last = this.outcomes.meet(sequence)
    if (last !== undefined && !isSettling(last)) this.#aliveWithOutcome += 1
    try {
      const { id, channel, payload } = decodeEnvelope(data, `Message ${sequence}`)
      const row = this.outcomes.row(sequence, last, channel)
      decodePayload(payload, `Message ${sequence}`)
      const sending = ownerLives && last?.kind === 'attempt'
      if (row.state !== 'in-doubt' || sending) return
      this.inDoubtCount += 1
      if (this.inDoubt.length < MAX_LISTED)
        this.inDoubt.push({ id, channel: this.outcomes.channel(channel), sequence })
    } catch (error) {
      if (!(error instanceof WaqError) || error.code !== 'WAQ_CORRUPT') throw error
      this.bad(segment, offset, error.message)
    }
  }

  /** The checksum is right, but the bytes are no record. */
  bad(segment: number, offset: number, problem: string): void {
    this.damage.push({ file: this.#files.get(segment) ?? '', offset, length: 0, problem, known: false })
  }

  lost(range: CorruptRange): void {
    const { file, offset, length, firstMissing, lastMissing, known } = range
    this.damage.push({
      file,
      offset,
      length,
      problem: describe(range),
      ...(firstMissing !== undefined && { firstMissing }),
      ...(lastMissing !== undefined && { lastMissing }),
      known,
    })
  }

  orphanOutcomes(): number {
    let alive = 0
    for (const outcome of this.outcomes.all()) if (!isSettling(outcome)) alive += 1
    return Math.max(0, alive - this.#aliveWithOutcome)
  }
}

function describe({ log, offset, length, firstMissing, lastMissing }: CorruptRange): string {
  if (log === MANIFESTS)
    return length === 0 ? 'no manifest, though there are segments' : 'the newest manifest cannot be read'
  const records = log === ACK_LOG ? 'outcome' : 'message'
  const isHeader = offset === 0 && length === SEGMENT_HEADER_BYTES
  if (firstMissing === undefined) {
    if (isHeader) return 'the header of the segment has changed'
    return offset === 0 ? 'the file is missing, or no longer a segment' : 'bytes that are no frame'
  }
  const where = offset === 0 ? 'the file is missing, or no longer a segment: ' : ''
  if (lastMissing === undefined) return `${where}${records}s from ${firstMissing} on may be missing`
  if (firstMissing < lastMissing)
    return `${where}${records}s from ${firstMissing} to ${lastMissing} may be missing`
  // A frame that compaction filled is named by its last outcome.
  return log === ACK_LOG
    ? `${where}outcome ${lastMissing} cannot be read, or a block of outcomes that ends with it`
    : `${where}message ${lastMissing} cannot be read`
}

/**
 * A manifest is in its file twice, so that one bad block does not cost the directory; both must be intact.
 */
async function checkManifestCopies(directory: string, file: string, check: Check): Promise<void> {
  let bytes: Buffer
  try {
    bytes = await readFile(join(directory, file))
  } catch (error) {
    // Its owner has published a newer one.
    if (systemCode(error) === 'ENOENT') return
    throw error
  }
  const half = bytes.length / 2
  if (bytes.subarray(0, half).equals(bytes.subarray(half))) return
  check.damage.push({
    file,
    offset: 0,
    length: bytes.length,
    problem: 'its two copies differ: one of them is damaged, the other is in use',
    known: false,
  })
}

async function findVoidFiles(directory: string, counted: ReadonlySet<string>): Promise<string[]> {
  const found: string[] = []
  for (const log of [MESSAGE_LOG, ACK_LOG]) {
    for (const name of await namesIn(join(directory, log))) {
      const file = `${log}/${name}`
      if (parseFileId(name, '.seg') !== undefined && !counted.has(file)) found.push(file)
    }
  }
  for (const name of await readdir(join(directory, MANIFESTS))) {
    if (parseFileId(name, '.tmp') !== undefined) found.push(`${MANIFESTS}/${name}`)
  }
  return found.sort()
}

/** None if the directory is gone, which is damage and reported as such. */
async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}
