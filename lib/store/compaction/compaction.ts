/**
 * Keeps disk use in proportion to what is live: takes segments that no one needs out of the logs, and
 * rewrites those of which little is needed. In the background, never on the way of an enqueue or of an
 * outcome: it may be asked as often as anyone likes, does one thing at a time, in slices, and rests as long
 * after each slice as the slice took. On demand it does the same, more thoroughly and without a rest.
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
  /** False: in the background segments that no one needs are removed, and none is rewritten. */
  readonly automatic: boolean
  /**
   * The lowest sequence that the log took and did not answer yet; segments that reach so far are not judged.
   */
  readonly lowestMessageInFlight: () => number
  readonly lowestAckInFlight: () => number
  readonly diskUse: () => DiskUse
  /** The segment that messages went to was sealed. */
  readonly messagesSealed: () => void
  readonly onError: (error: WaqError) => void
  /** Something was rewritten in the background. */
  readonly onCompacted: (report: CompactionReport) => void
}

interface LimitsOfLogs {
  readonly messages: CompactionLimits
  readonly acks: CompactionLimits
}

const none: ReadonlySet<number> = new Set()

/** The wait after a failure in the background: it doubles from the first to the last of these. */
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 60_000
/** The queue is at rest when nothing was recorded for this long. */
const IDLE_MS = 1_000
/** From this many outcomes in blocks of their own it pays to merge them: an opening needs 10 ms for them. */
const MIN_ALONE = 2_048
const MIN_REST_MS = 1
const MAX_REST_MS = 20

export class Compaction {
  readonly #parts: CompactionParts
  readonly #background: LimitsOfLogs
  /** Handed to the log to be dropped; struck from the ledger once a manifest without them is durable. */
  readonly #leavingMessages: number[] = []
  readonly #leavingAcks: number[] = []
  /** Segments that could not be read when they were to be rewritten: they stay as they are for this life. */
  readonly #damaged = new Set<number>()
  readonly #stopping = new AbortController()
  /** Being rewritten: they leave in another way. */
  #busy: ReadonlySet<number> = none
  /** Copies are about to count, or do: until all moves are told, a copy looks as if no one needed it. */
  #counting = false
  #asked = false
  #running: Promise<void> | undefined
  /** On demand; the background steps aside for it. */
  #demands = 0
  /** Aborted when somebody waits for the background to be done. */
  #hurry = new AbortController()
  #last: Promise<unknown> = Promise.resolve()
  #retryMs = FIRST_RETRY_MS
  #retry: NodeJS.Timeout | undefined
  /** Runs while the segment in use has much of which blocks could be made. */
  #idle: NodeJS.Timeout | undefined
  /** The queue is at rest: the segment in use is sealed, so that it can be rewritten. */
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
      // Asked between the last look and the end.
      if (this.#asked) this.ask()
    })
  }

  /**
   * Reclaims what can be reclaimed. Rejects with an AbortError (what was done until then stays done),
   * WAQ_CORRUPT, WAQ_DISK_FULL, WAQ_IO or WAQ_LOCK_LOST.
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

  /** Nothing begins any more, and what is under way is undone; resolves when it is. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#hurry.abort()
    clearTimeout(this.#retry)
    clearTimeout(this.#idle)
    await this.#last
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {}) // whoever asked for it hears of it
    return result
  }

  async #runInBackground(): Promise<void> {
    // Behind whatever the caller is in the middle of.
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
      // The lost lock is told by the log to everyone.
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
   * What was recorded last stands in two frames a message until its segment is full, and an opening would
   * read them all. A queue at rest has the time to make blocks of it.
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
      // Whole segments do not wait for a rewrite that takes its time.
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
      // Planned anew each time: outcomes are free when their messages are gone.
      const planned = this.#plan(limits)
      const next = planned[0]
      if (next === undefined) return { before, after: diskUse() }
      totalBytes = planned.reduce((sum, { run }) => sum + run.bytes, doneBytes)
      anySignal.throwIfAborted()
      await this.#rewrite(next, manner)
      await this.#retire()
    }
  }

  /** Messages first: what is gone of them sets outcomes free. */
  #plan(limits: LimitsOfLogs): { log: 'messages' | 'acks'; run: CompactionRun }[] {
    const isDamaged = (id: number): boolean => this.#damaged.has(id)
    const ofMessages = planCompaction(
      messageShares(this.#parts, isDamaged, limits.messages.sparesYoung),
      limits.messages,
    )
    const ofAcks = planCompaction(outcomeShares(this.#parts, isDamaged, limits.acks.sparesYoung), limits.acks)
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
      // Nothing of it was dropped: it stays as it is, for the next opening to set aside. The others go on
      // without it.
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
      // In the relaxed durabilities a frame that is not on the device may yet be written again to another
      // segment, and its message's outcome must then stay as long as that one: after this, none of these
      // frames will be.
      await messages.sync()
      // Invariant 10: what settled these messages is on the device before the manifest that drops them.
      await acks.sync()
      this.#leavingMessages.push(...freeMessages)
      // A manifest that lacks a segment lacks for ever, so what an earlier, failed publication left is
      // covered too.
      await messages.retire(freeMessages)
      membership.forget(this.#leavingMessages)
      usage.messageSegmentsGone(this.#leavingMessages.splice(0))
    }
    dedupe.evict(now())
    this.#parts.places.evict(now())
    const freeAcks = usage.freeAckSegments(
      acks.segments(),
      this.#parts.lowestAckInFlight(),
      now(),
      this.#busy,
    )
    if (freeAcks.length > 0) {
      // What took the place of these outcomes is on the device before the manifest that drops them: a power
      // loss must not leave neither, or a dead letter comes back as one that was never sent.
      await acks.sync()
      this.#leavingAcks.push(...freeAcks)
      await acks.retire(freeAcks)
      usage.ackSegmentsGone(this.#leavingAcks.splice(0))
    }
  }
}

/**
 * A pause after each slice, as long as the slice took: enqueues and deliveries get at least half of the time.
 * It keeps no process alive, and no one waits for it: after `hurry` it is one turn of the event loop.
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
