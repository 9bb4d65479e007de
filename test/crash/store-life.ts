import { WaqError } from '../../lib/log/errors/waq-error.js'
import type { Durability } from '../../lib/log/types.js'
import type { LogStore } from '../../lib/store/log-store.js'
import type { MessageRef, Outcome } from '../../lib/store/message-store.js'
import { encodeResult } from '../../lib/store/record/result.js'
import type { DiskProcess } from '../../lib/testing/disk/disk-process.js'
import { message as encoded, outcomeOf, REJECT } from '../store/fixtures/messages.js'
import { uniqueText } from './life.js'
import type { Random } from './random.js'
import { openStore } from './shown-store.js'
import { type Message, type Recorded, resultOf, type StoreOracle } from './store-oracle.js'

export interface StoreShape {
  readonly durability: Durability
  readonly segmentBytes: number
  /** With 0, the id of a settled message is read from the disk. */
  readonly cacheBytes: number
  readonly autoCompact: boolean
}

/** None is ever forgotten for its size. */
const RESULTS = { maxTotalBytes: 64 * 1024 * 1024 }

const CHANNELS = ['mail:a', 'mail:b', 'chat:c']
/** Names that channels may get. */
const NAMES = [...CHANNELS, 'chat:d']

/** One owner of a whole store: messages, outcomes of every kind, compaction. */
export class StoreLife {
  readonly process: DiskProcess
  readonly oracle: StoreOracle
  readonly shape: StoreShape
  #store: LogStore | undefined
  #owner = 0
  /** Live messages without a settling outcome. */
  readonly #refs = new Map<Message, MessageRef>()
  /** Those that newer ones, being written, are to replace, or that wait to do so: they may be withdrawn only. */
  readonly #held = new Set<MessageRef>()
  /** Their settling outcomes are not written yet. */
  readonly #ending = new Set<MessageRef>()
  #redrives = 0
  /** A newer one may take the place of a message before its own enqueue is answered here. */
  readonly #replaced = new Set<Message>()
  readonly #withdrawn = new Set<Message>()

  constructor(process: DiskProcess, oracle: StoreOracle, shape: StoreShape) {
    this.process = process
    this.oracle = oracle
    this.shape = shape
  }

  get store(): LogStore {
    return this.#store!
  }

