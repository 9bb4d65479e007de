import { asWaqError, WaqError } from '../log/errors/waq-error.js'
import { LogDirectory } from '../log/log-directory.js'
import { clocksOf, systemClocks } from '../log/runtime/clocks.js'
import { KeepAlive } from '../log/runtime/keep-alive.js'
import { clearInterval, monotonicNow, setInterval } from '../log/runtime/real-time.js'
import type { Log } from '../log/types.js'
import { AbortError } from './abort-error.js'
import { Compaction } from './compaction/compaction.js'
import { DedupeIndex } from './dedupe/dedupe-index.js'
import { ResultPlaces } from './dedupe/result-places.js'
import { ResultReader } from './dedupe/result-reader.js'
import type { WindowFold } from './fold/window-fold.js'
import { DeferredUpdates } from './index/deferred-updates.js'
import { MessageIndex } from './index/message-index.js'
import { MessageReader } from './index/message-reader.js'
import { RecordCache } from './index/record-cache.js'
import { ACK_LOG, MESSAGE_LOG } from './log-names.js'
import { logSpecs } from './log-specs.js'
import type { Logs, OpenLogs } from './logs.js'
import type {
  BatchListener,
  Closing,
  DeliveryState,
  LimitUsage,
  MessageProgress,
  MessageRef,
  MessageStore,
  Outcome,
  OutcomeListener,
  RefOutcome,
  Replacement,
  Scope,
  StoredMessage,
} from './message-store.js'
import { QueueTime } from './queue-time.js'
import type { EncodedMessage } from './record/message.js'
import type { MessageIdentity } from './record/message-identity.js'
import type {
  MovedRecord,
  PausedRecord,
  PlacesRecord,
  UncountedRecord,
  UnpausedRecord,
} from './record/outcome.js'
import { Opening } from './recovery/opening.js'
import type {
  CompactionOptions,
  CompactionReport,
  DiskUse,
  Enqueued,
  Found,
  LogStoreOptions,
  MessageHistory,
  SettledMessage,
  StoreEnqueueOptions,
  StoreRecovery,
  StoreStats,
} from './types.js'
import { SegmentMembership } from './usage/segment-membership.js'
import { SegmentUsage } from './usage/segment-usage.js'
import { SettlementWatch } from './usage/settlement-watch.js'
import { AttemptWindow } from './windows/attempt-window.js'
import { ChannelMoves } from './windows/channel-moves.js'
import { DurablePauses } from './windows/durable-pauses.js'
import { PartedPlace } from './windows/parted-place.js'
import { TakenPlaces } from './windows/taken-places.js'
import { type Answer, asTheyAre } from './write/appending.js'
import { Enqueuer } from './write/enqueuer.js'
import { type ChannelHalts, OutcomeRecorder } from './write/outcome-recorder.js'
import { Replacements } from './write/replacements.js'

const WATCH_MS = 5_000

/** What an opening builds for a `LogStore`; internal. */
interface Parts {
  readonly logs: Logs
  readonly options: LogStoreOptions
  readonly time: QueueTime
  readonly index: MessageIndex
  readonly usage: SegmentUsage
  readonly dedupe: DedupeIndex
  readonly halts: ChannelHalts
  readonly pauses: DurablePauses
  readonly moves: ChannelMoves
  readonly membership: SegmentMembership
  readonly parted: PartedPlace
  readonly places: TakenPlaces
  readonly gapEnds: ReadonlySet<number>
  readonly windows: WindowFold
  readonly limits: readonly { scope: Scope; target: string; until: number }[]
  readonly recovery: StoreRecovery
}

/**
 * Which messages exist, and their states: a message log and an ack log in one directory, folded into one
 * state. Payloads stay on disk; the index and a bounded cache of the newest records are in memory.
 */
