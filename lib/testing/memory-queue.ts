import { OutboundQueue, type QueueOptions, type StandardSchema, WaqError } from '../index.js'
import type { DirectoryLock } from '../log/lock/lock.js'
import { nextTurn } from '../log/runtime/real-time.js'
import { ENVIRONMENT, type QueueEnvironment } from '../queue/validation/environment.js'
import { DiskProcess } from './disk/disk-process.js'
import { environmentOf } from './disk/environment.js'
import { RecordingDisk } from './disk/recording-disk.js'
import { Calls } from './time/calls.js'
import { MovedClock } from './time/moved-clock.js'

const DIRECTORY = '/memory'
const DEFAULT_PATIENCE_MS = 1_000
/**
 * The disk answers in promise jobs, and the queue goes on in the next turn of the event loop at the latest.
 * So a turn in which nothing happened is the last; some more are for what a test's own code does meanwhile.
 */
const QUIET_TURNS = 5

/** What the test says of time. */
export interface MemoryQueueOptions {
  /** Where the clock begins. Default: what `Date.now()` says, which may be a fake. */
  readonly now?: number | Date | undefined
  /**
   * How long, in real ms, `advance` waits for a `send` or `onAmbiguous` that does not end. Then the clock
   * moves on, and ends it by `sendTimeoutMs`. After one that did not end, the next is waited for half as
   * long, until one ends in time. A whole number. Default 1000.
   */
  readonly patienceMs?: number | undefined
}

/**
 * A queue on a disk in memory, whose time passes when the test says so. Made by `memoryQueue`.
 *
 * @typeParam P the payload that `enqueue` takes
 * @typeParam R what `send` returns
 * @typeParam O the payload that `send` is given: the output of `schema`, else P
 */
export interface MemoryQueue<P = unknown, R = unknown, O = P> extends AsyncDisposable {
  /** The queue as it was opened last. After `crash` its calls reject with WAQ_LOCK_LOST. */
  readonly queue: OutboundQueue<P, R, O>
  /** The time of the queue, epoch ms. */
  now(): number
  /**
   * Moves the clock by a whole number of ms, moment by moment: everything due at one moment happens
   * before the next. Resolves when everything has settled that needs no more time: it waits for each `send`
   * under way in real time, for at most `patienceMs`. With 0 no time passes. Also between `crash` and
   * `reopen`, as downtime. Rejects with WAQ_INVALID_OPTION.
   *
   * @example
   * await memory.advance(1_000) // the first retry
   */
  advance(ms: number): Promise<void>
  /**
   * The process dies, at once: nothing more reaches the disk, and what was under way in the queue rejects
   * with WAQ_LOCK_LOST. Each `send` under way has its signal aborted, and what it answers is not recorded.
   * `power`: the disk loses what was not synced, too. Default false.
   */
  crash(options?: { readonly power?: boolean | undefined }): void
  /**
   * Opens the queue again from what is on the disk, with other options where given (a new version of the
   * bot, say). An open queue is closed first. Rejects as `OutboundQueue.open` does.
   */
  reopen(options?: QueueOptions<P, R, O>): Promise<OutboundQueue<P, R, O>>
  /**
   * Closes the queue. A `send` under way gets the time that `OutboundQueue.close` gives it, by the clock,
   * after `patienceMs` of real time.
   */
  close(): Promise<void>
}

/**
 * Opens a queue on an empty disk in memory, for a test. It is the same queue on the same code, files and
 * syncs included; only disk and clock are others. Waits are exact: `jitter` does nothing. Nothing of it keeps
 * the process alive, and nothing is left behind. Fake timers do not matter to it.
 *
 * `options` are those of `OutboundQueue.open`. Rejects as that does.
 *
 * @example
 * const memory = await memoryQueue({ send })
 * await memory.queue.enqueue({ channel: 'telegram:bot:42', payload: { text: 'hello' } })
 * memory.crash({ power: true })
 * await memory.reopen()
 * await memory.advance(60_000)
 */
export function memoryQueue<P, O, R = unknown>(
  options: QueueOptions<P, R, O> & { schema: StandardSchema<P, O> },
  test?: MemoryQueueOptions,
): Promise<MemoryQueue<P, R, O>>
export function memoryQueue<P = unknown, R = unknown>(
  options?: QueueOptions<P, R>,
  test?: MemoryQueueOptions,
): Promise<MemoryQueue<P, R>>
export function memoryQueue<P, R, O>(
  options: QueueOptions<P, R, O>,
  test?: MemoryQueueOptions,
): Promise<MemoryQueue<P, R, O>>
export async function memoryQueue<P, R, O>(
  options: QueueOptions<P, R, O> = {},
  test: MemoryQueueOptions = {},
): Promise<MemoryQueue<P, R, O>> {
  const now = checkMs('now', Number(test.now ?? Date.now()))
  const patienceMs = checkMs('patienceMs', test.patienceMs ?? DEFAULT_PATIENCE_MS)
  // What is recorded at 0 counts as not recorded; fakes begin there.
  const clock = new MovedClock(Math.max(now, 1))
  const memory = new MemoryQueueOnDisk<P, R, O>(options, clock, new Calls(patienceMs))
  await memory.reopen()
  return memory
}