  /** Opens, and holds what it shows against the oracle. */
  async open(): Promise<void> {
    const { store, live } = await openStore(this.process, { ...this.shape, results: RESULTS })
    const settled = new Map<string, string>()
    const results = new Map<string, unknown>()
    for (const id of this.oracle.ids()) {
      const known = await store.find(id)
      if (known === undefined || !('settled' in known)) continue
      settled.set(id, known.settled.state)
      const result = await store.result(known.settled)
      if (result !== undefined) results.set(id, result.value)
    }
    if (this.process.killed) return
    this.#store = store
    store.replacement = {
      hold: ref => {
        if (this.#ending.has(ref)) return false
        this.#held.add(ref)
        return true
      },
      release: ref => void this.#held.delete(ref),
      replaced: (ref, outcome) => {
        this.#held.delete(ref)
        const message = this.oracle.get(outcome.identity!.id)!
        if (this.#withdrawn.has(message)) return
        this.#replaced.add(message)
        void this.#record(message, ref, outcome)
      },
    }
    const { corrupt, lost } = store.recovery
    const pauses = store.durablePauses().map(({ selector }) => selector)
    const names = this.#names()
    this.#owner = this.oracle.opened({ live, settled, results, corrupt, lost, pauses, names })
    for (const { id, ref } of live) this.#refs.set(this.oracle.get(id)!, ref)
  }

  /** Hands messages in as one list. Never rejects. */
  async enqueue(random: Random, ...sizes: number[]): Promise<void> {
    await this.#enqueue(random, sizes, random.chance(4))
  }

  /** As `enqueue`, of messages that each replace the one before in their channel, if that waits. */
  async replace(random: Random, ...sizes: number[]): Promise<void> {
    await this.#enqueue(random, sizes, false, 'newest')
  }

  async #enqueue(random: Random, sizes: readonly number[], together: boolean, key?: string): Promise<void> {
    const given = sizes.map(size => {
      const text = uniqueText(size)
      return { id: `m${text.slice(0, text.indexOf(':'))}`, channel: random.pick(CHANNELS), text, key }
    })
    const replaces = key === undefined ? undefined : { key, sequence: 0, orderKey: 0 }
    const list = given.map(({ id, channel, text }) =>
      encoded({ id, channel, payload: text, together, replaces }),
    )
    const messages = this.oracle.attempt(this.#owner, given)
    try {
      const enqueued = await this.store.enqueue(list, REJECT)
      if (this.process.killed) return
      for (const [index, message] of messages.entries()) {
        const { sequence, duplicate } = enqueued[index]!
        if (duplicate) throw new Error(`${message.id} is new, and is called a duplicate`)
        this.oracle.accepted(message, sequence, this.shape.durability === 'fsync')
        // The look-up may be what announces it, and the one that replaces it.
        const ref = this.store.bySequence(sequence)!
        if (!this.#replaced.has(message)) this.#refs.set(message, ref)
      }
    } catch (error) {
      if (!(error instanceof WaqError)) throw error
      if (!this.process.killed) this.oracle.failed(messages, error.indeterminate)
    }
  }

  /** Hands in again what is known. */
  async enqueueAgain(random: Random): Promise<void> {
    const known = [...this.oracle.ids()]
      .map(id => this.oracle.get(id)!)
      .filter(message => message.accepted || message.shown)
    if (known.length === 0 || this.#isReplaced) return
    const { id, channel, text } = random.pick(known)
    try {
      const [again] = await this.store.enqueue([encoded({ id, channel, payload: text })], REJECT)
      if (!this.process.killed && !this.#isReplaced) this.oracle.repeated(id, again!.duplicate)
    } catch (error) {
      if (!(error instanceof WaqError)) throw error
    }
  }

  /** Something happens to some message, as it can to one that stands as this one does. */
  async happens(random: Random): Promise<void> {
    const free = this.#free()
    if (free.length === 0) return
    const [message, ref] = random.pick(free)
    const outcome = this.#anyOutcome(message, ref, random)
    await this.#record(message, ref, outcome)
  }

  /** Some message that is held is withdrawn. */
  async withdraw(random: Random): Promise<void> {
    const held = [...this.#refs].filter(([, ref]) => this.#held.has(ref))
    if (held.length === 0) return
    const [message, ref] = random.pick(held)
    this.#withdrawn.add(message)
    this.#held.delete(ref)
    await this.#record(message, ref, outcomeOf('cancelled'))
  }

  /** Something is paused durably, or resumed. */
  pause(random: Random): void {
    if (this.#isReplaced) return
    const selector = random.pick(['*', 'mail:*', 'chat:c'])
    const isPaused = this.oracle.isPaused(selector)
    this.oracle.paused(selector, !isPaused)
    if (isPaused) this.store.recordUnpaused(selector)
    else this.store.recordPaused(selector)
  }

  /** Several messages are withdrawn at once, or what waits for a retry is tried now. */
  async batch(random: Random): Promise<void> {
    const isCancel = random.chance(2)
    const fitting = this.#free().filter(([, ref]) => {
      const state = this.store.state(ref)
      if (isCancel) return state === 'pending' || state === 'in-doubt'
      return state === 'pending' && this.store.dueAt(ref) > 0
    })
    const chosen = fitting.filter(() => random.chance(2)).slice(0, 6)
    if (chosen.length === 0) return
    const batch = chosen.map(([message, ref]) => {
      const attempts = this.store.attempts(ref)
      const mayHaveBeenSent = this.store.mayHaveBeenSent(ref)
      const { error: _, ...retry } = outcomeOf('retry')
      const kind = isCancel ? outcomeOf('cancelled') : { ...retry, dueAt: 0 }
      const outcome = { ...kind, attempts, mayHaveBeenSent } as Outcome
      return { message, ref, outcome }
    })
    const recorded = batch.map(({ message, outcome }) =>
      this.#isReplaced ? this.oracle.recordInVain(message, outcome) : this.oracle.record(message, outcome),
    )
    this.oracle.together(recorded)
    if (isCancel) {
      for (const { message, ref } of batch) {
        this.#refs.delete(message)
        this.#ending.add(ref)
      }
    }
    await new Promise<void>((resolve, reject) => {
      this.store.recordAll(batch, {
        written: () => {
          for (const { ref } of batch) this.#ending.delete(ref)
          if (!this.process.killed) this.oracle.writtenTogether(recorded)
          resolve()
        },
        refused: error => (error instanceof WaqError ? resolve() : reject(error)),
      })
    })
  }

  /** Every live message is delivered, but for a few: what compaction has to do. */
  async settleMost(random: Random): Promise<void> {
    const settling: Promise<void>[] = []
    for (const [message, ref] of this.#free()) {
      const state = this.store.state(ref)
      if (random.chance(4)) continue
      if (state === 'dead') settling.push(this.#record(message, ref, outcomeOf('purged')))
      else {
        if (state !== 'sending') settling.push(this.#record(message, ref, outcomeOf('attempt')))
        settling.push(this.#record(message, ref, delivered(message)))
      }
    }
    await Promise.all(settling)
  }

  /** What `send` returned for some message that was settled in this life, or before. */
  async readResult(random: Random): Promise<void> {
    const known = [...this.oracle.ids()]
    if (known.length === 0 || this.#isReplaced) return
    try {
      const found = await this.store.find(random.pick(known))
      if (found === undefined || !('settled' in found)) return
      const { id, state } = found.settled
      const result = await this.store.result(found.settled)
      if (!this.process.killed && !this.#isReplaced) this.oracle.returned(id, state, result?.value)
    } catch (error) {
      this.#refused(error)
    }
  }

  async compact(): Promise<void> {
    await this.store.compact().catch(this.#refused)
  }

  /** Some channel gets another name, maybe that of another one, or its own again. */
  move(random: Random): void {
    const { store } = this
    const from = store.presentChannel(random.pick(CHANNELS))
    const given = random.pick(NAMES)
    const known = store.presentChannel(given)
    const to = known === from ? given : known
    if (from === to || this.#isReplaced) return
    store.moveChannel(from, to)
    this.oracle.moved(this.#names())
  }

  /** Where each name leads. */
  #names(): string {
    return NAMES.map(name => `${name}=${this.store.presentChannel(name)}`).join(' ')
  }

  /** What waits in some channel dies with it. */
  async closeChannel(random: Random): Promise<void> {
    if (this.#refs.size === 0 || this.#isReplaced) return
    const { store } = this
    const upTo = store.lastSequence
    const channel = store.channel(random.pick([...this.#refs.values()]))
    const known = new Map([...this.#refs].map(([message, ref]) => [ref, message]))
    const there = [...store.live()].filter(ref => store.channel(ref) === channel)
    // One that is being withdrawn may die with the channel instead, if a crash comes first.
    if (there.some(ref => this.#held.has(ref) || this.#ending.has(ref) || !known.has(ref))) return
    const refs = there.filter(ref => store.state(ref) === 'pending' && store.lastOutcomeAt(ref) === 0)
    if (refs.length === 0) return
    const death = { ...outcomeOf('dead'), attempts: 0, mayHaveBeenSent: false }
    const recorded = refs.map(ref => this.oracle.record(known.get(ref)!, death))
    this.oracle.together(recorded)
    const isWritten = await new Promise<boolean>(resolve => {
      store.closeChannel(
        { channel, refs, upTo, at: outcomeOf('dead').at },
        { written: () => resolve(true), refused: () => resolve(false) },
      )
    })
    // Told in the order of the log, as others are.
    if (isWritten && !this.process.killed) this.oracle.writtenTogether(recorded)
  }

  async syncOutcomes(): Promise<void> {
    const synced = this.oracle.syncing('outcomes')
    try {
      await this.store.syncOutcomes()
    } catch (error) {
      return this.#refused(error)
    }
    if (!this.process.killed && !this.#isReplaced) synced()
  }

  async close(): Promise<void> {
    const synced = this.oracle.syncing('everything')
    try {
      await this.store.close()
    } catch (error) {
      return this.#refused(error)
    }
    // One that lost its lock, and said so, closes without a promise.
    if (!this.process.killed && !this.process.deposed) synced()
  }

  /** Those that something may happen to. */
  #free(): [Message, MessageRef][] {
    return [...this.#refs].filter(([, ref]) => !this.#held.has(ref))
  }

  get #isReplaced(): boolean {
    return this.#owner !== this.oracle.owner
  }

  readonly #refused = (error: unknown): void => {
    if (!(error instanceof WaqError)) throw error
  }

  #anyOutcome(message: Message, ref: MessageRef, random: Random): Outcome {
    const { store } = this
    const state = store.state(ref)
    const kind = random.pick(
      state === 'sending'
        ? (['delivered', 'delivered', 'retry', 'rate-limited', 'released', 'interrupted', 'dead'] as const)
        : state === 'dead'
          ? (['redriven', 'purged'] as const)
          : (['attempt', 'attempt', 'attempt', 'cancelled'] as const),
    )
    const outcome = {
      ...(kind === 'delivered' ? delivered(message) : outcomeOf(kind)),
      attempts: kind === 'redriven' ? 0 : store.attempts(ref) + (kind === 'attempt' ? 1 : 0),
      mayHaveBeenSent: kind !== 'redriven' && store.mayHaveBeenSent(ref),
    } as Outcome
    if (outcome.kind !== 'redriven') return outcome
    // Each at a place of its own: one that dies again and is redriven again stands as no one else.
    this.#redrives += 1
    return { ...outcome, orderKey: store.sequence(ref) - 1 / (1 + this.#redrives) }
  }

  /** Resolves when it is written, or never will be. */
  async #record(message: Message, ref: MessageRef, outcome: Outcome): Promise<void> {
    // The store may record the end of what this message replaces first.
    const { written } = this.store.record(ref, outcome)
    const recorded: Recorded = this.#isReplaced
      ? this.oracle.recordInVain(message, outcome)
      : this.oracle.record(message, outcome)
    if (['delivered', 'cancelled', 'purged', 'replaced'].includes(outcome.kind)) {
      this.#refs.delete(message)
      this.#ending.add(ref)
    }
    try {
      await written
    } catch (error) {
      return this.#refused(error)
    }
    this.#ending.delete(ref)
    if (!this.process.killed) this.oracle.written(recorded)
  }
}

function delivered({ id }: Message): Outcome {
  const result = resultOf(id)
  const outcome = outcomeOf('delivered')
  return result === undefined ? outcome : ({ ...outcome, result: encodeResult(result, 4096) } as Outcome)
}