export class LogStore implements MessageStore {
  /** Canonical. */
  readonly directory: string
  readonly recovery: StoreRecovery
  /** The clock of everything it records. */
  readonly time: QueueTime
  /** Held by everything that waits for this store. */
  readonly keepAlive: KeepAlive
  /**
   * Set once, by the queue: gets each newly durable message, in sequence order, after its enqueue was
   * answered.
   */
  onAppended: (ref: MessageRef) => void = () => {}
  replacement: Replacement = {
    hold: () => true,
    release: () => {},
    replaced: (ref, outcome) => void this.record(ref, outcome),
  }
  readonly prioritized: { readonly count: number }
  /** An object, to be read without a call. */
  readonly channelNames: { readonly anyMoved: boolean }
  readonly #logs: Logs
  readonly #messages: Log
  readonly #acks: Log
  readonly #index: MessageIndex
  readonly #reader: MessageReader
  readonly #dedupe: DedupeIndex
  readonly #results: ResultReader
  readonly #usage: SegmentUsage
  readonly #halts: ChannelHalts
  readonly #pauses: DurablePauses
  readonly #moves: ChannelMoves
  /** A record of a move may not be on the device: then every attempt waits for a sync. */
  #movesUnsynced = false
  /** How often that became so. */
  #timesMoved = 0
  #syncingMoves = false
  readonly #dedupeWindowMs: number
  readonly #parted: PartedPlace
  readonly #limits: Parts['limits']
  readonly #places: TakenPlaces
  readonly #replacements: Replacements
  readonly #enqueuer: Enqueuer
  readonly #recorder: OutcomeRecorder
  readonly #compaction: Compaction
  readonly #window: AttemptWindow
  readonly #errorListeners: ((error: WaqError) => void)[] = []
  readonly #compactionListeners: ((report: CompactionReport) => void)[] = []
  /** Notices clock steps and free segments when nothing else looks for them. */
  readonly #watch: NodeJS.Timeout
  #lost: WaqError | undefined
  #closing: Promise<void> | undefined

  /**
   * Opens a directory, or begins one, and resolves when its state is rebuilt. Rejects with WAQ_LOCKED,
   * WAQ_NOT_A_QUEUE, WAQ_UNSUPPORTED_VERSION, WAQ_CORRUPT, WAQ_DISK_FULL or WAQ_IO.
   */
  static open(directory: string, options: LogStoreOptions): Promise<LogStore> {
    const { segmentBytes, onCorruption, lock, allowNetworkFileSystem, commits, environment } = options
    return LogStore.openOn(options, (logs, visitor) =>
      LogDirectory.open(
        directory,
        {
          logs,
          segmentBytes,
          onCorruption,
          lock,
          allowNetworkFileSystem,
          commits,
          environment,
        },
        visitor,
      ),
    )
  }

