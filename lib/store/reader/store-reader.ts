/**
 * A queue's messages for readers that do not own it: takes no lock, changes no byte. Folds the ack log into a
 * small table first, then streams the messages past it, so that memory does not grow with the backlog.
 *
 * The result is a snapshot: the messages that existed when it was taken, in their state then or a moment
 * later.
 */
import { listBallasts } from '../../log/directory/ballast.js'
import { type Owner, WaqError } from '../../log/errors/waq-error.js'
import { nodeFileSystem } from '../../log/fs/node-file-system.js'
import { LogReader, MAX_TRIES, restless } from '../../log/reader/log-reader.js'
import { type LogSnapshot, StaleSnapshot } from '../../log/reader/log-snapshot.js'
import type { VisitedFrame } from '../../log/types.js'
import { throwIfAborted } from '../abort-error.js'
import { type LastOutcomePlace, OutcomeTable } from '../fold/outcome-table.js'
import { ACK_LOG, logIdentities, MESSAGE_LOG } from '../log-names.js'
import type { DeadReason, RecordedError } from '../message-store.js'
import { checkIsMessage, decodeEnvelope, decodePayload, type Envelope } from '../record/message.js'
import { isOfMessage, isSettling, type SettlingRecord } from '../record/outcome.js'
import { decodeOutcome } from '../record/outcome-decoder.js'
import { isOutcomeKind, outcomeFormats, SETTLED_FRAME_TYPE } from '../record/outcome-format.js'
import { RESULT_FRAME_TYPE } from '../record/result.js'
import { decodeOutcomes } from '../record/settled-block.js'
import { describeLost } from '../recovery/lost-messages.js'
import type { LostMessages } from '../types.js'
import { mergeSegments } from './merge-segments.js'

export type ReadState = 'pending' | 'sending' | 'dead'

/** A live message. `View.complete` fills in what its last outcome says. */
export interface ReadMessage {
  readonly sequence: number
  readonly state: ReadState
  /** After a crash, or where outcomes were lost: no one knows whether it was sent. */
  readonly inDoubt: boolean
  readonly id: string
  readonly channel: string
  readonly headers: Record<string, string>
  readonly enqueuedAt: number
  /** Epoch ms; 0: at once. */
  readonly deliverAt: number
  /** Undefined: its channel's. */
  readonly priority: number | undefined
  /** Its key; undefined: it replaces none. */
  readonly replaces: string | undefined
  /** Packed; undefined unless it was asked for. */
  readonly packedPayload: Uint8Array | undefined
  /** The segment's file, relative to the directory. */
  readonly file: string
  /** Of its record. */
  readonly bytes: number
  readonly last: LastOutcomePlace | undefined
  /** Epoch ms; Infinity: never. */
  expiresAt: number
  attempts: number
  mayHaveBeenSent: boolean
  /** Epoch ms of the next attempt; 0: as soon as its turn comes. */
  dueAt: number
  /** Oldest first. */
  history: readonly RecordedError[]
  /** Epoch ms; of a dead letter. */
  diedAt: number | undefined
  deadReason: DeadReason | undefined
}

export interface MessageSelection {
  /** Only sequences above this one. Default 0. */
  readonly after?: number
  /** Asked before a record is decoded: false skips it. */
  readonly mayMatch?: (record: Buffer) => boolean
  /** Default: every live message. */
  readonly select?: (message: Pick<ReadMessage, 'id' | 'channel' | 'state' | 'sequence'>) => boolean
  /** Default false. */
  readonly payloads?: boolean
  /** Called once for each place that cannot be read; a newer snapshot may report the same place again. */
  readonly onDamage?: () => void
  /** Called at the end, if outcomes name messages that must exist and were not seen. `lost` looks closely. */
  readonly onSuspicion?: () => void
}

/** The files of a queue on disk, as a snapshot saw them. */
export interface ReadDisk {
  readonly diskBytes: number
  readonly segments: readonly {
    file: string
    log: string
    length: number
    diskBytes: number
    sealed: boolean
  }[]
  /** Bytes behind the last frame: a living owner is writing them, or the write was torn. */
  readonly unfinishedBytes: number
}

/** How a message settled. */
export type ReadSettlement = SettlingRecord & {
  /** What `send` returned, packed; undefined: not kept. */
  readonly packedResult?: Buffer
}

