/**
 * What a store must, may and must not hold, whatever became of its disk. Told of every message that was handed in, of
 * every outcome that was recorded, and of what was promised about them; asked at every opening.
 *
 *  - acknowledged ⊆ recovered ⊆ attempted: id, channel, sequence and payload;
 *  - in each channel the messages of one owner are there in their order, none behind one that lacks; a list is whole;
 *  - how messages stand is what the recovery table makes of some beginning of all that was recorded: one that is not
 *    shorter than what was promised. So nothing comes back whose outcome was durable, and no outcome skips another;
 *  - what `send` returned for a message stands and falls with its outcome, whatever is copied;
 *  - a message is replaced only where a newer one of its key is there, and is not there beside one that named it;
 *  - each name of a channel leads where some beginning of the moves left it, and all names of a move go together;
 *  - what one opening showed, every later one shows; no crash is called corruption, no sequence is given twice.
 */
import type { Outcome } from '../../lib/store/message-store.js'
import { Violation } from './oracle.js'
import type { Account } from './world.js'

/** How a message stands after an opening, as far as its outcomes tell. */
export interface Stands {
  readonly state: 'pending' | 'in-doubt' | 'dead' | 'delivered' | 'cancelled' | 'purged' | 'replaced'
  readonly attempts: number
  readonly dueAt: number
  readonly mayHaveBeenSent: boolean
  /** Undefined: its own sequence. */
  readonly orderKey: number | undefined
}

const NEW: Stands = {
  state: 'pending',
  attempts: 0,
  dueAt: 0,
  mayHaveBeenSent: false,
  orderKey: undefined,
}

/** The recovery table, written down a second time: the clock of these tests never goes back, so no wait is cut. */
export function recovered(before: Stands, outcome: Outcome): Stands {
  const { kind, attempts, mayHaveBeenSent } = outcome
  const after = { ...before, attempts, mayHaveBeenSent, dueAt: 0 }
  switch (kind) {
    case 'attempt':
    case 'interrupted':
      return { ...after, state: 'in-doubt', mayHaveBeenSent: true }
    case 'retry':
    case 'rate-limited':
      return { ...after, state: 'pending', dueAt: outcome.dueAt }
    case 'released':
      return { ...after, state: 'pending' }
    case 'redriven':
      return { ...after, state: 'pending', orderKey: outcome.orderKey }
    default:
      return { ...after, state: kind }
  }
}

/** What `send` returns for the message, each time that it is sent; undefined: nothing. */
export function resultOf(id: string): { id: string; text: string } | undefined {
  const number = Number(id.slice(1))
  return number % 3 === 0 ? undefined : { id, text: 'r'.repeat((number * 37) % 300) }
}

const SETTLED: ReadonlySet<string> = new Set(['delivered', 'cancelled', 'purged', 'replaced'])

export function isSettled({ state }: Stands): boolean {
  return SETTLED.has(state)
}

/** A live message as an opening shows it. */
export interface ShownMessage {
  readonly id: string
  readonly channel: string
  readonly sequence: number
  readonly text: string
  readonly stands: Stands
}

export interface ShownStore {
  /** By sequence. */
  readonly live: readonly ShownMessage[]
  /** Of the ids that the oracle asked for. */
  readonly settled: ReadonlyMap<string, string>
  /** What `send` returned for them. */
  readonly results: ReadonlyMap<string, unknown>
  readonly corrupt: readonly unknown[]
  /** Selectors of the durable pauses in force. */
  readonly pauses: readonly string[]
  /** Where each name of a channel leads, as one text. */
  readonly names: string
  readonly lost: { readonly messages: readonly { readonly sequence: number }[] }
}

export interface Recorded {
  readonly message: Message
  readonly stands: Stands
  /** Recorded with others, all or none; undefined: by itself. */
  batch: number | undefined
  /** In which `written` resolved; the log has them in this order. */
  order: number | undefined
  /** Promised to be there as long as the power does not fail. */
  accepted: boolean
  durable: boolean
  /** By the opening after it: whether it was there. */
  there: boolean | undefined
}

export interface Message {
  readonly id: string
  readonly channel: string
  readonly text: string
  /** Handed in together, all or none. */
  readonly list: number
  /** Messages of one channel and key replace each other. */
  readonly key: string | undefined
  sequence: number | undefined
  failed: boolean
  /** Refused before a byte of it reached a file. */
  untouched: boolean
  accepted: boolean
  durable: boolean
  /** Something had happened to it before the last opening, lost or not. */
  touched: boolean
  /** An opening showed it, or that it was settled. */
  shown: boolean
  /** As the last opening showed it. */
  base: Stands
  /** Since then. */
  outcomes: Recorded[]
}

