import { CommandError, ExitStatus } from '../exit-status.js'
import { Child } from './child.js'
import type { Feed } from './feed.js'
import type { KillMoment } from './kill-plan.js'
import type { FromSender, SenderSettings, ToSender } from './protocol.js'
import type { Random } from './random.js'
import type { RemoteChatServer } from './remote-chat-server.js'

/** What is gathered over all lives of the sender. */
export interface Observations {
  /** How long `enqueue` took, one a message that was not known already. */
  readonly enqueueMs: number[]
  /** Ranges that an opening reported as corrupt. A killed process must never cause one. */
  corrupt: number
  /** What else was noticed, for people. */
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
  /** The messages below this index may be enqueued in this life. */
  until: number
  /** Something moved. */
  onProgress: () => void
}

/** A kill comes up to so long after the event that it waited for, so that it falls between events too. */
const KILL_JITTER_MS = 4
/** Some kills come just after the opening or the close that they aimed at. */
const OVERSHOOT = 1.3
const EXIT_WITHIN_MS = 10_000

/** One life of the sender process, from its start to its kill (or, the last one, to its orderly end). */
export class Life {
  readonly #options: LifeOptions
  readonly #child: Child<FromSender, ToSender>
  #killed = false
  #killTimer: NodeJS.Timeout | undefined
  #exitTimer: NodeJS.Timeout | undefined
  #failure: Error | undefined
  #opened = false
  #closing = false
  #draining = false
  #acknowledged = 0
  #requestsBefore = 0
  /** Acknowledgements or requests of this life that the kill waits for. */
  #target = 0
  #stageStartedAt = 0
  /** Resolves when the process is gone; rejects when it ended in any way but the intended one. */
  readonly ended: Promise<void>

  constructor(options: LifeOptions) {
    this.#options = options
    options.feed.restart()
    this.#child = new Child('sender', '--demo-sender', options.settings, message => this.#hear(message))
    this.ended = this.#waitForEnd()
    this.ended.catch(() => {})
  }

  /** Settles when the process is gone, however it ended. */
  get gone(): Promise<unknown> {
    return this.#child.ended
  }

  /** The server's counts changed. */
  look(): void {
    if (!this.#opened || this.#killTimer !== undefined) return
    const { moment, feed, server } = this.#options
    if (moment === 'enqueue' && this.#acknowledged >= this.#target) this.#killWithin(KILL_JITTER_MS)
    if (moment === 'send' && server.counts.requests - this.#requestsBefore >= this.#target) {
      this.#killWithin(KILL_JITTER_MS)
    }
    if (moment === 'close' && this.#acknowledged >= this.#target) this.#close(true)
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
      case 'acknowledged':
        for (const { index, enqueueMs, duplicate } of message.acknowledgements) {
          this.#acknowledged++
          this.#options.feed.acknowledge(index)
          if (!duplicate) observations.enqueueMs.push(enqueueMs)
        }
        this.#pump()
        this.look()
        break
      case 'drained':
        if (message.remaining > 0)
          observations.remarks.push(`drain left ${message.remaining} messages waiting`)
        if (message.dead > 0) observations.remarks.push(`${message.dead} messages became dead letters`)
        this.#close(false)
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

  #begin(): void {
    const { moment, feed, server, random, until } = this.#options
    this.#opened = true
    this.#requestsBefore = server.counts.requests
    // Never more than this life can bring: a target out of reach would be waited for in vain.
    const atMost = moment === 'send' ? until - server.counts.taken : until - feed.acknowledgedCount
    this.#target = random.integer(0, Math.max(0, atMost))
    this.#pump()
    this.look()
  }

  #pump(): void {
    if (this.#closing) return
    for (;;) {
      const burst = this.#options.feed.burst(this.#options.until)
      if (burst === undefined) return
      this.#child.send({ type: 'enqueue', ...burst })
    }
  }

  #close(linger: boolean): void {
    if (this.#closing) return
    this.#closing = true
    this.#child.send({ type: 'close', linger })
  }

  #killWithin(longestMs: number): void {
    if (this.#killTimer !== undefined) return
    this.#killTimer = setTimeout(() => {
      this.#killed = true
      this.#child.kill()
    }, this.#options.random.next() * longestMs)
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