export interface StoreReaderOptions {
  /** Aborts any read of messages and outcomes, which rejects with an AbortError. */
  readonly signal?: AbortSignal | undefined
}

export class StoreReader {
  readonly #logs: LogReader
  readonly #signal: AbortSignal | undefined

  private constructor(logs: LogReader, { signal }: StoreReaderOptions) {
    this.#logs = logs
    this.#signal = signal
  }

  /** Rejects with WAQ_INVALID_OPTION, WAQ_NOT_A_QUEUE or WAQ_IO. */
  static async open(directory: string, options: StoreReaderOptions = {}): Promise<StoreReader> {
    // Messages first: their outcomes are then read later than they, never earlier.
    const identities = [...logIdentities].reverse()
    return new StoreReader(await LogReader.open(directory, identities), options)
  }

  /** Canonical. */
  get directory(): string {
    return this.#logs.directory
  }

  /** Undefined: none, because it was closed. */
  owner(): Promise<Owner | undefined> {
    return this.#logs.owner()
  }

  /** The logs themselves, for callers that look at frames. */
  get logs(): LogReader {
    return this.#logs
  }

  /**
   * The selected live messages, by sequence, in batches. Goes on in a newer snapshot if the owner removed
   * files meanwhile. Rejects with WAQ_UNSUPPORTED_VERSION, WAQ_IO or an AbortError.
   */
  async *found(selection: MessageSelection = {}): AsyncGenerator<{ view: View; messages: ReadMessage[] }> {
    let { after = 0 } = selection
    for (let attempt = 1; ; attempt += 1) {
      const snapshot = await this.#logs.snapshot()
      try {
        const view = await this.#view(snapshot, selection.onDamage)
        for await (const messages of view.select({ ...selection, after })) {
          yield { view, messages }
          after = messages.at(-1)?.sequence ?? after
        }
        if (selection.onSuspicion !== undefined && view.suspectsLoss()) selection.onSuspicion()
        return
      } catch (error) {
        if (!(error instanceof StaleSnapshot)) throw error
        if (attempt === MAX_TRIES) throw restless(this.directory)
      } finally {
        await snapshot.close()
      }
    }
  }

