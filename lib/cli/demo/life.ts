import { CommandError, ExitStatus } from '../common/exit-status.js'
import { Child } from './child.js'
import type { Feed } from './feed.js'
import type { FloorSample } from './floor.js'
import type { KillMoment } from './kill-plan.js'
import type { FromSender, SenderSettings, ToSender } from './protocol.js'
import type { Random } from './random.js'
import type { RemoteChatServer } from './remote-chat-server.js'

/** Data collected over all lives of the sender. */
export interface Observations {
  /** From when a message was due until `enqueue` resolved, for each message that was not a duplicate. */
  readonly enqueueMs: number[]
  /** The same, for messages that fell due before their sender had opened its queue. */
  readonly overdueMs: number[]
  /** How long a bare write and `fdatasync` took, at the same rate in the same process. */
  readonly floor: FloorSample[]
  /** Ranges that an opening reported as corrupt. A killed process must never cause one. */
  corrupt: number
  /** Other observations, for people. */
  readonly remarks: string[]
  /** How long the last opening and the last close took, for the next kill to aim at. */
  openMs: number
  closeMs: number
}

export interface LifeOptions {
  settings: SenderSettings
  feed: Feed
  server: RemoteChatServer
  random: Random
  observations: Observations
  /** How this life ends; undefined: it finishes everything and exits. */
  moment: KillMoment | undefined
  /** The kill waits only for messages before this index, so that messages are left for the later kills. */
  until: number
  /** Called when there is progress. */
  onProgress: () => void
}

/** Lets some kills come just after the opening or close that they aim at. */
const OVERSHOOT = 1.3
/** The plan is sent in parts of this many calls. */
const PLAN_PART = 5000
const EXIT_WITHIN_MS = 10_000

/** One life of the sender process, from its start to its kill (or, the last one, to its orderly end). */
export class Life {
  readonly #options: LifeOptions
  readonly #child: Child<FromSender, ToSender>
  #killed = false
  #killTimer: NodeJS.Timeout | undefined
  #exitTimer: NodeJS.Timeout | undefined
  #failure: Error | undefined
  /** The kill waits for a call of `enqueue`. */
  #awaitsCall = false
  /** The kill waits until the server has had this many requests. */
  #killAtRequests = Number.POSITIVE_INFINITY
  #draining = false
  #stageStartedAt = 0
  /** Resolves when the process has ended as intended; rejects if it ended in another way. */
  readonly ended: Promise<void>

  constructor(options: LifeOptions) {
    this.#options = options
    this.#child = new Child('sender', '--demo-sender', options.settings, message => this.#hear(message))
    this.#handOverPlan()
    this.ended = this.#waitForEnd()
    this.ended.catch(() => {})
  }

  /** Settles when the process is gone, however it ended. */
  get gone(): Promise<unknown> {
    return this.#child.ended
  }

  /** Called when the server's counts have changed. */
  look(): void {
    const { moment, feed, server } = this.#options
    if (server.counts.requests >= this.#killAtRequests) this.#kill()
    if (moment === undefined && !this.#draining && feed.isDone) {
      this.#draining = true
      this.#child.send({ type: 'drain' })
    }
  }

  /** Ends the process at once, outside any plan. */
  abandon(): void {
    this.#child.kill()
  }

  #hear(message: FromSender): void {
    const { observations, moment, onProgress } = this.#options
    onProgress()
    switch (message.type) {
      case 'opening':
        this.#stageStartedAt = performance.now()
        if (moment === 'recovery') this.#killWithin(observations.openMs * OVERSHOOT)
        break
      case 'opened':
        observations.openMs = performance.now() - this.#stageStartedAt
        observations.corrupt += message.corrupt
        this.#begin()
        break
      case 'enqueueing':
        this.#strike()
        break
      case 'acknowledged':
        for (const { index, enqueueMs, overdue, duplicate } of message.acknowledgements) {
          this.#options.feed.acknowledge(index)
          if (!duplicate) observations[overdue ? 'overdueMs' : 'enqueueMs'].push(enqueueMs)
        }
        observations.floor.push(...message.floor)
        this.look()
        break
      case 'drained':
        if (message.remaining > 0)
          observations.remarks.push(`drain left ${message.remaining} messages waiting`)
        if (message.dead > 0) observations.remarks.push(`${message.dead} messages became dead letters`)
        this.#child.send({ type: 'close', linger: false })
        break
      case 'closing':
        this.#stageStartedAt = performance.now()
        if (moment !== undefined) this.#killWithin(observations.closeMs * OVERSHOOT)
        break
      case 'closed':
        observations.closeMs = performance.now() - this.#stageStartedAt
        if (moment === undefined) this.#expectExit()
        break
      case 'trouble':
        observations.remarks.push(`the queue reported: ${message.message}`)
        break
    }
  }

  #handOverPlan(): void {
    const { moment, feed, random, until } = this.#options
    const calls = feed.plan()
    const open = calls.filter(({ messages }) => messages.some(({ index }) => !feed.isAcknowledged(index)))
    this.#awaitsCall = (moment === 'enqueue' || moment === 'close') && open.length > 0
    if (this.#awaitsCall) {
      const share = open.filter(({ messages }) => messages[0]!.index < until)
      random.pick(share.length > 0 ? share : open.slice(0, 1)).told = true
    }
    for (let start = 0; start < calls.length; start += PLAN_PART) {
      this.#child.send({ type: 'plan', calls: calls.slice(start, start + PLAN_PART) })
    }
  }

  #begin(): void {
    const { moment, random, until } = this.#options
    const { requests, taken } = this.#options.server.counts
    if (moment === 'send') this.#killAtRequests = requests + random.integer(0, Math.max(0, until - taken))
    if ((moment === 'enqueue' || moment === 'close') && !this.#awaitsCall) this.#strike()
    this.look()
  }

  /** The awaited call is under way. */
  #strike(): void {
    if (this.#options.moment === 'close') this.#child.send({ type: 'close', linger: true })
    else this.#kill()
  }

  #killWithin(longestMs: number): void {
    if (this.#killTimer !== undefined) return
    this.#killTimer = setTimeout(() => this.#kill(), this.#options.random.next() * longestMs)
  }

  /** The planned kill. */
  #kill(): void {
    this.#killed = true
    this.#child.kill()
  }

  #expectExit(): void {
    this.#exitTimer = setTimeout(() => {
      const message = `the demo's sender still ran ${EXIT_WITHIN_MS / 1000} s after its queue was closed`
      this.#failure = new CommandError('DEMO_FAILED', ExitStatus.bug, message)
      this.#child.kill()
    }, EXIT_WITHIN_MS)
  }

  async #waitForEnd(): Promise<void> {
    const ending = await this.#child.ended
    clearTimeout(this.#killTimer)
    clearTimeout(this.#exitTimer)
    if (this.#failure !== undefined) throw this.#failure
    const intended =
      this.#options.moment === undefined ? ending.code === 0 : this.#killed && ending.signal === 'SIGKILL'
    if (!intended) throw this.#child.failure(ending)
  }
}