  /** As `open`, on logs of the caller's own. */
  static async openOn(options: LogStoreOptions, openLogs: OpenLogs): Promise<LogStore> {
    const startedAt = monotonicNow()
    const now = options.environment.now
    const time = new QueueTime(options.clocks ?? (now === undefined ? systemClocks : clocksOf(now)))
    const usage = new SegmentUsage()
    const deferred = new DeferredUpdates()
    const results = new ResultPlaces(options.results?.maxTotalBytes ?? 0, (segment, bytes) =>
      usage.resultForgotten(segment, bytes),
    )
    const dedupe = new DedupeIndex(
      options.dedupe,
      segment => usage.settledIdForgotten(segment),
      deferred,
      results,
    )
    const membership = new SegmentMembership()
    const halts: ChannelHalts = new Map()
    const pauses = new DurablePauses(usage)
    const moves = new ChannelMoves(usage)
    const parted = new PartedPlace()
    const places = new TakenPlaces(usage)
    const state = {
      index: new MessageIndex(deferred),
      usage,
      dedupe,
      halts,
      pauses,
      moves,
      membership,
      parted,
      places,
    }
    const opening = new Opening(state, time)
    const logs = await openLogs(logSpecs(options), opening)
    const counts = opening.finish()
    const recovery: StoreRecovery = {
      ...counts,
      tornBytes: logs.report.tornBytes,
      corrupt: logs.report.corrupt,
      lost: opening.lostMessages(logs.report.lost),
      durationMs: monotonicNow() - startedAt - logs.lockWaitMs,
      lockWaitMs: logs.lockWaitMs,
      ...(logs.tookOverFrom === undefined ? {} : { tookOverFrom: logs.tookOverFrom }),
    }
    const limits = opening.limits()
    const store = new LogStore({
      ...state,
      logs,
      options,
      time,
      limits,
      gapEnds: opening.gapEnds(),
      windows: opening.windows,
      recovery,
    })
    for (const taken of opening.renewedPlaces) store.recordPlaces(taken)
    // Where messages may be lost, no one knows which were attempted.
    const isUncounted = opening.lacksAttempts || (opening.isTailInDoubt && options.durability !== 'fsync')
    if (isUncounted) store.#recordUncounted()
    if (opening.replaced.length > 0) await store.#recordReplaced(opening.replaced)
    if (opening.isTailInDoubt || isUncounted) await store.#accountForTail(opening.unmarked)
    return store
  }