export class StoreOracle implements Account {
  /** In the order in which they were handed in. */
  #messages = new Map<string, Message>()
  #lists = 0
  #order = 0
  #batches = 0
  /** Pauses and their ends since the last opening, in order. */
  #pausing: { readonly selector: string; readonly isPaused: boolean; durable: boolean }[] = []
  /** Where each name of a channel led, since what the last opening showed, in order. */
  #names: { readonly names: string; durable: boolean }[] = []
  #hasMoved = false
  /** What the last opening showed. */
  #paused: ReadonlySet<string> = new Set()
  #owner = 0
  #broken: Error | undefined

  get owner(): number {
    return this.#owner
  }

  clone(): StoreOracle {
    const copy = new StoreOracle()
    for (const [id, message] of this.#messages) {
      const twin = { ...message, outcomes: [] as Recorded[] }
      twin.outcomes = message.outcomes.map(outcome => ({ ...outcome, message: twin }))
      copy.#messages.set(id, twin)
    }
    copy.#lists = this.#lists
    copy.#order = this.#order
    copy.#batches = this.#batches
    copy.#pausing = this.#pausing.map(each => ({ ...each }))
    copy.#names = this.#names.map(each => ({ ...each }))
    copy.#hasMoved = this.#hasMoved
    copy.#paused = this.#paused
    copy.#owner = this.#owner
    copy.#broken = this.#broken
    return copy
  }

  fingerprint(): string {
    let promised = ''
    for (const { accepted, durable, failed, shown, outcomes } of this.#messages.values()) {
      promised += `${shown ? 's' : durable ? 'd' : accepted ? 'a' : failed ? 'f' : ''}`
      for (const outcome of outcomes) promised += outcome.durable ? '!' : outcome.accepted ? '.' : '?'
      promised += ','
    }
    return promised
  }

  powerLost(): void {
    for (const message of this.#messages.values()) {
      message.accepted = message.durable
      for (const outcome of message.outcomes) outcome.accepted = outcome.durable
    }
  }

  throwBroken(): void {
    if (this.#broken !== undefined) throw this.#broken
  }

  ids(): Iterable<string> {
    return this.#messages.keys()
  }

  get(id: string): Message | undefined {
    return this.#messages.get(id)
  }

  // ── What an owner does ──────────────────────────────────────────────────────────────────────────────────────

  /** Messages handed in as one list. */
  attempt(
    owner: number,
    list: readonly { id: string; channel: string; text: string; key?: string | undefined }[],
  ): Message[] {
    this.#lists += 1
    return list.map(given => {
      const message = {
        key: undefined,
        ...given,
        list: this.#lists,
        sequence: undefined,
        failed: false,
        untouched: false,
        accepted: false,
        durable: false,
        touched: false,
        shown: false,
        base: NEW,
        outcomes: [],
      }
      // One that was replaced may try what it likes.
      if (owner === this.#owner) this.#messages.set(given.id, message)
      return message
    })
  }

  accepted(message: Message, sequence: number, durable: boolean): void {
    if (this.#messages.get(message.id) !== message) {
      this.#breaks(
        `${message.id} was acknowledged by an owner that was replaced, and its successor has not got it`,
      )
      return
    }
    for (const other of this.#messages.values()) {
      const counts = other.shown || other.accepted
      if (other !== message && counts && other.sequence === sequence)
        this.#breaks(`the sequence ${sequence} is given to ${other.id} and to ${message.id}`)
    }
    message.sequence = sequence
    message.accepted = true
    message.durable ||= durable
  }

  failed(messages: readonly Message[], indeterminate: boolean): void {
    for (const message of messages) {
      message.failed = true
      message.untouched = !indeterminate
    }
  }

  /** An id that is known was handed in again. */
  repeated(id: string, duplicate: boolean): void {
    if (!duplicate) this.#breaks(`${id} was enqueued a second time, though it was known`)
  }

  /** A result was read back, of a message that settled so. */
  returned(id: string, state: string, result: unknown): void {
    try {
      this.#checkResult(id, state, result)
    } catch (error) {
      this.#broken ??= error as Error
    }
  }

  #checkResult(id: string, state: string, result: unknown): void {
    const expected = state === 'delivered' ? resultOf(id) : undefined
    if (JSON.stringify(result) === JSON.stringify(expected)) return
    throw new Violation(`${id} was ${state} with the result ${JSON.stringify(result)?.slice(0, 60)}`)
  }

