import { captureRejectionSymbol, EventEmitter } from 'node:events'
import { resolve } from 'node:path'
import { Dispatcher } from '../delivery/dispatcher.js'
import { WaqError } from '../log/errors/waq-error.js'
import { type KeepAlive, keepingAlive } from '../log/runtime/keep-alive.js'
import { setImmediate } from '../log/runtime/real-time.js'
import { abortable, throwIfAborted } from '../store/abort-error.js'
import { LogStore } from '../store/log-store.js'
import type { MessageRef } from '../store/message-store.js'
import type { Found, SettledMessage } from '../store/types.js'
import { OwnerControl } from './control/owner-control.js'
import type { StatusFacts } from './control/status.js'
import { listenerFailure, notify, notifyError } from './events/events.js'
import { observeDispatch } from './events/observer.js'
import { liveSettlement, Settlements, settledSettlement } from './events/settlements.js'
import { Intake } from './intake/intake.js'
import type {
  CancelOptions,
  ChannelStats,
  CompactionReport,
  CompactOptions,
  CorruptBytes,
  DeadSelect,
  EnqueueListOptions,
  EnqueueOptions,
  ListFilter,
  MessageSelect,
  MessageView,
  OutboundMessage,
  PendingSettlement,
  Progress,
  QueueEvents,
  QueueOptions,
  QueueStats,
  Receipt,
  RecoveryReport,
  Send,
  Settlement,
  StandardSchema,
} from './types.js'
import { environmentOf, type QueueEnvironment } from './validation/environment.js'
import { ChannelSettingsCache, type ResolvedOptions, resolveOptions } from './validation/options.js'
import { isArray } from './validation/quote.js'
import { PayloadSchema } from './validation/schema.js'
import {
  parseChannelName,
  parseDeadSelect,
  parseFilter,
  parseMessageId,
  parseSelect,
  parseSelector,
  parseStatsSelect,
} from './validation/selectors.js'
import {
  abortSignal,
  callback,
  field,
  flag,
  oneOf,
  Refusal,
  refuse,
  shape,
  timerMs,
  type Validator,
  withRefusals,
} from './validation/validators.js'
import { channelStats } from './view/channel-stats.js'
import {
  matchingSequences,
  presentSelector,
  readView,
  viewMessage,
  viewSequences,
} from './view/message-view.js'
import { percentilesOf, RecentDurations } from './view/recent-durations.js'
import { recoveryReport } from './view/recovery-report.js'
import { selectDead, selectWaiting } from './view/selection.js'
import { assembleStats } from './view/stats.js'
import { dispatcherOptions, payloadReader, storeOptions } from './wiring.js'

const DEFAULT_GRACE_MS = 10_000

const WAIT_OPTIONS = shape<{ signal?: AbortSignal }>({ signal: field(abortSignal) })
const COMPACT_OPTIONS = shape<{ signal?: AbortSignal; onProgress?: (progress: Progress) => void }>({
  signal: field(abortSignal),
  onProgress: field(callback('(progress) => void')),
})
const PAUSE_OPTIONS = shape<{ durable: boolean }>({ durable: field(flag, false) })
const CANCEL_OPTIONS = shape<{ evenInDoubt: boolean }>({ evenInDoubt: field(flag, false) })
/** The default options of `cancel`: one object that all calls share. */
const AS_A_RULE = { evenInDoubt: false }
const CLOSE_OPTIONS = shape<{ graceMs: number }>({ graceMs: field(timerMs(), DEFAULT_GRACE_MS) })
const REDRIVE_OPTIONS = shape<{ place: 'original' | 'last' }>({
  place: field(oneOf('original', 'last'), 'original'),
})
const SEND = callback<Send<unknown, unknown>>('(delivery) => result')

/** Only `open` may call the constructor. */
const OPENED = Symbol('opened')