  private constructor(parts: Parts) {
    const { logs, index, usage, dedupe, halts, membership, gapEnds, time, options } = parts
    this.keepAlive = new KeepAlive(options.keepsAlive)
    this.directory = logs.directory
    this.recovery = parts.recovery
    this.#logs = logs
    this.#messages = logs.log(MESSAGE_LOG)
    this.#acks = logs.log(ACK_LOG)
    this.time = time
    // A suspend not yet noticed keeps an id a little longer.
    const now = () => time.awake()
    this.#index = index
    this.prioritized = index.prioritized
    this.channelNames = index.channels
    this.#usage = usage
    this.#dedupe = dedupe
    this.#results = new ResultReader(this.#acks, dedupe, now)
    this.#halts = halts
    this.#pauses = parts.pauses
    this.#moves = parts.moves
    this.#dedupeWindowMs = options.dedupe.windowMs
    this.#parted = parts.parted
    this.#limits = parts.limits
    this.#places = parts.places
    const cache = new RecordCache(options.cacheBytes)
    this.#reader = new MessageReader(this.#messages, index, cache)
    const watch = new SettlementWatch()
    const mayBeFree = (): void => this.#compaction.ask()
    const onError = (error: WaqError): void => this.#report(error)
    const refusal = (): WaqError | undefined => this.#refusal()
    const readIdentity = (ref: MessageRef): Promise<MessageIdentity | undefined> => this.#reader.identity(ref)
    this.#replacements = new Replacements({
      index,
      now: () => time.now(),
      replacement: () => this.replacement,
      readIdentity,
      sync: options.durability === 'fsync' ? undefined : () => this.keepAlive.during(this.#messages.commit()),
      onError,
    })
    this.#enqueuer = new Enqueuer({
      keepAlive: this.keepAlive,
      log: this.#messages,
      sources: { index, cache, dedupe, now },
      usage,
      replacements: this.#replacements,
      readIdentity,
      appended: ref => this.onAppended(ref),
      segmentBegun: mayBeFree,
      refusal,
    })
    this.#recorder = new OutcomeRecorder({
      acks: this.#acks,
      messages: this.#messages,
      index,
      cache,
      dedupe,
      usage,
      halts,
      watch,
      now,
      readIdentity,
      mayBeFree,
      isWritingTo: segment => this.#enqueuer.isWritingTo(segment),
      leftUnattempted: () => this.#window.leftUnattempted(),
      onError,
      refusal: () => this.#lost,
    })
    this.#window = new AttemptWindow(
      {
        usage,
        nextSequence: () => this.#messages.nextSequence,
        now: () => time.now(),
        append: (record, written) => this.#recorder.recordOther(record, written),
        sync: () => this.#recorder.sync(),
      },
      options.syncsMarks,
      parts.windows,
      options.attemptWindow,
    )
    for (const { id, firstSequence, lastSequence } of this.#acks.segments()) {
      for (const end of gapEnds) if (firstSequence <= end && end <= lastSequence) usage.pin(id)
    }
    this.#compaction = new Compaction({
      messages: this.#messages,
      acks: this.#acks,
      index,
      usage,
      dedupe,
      halts,
      pauses: parts.pauses,
      moves: parts.moves,
      parted: parts.parted,
      membership,
      window: this.#window,
      places: parts.places,
      gapEnds,
      watch,
      now,
      segmentBytes: options.segmentBytes,
      liveRatio: options.liveRatio,
      automatic: options.autoCompact,
      lowestMessageInFlight: () => this.#enqueuer.inFlight.lowestSequence(),
      lowestAckInFlight: () => this.#recorder.inFlight.lowestSequence(),
      diskUse: () => this.#diskUse(),
      messagesSealed: () => this.#enqueuer.sealed(),
      endMoves: () => this.#endMoves(),
      onError,
      onCompacted: report => {
        for (const listener of this.#compactionListeners) listener(report)
      },
    })
    index.deferred.onError = error => onError(asWaqError(error, 'what the log accepted could not be counted'))
    time.onParted = () => this.#recordParted()
    if (time.isToBeRecorded) this.#recordParted()
    this.#watch = setInterval(() => {
      time.look()
      index.deferred.apply()
    }, WATCH_MS).unref()
    logs.onError(onError)
    logs.onLost(error => {
      clearInterval(this.#watch)
      this.#lost = error
    })
    // Earlier lives may have left free segments behind.
    this.#compaction.ask()
  }

  /**
   * Puts messages into the log as one atomic list. Resolves when they are as durable as the options promise.
   * An id that is known (live, being written, or settled within the dedupe window) comes back as a duplicate.
   * Rejects with WAQ_ID_CONFLICT (nothing was changed), an AbortError (withdrawn before a byte was written),
   * WAQ_DISK_FULL, WAQ_IO, WAQ_LOCK_LOST or WAQ_CLOSED.
   */
  enqueue(messages: readonly EncodedMessage[], options: StoreEnqueueOptions): Promise<Enqueued[]>
  /**
   * With `answer`, resolves to its result, given them and `about`; it is called before the promise resolves.
   */
  enqueue<T>(
    messages: readonly EncodedMessage[],
    options: StoreEnqueueOptions,
    answer: Answer<T>,
    about: number,
  ): Promise<T>
  enqueue<T>(
    messages: readonly EncodedMessage[],
    options: StoreEnqueueOptions,
    answer: Answer<T | Enqueued[]> = asTheyAre,
    about = 0,
  ): Promise<T | Enqueued[]> {
    return this.#enqueuer.enqueue(messages, options, answer, about)
  }

  record(ref: MessageRef, outcome: Outcome, listener?: OutcomeListener): { written: Promise<void> } {
    if (this.#replacements.unsynced > 0) this.#replacements.beforeOutcome(ref)
    return this.#recorder.record(ref, outcome, listener)
  }

  recordAll(batch: readonly RefOutcome[], listener?: BatchListener): void {
    if (this.#replacements.unsynced > 0) for (const { ref } of batch) this.#replacements.beforeOutcome(ref)
    this.#recorder.recordAll(batch, listener)
  }

  recordWaitEnded({ scope, target, until }: { scope: Scope; target: string; until: number }): void {
    const former = scope === 'channel' ? this.#index.channels.former(target) : []
    for (const name of [target, ...former])
      this.#recorder.recordOther(
        { kind: 'wait-ended', ...this.#stamp(), scope, target: name, until },
        segment => this.#usage.limitAdded(segment, until),
      )
  }

  recordResumed(channel: string, at: number, listener?: OutcomeListener): { written: Promise<void> } {
    for (const name of this.#index.channels.former(channel))
      if (this.#halts.has(name)) this.#recorder.recordResumed(name, at)
    return this.#recorder.recordResumed(channel, at, listener)
  }

  mustSyncMark(ref: MessageRef, syncsMarks: boolean, overtakes: boolean): boolean {
    const index = this.#index
    const { table } = index
    const isUntouched = table.state(ref) === 'pending' && table.lastOutcomeAt(ref) === 0
    const mustSync = this.#window.mustSync({
      sequence: table.sequence(ref),
      channel: index.channel(ref),
      isFirst: isUntouched && index.deliverAt(ref) === 0,
      syncsMarks,
      overtakes,
    })
    if (!this.#movesUnsynced) return mustSync
    this.#syncMoves()
    return true
  }

  #syncMoves(): void {
    if (this.#syncingMoves) return
    this.#syncingMoves = true
    const times = this.#timesMoved
    this.#recorder.sync().then(
      () => {
        this.#syncingMoves = false
        if (times === this.#timesMoved) this.#movesUnsynced = false
      },
      () => {
        // The log has reported it; the next attempt asks again.
        this.#syncingMoves = false
      },
    )
  }

  presentChannel(name: string): string {
    return this.#index.channels.present(name)
  }

  moveChannel(from: string, to: string): void {
    const names = this.#index.moveChannel(from, to)
    this.#recordMoves(names.map(name => ({ kind: 'moved', ...this.#stamp(), from: name, to })))
    this.#movesUnsynced = true
    this.#timesMoved += 1
  }

  #recordMoves(records: readonly MovedRecord[]): void {
    const first = this.#recorder.recordAllOther(records, segment => {
      for (const [at, record] of records.entries()) this.#moves.written(record, segment, first + at)
    })
  }

  /** Ends what `channel-moves.ts` keeps no longer. */
  #endMoves(): void {
    if (this.#moves.size === 0) return
    const { channels } = this.#index
    const now = this.time.awake()
    for (const { from, at } of this.#moves.inForce()) {
      if (at + this.#dedupeWindowMs > now || channels.isUsed(from)) continue
      if (this.#halts.has(from) || this.#pauses.get(from) !== undefined) continue
      channels.move(from, from)
      this.#recordMoves([{ kind: 'moved', ...this.#stamp(), from, to: from }])
    }
  }

  get lastSequence(): number {
    return this.#index.highest
  }

  closeChannel({ channel, refs, upTo, at }: Closing, listener: OutcomeListener): void {
    const { table, channels } = this.#index
    this.#window.leftUnattempted()
    const untouched = { attempts: 0, firstAttemptAt: 0, triedMs: 0, mayHaveBeenSent: false }
    for (const ref of refs)
      this.#index.apply(ref, { kind: 'dead', at, ...untouched, reason: 'channel', haltsChannel: false })
    const names = [channel, ...channels.former(channel)]
    const { nextSequence } = this.#stamp()
    const ackSequence = this.#recorder.recordOther(
      { kind: 'closed', nextSequence, at, channels: names, upTo },
      segment => {
        this.#usage.deathsShared(segment, refs.length)
        for (const ref of refs) {
          this.#usage.outcomeWritten(table.segment(ref), table.ackSegment(ref), segment)
          table.setAck(ref, segment, ackSequence)
        }
      },
      listener,
    )
  }

  /**
   * Makes up for marks that may be missing, so that no later opening has to. Runs before the opening ends: no
   * mark of this life may be in the log without these. Rejects as `open`, with everything closed.
   */
  async #accountForTail(unmarked: readonly MessageRef[]): Promise<void> {
    const at = this.time.now()
    // Charged, like any doubt: at most one attempt of each can be missing, made at an unknown time.
    const facts = { at, attempts: 1, firstAttemptAt: 0, triedMs: 0, mayHaveBeenSent: true }
    for (const ref of unmarked) this.#recorder.record(ref, { kind: 'interrupted', ...facts })
    try {
      await this.#recorder.sync()
      await this.#acks.settleTail()
    } catch (error) {
      await this.close().catch(() => {}) // the first failure is the one to tell
      throw asWaqError(error, 'marking what may have been sent failed')
    }
  }

  /**
   * Records the ends of messages that newer ones replaced when a crash came. Runs before the opening ends: no
   * outcome of a newer message may stand before them. Rejects as `open`, with everything closed.
   */
  async #recordReplaced(replaced: Opening['replaced']): Promise<void> {
    try {
      const at = this.time.now()
      for (const { ref, by } of replaced) {
        // One that cannot be read is replaced all the same, but its id is not remembered.
        const identity = await this.#reader.identity(ref).catch(() => undefined)
        this.#recorder.record(ref, {
          kind: 'replaced',
          at,
          attempts: 0,
          mayHaveBeenSent: false,
          by,
          identity,
        })
      }
      await this.#recorder.sync()
      this.#index.deferred.apply()
    } catch (error) {
      await this.close().catch(() => {}) // the first failure is the one to tell
      throw asWaqError(error, 'recording which messages were replaced failed')
    }
  }

  syncOutcomes(): Promise<void> {
    return this.#recorder.sync()
  }

  read(ref: MessageRef): StoredMessage | Promise<StoredMessage> {
    return this.#reader.read(ref)
  }

  /**
   * The identity of a live message; undefined if it was settled meanwhile. Rejects with WAQ_CORRUPT or
   * WAQ_IO.
   */
  identity(ref: MessageRef): Promise<MessageIdentity | undefined> {
    return this.#reader.identity(ref)
  }

  /**
   * By id: a live message, or one settled within the dedupe window; synchronous if it is in memory.
   * Throws, or rejects, with WAQ_CORRUPT or WAQ_IO.
   */
  find(id: string): Found | undefined | Promise<Found | undefined> {
    const live = this.#reader.find(id)
    return live instanceof Promise ? live.then(ref => this.#found(id, ref)) : this.#found(id, live)
  }

  #found(id: string, ref: MessageRef | undefined): Found | undefined {
    if (ref !== undefined) return { ref }
    const settled = this.#dedupe.get(id, this.time.awake())
    if (settled === undefined) return undefined
    const { channel, sequence, state, attempts, at } = settled
    return { settled: { id, channel, sequence, state, attempts, at } }
  }

  /**
   * What `send` returned for a settled message; undefined: not kept, or forgotten. Rejects with WAQ_CORRUPT
   * or WAQ_IO.
   */
  result({ id, sequence }: SettledMessage): Promise<{ readonly value: unknown } | undefined> {
    return this.#results.read(id, sequence)
  }

  history(ref: MessageRef): MessageHistory {
    const { table } = this.#index
    const history = this.#index.errors(ref)
    const lastError = history.at(-1)
    const dead = table.state(ref) === 'dead'
    return {
      history,
      ...(lastError === undefined ? {} : { lastError }),
      ...(dead ? { diedAt: table.lastOutcomeAt(ref), deadReason: table.deadReason(ref) } : {}),
    }
  }

  /**
   * Reclaims disk space: removes segments that nothing needs, and rewrites those needed only in part,
   * including the ones in use. Rejects with an AbortError (work done until then stays done), WAQ_DISK_FULL,
   * WAQ_IO, WAQ_LOCK_LOST or WAQ_CLOSED. A segment that cannot be read stays as it is, and is reported to
   * `onError`.
   */
  async compact(options: CompactionOptions = {}): Promise<CompactionReport> {
    const refusal = this.#refusal()
    if (refusal !== undefined) throw refusal
    try {
      return await this.#compaction.compact(options)
    } catch (error) {
      throw error instanceof AbortError ? error : (this.#refusal() ?? error)
    }
  }

  /** Called each time the background has rewritten something. */
  onCompacted(listener: (report: CompactionReport) => void): void {
    this.#compactionListeners.push(listener)
  }

  catchUp(): void {
    this.#index.deferred.applyDue()
  }

  live(): Iterable<MessageRef> {
    return this.#index.live()
  }

  bySequence(sequence: number): MessageRef | undefined {
    return this.#index.bySequence(sequence)
  }

  sequence(ref: MessageRef): number {
    return this.#index.table.sequence(ref)
  }

  orderKey(ref: MessageRef): number {
    return this.#index.orderKey(ref)
  }

  originalOrderKey(ref: MessageRef): number {
    return this.#index.originalOrderKey(ref)
  }

  /** Whether each of these messages would replace a waiting one, so that together they need no room. */
  replaceWaiting(messages: readonly EncodedMessage[]): boolean {
    return this.#replacements.coverAll(messages)
  }

  channel(ref: MessageRef): string {
    return this.#index.channel(ref)
  }

  priority(ref: MessageRef): number | undefined {
    return this.#index.table.priority(ref)
  }

  state(ref: MessageRef): DeliveryState {
    return this.#index.table.state(ref)
  }

  attempts(ref: MessageRef): number {
    return this.#index.table.attempts(ref)
  }

  progress(ref: MessageRef): MessageProgress {
    return this.#index.table.progress(ref)
  }

  mayHaveBeenSent(ref: MessageRef): boolean {
    return this.#index.table.mayHaveBeenSent(ref)
  }

  dueAt(ref: MessageRef): number {
    return this.#index.table.dueAt(ref)
  }

  deliverAt(ref: MessageRef): number {
    return this.#index.deliverAt(ref)
  }

  isDelayed(ref: MessageRef): boolean {
    return this.#index.isDelayed(ref)
  }

  appointmentCame(ref: MessageRef, at: number): void {
    this.#index.appointmentCame(ref, at)
  }

  expiresAt(ref: MessageRef): number {
    return this.#index.table.expiresAt(ref)
  }

  together(ref: MessageRef): { firstSequence: number; count: number } | undefined {
    return this.#index.together(ref)
  }

  lastOutcomeAt(ref: MessageRef): number {
    return this.#index.table.lastOutcomeAt(ref)
  }

  durablePauses(): readonly { readonly selector: string; readonly since: number }[] {
    this.#index.deferred.apply()
    return this.#pauses
      .inForce()
      .map(({ selector, since }) => ({ selector: this.presentChannel(selector), since }))
  }

  recordPaused(selector: string): void {
    this.#recordPause({ kind: 'paused', ...this.#stamp(), selector })
  }

  recordUnpaused(selector: string): void {
    for (const name of this.#index.channels.former(selector))
      if (this.#pauses.get(name) !== undefined)
        this.#recordPause({ kind: 'unpaused', ...this.#stamp(), selector: name })
    this.#recordPause({ kind: 'unpaused', ...this.#stamp(), selector })
  }

  #recordPause(record: PausedRecord | UnpausedRecord): void {
    const ackSequence = this.#recorder.recordOther(record, segment =>
      this.#pauses.written(record, segment, ackSequence),
    )
  }

  haltedChannels(): Iterable<{ channel: string; since: number }> {
    return [...this.#halts].map(([channel, { since }]) => ({ channel: this.presentChannel(channel), since }))
  }

  pendingLimits(): Iterable<{ scope: Scope; target: string; until: number }> {
    // A wait of a channel with another name holds for that, too; the target may also be a rate key.
    return this.#limits.flatMap(limit => {
      const target = limit.scope === 'channel' ? this.presentChannel(limit.target) : limit.target
      return target === limit.target ? [limit] : [limit, { ...limit, target }]
    })
  }

  takenPlaces(scope: Scope, target: string): readonly Pick<LimitUsage, 'perMs' | 'ends'>[] {
    return this.#places.taken(scope, target)
  }

  get uncountedBefore(): number {
    return this.#places.uncountedBefore
  }

  recordPlaces(places: LimitUsage): void {
    this.#recordOfLimits({ kind: 'places', ...this.#stamp(), ...places })
  }

  #recordUncounted(): void {
    this.#recordOfLimits({ kind: 'uncounted', ...this.#stamp() })
  }

  #recordOfLimits(record: PlacesRecord | UncountedRecord): void {
    const written = this.#places.appended(record)
    const ackSequence = this.#recorder.recordOther(record, segment => written(segment, ackSequence))
  }

  #stamp(): { readonly nextSequence: number; readonly at: number } {
    return { nextSequence: this.#messages.nextSequence, at: this.time.now() }
  }

  /** Pending, in doubt and sending messages. Cheap, unlike `stats()`: limits ask at every enqueue. */
  get pendingCount(): number {
    const counts = this.#index.counts()
    return counts.pending + counts['in-doubt'] + counts.sending
  }

  /** Bytes of their records. */
  get pendingBytes(): number {
    return this.#index.pendingBytes
  }

  /** `isPaused`: channels without which `oldestUnpausedAt` counts; undefined: nothing is paused. */
  stats(isPaused?: (channel: string) => boolean): StoreStats {
    this.#index.deferred.apply()
    const oldestPendingAt = this.#index.oldestPendingAt(this.time)
    const counts = this.#index.counts()
    const { syncs, syncMs, commits } = this.#logs.syncCounts()
    return {
      pending: counts.pending + counts['in-doubt'],
      sending: counts.sending,
      dead: counts.dead,
      pendingBytes: this.#index.pendingBytes,
      oldestPendingAt,
      oldestUnpausedAt:
        isPaused === undefined ? oldestPendingAt : this.#index.oldestPendingAt(this.time, isPaused),
      liveBytes: this.#usage.liveBytes,
      ...this.#diskUse(),
      syncs,
      syncMs: Array.from(syncMs),
      commits,
    }
  }

  /** How many syncs there were, how long the latest took, and where commits go. Cheap, unlike `stats()`. */
  syncCounts(): ReturnType<Logs['syncCounts']> {
    return this.#logs.syncCounts()
  }

  /** Asks the disk whether the directory is still ours. */
  fenceStands(): boolean {
    return this.#logs.fenceStands()
  }

  #diskUse(): DiskUse {
    return {
      diskBytes: this.#logs.diskBytes(),
      segments: this.#messages.segments().length + this.#acks.segments().length,
    }
  }

  onLost(listener: (error: WaqError) => void): void {
    this.#logs.onLost(listener)
  }

  /** Background failures, which belong to no caller: none is swallowed. */
  onError(listener: (error: WaqError) => void): void {
    this.#errorListeners.push(listener)
  }

  /** The wall clock was set: a later life must not count the step as elapsed time. */
  #recordParted(): void {
    const { at, wall } = this.time.reading()
    const nextSequence = this.#messages.nextSequence
    const ackSequence = this.#recorder.recordOther({ kind: 'parted', nextSequence, at, wall }, segment =>
      this.#parted.standsIn(segment, ackSequence, this.#usage),
    )
  }

  #report(error: WaqError): void {
    for (const listener of this.#errorListeners) listener(error)
  }

  #refusal(): WaqError | undefined {
    if (this.#lost !== undefined) return this.#lost
    if (this.#closing === undefined) return undefined
    return new WaqError('WAQ_CLOSED', `The queue in ${this.directory} was closed. Open it again to enqueue.`)
  }

  /** Writes and syncs all recorded outcomes, then closes both logs. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#watch)
    this.time.now()
    await this.#compaction.stop()
    await this.#recorder.handedOver()
    await this.#logs.close()
    this.#index.deferred.apply()
    this.keepAlive.end()
  }
}