  record(message: Message, outcome: Outcome): Recorded {
    const before = message.outcomes.at(-1)?.stands ?? message.base
    const stands = recovered(before, outcome)
    const recorded = newlyRecorded(message, stands)
    message.outcomes.push(recorded)
    return recorded
  }

  /** As `record`, by an owner that was replaced: it must never count. */
  recordInVain(message: Message, outcome: Outcome): Recorded {
    return { ...newlyRecorded(message, recovered(message.base, outcome)), there: false }
  }

  paused(selector: string, isPaused: boolean): void {
    this.#pausing.push({ selector, isPaused, durable: false })
  }

  moved(names: string): void {
    this.#hasMoved = true
    this.#names.push({ names, durable: false })
  }

  isPaused(selector: string): boolean {
    const last = this.#pausing.findLast(each => each.selector === selector)
    return last?.isPaused ?? this.#paused.has(selector)
  }

  /** These were recorded together. */
  together(batch: readonly Recorded[]): void {
    this.#batches += 1
    for (const recorded of batch) recorded.batch = this.#batches
  }

  writtenTogether(batch: readonly Recorded[]): void {
    for (const recorded of batch) this.written(recorded)
    // No beginning of what was recorded ends inside it.
    for (const recorded of batch) if (recorded.order !== undefined) recorded.order = this.#order
  }