  /** Messages proven to be lost. Reads both logs whole. Rejects as `found`. */
  lost(): Promise<LostMessages> {
    return this.#logs.withSnapshot(async snapshot => {
      const mayBeWritten = ((await this.owner())?.alive ?? false) !== false
      const outcomes = new OutcomeTable()
      const turn = async (): Promise<void> => throwIfAborted(this.#signal)
      const ignored = (): void => {}
      const acks = { frame: (_: string, frame: VisitedFrame) => outcomes.add(frame), lost: ignored }
      await snapshot.visit(ACK_LOG, acks, { turn })
      const messages = {
        frame: (_: string, { sequence }: VisitedFrame) => void outcomes.meet(sequence),
        lost: ignored,
        witness: (log: string) => outcomes.witness(log),
      }
      const records = await snapshot.visit(MESSAGE_LOG, messages, { turn, mayBeWritten })
      return describeLost(records, outcomes, snapshot)
    })
  }

  /** As `found`, one at a time, each with what its last outcome says. */
  async *messages(selection: MessageSelection = {}): AsyncGenerator<ReadMessage> {
    let { after = 0 } = selection
    for (let attempt = 1; ; attempt += 1) {
      try {
        for await (const { view, messages } of this.found({ ...selection, after })) {
          for (const message of messages) {
            // Most wait for their first attempt and need no read; awaiting a promise for each would be slow.
            if (message.last !== undefined) await view.complete(message)
            yield message
            after = message.sequence
          }
        }
        return
      } catch (error) {
        if (!(error instanceof StaleSnapshot)) throw error
        if (attempt === MAX_TRIES) throw restless(this.directory)
      }
    }
  }

  /** The live message of this id. Rejects as `found`. */
  async find(id: string): Promise<ReadMessage | undefined> {
    const bytes = Buffer.from(id)
    const selection: MessageSelection = {
      mayMatch: record => record.includes(bytes),
      select: message => message.id === id,
      payloads: true,
    }
    for await (const message of this.messages(selection)) return message
    return undefined
  }

  /** The latest settled message of this id, while its outcome is in the ack log. */
  settled(id: string): Promise<ReadSettlement | undefined> {
    const bytes = Buffer.from(id)
    return this.#logs.withSnapshot(async snapshot => {
      let found: { ackSequence: number; record: ReadSettlement } | undefined
      /** By ack sequence; those of the next block. */
      const results = new Map<number, Buffer>()
      await snapshot.visit(ACK_LOG, {
        frame: (_, { sequence, type, data }) => {
          throwIfAborted(this.#signal)
          if (type === RESULT_FRAME_TYPE) results.set(sequence, Buffer.from(data))
          else if (type === SETTLED_FRAME_TYPE) {
            look(sequence, type, data)
            results.clear()
          }
        },
        lost: () => {},
      })
      return found?.record

      function look(sequence: number, type: number, data: Buffer): void {
        if (!data.includes(bytes) || (found !== undefined && sequence < found.ackSequence)) return
        for (const { ackSequence, record } of decodeOutcomes(type, data, sequence)) {
          if (!isSettling(record) || record.id !== id) continue
          if (found !== undefined && ackSequence < found.ackSequence) continue
          const packedResult = results.get(ackSequence - 1)
          found = { ackSequence, record: { ...record, ...(packedResult && { packedResult }) } }
        }
      }
    })
  }

  /** Channels halted by a dead letter, and durable pauses, that were not resumed since; epoch ms. */
  holds(): Promise<{
    halts: { channel: string; since: number }[]
    pauses: { selector: string; since: number }[]
  }> {
    return this.#logs.withSnapshot(async snapshot => {
      const { outcomes } = await this.#view(snapshot)
      const halts = [...outcomes.halts()].map(({ channel, since }) => {
        return { channel: outcomes.channel(channel), since: outcomes.onWall(since) }
      })
      const pauses = [...outcomes.pauses()].map(({ selector, since }) => {
        return { selector: outcomes.channel(selector), since: outcomes.onWall(since) }
      })
      return { halts, pauses }
    })
  }

  async disk(): Promise<ReadDisk> {
    const ballasts = await listBallasts(nodeFileSystem, this.directory)
    const ballastBytes = ballasts.reduce((sum, ballast) => sum + ballast.size, 0)
    return this.#logs.withSnapshot(async snapshot => {
      const segments = snapshot.logs.flatMap(log =>
        log.segments.map(({ file, length, diskBytes, sealed }) => ({
          file,
          log: log.name,
          length,
          diskBytes,
          sealed,
        })),
      )
      const diskBytes = segments.reduce((sum, segment) => sum + segment.diskBytes, ballastBytes)
      const unfinishedBytes = snapshot.logs.reduce((sum, log) => sum + log.unfinishedBytes, 0)
      return { diskBytes, segments, unfinishedBytes }
    })
  }

  async #view(snapshot: LogSnapshot, onDamage: () => void = () => {}): Promise<View> {
    const outcomes = new OutcomeTable()
    // Where this host cannot tell whether the owner lives, its attempts may still be under way.
    const ownerLives = ((await this.owner()) ?? { alive: false }).alive !== false
    if (snapshot.damagedManifest !== undefined) onDamage()
    await snapshot.visit(ACK_LOG, {
      frame: (_, frame) => {
        throwIfAborted(this.#signal)
        outcomes.add(frame)
      },
      lost: (_, range) => {
        outcomes.lose(range)
        onDamage()
      },
    })
    return new View(snapshot, outcomes, ownerLives, this.#signal)
  }
}

/** One snapshot with its outcomes folded. */
export class View {
  readonly outcomes: OutcomeTable
  readonly #snapshot: LogSnapshot
  /** An open attempt is being sent; without a living owner it is in doubt. */
  readonly #ownerLives: boolean
  readonly #signal: AbortSignal | undefined

  constructor(
    snapshot: LogSnapshot,
    outcomes: OutcomeTable,
    ownerLives: boolean,
    signal: AbortSignal | undefined,
  ) {
    this.#snapshot = snapshot
    this.outcomes = outcomes
    this.#ownerLives = ownerLives
    this.#signal = signal
  }

