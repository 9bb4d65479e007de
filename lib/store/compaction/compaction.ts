/**
 * Keeps disk use in proportion to the live messages: retires segments that are no longer needed and rewrites
 * those of which little is needed. In the background it is never in the path of an enqueue or an outcome: it
 * may be asked at any rate, does one thing at a time, in slices, and pauses after each slice for as long as
 * the slice took. On demand it does the same, more thoroughly and without pauses.
 */

import { systemCode } from '../../log/errors/system-error.js'
import { asWaqError, type WaqError } from '../../log/errors/waq-error.js'
import { clearTimeout, monotonicNow, nextTurn, setTimeout, sleep } from '../../log/runtime/real-time.js'
import { throwIfAborted } from '../abort-error.js'
import { ackSegmentBytes } from '../log-specs.js'
import type { CompactionOptions, CompactionReport, DiskUse } from '../types.js'
import {
  backgroundLimits,
  type CompactionLimits,
  type CompactionRun,
  planCompaction,
  thoroughLimits,
} from './compaction-plan.js'
import { type MessageRewriteParts, type RewriteManner, rewriteMessages } from './rewrite-messages.js'
import { type OutcomeRewriteParts, rewriteOutcomes } from './rewrite-outcomes.js'
import { messageShares, outcomeShares } from './segment-shares.js'

export interface CompactionParts extends MessageRewriteParts, OutcomeRewriteParts {
  readonly segmentBytes: number
  readonly liveRatio: number
  /** False: in the background, segments no longer needed are removed, but none is rewritten. */
  readonly automatic: boolean
  /**
   * The lowest sequence that the log has taken but not yet answered; segments that reach it are not judged.
   */
  readonly lowestMessageInFlight: () => number
  readonly lowestAckInFlight: () => number
  readonly diskUse: () => DiskUse
  /** The segment that messages were written to was sealed. */
  readonly messagesSealed: () => void
  readonly onError: (error: WaqError) => void
  /** Ends the records of former channel names that nothing needs any longer. */
  readonly endMoves: () => void
  /** A segment was rewritten in the background. */
  readonly onCompacted: (report: CompactionReport) => void
}

interface LimitsOfLogs {
  readonly messages: CompactionLimits
  readonly acks: CompactionLimits
}

const none: ReadonlySet<number> = new Set()

/** The wait after a background failure doubles from the first of these to the last. */
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000
/** The queue is idle when nothing was recorded for this long. */
const IDLE_MS = 1_000
/** From this many single-outcome blocks on, merging pays: an opening needs 10 ms for them. */
const MIN_ALONE = 2_048
const MIN_REST_MS = 1
const MAX_REST_MS = 20

export class Compaction {
  readonly #parts: CompactionParts
  readonly #background: LimitsOfLogs
  /**
   * Segments handed to the log to be dropped; removed from the ledger once a manifest without them is
   * durable.
   */
  readonly #leavingMessages: number[] = []
  readonly #leavingAcks: number[] = []
  /** Segments that could not be read for a rewrite: they stay unchanged for this life. */
  readonly #damaged = new Set<number>()
  readonly #stopping = new AbortController()
  /** Segments being rewritten: not retired, as the rewrite removes them. */
  #busy: ReadonlySet<number> = none
  /** Copies count, or are about to: until all moves have been told, a copy looks unneeded. */
  #counting = false
  #asked = false
  #running: Promise<void> | undefined
  /** The run on demand; the background gives way to it. */
  #demands = 0
  /** Aborted when a caller waits for the background to finish. */
  #hurry = new AbortController()
  #last: Promise<unknown> = Promise.resolve()
  #retryMs = FIRST_RETRY_MS
  #retry: NodeJS.Timeout | undefined
  /** Runs while the active segment has many outcomes that could be merged into blocks. */
  #idle: NodeJS.Timeout | undefined
  /** The queue is idle: the active segment is being sealed, so that it can be rewritten. */
  #sealsAcks = false

