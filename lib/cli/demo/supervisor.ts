import { interruptedError } from '../common/exit-status.js'
import type { TakenMessage } from './account.js'
import { Feed } from './feed.js'
import { type KillMoment, planKills } from './kill-plan.js'
import { Life, type Observations } from './life.js'
import type { ChatMessage } from './messages.js'
import { Random, seedOf } from './random.js'
import { RemoteChatServer } from './remote-chat-server.js'

export interface RunOptions {
  messages: readonly ChatMessage[]
  /** Messages a second. */
  rate: number
  kills: number
  seed: number
  /** The queue's directory. */
  directory: string
  /** Ends the run: the children are killed, and the run rejects. */
  signal: AbortSignal
  onProgress: (progress: Progress) => void
}

export interface Progress {
  enqueued: number
  delivered: number
  duplicates: number
  kills: number
}

/** All data of a run, from which the account is made. */
export interface Run {
  record: readonly TakenMessage[]
  isAcknowledged: (index: number) => boolean
  kills: number
  killsAt: Readonly<Record<KillMoment, number>>
  observations: Observations
}

/** After this long without progress the run is given up; the account shows what is missing. */
const STALLED_MS = 60_000
const STALL_CHECK_MS = 1000
/** The assumed duration of an opening or a close until one was timed. */
const FIRST_GUESS_MS = 30

/** Starts the chat server and one sender after another; kills each but the last, which finishes. */
export async function superviseRun(options: RunOptions): Promise<Run> {
  const { messages, rate, seed, signal } = options
  const random = new Random(seedOf('supervisor', seed))
  const plan: readonly (KillMoment | undefined)[] = [...planKills(options.kills, random), undefined]
  const feed = new Feed(messages, rate, random)
  const killsAt: Record<KillMoment, number> = { enqueue: 0, send: 0, recovery: 0, close: 0 }
  const observations: Observations = {
    enqueueMs: [],
    overdueMs: [],
    floor: [],
    corrupt: 0,
    remarks: [],
    openMs: FIRST_GUESS_MS,
    closeMs: FIRST_GUESS_MS,
  }
  let kills = 0
  let life: Life | undefined
  let progressAt = Date.now()

  const server = new RemoteChatServer(seed, () => {
    onProgress()
    life?.look()
  })
  function onProgress(): void {
    progressAt = Date.now()
    const { taken, duplicates } = server.counts
    options.onProgress({ enqueued: feed.acknowledgedCount, delivered: taken, duplicates, kills })
  }
  const unlessTroubled = failFirst(server.failed, rejectOnAbort(signal))

  try {
    await unlessTroubled(server.listening)
    const startedAt = performance.timeOrigin + performance.now()
    const settings = { directory: options.directory, url: server.url, startedAt, rate }
    for (const moment of plan) {
      const until = Math.ceil((messages.length * (kills + 1)) / plan.length)
      life = new Life({ settings, feed, server, random, observations, moment, until, onProgress })
      const stalled = untilStalled(() => progressAt)
      const end = await unlessTroubled(Promise.race([life.ended, stalled.promise])).finally(stalled.cancel)
      if (end === 'stalled') {
        observations.remarks.push(`given up: nothing moved for ${STALLED_MS / 1000} s`)
        life.abandon()
        await life.gone
        break
      }
      if (moment !== undefined) {
        killsAt[moment]++
        kills++
      }
    }
    const record = await unlessTroubled(server.record())
    return { record, isAcknowledged: index => feed.isAcknowledged(index), kills, killsAt, observations }
  } finally {
    life?.abandon()
    await Promise.allSettled([life?.gone, server.stop()])
  }
}

/** Returns a function that awaits a promise, unless one of `troubles` rejects first. */
function failFirst(...troubles: readonly Promise<never>[]): <T>(promise: Promise<T>) => Promise<T> {
  return promise => Promise.race([promise, ...troubles])
}

function rejectOnAbort(signal: AbortSignal): Promise<never> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(interruptedError())
    signal.addEventListener('abort', () => reject(interruptedError()), { once: true })
  })
  // It may reject while no one waits: the next wait then fails.
  aborted.catch(() => {})
  return aborted
}

/** Resolves when `progressAt` has not changed for too long. */
function untilStalled(progressAt: () => number): { promise: Promise<'stalled'>; cancel: () => void } {
  let timer: NodeJS.Timeout | undefined
  const promise = new Promise<'stalled'>(resolve => {
    timer = setInterval(() => {
      if (Date.now() - progressAt() > STALLED_MS) resolve('stalled')
    }, STALL_CHECK_MS)
  })
  return { promise, cancel: () => clearInterval(timer) }
}
