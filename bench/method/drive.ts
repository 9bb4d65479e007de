import { setImmediate } from 'node:timers/promises'
import { Latencies, type Percentiles } from './latencies.js'

export interface Load {
  /** So many callers, each of which comes back as soon as it is served. */
  readonly callers: number
  /** No caller begins anew after so long. */
  readonly budgetMs: number
  readonly maxMessages: number
  /** Between two messages a caller goes round the event loop, as one would that comes by network. */
  readonly byEventLoop?: boolean
}

export interface Driven extends Percentiles {
  readonly messages: number
  readonly perSecond: number
}

/**
 * A closed loop of callers. A latency runs from the moment when its caller was ready, not from the call: a library
 * that holds the event loop keeps the other callers waiting, and that is part of what they see.
 */
export async function drive(work: (nth: number) => unknown, load: Load): Promise<Driven> {
  const { callers, budgetMs, maxMessages, byEventLoop = false } = load
  const latencies = new Latencies()
  const startedAt = performance.now()
  const deadline = startedAt + budgetMs
  let begun = 0

  const call = async (): Promise<void> => {
    let readyAt = startedAt
    while (begun < maxMessages && (begun === 0 || performance.now() < deadline)) {
      await work(begun++)
      const servedAt = performance.now()
      latencies.add(readyAt, servedAt)
      readyAt = servedAt
      if (byEventLoop) await setImmediate()
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  const elapsedMs = performance.now() - startedAt
  const { count } = latencies
  return { ...latencies.percentiles(), messages: count, perSecond: (count / elapsedMs) * 1e3 }
}