/**
 * A durable queue of messages in a directory. Open one with `OutboundQueue.open`.
 *
 * Methods that return a promise report every error through it and never throw. `start`, `list`, `pause` and
 * `resume` throw.
 *
 * @example
 * const queue = await OutboundQueue.open('./outbox', { send: ({ payload }) => deliver(String(payload)) })
 * await queue.enqueue({ channel: 'slack:ops:C0123', payload: { text: 'disk full' } })
 * await queue.close()
 *
 * @typeParam P the payload that `enqueue` takes
 * @typeParam R what `send` returns
 * @typeParam O the payload that `send` is given: the output of `schema`, else P
 */
export class OutboundQueue<P = unknown, R = unknown, O = P>
  extends EventEmitter<QueueEvents<P, R>>
  implements AsyncDisposable
{
  /** The directory's canonical path. */
  readonly directory: string
  /** What `open` found in the directory. */
  readonly recovery: RecoveryReport

  readonly #store: LogStore
  readonly #dispatcher: Dispatcher<O, R>
  readonly #intake: Intake
  readonly #settlements = new Settlements<R>()
  readonly #sendDurations = new RecentDurations()
  readonly #keepAlive: KeepAlive
  /** The option `keepAlive`; undefined: true from when delivery starts. */
  readonly #staysOpen: boolean | undefined
  /** True while the open queue keeps the process alive. */
  #holds = false
  /** Undefined on a disk that only a test has: no other process can ask there. */
  readonly #control: OwnerControl | undefined
  #enqueued = 0
  #started = false
  /** Why every call is refused: the queue was closed, or lost its lock. */
  #ended: WaqError | undefined
  #closing: Promise<void> | undefined

  /**
   * Opens or creates a queue: takes the lock, reads both logs, and continues where the last owner stopped.
   * The first attempt begins one macrotask after this resolves, so there is time to add listeners.
   *
   * Rejects with WAQ_INVALID_OPTION, WAQ_LOCKED (`owner` says who), WAQ_NOT_A_QUEUE, WAQ_UNSUPPORTED_VERSION,
   * WAQ_CORRUPT (with `onCorruption: 'refuse'`), WAQ_IO or WAQ_DISK_FULL.
   */
  static open<P, O, R = unknown>(
    directory: string,
    options: QueueOptions<P, R, O> & { schema: StandardSchema<P, O> },
  ): Promise<OutboundQueue<P, R, O>>
  static open<P = unknown, R = unknown>(
    directory: string,
    options?: QueueOptions<P, R>,
  ): Promise<OutboundQueue<P, R>>
  static open<P, R, O>(directory: string, options: QueueOptions<P, R, O>): Promise<OutboundQueue<P, R, O>>
  static async open<P, R, O>(
    directory: string,
    options?: QueueOptions<P, R, O>,
  ): Promise<OutboundQueue<P, R, O>> {
    const path = checkDirectory(directory)
    const resolved = resolveOptions<O, R>(options)
    const environment = environmentOf(options)
    const store = await keepingAlive(LogStore.open(path, storeOptions(resolved, environment)))
    try {
      return new OutboundQueue<P, R, O>(OPENED, store, resolved, environment)
    } catch (error) {
      await store.close()
      throw error
    }
  }

  private constructor(
    opened: typeof OPENED,
    store: LogStore,
    options: ResolvedOptions<O, R>,
    environment: QueueEnvironment,
  ) {
    super({ captureRejections: true })
    if (opened !== OPENED) throw new TypeError('Use OutboundQueue.open(directory, options).')
    this.#store = store
    this.#keepAlive = store.keepAlive
    this.#staysOpen = options.keepAlive
    this.directory = store.directory
    this.recovery = recoveryReport(store.recovery)
    const channels = new ChannelSettingsCache<O>(options, environment.random ?? Math.random, error =>
      notifyError(this, error),
    )
    const schema = options.schema && new PayloadSchema(options.schema)
    this.#intake = new Intake(store, {
      limits: options.limits,
      ttlMsOf: channel =>
        channels.of(store.channelNames.anyMoved ? store.presentChannel(channel) : channel).ttlMs,
      schema,
      time: store.time,
      refusal: () => this.#ended,
    })
    this.#dispatcher = new Dispatcher<O, R>(
      store,
      dispatcherOptions(options, environment, {
        channels,
        view: (ref, stored) => viewMessage<O>(store, ref, stored, true),
        time: store.time,
        parse: payloadReader(schema, options.parse),
        settlementOf: id => this.#settlementOf(id),
      }),
      observeDispatch<R>({
        emitter: this,
        directory: this.directory,
        settlements: this.#settlements,
        sendDurations: this.#sendDurations,
        settledUntold: () => void this.#tellAwaited(),
        roomChanged: () => this.#intake.roomChanged(),
      }),
    )
    store.onAppended = ref => this.#appended(ref)
    store.onError(error => notifyError(this, error))
    store.onCompacted(report => notify(this, 'compacted', report))
    store.onLost(error => this.#lost(error))
    this.#dispatcher.load()
    if (options.keepAlive === true) this.#hold()
    if (options.send !== undefined) this.#start(options.send)
    this.#announce(this.recovery.corrupt.filter(({ known }) => !known))
    if (environment.store?.fileSystem === undefined) {
      this.#control = new OwnerControl({
        directory: this.directory,
        queue: this as OutboundQueue,
        status: () => this.#status(),
        report: error => notifyError(this, error),
        fenceStands: () => store.fenceStands(),
        during: work => this.#keepAlive.during(work),
      })
      this.#control.start()
    }
  }

  /**
   * Starts delivery in a queue opened without `send`. The first attempt begins one macrotask later. Throws
   * WAQ_INVALID_OPTION (also if delivery has begun), WAQ_CLOSED or WAQ_LOCK_LOST.
   */
  start(send: Send<O, R>): void {
    this.#assertOpen()
    withRefusals('WAQ_INVALID_OPTION', 'send', () => {
      SEND.parse(send, 'send')
      if (this.#started) {
        throw new Refusal(
          'start was called although delivery began already. Give `send` to `open`, or to `start` once.',
        )
      }
    })
    this.#start(send)
  }

  /**
   * Writes a message to disk, and resolves once it is as durable as `durability` promises (default: on the
   * device). A list is atomic: all of it is written, or nothing. If the queue knows the id, nothing is
   * written and the receipt has `duplicate: true`.
   *
   * Always returns a promise, which rejects with WAQ_INVALID_MESSAGE, WAQ_INVALID_OPTION, WAQ_TOO_LARGE,
   * WAQ_FULL, WAQ_ID_CONFLICT, WAQ_DISK_FULL, WAQ_IO, WAQ_CLOSED, WAQ_LOCK_LOST or an AbortError. Then
   * nothing was written, unless the error is `indeterminate`: such a message may reappear after a restart,
   * under the id in `ids`.
   */
  enqueue(message: OutboundMessage<P>, options?: EnqueueOptions): Promise<Receipt>
  enqueue(messages: readonly OutboundMessage<P>[], options?: EnqueueListOptions): Promise<Receipt[]>
  enqueue(
    input: OutboundMessage<P> | readonly OutboundMessage<P>[],
    options?: EnqueueListOptions,
  ): Promise<Receipt | Receipt[]> {
    try {
      return isArray(input) ? this.#intake.enqueueList(input, options) : this.#intake.enqueue(input, options)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Withdraws a waiting message, including one that waits for a retry. Resolves to true once that is on the
   * device; to false if the message is being sent, may have been sent, is dead, has settled, or is unknown.
   * `evenInDoubt: true` also withdraws one that may have been sent but is not being sent now: it settles as
   * cancelled, though it may have arrived. Rejects with WAQ_INVALID_OPTION, WAQ_CORRUPT, WAQ_IO,
   * WAQ_DISK_FULL, WAQ_CLOSED or WAQ_LOCK_LOST.
   */
  cancel(id: string, options?: CancelOptions): Promise<boolean>
  /**
   * Withdraws every selected message that `cancel(id)` would withdraw. Resolves to their number once that is
   * on the device. It works in batches of 1,024, each of them atomic. Rejects as
   * `cancel(id)` does.
   */
  cancel(select: MessageSelect, options?: CancelOptions): Promise<number>
  cancel(what: string | MessageSelect, options?: CancelOptions): Promise<boolean | number> {
    try {
      const { evenInDoubt } =
        options === undefined ? AS_A_RULE : parseOptions(CANCEL_OPTIONS, options, 'cancel')
      if (typeof what === 'object' && what !== null) {
        const select = parseSelect(what)
        this.#assertOpen()
        const selecting = selectWaiting(this.#store, select)
        return this.#keepAlive.during(selecting.then(found => this.#dispatcher.cancelAll(found, evenInDoubt)))
      }
      const known = parseMessageId(what)
      this.#assertOpen()
      const found = this.#store.find(known)
      return this.#keepAlive.during(
        found instanceof Promise
          ? found.then(later => this.#cancel(later, known, evenInDoubt))
          : this.#cancel(found, known, evenInDoubt),
      )
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Tries the selected messages again now: ends their backoffs, the waits that receivers asked for, and the
   * brakes of receivers that were down, for all that wait with them. No restart brings these waits back.
   * Schedules, pauses, halts and limits stay. Resolves to the number of messages that waited for one of these
   * once that is on the device. Rejects as `cancel` does.
   */
  async retryNow(select: MessageSelect): Promise<number> {
    const resolved = parseSelect(select)
    this.#assertOpen()
    const selecting = selectWaiting(this.#store, resolved)
    return this.#keepAlive.during(selecting.then(found => this.#dispatcher.retryNow(found)))
  }

  /**
   * Resolves to a live message (pending, being sent, or dead) in its present state; to undefined if none has
   * this id. Rejects as `cancel` does.
   */
  get(id: string): Promise<MessageView<P> | undefined> {
    try {
      const known = parseMessageId(id)
      this.#assertOpen()
      const found = this.#store.find(known)
      const view = found instanceof Promise ? found.then(later => this.#view(later)) : this.#view(found)
      return view instanceof Promise ? this.#keepAlive.during(view) : Promise.resolve(view)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Yields the messages that are live at the call, by sequence, each in its state when it is yielded.
   * Messages that no longer match the filter by then are left out. Throws WAQ_INVALID_OPTION, WAQ_CLOSED or
   * WAQ_LOCK_LOST.
   */
  list(filter?: ListFilter): AsyncIterable<MessageView<P>> {
    const resolved = parseFilter(filter)
    this.#assertOpen()
    return viewSequences<P>(this.#store, matchingSequences(this.#store, resolved), resolved)
  }

  /**
   * Resolves once the message is delivered, dead, cancelled or replaced; at once if it already is and the
   * dedupe window still remembers it. Rejects with WAQ_NOT_FOUND, WAQ_CLOSED, WAQ_LOCK_LOST or an AbortError.
   */
  async settled(id: string, options?: { signal?: AbortSignal | undefined }): Promise<Settlement<R>> {
    const known = parseMessageId(id)
    const { signal } = parseOptions(WAIT_OPTIONS, options, 'settled')
    this.#assertOpen()
    throwIfAborted(signal)
    // Waits first and looks then, so a settlement in between is not missed.
    const place = this.#settlements.wait(known)
    try {
      return await this.#keepAlive.during(abortable(this.#settlement(known, place.settled), signal))
    } finally {
      place.leave()
    }
  }

  /** Figures of the queue. It visits every live message, so do not call it in a hot path. */
  stats(): QueueStats
  /**
   * Figures of one channel, or of all with a prefix. It visits every live message. Throws WAQ_INVALID_OPTION.
   *
   * @example
   * const { pending, delivered } = queue.stats({ channel: 'telegram:bot1:*' })
   */
  stats(select: { channel: string }): ChannelStats
  stats(select?: { channel: string }): QueueStats | ChannelStats {
    if (select !== undefined) {
      const selector = presentSelector(this.#store, parseStatsSelect(select))
      return channelStats(this.#store, selector, this.#dispatcher.deliveredIn(selector))
    }
    return assembleStats({
      store: this.#store.stats(this.#dispatcher.isPaused),
      dispatcher: this.#dispatcher.stats(),
      lost: this.recovery.lost.unsettled,
      enqueued: this.#enqueued,
      enqueueDurations: this.#intake.durations,
      sendDurations: this.#sendDurations,
      nowMs: this.#store.time.now(),
    })
  }

  /**
   * Starts no more attempts: of any channel, of one, or of all with a prefix (`'telegram:*'`). A running
   * `send` goes on. A pause lasts until `resume`; unless it is `durable`, a close or a crash ends it, too. It
   * holds from the call on. The promise resolves once a durable pause is on the device; at once for another.
   * Rejects with WAQ_INVALID_OPTION, WAQ_IO, WAQ_DISK_FULL, WAQ_CLOSED or WAQ_LOCK_LOST.
   *
   * @example
   * await queue.pause('telegram:*', { durable: true })
   */
  async pause(channel?: string, options?: { durable?: boolean | undefined }): Promise<void> {
    const selector = parseSelector(channel)
    const { durable } = parseOptions(PAUSE_OPTIONS, options, 'pause')
    this.#assertOpen()
    await this.#keepAlive.during(this.#dispatcher.pause(presentSelector(this.#store, selector), durable))
  }

  /**
   * Ends pauses and halts of a channel or a prefix; without an argument, all. Resolves once the end of
   * durable pauses is on the device. Rejects as `pause` does.
   */
  async resume(channel?: string): Promise<void> {
    const selector = parseSelector(channel)
    this.#assertOpen()
    await this.#keepAlive.during(this.#dispatcher.resume(presentSelector(this.#store, selector)))
  }

  /**
   * Gives a channel another name: what waits in it, and all that is enqueued to it later, goes on as `to`, in
   * the order of the enqueues, also if `to` has messages of its own. Its halt, its pauses and its waits go
   * along; attempts under way end first. The same as the verdict `moved`. It holds from the call on, also for
   * channels that have no message, and is remembered while a message waits that was enqueued to `from`, at
   * least for `dedupe.windowMs`. To move it back, move `to` to `from`. Resolves once it is on the device.
   * Rejects with WAQ_INVALID_OPTION, WAQ_IO, WAQ_DISK_FULL, WAQ_CLOSED or WAQ_LOCK_LOST.
   *
   * @example
   * await queue.move('telegram:bot:-4711', 'telegram:bot:-1001234')
   */
  async move(from: string, to: string): Promise<void> {
    const former = parseChannelName(from, 'from')
    const present = parseChannelName(to, 'to')
    this.#assertOpen()
    await this.#keepAlive.during(this.#dispatcher.move(former, present))
  }

  /**
   * Makes dead letters pending again, with new attempts and a new time to live: ahead of the waiting
   * messages of their channels (`'original'`, default), or behind them (`'last'`). Resolves to their number
   * once that is on the device.
   */
  async retryDead(
    select: DeadSelect,
    options?: { place?: 'original' | 'last' | undefined },
  ): Promise<number> {
    const { place } = parseOptions(REDRIVE_OPTIONS, options, 'retryDead')
    const selecting = this.#selectDead(select)
    return this.#keepAlive.during(selecting.then(refs => this.#dispatcher.redrive(refs, place)))
  }

  /** Deletes dead letters. Resolves to their number once that is on the device. */
  async purgeDead(select: DeadSelect): Promise<number> {
    const selecting = this.#selectDead(select)
    return this.#keepAlive.during(selecting.then(refs => this.#dispatcher.purge(refs)))
  }

  /**
   * Reclaims the disk space of settled messages and of outcomes that nothing needs, while everything else
   * goes on. The queue also does this in the background, except where little would be gained. A segment that
   * cannot be read is left unchanged and reported as an `error`. Rejects with an AbortError (what was
   * done until then stays done), WAQ_DISK_FULL, WAQ_IO, WAQ_INVALID_OPTION, WAQ_CLOSED or WAQ_LOCK_LOST.
   */
  async compact(options?: CompactOptions): Promise<CompactionReport> {
    const { signal, onProgress } = parseOptions(COMPACT_OPTIONS, options, 'compact')
    this.#assertOpen()
    const report = await this.#keepAlive.during(this.#store.compact({ signal, onProgress }))
    notify(this, 'compacted', report)
    return report
  }

  /**
   * Waits for every message that can be sent, retries included. Resolves once the others wait for a `resume`
   * or for their `deliverAt`; `remaining` is the number of those. Rejects with an AbortError,
   * WAQ_INVALID_OPTION, WAQ_CLOSED or WAQ_LOCK_LOST.
   */
  async drain(options?: { signal?: AbortSignal | undefined }): Promise<{ remaining: number }> {
    const { signal } = parseOptions(WAIT_OPTIONS, options, 'drain')
    this.#assertOpen()
    throwIfAborted(signal)
    return this.#keepAlive.during(this.#dispatcher.drain({ signal }))
  }

  /**
   * Starts no more attempts, waits at most `graceMs` (default 10_000) for those under way, then aborts their
   * `signal`, syncs both logs and releases the lock. Called from inside a `send`, it does not wait for that
   * one. Idempotent.
   */
  async close(options?: { graceMs?: number | undefined }): Promise<void> {
    const { graceMs } = parseOptions(CLOSE_OPTIONS, options, 'close')
    // In each call: each may come from inside another send, which delivery then does not wait for.
    const delivery = this.#dispatcher.close(graceMs)
    this.#closing ??= this.#keepAlive.during(this.#close(delivery))
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Reports a listener that was called by `emit` and rejected. The queue itself does not call `emit`. */
  override [captureRejectionSymbol](error: Error, ...[event]: unknown[]): void {
    notifyError(this, listenerFailure(String(event), error))
  }

  #start(send: Send<O, R>): void {
    this.#started = true
    this.#dispatcher.start(send)
    if (this.#staysOpen !== false) this.#hold()
  }

  #hold(): void {
    if (this.#holds) return
    this.#holds = true
    this.#keepAlive.hold()
  }

  #letGo(): void {
    if (!this.#holds) return
    this.#holds = false
    this.#keepAlive.release()
  }

  #cancel(found: Found | undefined, id: string, evenInDoubt: boolean): Promise<boolean> {
    this.#assertOpen()
    if (found === undefined || 'settled' in found) return Promise.resolve(false)
    return this.#dispatcher.cancel(found.ref, id, evenInDoubt)
  }

  #view(found: Found | undefined): MessageView<P> | undefined | Promise<MessageView<P> | undefined> {
    this.#assertOpen()
    if (found === undefined || !('ref' in found)) return undefined
    return readView<P>(this.#store, this.#store.sequence(found.ref), true)
  }

  async #close(delivery: Promise<void>): Promise<void> {
    const error = new WaqError(
      'WAQ_CLOSED',
      `The queue in ${this.directory} is closed. Open it again to go on.`,
    )
    this.#ended ??= error
    this.#intake.close(this.#ended)
    try {
      await Promise.all([delivery, this.#control?.close()])
    } finally {
      // Only now: the sends just waited for may have settled messages that a caller waits for.
      this.#settlements.close(this.#ended)
      this.#letGo()
      await this.#store.close()
    }
  }

  #lost(error: WaqError): void {
    this.#ended ??= error
    this.#dispatcher.lost(error)
    this.#intake.close(error)
    this.#settlements.close(error)
    this.#letGo()
    if (error.code === 'WAQ_LOCK_LOST' && this.listenerCount('lockLost') > 0) notify(this, 'lockLost', error)
    else notifyError(this, error)
  }

  #status(): StatusFacts {
    const { syncs, syncMs, commits } = this.#store.syncCounts()
    return {
      recovery: this.recovery,
      dispatcher: this.#dispatcher.stats(),
      enqueued: this.#enqueued,
      syncs,
      syncMs: percentilesOf(syncMs),
      commits,
      enqueueMs: this.#intake.durations.percentiles(),
      sendMs: this.#sendDurations.percentiles(),
    }
  }

  #appended(ref: MessageRef): void {
    this.#enqueued += 1
    this.#dispatcher.add(ref)
  }

  /** Reports corrupt bytes one macrotask later, when the caller of `open` can listen. */
  #announce(corrupt: readonly CorruptBytes[]): void {
    if (corrupt.length === 0) return
    setImmediate(() => {
      for (const bytes of corrupt) notify(this, 'corruption', bytes)
    })
  }

  async #settlement(id: string, settledLater: Promise<Settlement<R>>): Promise<Settlement<R>> {
    const now = await this.#settlementNow(id)
    if (now === undefined) {
      throw new WaqError(
        'WAQ_NOT_FOUND',
        `No message has the id ${JSON.stringify(id)}: it was never enqueued, or it settled longer ago ` +
          'than the dedupe window.',
        { ids: [id] },
      )
    }
    return now.state === 'pending' ? settledLater : now
  }

  /** Undefined: the id is unknown or forgotten. */
  async #settlementNow(id: string): Promise<Settlement<R> | PendingSettlement | undefined> {
    const found = await this.#store.find(id)
    if (found !== undefined && 'ref' in found)
      return liveSettlement<R>(this.#store, id, found.ref) ?? { state: 'pending' }
    const recent = this.#settlements.recent(id)
    if (recent !== undefined || found === undefined) return recent
    const result = await this.#result(found.settled)
    return { ...settledSettlement<R>(found.settled), ...(result && { result: result.value as R }) }
  }

  /** One that cannot be read is reported, and lacks: how the message settled is known all the same. */
  async #result(settled: SettledMessage): Promise<{ readonly value: unknown } | undefined> {
    try {
      return await this.#store.result(settled)
    } catch (error) {
      const what = `What send returned for message ${JSON.stringify(settled.id)} cannot be read`
      notifyError(this, new Error(`${what}: ${(error as Error).message}`, { cause: error }))
      return undefined
    }
  }

  /** As `Delivery` has it: it also answers while the queue closes, for the sends that are waited for. */
  async #settlementOf(id: string): Promise<Settlement | PendingSettlement | undefined> {
    const known = parseMessageId(id)
    if (this.#ended !== undefined && this.#ended.code !== 'WAQ_CLOSED') throw this.#ended
    return this.#keepAlive.during(this.#settlementNow(known))
  }

  async #selectDead(select: DeadSelect): Promise<MessageRef[]> {
    const resolved = parseDeadSelect(select)
    this.#assertOpen()
    const sequences = await selectDead(this.#store, resolved)
    return sequences.flatMap(sequence => this.#store.bySequence(sequence) ?? [])
  }

  /** Tells those who wait for a message that settled without a report of its own. */
  async #tellAwaited(): Promise<void> {
    for (const id of this.#settlements.awaited) {
      try {
        const now = await this.#settlementNow(id)
        if (now !== undefined && now.state !== 'pending') this.#settlements.settle(now)
      } catch (error) {
        notifyError(this, error as Error)
      }
    }
  }

  #assertOpen(): void {
    if (this.#ended !== undefined) throw this.#ended
  }
}

function parseOptions<T>(rule: Validator<T>, options: unknown, method: string): T {
  return withRefusals('WAQ_INVALID_OPTION', `The options of ${method}`, () =>
    rule.parse(options === undefined ? {} : options, `${method}: options`),
  )
}

/** The directory as an absolute path. */
function checkDirectory(directory: unknown): string {
  return withRefusals('WAQ_INVALID_OPTION', 'The directory', () => {
    if (typeof directory === 'string' && directory !== '' && !directory.includes('\u0000'))
      return resolve(directory)
    return refuse('directory', 'a path, such as "./outbox"', directory)
  })
}