/** One process: its queue, and whom to tell when it dies. */
interface Life<P, R, O> {
  readonly queue: OutboundQueue<P, R, O>
  readonly lost: Parameters<DirectoryLock['onLost']>[0]
}

class MemoryQueueOnDisk<P, R, O> implements MemoryQueue<P, R, O> {
  readonly #clock: MovedClock
  readonly #calls: Calls
  #options: QueueOptions<P, R, O>
  #disk = new RecordingDisk()
  /** The view of the disk of the process that opened it last. */
  #process: DiskProcess | undefined
  /** Undefined: closed, or crashed. */
  #life: Life<P, R, O> | undefined
  #queue: OutboundQueue<P, R, O> | undefined
  /** Moves of the clock come one after another. */
  #moved: Promise<void> = Promise.resolve()

  constructor(options: QueueOptions<P, R, O>, clock: MovedClock, calls: Calls) {
    this.#options = options
    this.#clock = clock
    this.#calls = calls
  }

  get queue(): OutboundQueue<P, R, O> {
    return this.#queue!
  }

  now(): number {
    return this.#clock.now
  }

  async advance(ms: number): Promise<void> {
    checkMs('advance', ms)
    await this.#alone(() => this.#advance(ms))
  }

  crash({ power = false }: { readonly power?: boolean | undefined } = {}): void {
    const life = this.#life
    this.#process?.kill()
    if (life !== undefined) {
      this.#life = undefined
      // No one is there to hear of it.
      life.queue.removeAllListeners()
      life.queue.on('error', () => {})
      life.lost(
        new WaqError('WAQ_LOCK_LOST', 'the process of this queue died by crash(): call reopen() to go on'),
      )
    }
    if (power) this.#disk = this.#disk.afterPowerLoss(this.#disk.pending().map(() => ({ kind: 'absent' })))
  }

  async reopen(options: QueueOptions<P, R, O> = this.#options): Promise<OutboundQueue<P, R, O>> {
    await this.close()
    this.#options = options
    const process = new DiskProcess(this.#disk, { maxOperations: Infinity, failsWhenKilled: true })
    this.#process = process
    const clock = this.#clock.view(result => this.#calls.begin(result))
    let lost: Life<P, R, O>['lost'] = () => {}
    const environment: QueueEnvironment = {
      clock,
      random: () => 0.5,
      keepsAlive: false,
      store: environmentOf(process, clock.wall, listener => {
        lost = listener
      }),
    }
    const all: QueueOptions<P, R, O> = { ...options, ...{ [ENVIRONMENT]: environment } }
    const queue = await OutboundQueue.open(DIRECTORY, all)
    this.#life = { queue, lost }
    this.#queue = queue
    return queue
  }

  async close(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    let isClosed = false
    const closed = life.queue.close().finally(() => {
      isClosed = true
    })
    closed.catch(() => {}) // it is awaited below
    await this.#alone(async () => {
      await this.#settle()
      while (!isClosed && this.#clock.nextAt < Infinity) await this.#step()
    })
    try {
      await closed
    } finally {
      if (this.#life === life) this.#life = undefined
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #alone(move: () => Promise<void>): Promise<void> {
    const moved = this.#moved.then(move)
    this.#moved = moved.catch(() => {}) // who asked for it is told
    return moved
  }

  async #advance(ms: number): Promise<void> {
    const end = this.#clock.now + ms
    await this.#settle()
    while (this.#clock.nextAt <= end) await this.#step()
    this.#clock.moveTo(end)
    await this.#settle()
  }

  async #step(): Promise<void> {
    this.#clock.fireNext()
    await this.#settle()
  }

  /** Resolves when nothing happens any more as long as the clock stands. */
  async #settle(): Promise<void> {
    do {
      let quiet = 0
      let happened = this.#happened()
      while (quiet < QUIET_TURNS) {
        await nextTurn()
        const now = this.#happened()
        quiet = now === happened ? quiet + 1 : 0
        happened = now
      }
    } while (await this.#calls.oneEnds())
  }

  /** Rises with all that happens. */
  #happened(): number {
    return (this.#process?.operations ?? 0) + this.#clock.count + this.#calls.count
  }
}

function checkMs(name: string, ms: number): number {
  if (Number.isSafeInteger(ms) && ms >= 0) return ms
  throw new WaqError(
    'WAQ_INVALID_OPTION',
    `memoryQueue: ${name} must be a whole number of ms from 0 up, not ${String(ms)}.`,
  )
}
