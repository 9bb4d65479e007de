import { WaqError } from '../../lib/log/errors/waq-error.js'
import type { LogStore } from '../../lib/store/log-store.js'
import type { MessageRef, Outcome } from '../../lib/store/message-store.js'
import type { DiskProcess } from '../../lib/testing/disk/disk-process.js'
import { message as encoded, NOW, outcomeOf, REJECT } from '../store/fixtures/messages.js'
import { uniqueText } from './life.js'
import type { Random } from './random.js'
import type { SendOracle } from './send-oracle.js'
import { openStore } from './shown-store.js'

export interface SendShape {
  readonly segmentBytes: number
  /** Sequences in a window: few, so that its edges are met. */
  readonly attemptWindow: number
  readonly syncsMarks: boolean
}

/** Their marks are synced before each attempt. */
const isCareful = (channel: string): boolean => channel.startsWith('careful')
/** Its messages overtake each other. */
const isLoose = (channel: string): boolean => channel.startsWith('loose')
const YEAR_MS = 365 * 86_400_000
const CHANNELS = ['plain:a', 'plain:b', 'careful:c', 'loose:d']

/** A live message, in the order of its channel. */
interface Waiting {
  readonly id: string
  readonly ref: MessageRef
  /** Its receiver was down: it keeps its place. */
  retries: boolean
}

/** One owner that sends, as delivery does: each channel in its order, one message at a time. */
export class SendLife {
  readonly process: DiskProcess
  readonly oracle: SendOracle
  readonly shape: SendShape
  #store: LogStore | undefined
  readonly #lines = new Map<string, Waiting[]>(CHANNELS.map(channel => [channel, []]))
  readonly #busy = new Set<string>()
  /** Of one window over everything, places of attempts that ended, and of those under way. */
  #ended = 0
  #open = 0

  constructor(process: DiskProcess, oracle: SendOracle, shape: SendShape) {
    this.process = process
    this.oracle = oracle
    this.shape = shape
  }

  get store(): LogStore {
    return this.#store!
  }

  /** Opens, and holds what it shows against the oracle. */
  async open(): Promise<void> {
    const { store, live } = await openStore(this.process, {
      ...this.shape,
      autoCompact: false,
      dedupe: { windowMs: 0, maxIds: 0 },
    })
    const shown = live.map(({ id, channel, stands, ref }) => {
      const inDoubt = stands.state === 'in-doubt'
      if (stands.state !== 'dead') this.#lines.get(channel)!.push({ id, ref, retries: false })
      if (inDoubt && (store.attempts(ref) === 0 || store.progress(ref).firstAttemptAt === 0)) this.#ended += 1
      return { id, marked: inDoubt || stands.mayHaveBeenSent, inDoubt }
    })
    if (this.process.killed) return
    this.#store = store
    for (const { ends } of store.takenPlaces('global', ''))
      for (let i = 1; i < ends.length; i += 2) this.#ended += ends[i]!
    if (store.uncountedBefore > 0) this.#ended = Number.MAX_SAFE_INTEGER
    this.oracle.opened(shown, this.#ended)
    if (this.#ended === Number.MAX_SAFE_INTEGER) this.#ended = this.oracle.calls
    this.#recordPlaces()
  }

  async enqueue(random: Random, count: number): Promise<void> {
    const ids = Array.from({ length: count }, () => `m${uniqueText(8)}`)
    const channel = random.pick(CHANNELS)
    for (const id of ids) this.oracle.handedIn(id, channel)
    const deliverAt = random.chance(8) ? NOW : 0
    try {
      const list = ids.map(id => encoded({ id, channel, payload: 'x', deliverAt }))
      const enqueued = await this.store.enqueue(list, REJECT)
      for (const [index, { sequence }] of enqueued.entries())
        this.#lines
          .get(channel)!
          .push({ id: ids[index]!, ref: this.store.bySequence(sequence)!, retries: false })
    } catch (error) {
      this.#refused(error)
    }
  }

  /** A message has its turn in some channel that has none under way. */
  async send(random: Random): Promise<void> {
    const channels = CHANNELS.filter(
      channel => !this.#busy.has(channel) && this.#lines.get(channel)!.length > 0,
    )
    if (channels.length === 0) return
    const channel = random.pick(channels)
    const line = this.#lines.get(channel)!
    const waiting = isLoose(channel) ? (line.find(({ retries }) => !retries) ?? line[0]!) : line[0]!
    this.#busy.add(channel)
    try {
      if (random.chance(8)) await this.#leave(line, waiting, random)
      else await this.#attempt(channel, line, waiting, random)
    } catch (error) {
      this.#refused(error)
    } finally {
      this.#busy.delete(channel)
    }
  }

  async #attempt(channel: string, line: Waiting[], waiting: Waiting, random: Random): Promise<void> {
    const { store } = this
    const { id, ref } = waiting
    const message = this.oracle.get(id)
    const overtakes = line.some(other => other !== waiting && other.retries)
    const mustSync = store.mustSyncMark(ref, isCareful(channel), overtakes)
    message.attempted = true
    this.#open += 1
    this.#recordPlaces()
    const progress = { attempts: store.attempts(ref) + 1, mayHaveBeenSent: this.#isMarked(ref) }
    await store.record(ref, { ...outcomeOf('attempt'), ...progress }).written
    if (mustSync) await store.syncOutcomes()
    if (this.process.killed) return
    // Here `send` is called: what becomes of it the log may never know.
    this.oracle.calls += 1
    const arrives = !random.chance(3)
    if (arrives) message.arrived = true
    const outcome: Outcome = arrives ? outcomeOf('delivered') : { ...outcomeOf('retry'), ...progress }
    waiting.retries = true
    if (arrives) line.splice(line.indexOf(waiting), 1)
    const { written } = store.record(ref, outcome)
    this.#open -= 1
    this.#ended += 1
    if (random.chance(2)) this.#recordPlaces()
    if (random.chance(2)) await written
    else written.catch(this.#refused)
  }

  #recordPlaces(): void {
    const ends = this.#ended === 0 ? [] : [NOW, this.#ended]
    this.store.recordPlaces({ scope: 'global', target: '', perMs: YEAR_MS, open: this.#open, ends })
  }

  #isMarked(ref: MessageRef): boolean {
    return this.store.state(ref) === 'in-doubt' || this.store.mayHaveBeenSent(ref)
  }

  /** It is cancelled, or its time is over, and no attempt was made of it. */
  async #leave(line: Waiting[], waiting: Waiting, random: Random): Promise<void> {
    line.splice(line.indexOf(waiting), 1)
    const kind = random.pick(['cancelled', 'dead'] as const)
    const mayHaveBeenSent = this.#isMarked(waiting.ref)
    const { written } = this.store.record(waiting.ref, { ...outcomeOf(kind), mayHaveBeenSent })
    if (random.chance(2)) await written
    else written.catch(this.#refused)
  }

  async compact(): Promise<void> {
    await this.store.compact().catch(this.#refused)
  }

  async syncOutcomes(): Promise<void> {
    await this.store.syncOutcomes().catch(this.#refused)
  }

  async close(): Promise<void> {
    await this.store.close().catch(this.#refused)
  }

  readonly #refused = (error: unknown): void => {
    if (!(error instanceof WaqError)) throw error
  }
}
