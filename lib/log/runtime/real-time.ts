import { performance } from 'node:perf_hooks'
import * as nodeTimers from 'node:timers'
import { runInNewContext } from 'node:vm'
import { WaqError } from '../errors/waq-error.js'

// Our users' tests replace timers and clocks (Jest, Vitest, @sinonjs/fake-timers): those of `globalThis`, of
// `process`, of the module `node:timers`, and `now` of `performance`. Waits for a disk or another process are
// in real time all the same, so all code that runs in a user's process takes its timers and clocks from here;
// linting forbids the globals. They are taken once, when the package is imported, before or after the fakes.
//
// A name proves nothing: what a timer does to the event loop shows whether it is real. Fakes keep the
// function that they replaced, and it is read from them.

interface Timers {
  readonly setTimeout: typeof globalThis.setTimeout
  readonly clearTimeout: typeof globalThis.clearTimeout
  readonly setInterval: typeof globalThis.setInterval
  readonly clearInterval: typeof globalThis.clearInterval
  readonly setImmediate: typeof globalThis.setImmediate
  readonly clearImmediate: typeof globalThis.clearImmediate
}

const LONG_MS = 2 ** 31 - 1

/**
 * The function that a fake of @sinonjs/fake-timers (and so of Jest and Vitest) replaced; anything else is
 * returned as it is.
 */
function original<T>(found: T, name: string): T {
  const { clock } = (found ?? {}) as { clock?: Record<string, unknown> }
  const replaced = clock?.[`_${name}`]
  return typeof replaced === 'function' ? original(replaced as T, name) : found
}

function originals(timers: Timers): Timers {
  return {
    setTimeout: original(timers.setTimeout, 'setTimeout'),
    clearTimeout: original(timers.clearTimeout, 'clearTimeout'),
    setInterval: original(timers.setInterval, 'setInterval'),
    clearInterval: original(timers.clearInterval, 'clearInterval'),
    setImmediate: original(timers.setImmediate, 'setImmediate'),
    clearImmediate: original(timers.clearImmediate, 'clearImmediate'),
  }
}

/** Whether `begin` makes the event loop wait for something, and `end` ends that. */
function holdsEventLoop<T>(kind: string, begin: () => T, end: (begun: T) => void): boolean {
  const count = (): number => process.getActiveResourcesInfo().filter(name => name === kind).length
  const before = count()
  const begun = begin()
  const during = count()
  end(begun)
  return during === before + 1 && count() === before
}

function areReal(timers: Timers): boolean {
  // Jest's legacy fakes record every call; others may throw.
  if (Object.values(timers).some(timer => typeof timer !== 'function' || '_isMockFunction' in timer))
    return false
  const nothing = (): void => {}
  try {
    return (
      holdsEventLoop('Timeout', () => timers.setTimeout(nothing, LONG_MS), timers.clearTimeout) &&
      holdsEventLoop('Timeout', () => timers.setInterval(nothing, LONG_MS), timers.clearInterval) &&
      holdsEventLoop('Immediate', () => timers.setImmediate(nothing), timers.clearImmediate)
    )
  } catch {
    return false
  }
}

// Copies: the exports of a builtin module change with the module.
const real = [{ ...nodeTimers }, globalThis].map(originals).find(areReal)
const timers = real ?? globalThis

export let setTimeout: Timers['setTimeout'] = timers.setTimeout
export let clearTimeout: Timers['clearTimeout'] = timers.clearTimeout
export let setInterval: Timers['setInterval'] = timers.setInterval
export const clearInterval: Timers['clearInterval'] = timers.clearInterval
export const setImmediate: Timers['setImmediate'] = timers.setImmediate
const realNextTick: typeof process.nextTick = original(process.nextTick, 'nextTick')
let jobs: (() => void)[] = []
let isRunning = false

/**
 * Runs `job` before the event loop continues; if called within another job, before this tick's promise jobs.
 */
export function nextTick(job: () => void): void {
  jobs.push(job)
  // One entry in Node's queue for all jobs: for each entry Node makes an object with ids and calls hooks.
  if (jobs.length === 1 && !isRunning) realNextTick(runJobs)
}

function runJobs(): void {
  isRunning = true
  let done = 0
  try {
    while (done < jobs.length) jobs[done++]!()
  } finally {
    isRunning = false
    // A job's error reaches the process as uncaught; the remaining jobs still run.
    jobs = jobs.slice(done)
    if (jobs.length > 0) realNextTick(runJobs)
  }
}

const resolved = Promise.resolve()

/** Runs `job` before the event loop continues, after all promise jobs due by then and those they lead to. */
export function afterPromiseJobs(job: () => void): void {
  resolved.then(() => nextTick(job))
}

/** Epoch ms by the wall clock. */
export const wallNow: () => number = realDateNow()

/** Ms since some moment: never backwards, and never jumping. */
export let monotonicNow: () => number = realPerformanceNow()

/** For tests only: uses `held` for the time until the returned function is called. */
export function holdTime(
  held: Pick<Timers, 'setTimeout' | 'clearTimeout' | 'setInterval'> & { now: () => number },
): () => void {
  const before = { setTimeout, clearTimeout, setInterval, now: monotonicNow }
  const use = (time: typeof before): void => {
    setTimeout = time.setTimeout
    clearTimeout = time.clearTimeout
    setInterval = time.setInterval
    monotonicNow = time.now
  }
  use(held)
  return () => use(before)
}

/** Throws WAQ_FAKE_TIMERS if no real timers can be had: an open queue could never wait. */
export function assertRealTimers(): void {
  if (real !== undefined) return
  throw new WaqError(
    'WAQ_FAKE_TIMERS',
    'setTimeout, setInterval or setImmediate were replaced before waq was imported, by fakes that do ' +
      'not expose the originals, and so were those of node:timers. The queue needs real time to wait for ' +
      'disks and processes: import waq before you install the fakes.',
  )
}

/** Resolves after `ms`, or once `signal` aborts. With `ref: false` it does not keep the process alive. */
export function sleep(
  ms: number,
  { ref = true, signal }: { ref?: boolean; signal?: AbortSignal } = {},
): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) {
      resolve()
      return
    }
    const over = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', over)
      resolve()
    }
    const timer = setTimeout(over, ms)
    if (!ref) timer.unref()
    signal?.addEventListener('abort', over)
  })
}

/** Resolves when the event loop has had its turn. */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

function realDateNow(): () => number {
  const { now } = original(Date, 'Date')
  const isNative = Function.prototype.toString.call(now) === 'function now() { [native code] }'
  // A new context has its own clock, but takes 40 ms to make.
  return isNative ? now : runInNewContext('Date.now')
}

/** Fakes replace `now` on the object, or the global object itself, but not the prototype's. */
function realPerformanceNow(): () => number {
  const { now } = Object.getPrototypeOf(performance) as { now: () => number }
  return now.bind(performance)
}