  constructor(parts: CompactionParts) {
    this.#parts = parts
    const { segmentBytes, liveRatio } = parts
    this.#background = {
      messages: backgroundLimits(segmentBytes, liveRatio),
      acks: backgroundLimits(ackSegmentBytes(segmentBytes), liveRatio),
    }
  }

  /** Something may have become free. */
  ask(): void {
    this.#asked = true
    if (this.#running !== undefined || this.#retry !== undefined || this.#stopping.signal.aborted) return
    this.#running = this.#alone(() => this.#runInBackground()).finally(() => {
      this.#running = undefined
      // Asked again between the last look and the end.
      if (this.#asked) this.ask()
    })
  }

  /**
   * Reclaims all the space it can. Rejects with an AbortError (work done until then stays done), WAQ_CORRUPT,
   * WAQ_DISK_FULL, WAQ_IO or WAQ_LOCK_LOST.
   */
  async compact(options: CompactionOptions): Promise<CompactionReport> {
    const { signal } = options
    throwIfAborted(signal)
    this.#demands += 1
    this.#hurry.abort()
    try {
      return await this.#alone(() => this.#runOnDemand(options))
    } catch (error) {
      throwIfAborted(signal)
      throw error
    } finally {
      this.#demands -= 1
      this.ask()
    }
  }

  /** Starts nothing more and undoes the work in progress; resolves when that is done. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#hurry.abort()
    clearTimeout(this.#retry)
    clearTimeout(this.#idle)
    await this.#last
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {}) // the caller that asked for it is told
    return result
  }

  async #runInBackground(): Promise<void> {
    // Runs after the caller's present work.
    await nextTurn()
    try {
      while (this.#asked && !this.#stopping.signal.aborted && this.#demands === 0) {
        await this.#retireAsked()
        if (!this.#parts.automatic) continue
        await this.#sealAtRest()
        await this.#rewriteInBackground()
        this.#watchForRest()
      }
      this.#retryMs = FIRST_RETRY_MS
    } catch (error) {
      if (this.#stopping.signal.aborted) return
      const failure = asWaqError(error, 'Removing segments that are no longer needed')
      // The log itself reports a lost lock.
      if (failure.code !== 'WAQ_LOCK_LOST') this.#parts.onError(failure)
      this.#waitAndRetry()
    }
  }

  #retireAsked(): Promise<void> {
    this.#asked = false
    return this.#retire()
  }

  #waitAndRetry(): void {
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      this.ask()
    }, this.#retryMs).unref()
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS)
  }

  /**
   * Recent outcomes take two frames per message until their segment is full, and an opening would read them
   * all. An idle queue has time to merge them into blocks.
   */
  #watchForRest(): void {
    const { acks, usage } = this.#parts
    const active = acks.segments().findLast(({ sealed }) => !sealed)
    if (this.#idle !== undefined || this.#stopping.signal.aborted || active === undefined) return
    if (!usage.isLoose(active.id) || usage.settlingAlone(active.id) < MIN_ALONE) return
    const { nextSequence } = acks
    this.#idle = setTimeout(() => {
      this.#idle = undefined
      this.#sealsAcks = acks.nextSequence === nextSequence
      if (this.#sealsAcks) this.ask()
      else this.#watchForRest()
    }, IDLE_MS).unref()
  }

  async #sealAtRest(): Promise<void> {
    if (!this.#sealsAcks) return
    this.#sealsAcks = false
    await this.#parts.acks.seal()
  }

  async #rewriteInBackground(): Promise<void> {
    this.#hurry = new AbortController()
    const rest = resting(this.#hurry.signal)
    const turn = async (): Promise<void> => {
      if (this.#counting) return nextTurn()
      await rest()
      // Retiring whole segments does not wait for a slow rewrite.
      if (this.#asked) await this.#retireAsked()
    }
    const manner = { signal: this.#stopping.signal, turn, onProgress() {} }
    const before = this.#parts.diskUse()
    let rewritten = 0
    try {
      for (; this.#demands === 0; rewritten += 1) {
        const next = this.#plan(this.#background)[0]
        if (next === undefined) break
        await this.#rewrite(next, manner)
        await this.#retire()
      }
    } finally {
      if (rewritten > 0) this.#parts.onCompacted({ before, after: this.#parts.diskUse() })
    }
  }

  async #runOnDemand({ signal, onProgress }: CompactionOptions): Promise<CompactionReport> {
    const { messages, acks, segmentBytes, diskUse } = this.#parts
    const limits = {
      messages: thoroughLimits(segmentBytes),
      acks: thoroughLimits(ackSegmentBytes(segmentBytes)),
    }
    const refusing = new AbortController()
    const anySignal = AbortSignal.any([
      this.#stopping.signal,
      refusing.signal,
      ...(signal === undefined ? [] : [signal]),
    ])
    anySignal.throwIfAborted()
    const before = diskUse()
    let doneBytes = 0
    let totalBytes = 0
    const manner: RewriteManner = {
      signal: anySignal,
      onProgress: bytes => {
        doneBytes += bytes
        try {
          onProgress?.({ doneBytes, totalBytes: Math.max(doneBytes, totalBytes) })
        } catch (error) {
          refusing.abort(error)
        }
      },
    }
    await this.#retire()
    await messages.seal()
    this.#parts.messagesSealed()
    await acks.seal()
    await this.#retire()
    for (;;) {
      // Planned anew each time: outcomes become free when their messages are gone.
      const planned = this.#plan(limits)
      const next = planned[0]
      if (next === undefined) return { before, after: diskUse() }
      totalBytes = planned.reduce((sum, { run }) => sum + run.bytes, doneBytes)
      anySignal.throwIfAborted()
      await this.#rewrite(next, manner)
      await this.#retire()
    }
  }

  /** Messages first: dropping them frees outcomes. */
  #plan(limits: LimitsOfLogs): { log: 'messages' | 'acks'; run: CompactionRun }[] {
    const isDamaged = (id: number): boolean => this.#damaged.has(id)
    const ofMessages = planCompaction(
      messageShares(this.#parts, isDamaged, limits.messages.sparesRecent),
      limits.messages,
    )
    const ofAcks = planCompaction(
      outcomeShares(this.#parts, isDamaged, limits.acks.sparesRecent),
      limits.acks,
    )
    return [
      ...ofMessages.map(run => ({ log: 'messages' as const, run })),
      ...ofAcks.map(run => ({ log: 'acks' as const, run })),
    ]
  }

  async #rewrite(
    { log, run }: { log: 'messages' | 'acks'; run: CompactionRun },
    manner: RewriteManner,
  ): Promise<void> {
    let done = 0
    const counting: RewriteManner = {
      ...manner,
      onProgress: bytes => {
        done += 1
        manner.onProgress(bytes)
      },
      countsNext: () => {
        this.#counting = true
      },
    }
    this.#busy = new Set(run.ids)
    try {
      if (log === 'messages') await rewriteMessages(this.#parts, run.ids, counting)
      else await rewriteOutcomes(this.#parts, run.ids, counting)
    } catch (error) {
      const failed = run.ids[done]
      if (systemCode(error) !== 'WAQ_CORRUPT' || failed === undefined) throw error
      // Nothing in it was dropped: it stays unchanged, and the next opening quarantines its damage. The
      // others continue without it.
      this.#damaged.add(failed)
      this.#parts.onError(asWaqError(error, 'compacting failed'))
    } finally {
      this.#busy = none
      this.#counting = false
    }
  }

  async #retire(): Promise<void> {
    const { messages, acks, index, usage, membership, dedupe, now } = this.#parts
    index.deferred.apply()
    const freeMessages = usage.freeMessageSegments(
      messages.segments(),
      this.#parts.lowestMessageInFlight(),
      this.#busy,
    )
    if (freeMessages.length > 0) {
      // In the relaxed durabilities a frame not yet on the device may still be written again to another
      // segment; its message's outcome must then stay as long as that segment. After this sync, none of these
      // frames will be written again.
      await messages.sync()
      // Invariant 10: the outcomes that settled these messages are on the device before the manifest that
      // drops them.
      await acks.sync()
      this.#leavingMessages.push(...freeMessages)
      // Once a manifest lacks a segment, all later ones do, so this also covers the remains of an earlier,
      // failed publication.
      await messages.retire(freeMessages)
      membership.forget(this.#leavingMessages)
      usage.messageSegmentsGone(this.#leavingMessages.splice(0))
    }
    dedupe.evict(now())
    this.#parts.places.evict(now())
    this.#parts.endMoves()
    const freeAcks = usage.freeAckSegments(
      acks.segments(),
      this.#parts.lowestAckInFlight(),
      now(),
      this.#busy,
    )
    if (freeAcks.length > 0) {
      // The outcomes that replaced these are on the device before the manifest that drops them: if a power
      // loss took both, a dead letter would come back as a message never sent.
      await acks.sync()
      this.#leavingAcks.push(...freeAcks)
      await acks.retire(freeAcks)
      usage.ackSegmentsGone(this.#leavingAcks.splice(0))
    }
  }
}

/**
 * Pauses after each slice for as long as the slice took: enqueues and deliveries get at least half of the
 * time. The pause does not keep the process alive, and no caller waits for it: after `hurry` it is one turn
 * of the event loop.
 */
function resting(hurry: AbortSignal): () => Promise<void> {
  let resumedAt = monotonicNow()
  return async () => {
    const tookMs = monotonicNow() - resumedAt
    const restMs = Math.min(Math.max(tookMs, MIN_REST_MS), MAX_REST_MS)
    if (hurry.aborted) await nextTurn()
    else await sleep(restMs, { signal: hurry, ref: false })
    resumedAt = monotonicNow()
  }
}
