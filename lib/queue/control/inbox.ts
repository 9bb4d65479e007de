import { type FSWatcher, watch } from 'node:fs'
import { readdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { reasonText } from '../../delivery/errors/recorded-error.js'
import { systemCode } from '../../log/errors/system-error.js'
import { asWaqError, WaqError } from '../../log/errors/waq-error.js'
import { clearInterval, setInterval, wallNow } from '../../log/runtime/real-time.js'
import { escapeText, quoteText } from '../validation/quote.js'
import { HostileFile, putFile, removeFile, takeFile } from './control-files.js'
import {
  type ControlAnswer,
  type ControlError,
  type ControlRequest,
  idIn,
  LEFT_OVER_MS,
  MAX_ANSWER_BYTES,
  MAX_PATIENCE_MS,
  MAX_REQUEST_BYTES,
  parseAnswer,
  parseEnvelope,
} from './protocol.js'

/** Where the system tells of changes, this is for those it forgets; where it does not, it is all there is. */
const POLL_MS = 2_000
const POLL_WITHOUT_WATCH_MS = 1_000
/** How often a long work is told on, and whether its request still stands is looked up. */
const PROGRESS_MS = 200
/** Without progress, one in so many of those times tells that the owner is still at it. */
const BEAT_EVERY = 5
const MAX_REFUSALS_REMEMBERED = 1_000
const MAX_REFUSALS_REPORTED = 10

export interface ControlHandler {
  /** Carries a request out, and resolves to its result once that is durable. */
  carryOut(request: ControlRequest, work: ControlWork): Promise<unknown>
  /** What was refused, or could not be answered: never swallowed. */
  report(error: WaqError): void
  /** False: another process owns the directory now, and its requests are not ours. */
  fenceStands(): boolean
  /** Keeps the process alive while a request is carried out. */
  during<T>(work: Promise<T>): Promise<T>
}

export interface ControlWork {
  /** Aborts when whoever asked takes the request back, and when the queue is closed. */
  readonly signal: AbortSignal
  progress(progress: unknown): void
}

/**
 * The owner's side of `control/`: takes requests one at a time, carries them out and answers. It costs
 * nothing while no one asks: a watch on the directory, a look at it now and then, and neither keeps the
 * process alive.
 */
export class ControlInbox {
  readonly #directory: string
  readonly #handler: ControlHandler
  readonly #stop = new AbortController()
  /** Names that could not be removed, so that they are not refused again and again. */
  readonly #refused = new Set<string>()
  #watcher: FSWatcher | undefined
  #timer: NodeJS.Timeout | undefined
  #sweeping: Promise<void> | undefined
  #asked = false

  /** `directory`: `control/` itself, absolute. */
  constructor(directory: string, handler: ControlHandler) {
    this.#directory = directory
    this.#handler = handler
  }

  start(): void {
    this.#watch()
    this.#sweeping = this.#guarded(async () => {
      await this.#answerLeftOvers()
      await this.#sweep()
    }).finally(() => this.#rested())
  }

  /** What is being carried out is asked to stop, and waited for. */
  async close(): Promise<void> {
    this.#stop.abort()
    clearInterval(this.#timer)
    this.#watcher?.close()
    await this.#sweeping
  }

  #watch(): void {
    try {
      // Our own answers and the status make events too.
      const watcher = watch(this.#directory, { persistent: false }, (_, name) => {
        if (name === null || name.endsWith('.request')) this.#ask()
      })
      this.#watcher = watcher
      watcher.on('error', () => {
        watcher.close()
        this.#poll(POLL_WITHOUT_WATCH_MS)
      })
      this.#poll(POLL_MS)
    } catch {
      // No watches left, or none on this file system.
      this.#poll(POLL_WITHOUT_WATCH_MS)
    }
  }

  #poll(everyMs: number): void {
    clearInterval(this.#timer)
    if (this.#stop.signal.aborted) return
    this.#timer = setInterval(() => this.#ask(), everyMs)
    this.#timer.unref()
  }

  #ask(): void {
    if (this.#stop.signal.aborted) return
    this.#asked = true
    this.#sweeping ??= this.#guarded(() => this.#sweep()).finally(() => this.#rested())
  }

  #rested(): void {
    this.#sweeping = undefined
    if (this.#asked) this.#ask()
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      // A queue whose directory was removed has other ways to hear of it.
      if (systemCode(error) === 'ENOENT' || !this.#handler.fenceStands()) return
      this.#handler.report(asWaqError(error, `looking for requests in ${this.#directory} failed`))
    }
  }

  async #sweep(): Promise<void> {
    this.#asked = false
    const names = (await readdir(this.#directory)).sort()
    let refusals = 0
    for (const name of names) {
      if (this.#stop.signal.aborted || !this.#handler.fenceStands()) return
      if (name.endsWith('.request')) {
        if (!this.#refused.has(name) && !(await this.#take(name, refusals < MAX_REFUSALS_REPORTED)))
          refusals += 1
      } else if (name.endsWith('.tmp') || idIn(name, '.answer') !== undefined) {
        await this.#removeLeftOver(name)
      }
    }
  }

  /** A new owner: what the last one took and did not live to answer. */
  async #answerLeftOvers(): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      if (!this.#handler.fenceStands()) return
      const id = idIn(name, '.taken')
      if (id === undefined) continue
      if (await this.#isAnswered(id)) {
        await removeFile(join(this.#directory, name))
        continue
      }
      await this.#answer(id, {
        state: 'failed',
        error: {
          code: 'WAQ_IO',
          message:
            'The process that carried this out has ended. It may be done, or partly done: run the ' +
            'command again.',
          indeterminate: true,
        },
      })
      await removeFile(join(this.#directory, name))
    }
  }

  /** It ended between its last answer and the removal of what it had taken. */
  async #isAnswered(id: string): Promise<boolean> {
    try {
      const text = await takeFile(join(this.#directory, `${id}.answer`), MAX_ANSWER_BYTES)
      const answer = text === undefined ? undefined : parseAnswer(text)
      return answer !== undefined && answer.state !== 'working'
    } catch (error) {
      // Not one of ours, whatever it says.
      if (error instanceof HostileFile) return false
      throw error
    }
  }

  async #removeLeftOver(name: string): Promise<void> {
    const path = join(this.#directory, name)
    try {
      const { mtimeMs } = await stat(path)
      if (wallNow() - mtimeMs > LEFT_OVER_MS) await removeFile(path)
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error
    }
  }

  /** False: it was refused. */
  async #take(name: string, tell: boolean): Promise<boolean> {
    const path = join(this.#directory, name)
    const id = idIn(name, '.request')
    let request: ControlRequest
    try {
      if (id === undefined) throw new HostileFile('its name is no id')
      const text = await takeFile(path, MAX_REQUEST_BYTES)
      if (text === undefined) return true // taken back
      const envelope = parseEnvelope(text, id)
      const now = wallNow()
      if (envelope.expiresAt < now || envelope.expiresAt > now + MAX_PATIENCE_MS) {
        // Whoever asked has given up: to do it now would be to do it unasked.
        await removeFile(path)
        return true
      }
      request = envelope.request
    } catch (error) {
      await this.#refuse(name, id, error as Error, tell)
      return false
    }
    const taken = join(this.#directory, `${id}.taken`)
    try {
      await rename(path, taken)
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return true // taken back
      throw error
    }
    await this.#handler.during(this.#carryOut(id, taken, request))
    return true
  }

  async #refuse(name: string, id: string | undefined, cause: Error, tell: boolean): Promise<void> {
    const why = escapeText(cause.message, 500)
    const message = `A request in control/ was refused: ${quoteText(name, 60)}: ${why}.`
    if (tell) this.#handler.report(new WaqError('WAQ_INVALID_MESSAGE', message, { cause }))
    try {
      await removeFile(join(this.#directory, name))
    } catch {
      // A directory, or not ours to remove. It stays, and is passed over from now on.
      if (this.#refused.size < MAX_REFUSALS_REMEMBERED) this.#refused.add(name)
    }
    // Only to somebody of ours: an answer under a hostile name would be an answer to no one.
    if (id === undefined || cause instanceof HostileFile) return
    await this.#answer(id, {
      state: 'failed',
      error: { code: 'WAQ_INVALID_OPTION', message, indeterminate: false },
    })
  }

  async #carryOut(id: string, taken: string, request: ControlRequest): Promise<void> {
    const withdrawn = new AbortController()
    const signal = AbortSignal.any([this.#stop.signal, withdrawn.signal])
    let progress: unknown
    let told: unknown
    let beat = 0
    let telling: Promise<void> | undefined
    const timer = setInterval(() => {
      telling ??= (async () => {
        if (!(await exists(taken))) withdrawn.abort()
        beat += 1
        if (progress !== told || beat % BEAT_EVERY === 0) {
          told = progress
          await this.#answer(id, { state: 'working', beat, progress })
        }
      })()
        .catch(() => {}) // the end is told all the same
        .finally(() => {
          telling = undefined
        })
    }, PROGRESS_MS)
    let answer: ControlAnswer
    try {
      const result = await this.#handler.carryOut(request, {
        signal,
        progress: made => {
          progress = made
        },
      })
      answer = { state: 'done', result }
    } catch (error) {
      answer = { state: 'failed', error: describe(error) }
    } finally {
      clearInterval(timer)
      await telling
    }
    try {
      await this.#answer(id, answer)
      await removeFile(taken)
    } catch (error) {
      this.#handler.report(asWaqError(error, `answering the request ${id} failed`))
    }
  }

  /** Not through a directory that is another's by now: whoever asked there asked its owner. */
  async #answer(id: string, answer: ControlAnswer): Promise<void> {
    if (!this.#handler.fenceStands()) return
    const durable = answer.state !== 'working'
    await putFile(join(this.#directory, `${id}.answer`), `${JSON.stringify(answer)}\n`, { durable })
  }
}

function describe(error: unknown): ControlError {
  if (error instanceof WaqError) {
    const { code, message, indeterminate, ids } = error
    return { code, message, indeterminate, ...(ids !== undefined && { ids: ids.slice(0, 100) }) }
  }
  const aborted = error instanceof Error && error.name === 'AbortError'
  const message = error instanceof Error ? error.message : String(error)
  return { code: aborted ? 'ABORTED' : 'WAQ_IO', message: reasonText(message), indeterminate: false }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    return systemCode(error) !== 'ENOENT'
  }
}