  async *select(selection: MessageSelection): AsyncGenerator<ReadMessage[]> {
    const log = this.#snapshot.log(MESSAGE_LOG)
    yield* mergeSegments(log.segments, segment =>
      this.#snapshot.select(
        MESSAGE_LOG,
        segment,
        frame => this.#find(frame, segment.file, selection),
        selection.onDamage,
      ),
    )
  }

  /** Ask after every message was seen. */
  suspectsLoss(): boolean {
    return this.#snapshot.suspectsLoss(MESSAGE_LOG, this.outcomes.witness(MESSAGE_LOG)!)
  }

  /** Reads what the last outcome says. Rejects with StaleSnapshot, WAQ_CORRUPT or WAQ_IO. */
  async complete(message: ReadMessage): Promise<void> {
    const { last } = message
    // A settling outcome has no message to complete.
    if (last === undefined || !isOutcomeKind(last.kind)) return
    const bytes = await this.#snapshot.read(ACK_LOG, last.segment, last.offset)
    const where = `Frame ${last.ackSequence} of the ack log`
    const record = decodeOutcome(outcomeFormats[last.kind].frameType, bytes, where)
    if (!isOfMessage(record)) return
    message.attempts = record.attempts
    message.mayHaveBeenSent = message.inDoubt || record.mayHaveBeenSent
    const { outcomes } = this
    if ('dueAt' in record) message.dueAt = Math.max(message.dueAt, outcomes.onWall(record.dueAt))
    if (record.redrive !== undefined) message.expiresAt = outcomes.onWall(record.redrive.expiresAt)
    message.history = record.errors
    if (record.kind === 'dead') {
      message.diedAt = outcomes.onWall(record.at)
      message.deadReason = record.reason
    }
  }

  #find(frame: VisitedFrame, file: string, selection: MessageSelection): ReadMessage | undefined {
    throwIfAborted(this.#signal)
    const { sequence, data } = frame
    const last = this.outcomes.meet(sequence)
    if (sequence <= (selection.after ?? 0)) return undefined
    let row = this.outcomes.row(sequence, last)
    if (row.state === 'settled' || row.state === 'settled earlier') return undefined
    if (selection.mayMatch?.(data) === false) return undefined
    const envelope = decode(frame, selection.onDamage)
    if (envelope === undefined) return undefined
    const { id, headers, payload, priority, replaces } = envelope
    const closing = this.outcomes.closing(envelope.channel, sequence, last)
    if (closing !== undefined) row = this.outcomes.row(sequence, last, envelope.channel)
    const channel = this.outcomes.channel(envelope.channel)
    const sending = row.state === 'in-doubt' && last?.kind === 'attempt' && this.#ownerLives
    const state = row.state === 'dead' ? 'dead' : sending ? 'sending' : 'pending'
    if (selection.select?.({ id, channel, state, sequence }) === false) return undefined
    const inDoubt = row.state === 'in-doubt' && !sending
    const { outcomes } = this
    // An appointment, and the time to live that counts from it, are already wall-clock times.
    const isAppointment = envelope.deliverAt > 0 && !envelope.delayed
    const onWall = (at: number) => (isAppointment || at === 0 ? at : outcomes.onWall(at))
    const deliverAt = onWall(envelope.deliverAt)
    // One whole literal: a million of these are made, and spreading costs more than reading them.
    return {
      sequence,
      state,
      inDoubt,
      id,
      channel,
      headers,
      enqueuedAt: outcomes.onWall(envelope.enqueuedAt),
      deliverAt,
      priority,
      replaces: replaces?.key,
      packedPayload: selection.payloads === true ? Uint8Array.from(payload) : undefined,
      file,
      bytes: data.length,
      last,
      expiresAt: onWall(envelope.expiresAt),
      attempts: 0,
      mayHaveBeenSent: inDoubt,
      dueAt: deliverAt,
      history: noErrors,
      diedAt: closing && outcomes.onWall(closing.record.at),
      deadReason: closing && 'channel',
    }
  }
}

function decode(frame: VisitedFrame, onDamage: (() => void) | undefined): Envelope | undefined {
  const { sequence, type, data } = frame
  checkIsMessage(sequence, type)
  try {
    return decodeEnvelope(data, `Message ${sequence}`)
  } catch (error) {
    if (!(error instanceof WaqError) || error.code !== 'WAQ_CORRUPT') throw error
    onDamage?.()
    return undefined
  }
}

const noErrors: readonly RecordedError[] = []

/** The payload of a message read with payloads. Throws WAQ_CORRUPT. */
export function unpackPayload({ packedPayload, id, sequence }: ReadMessage): unknown {
  return decodePayload(packedPayload!, `Message "${id}" (sequence ${sequence})`)
}