  written(recorded: Recorded): void {
    if (recorded.there === false)
      this.#breaks(
        `an outcome of ${recorded.message.id} was recorded by an owner that was replaced, and its successor lacks it`,
      )
    recorded.order ??= ++this.#order
    recorded.accepted = true
  }

  /** What was recorded by now is to survive a power loss once the returned function is called. */
  syncing(what: 'outcomes' | 'everything'): () => void {
    const outcomes = [...this.#messages.values()].flatMap(message => message.outcomes)
    const messages = [...this.#messages.values()].filter(message => message.accepted)
    const pausing = [...this.#pausing, ...this.#names]
    return () => {
      for (const each of pausing) each.durable = true
      for (const outcome of outcomes) outcome.durable = outcome.accepted = true
      if (what === 'everything') for (const message of messages) message.durable = true
    }
  }

  // ── What an opening shows ───────────────────────────────────────────────────────────────────────────────────

  /** Throws a `Violation` where an opening shows what it must not, or not what it must; else what it showed is a promise. */
  opened(shown: ShownStore): number {
    this.throwBroken()
    if (shown.corrupt.length > 0)
      throw new Violation(`a crash is called corruption: ${JSON.stringify(shown.corrupt)}`)
    this.#checkCalledLost(shown)
    this.#checkNames(shown)
    // By one name or another: which pauses and replacements follow is not written down here.
    if (!this.#hasMoved) this.#checkPauses(shown)
    for (const [id, state] of shown.settled) this.#checkResult(id, state, shown.results.get(id))
    const live = this.#checkLive(shown)
    this.#checkLosses(live, shown)
    if (!this.#hasMoved) this.#checkReplaced(live, shown)
    const cut = this.#findCut(live, shown)
    for (const message of [...this.#messages.values()]) {
      const found = live.get(message.id)
      const lost = found === undefined && !shown.settled.has(message.id)
      if (lost) {
        // It must not come back.
        this.#messages.delete(message.id)
        continue
      }
      message.shown = true
      message.touched ||= message.outcomes.length > 0
      message.sequence ??= found?.sequence
      const isReplaced = isReplacedByName(message, shown)
      const reached = isReplaced
        ? message.outcomes.length
        : reachedBy(message, cut, standsOf(message, live, shown))
      message.outcomes.forEach((outcome, index) => {
        outcome.there = index < reached
      })
      message.base = isReplaced ? { ...NEW, state: 'replaced' } : stands(message, reached)
    }
    this.#checkBatches()
    for (const message of this.#messages.values()) message.outcomes = []
    this.#owner += 1
    return this.#owner
  }

  #checkNames({ names }: ShownStore): void {
    const lastDurable = this.#names.findLastIndex(({ durable }) => durable)
    const allowed = this.#names.slice(Math.max(lastDurable, 0))
    if (this.#names.length > 0 && !allowed.some(each => each.names === names))
      throw new Violation(`the names lead ${names}, not ${allowed.map(each => each.names).join(' or ')}`)
    this.#names = [{ names, durable: true }]
  }

  /** Each selector is paused as some of its records say, none older than the last durable one. */
  #checkPauses({ pauses }: ShownStore): void {
    const shown = new Set(pauses)
    const selectors = new Set([...pauses, ...this.#paused, ...this.#pausing.map(({ selector }) => selector)])
    for (const selector of selectors) {
      const records = this.#pausing.filter(each => each.selector === selector)
      const lastDurable = records.findLastIndex(({ durable }) => durable)
      const allowed = records.slice(Math.max(lastDurable, 0)).map(({ isPaused }) => isPaused)
      if (lastDurable === -1) allowed.push(this.#paused.has(selector))
      if (!allowed.includes(shown.has(selector)))
        throw new Violation(`${selector} is ${shown.has(selector) ? '' : 'not '}paused`)
    }
    this.#paused = shown
    this.#pausing = []
  }

  /**
   * Whatever a crash took: of a message that was replaced a newer one is there, and none waits beside one that
   * took its place.
   */
  #checkReplaced(live: ReadonlyMap<string, ShownMessage>, { settled }: ShownStore): void {
    const lines = new Map<string, Message[]>()
    for (const message of this.#messages.values())
      if (message.key !== undefined)
        lines.set(message.channel, [...(lines.get(message.channel) ?? []), message])
    for (const line of lines.values()) {
      const isThere = ({ id }: Message): boolean => live.has(id) || settled.has(id)
      for (const [at, message] of line.entries()) {
        const newer = line.slice(at + 1).filter(isThere)
        if (settled.get(message.id) === 'replaced' && newer.length === 0)
          throw new Violation(`${message.id} was replaced, and no newer message is there`)
        const found = live.get(message.id)
        const wasTouched = message.touched || message.outcomes.length > 0
        const isRefused = line.slice(at + 1).some(({ failed, accepted }) => failed || !accepted)
        if (found !== undefined && newer.length > 0 && !wasTouched && !isRefused)
          throw new Violation(`${message.id} waits, and ${newer[0]!.id} had taken its place`)
        if ((found?.stands.orderKey ?? 0) > (found?.sequence ?? 0))
          throw new Violation(`${message.id} waits at ${found?.stands.orderKey}, behind its own place`)
      }
    }
  }

  #checkBatches(): void {
    const there = new Map<number, boolean>()
    for (const { id, outcomes } of this.#messages.values()) {
      for (const outcome of outcomes) {
        if (outcome.batch === undefined) continue
        const others = there.get(outcome.batch) ?? outcome.there!
        there.set(outcome.batch, others)
        if (outcome.there !== others)
          throw new Violation(
            `an outcome of ${id} is ${others ? 'not ' : ''}there, unlike others of its batch`,
          )
      }
    }
  }

  /** A crash takes nothing that was on the device. What was not may be lost, in this life or in one before it. */
  #checkCalledLost({ lost }: ShownStore): void {
    for (const { sequence } of lost.messages) {
      const known = [...this.#messages.values()].filter(message => message.sequence === sequence)
      if (known.length > 0 && known.every(({ durable }) => durable))
        throw new Violation(`${known[0]!.id} is called lost, and was on the device`)
    }
  }

  #checkLive({ live }: ShownStore): Map<string, ShownMessage> {
    const found = new Map<string, ShownMessage>()
    let last = 0
    for (const shown of live) {
      const { id, channel, sequence, text } = shown
      const message = this.#messages.get(id)
      if (message === undefined)
        throw new Violation(`${id} is there, and no one handed it in, or it was lost`)
      if (found.has(id)) throw new Violation(`${id} is there twice`)
      if (message.untouched) throw new Violation(`${id} is there, and was refused for certain`)
      if (text !== message.text || channel !== message.channel)
        throw new Violation(`${id} is another message`)
      if (sequence <= last) throw new Violation(`${sequence} comes after ${last}`)
      if ((message.sequence ?? sequence) !== sequence)
        throw new Violation(`${id} is ${sequence}, and was acknowledged as ${message.sequence}`)
      last = sequence
      found.set(id, shown)
    }
    return found
  }

  #checkLosses(live: ReadonlyMap<string, ShownMessage>, { settled }: ShownStore): void {
    const missing = new Map<string, string>()
    const lastOf = new Map<string, number>()
    const lists = new Map<number, { there: boolean; lacks: boolean }>()
    for (const message of this.#messages.values()) {
      const { id, channel, list } = message
      const found = live.get(id)
      const lost = found === undefined && !settled.has(id)
      if (lost && (message.shown || message.accepted))
        throw new Violation(`${id} is lost, which ${message.shown ? 'was there before' : 'was acknowledged'}`)
      if (found !== undefined) {
        if (missing.has(channel) && !message.failed && !message.shown)
          throw new Violation(`${id} is there, and ${missing.get(channel)} before it is not`)
        if (found.sequence <= (lastOf.get(channel) ?? 0))
          throw new Violation(`${id} was handed in later than what now stands behind it`)
        lastOf.set(channel, found.sequence)
      } else if (lost && !message.failed) missing.set(channel, id)
      const parts = lists.get(list) ?? { there: false, lacks: false }
      if (!message.shown) lists.set(list, parts)
      if (found !== undefined) parts.there = true
      if (lost) parts.lacks = true
    }
    for (const [list, { there, lacks }] of lists)
      if (there && lacks) throw new Violation(`a part of the list ${list} is there, and a part is not`)
  }

  /** How many of the written outcomes are there: all messages stand as these made them, or it is a violation. */
  #findCut(live: ReadonlyMap<string, ShownMessage>, shown: ShownStore): number {
    const outcomes = [...this.#messages.values()].flatMap(message => message.outcomes)
    const promised = Math.max(
      0,
      ...outcomes.filter(({ accepted }) => accepted).map(({ order }) => order ?? 0),
    )
    let wrong = ''
    for (let cut = this.#order; cut >= promised; cut--) {
      wrong = ''
      for (const message of this.#messages.values()) {
        const now = standsOf(message, live, shown)
        if (isReplacedByName(message, shown)) continue
        if (now === undefined || reachedBy(message, this.#lastCut(cut), now) >= 0) continue
        const expected = stands(message, writtenBy(message, cut))
        wrong = `${message.id} is ${tell(now)}, not ${tell(expected)}`
        break
      }
      if (wrong === '') return this.#lastCut(cut)
    }
    throw new Violation(`no beginning of what was recorded makes this: ${wrong}`)
  }

  /** Behind the last written one there may be more of which no one was told. */
  #lastCut(cut: number): number {
    return cut === this.#order ? Number.POSITIVE_INFINITY : cut
  }

  #breaks(what: string): void {
    this.#broken ??= new Violation(what)
  }
}

function newlyRecorded(message: Message, stands: Stands): Recorded {
  return {
    message,
    stands,
    batch: undefined,
    order: undefined,
    accepted: false,
    durable: false,
    there: undefined,
  }
}

/** How a message stands; undefined: it is not there, and neither is an outcome of it. */
function standsOf(
  { id, key, base, outcomes }: Message,
  live: ReadonlyMap<string, ShownMessage>,
  { settled }: ShownStore,
): Stands | undefined {
  const found = live.get(id)
  if (found !== undefined) {
    const { orderKey } = found.stands
    // A place that it took over is checked elsewhere.
    return key !== undefined && Number.isInteger(orderKey)
      ? { ...found.stands, orderKey: undefined }
      : found.stands
  }
  const standing = settled.get(id)
  if (standing === undefined) return undefined
  const settling = [base, ...outcomes.map(outcome => outcome.stands)].find(each => each.state === standing)
  return settling ?? { ...NEW, state: standing as Stands['state'] }
}

/** A newer message is there that names it: an opening then records that it was replaced, if nothing else is known. */
function isReplacedByName({ id, key, outcomes, base }: Message, { settled }: ShownStore): boolean {
  if (key === undefined || settled.get(id) !== 'replaced') return false
  const isOpen = ({ stands, durable }: Recorded): boolean =>
    stands.state === 'replaced' || (stands.state === 'cancelled' && !durable)
  return base.state === 'pending' && outcomes.every(isOpen)
}

/** After so many of its outcomes. */
function stands({ base, outcomes }: Message, count: number): Stands {
  return count === 0 ? base : outcomes[count - 1]!.stands
}

function writtenBy({ outcomes }: Message, cut: number): number {
  return outcomes.filter(({ order }) => order !== undefined && order <= cut).length
}

/** How many of its outcomes are there, at the most, where those up to `cut` are; -1: it cannot stand as it does. */
function reachedBy(message: Message, cut: number, now: Stands | undefined): number {
  if (now === undefined) return -1
  const least = writtenBy(message, cut)
  const most = cut === Number.POSITIVE_INFINITY ? message.outcomes.length : least
  for (let count = most; count >= least; count--) if (tell(stands(message, count)) === tell(now)) return count
  return -1
}

function tell({ state, attempts, dueAt, mayHaveBeenSent, orderKey }: Stands): string {
  if (SETTLED.has(state)) return state
  const place = orderKey === undefined ? '' : ` at ${orderKey}`
  return `${state} after ${attempts} attempts, due ${dueAt}${mayHaveBeenSent ? ', maybe sent' : ''}${place}`
}
