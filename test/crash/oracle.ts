/**
 * What must, may and must not be on a disk, whatever became of it. Told of everything that an owner attempts and
 * is promised; asked at every recovery.
 *
 *  - acknowledged ⊆ recovered ⊆ attempted, byte for byte, in order of sequences;
 *  - an atomic list is there whole or not at all;
 *  - of what one owner attempted a later record is never there without an earlier one, unless that one was refused;
 *  - what one opening showed, every later one shows; what it did not show never comes back;
 *  - no sequence is given twice, and no crash is called corruption.
 */
export type Ending =
  /** The process ended; what it wrote is in the page cache. */
  'kill' | 'power loss'

export interface Shown {
  readonly sequence: number
  readonly text: string
}

/** What one opening showed of one log. */
export interface ShownLog {
  readonly frames: readonly Shown[]
  readonly nextSequence: number
}

export interface Attempt {
  readonly owner: number
  readonly first: number
  readonly texts: readonly string[]
  /** Refused: it may be there or not, also with later ones behind it. */
  failed: boolean
  /** Refused before a byte of it reached a file: it must never be there. */
  untouched: boolean
  /** Promised to be there as long as the power does not fail. */
  accepted: boolean
  /** Promised to survive a power loss. */
  durable: boolean
}

export class Violation extends Error {}

class LogOracle {
  readonly name: string
  /** Shown by the last opening. */
  settled = new Map<number, string>()
  /** Since then, in order. */
  attempts: Attempt[] = []
  /** Sequences below were given up: they may be there or not, until an opening shows that they are not. */
  lowWater = 0
  /** Below this a discarding was answered: none of it comes back. */
  discarded = 0
  /** Sequences that the owner let go, one by one. */
  released = new Set<number>()

  constructor(name: string) {
    this.name = name
  }

  clone(): LogOracle {
    const copy = new LogOracle(this.name)
    copy.settled = new Map(this.settled)
    copy.attempts = this.attempts.map(attempt => ({ ...attempt }))
    copy.lowWater = this.lowWater
    copy.discarded = this.discarded
    copy.released = new Set(this.released)
    return copy
  }

  check(shown: ShownLog): void {
    const found = new Map<number, string>()
    let last = 0
    for (const { sequence, text } of shown.frames) {
      if (sequence <= last) this.#violated(`${sequence} comes after ${last}`)
      last = sequence
      found.set(sequence, text)
    }
    const first = shown.frames[0]?.sequence ?? this.discarded
    if (first < this.discarded)
      this.#violated(`${first} is there, and everything below ${this.discarded} was discarded`)
    if (shown.nextSequence <= last)
      this.#violated(`the next sequence is ${shown.nextSequence}, and ${last} is there`)
    const known = new Set<number>()
    for (const [sequence, text] of this.settled) {
      known.add(sequence)
      this.#compare(sequence, text, found, !this.#givenUp(sequence), 'which an opening showed before')
    }
    let missing: number | undefined
    for (const attempt of this.attempts) {
      const must = attempt.accepted
      let there = 0
      let lacking = 0
      attempt.texts.forEach((text, i) => {
        const sequence = attempt.first + i
        // A later owner may use the sequence of what an earlier one attempted in vain.
        if (found.get(sequence) === text || must) known.add(sequence)
        if (found.get(sequence) === text) there += 1
        // Compaction drops what no one needs, also out of the middle of a list.
        else if (!this.#givenUp(sequence)) lacking += 1
        if (found.get(sequence) !== text && must && !this.#givenUp(sequence))
          this.#compare(sequence, text, found, true, 'which was acknowledged')
      })
      if (there > 0 && lacking > 0)
        this.#violated(
          `of the list at ${attempt.first} ${there} of ${attempt.texts.length} records are there`,
        )
      if (there > 0 && attempt.untouched)
        this.#violated(`${attempt.first} is there, and was refused for certain`)
      if (there > 0 && missing !== undefined && !attempt.failed)
        this.#violated(`${attempt.first} is there, and ${missing} before it is not`)
      if (there === 0 && !attempt.failed && !this.#givenUp(attempt.first)) missing ??= attempt.first
    }
    for (const [sequence, text] of found) {
      if (!known.has(sequence)) this.#violated(`${sequence} ${brief(text)} is there, and no one attempted it`)
    }
    const highest = Math.max(0, ...this.settled.keys(), ...this.#promised())
    if (shown.nextSequence <= highest)
      this.#violated(`the next sequence is ${shown.nextSequence}, though ${highest} was given`)
  }

  promises(): string {
    return this.attempts
      .map(
        ({ first, failed, accepted, durable }) =>
          `${first}${failed ? 'f' : durable ? 'd' : accepted ? 'a' : ''}`,
      )
      .join(',')
  }

  opened(shown: ShownLog): void {
    this.settled = new Map(shown.frames.map(({ sequence, text }) => [sequence, text]))
    this.attempts = []
  }

  attempt(attempt: Attempt): void {
    for (let i = 0; i < attempt.texts.length; i++) {
      const sequence = attempt.first + i
      if (this.settled.has(sequence)) this.#violated(`the sequence ${sequence} is given twice`)
    }
    this.attempts.push(attempt)
  }

  accepted(attempt: Attempt, durable: boolean): void {
    const end = (each: Attempt) => each.first + each.texts.length
    const other = this.attempts.find(
      each => each !== attempt && each.accepted && each.first < end(attempt) && attempt.first < end(each),
    )
    if (other !== undefined) this.#violated(`the sequence ${attempt.first} is given twice`)
    attempt.accepted = true
    attempt.durable ||= durable
  }

  /** An owner that was replaced in between is told that its record is in the log. */
  acceptedLate(attempt: Attempt): void {
    attempt.texts.forEach((text, i) => {
      if (this.settled.get(attempt.first + i) !== text && !this.#givenUp(attempt.first + i))
        this.#violated(
          `${attempt.first} was acknowledged by an owner that was replaced, and its successor has not got it`,
        )
    })
  }

  #promised(): number[] {
    return this.attempts
      .filter(attempt => attempt.accepted)
      .map(attempt => attempt.first + attempt.texts.length - 1)
  }

  #givenUp(sequence: number): boolean {
    return sequence < this.lowWater || this.released.has(sequence)
  }

  #compare(sequence: number, text: string, found: Map<number, string>, must: boolean, why: string): void {
    const there = found.get(sequence)
    if (there === text || (there === undefined && !must)) return
    if (there === undefined) this.#violated(`${sequence} ${brief(text)} is lost, ${why}`)
    else this.#violated(`${sequence} is ${brief(there)}, not ${brief(text)}, ${why}`)
  }

  #violated(what: string): never {
    throw new Violation(`${this.name}: ${what}`)
  }
}

export class Oracle {
  readonly #logs: ReadonlyMap<string, LogOracle>
  /** The owner that opened last. */
  #owner = 0
  #broken: Error | undefined

  constructor(logs: ReadonlyMap<string, LogOracle>) {
    this.#logs = logs
  }

  static of(...names: string[]): Oracle {
    return new Oracle(new Map(names.map(name => [name, new LogOracle(name)])))
  }

  clone(): Oracle {
    const copy = new Oracle(new Map([...this.#logs].map(([name, log]) => [name, log.clone()])))
    copy.#owner = this.#owner
    copy.#broken = this.#broken
    return copy
  }

  /** Differs where what is promised differs. */
  fingerprint(): string {
    let promised = ''
    for (const log of this.#logs.values())
      promised += `${log.settled.size}/${log.discarded}/${log.promises()} `
    return promised
  }

  /** Throws a `Violation` where an opening shows what it must not, or not what it must. */
  check(shown: ReadonlyMap<string, ShownLog>, corrupt: readonly unknown[]): void {
    this.throwBroken()
    if (corrupt.length > 0) throw new Violation(`a crash is called corruption: ${JSON.stringify(corrupt)}`)
    for (const [name, log] of this.#logs) log.check(shown.get(name)!)
  }

  /** What was promised to survive the end of a process only may be gone. */
  powerLost(): void {
    for (const log of this.#logs.values())
      for (const attempt of log.attempts) attempt.accepted = attempt.durable
  }

  /** An opening resolved: what it showed is a promise. Returns the number of this owner. */
  opened(shown: ReadonlyMap<string, ShownLog>): number {
    for (const [name, log] of this.#logs) log.opened(shown.get(name)!)
    this.#owner += 1
    return this.#owner
  }

  attempt(owner: number, name: string, first: number, texts: readonly string[]): Attempt {
    const attempt = { owner, first, texts, failed: false, untouched: false, accepted: false, durable: false }
    if (owner === this.#owner) this.#logs.get(name)!.attempt(attempt)
    return attempt
  }

  accepted(name: string, attempt: Attempt, durable: boolean): void {
    const log = this.#logs.get(name)!
    try {
      if (!log.attempts.includes(attempt)) log.acceptedLate(attempt)
      else log.accepted(attempt, durable)
    } catch (error) {
      // The caller is a listener of the log, which survives what its listeners throw.
      this.#broken ??= error as Error
    }
  }

  /** Throws what went wrong where no one would have heard of it. */
  throwBroken(): void {
    if (this.#broken !== undefined) throw this.#broken
  }

  failed(attempt: Attempt, indeterminate: boolean): void {
    attempt.failed = true
    attempt.untouched = !indeterminate
  }

  /** What was accepted by now is to survive a power loss once the returned function is called. */
  syncing(name: string, owner: number): () => void {
    const { attempts } = this.#logs.get(name)!
    const covered = attempts.filter(attempt => attempt.owner === owner && attempt.accepted)
    return () => {
      for (const attempt of covered) attempt.durable = true
    }
  }

  /** Call what is returned when it was answered. */
  discarding(name: string, before: number): () => void {
    const log = this.#logs.get(name)!
    log.lowWater = Math.max(log.lowWater, before)
    return () => {
      log.discarded = Math.max(log.discarded, before)
    }
  }

  releasing(name: string, sequences: Iterable<number>): void {
    for (const sequence of sequences) this.#logs.get(name)!.released.add(sequence)
  }
}

function brief(text: string): string {
  return JSON.stringify(text.length > 12 ? `${text.slice(0, 12)}… (${text.length})` : text)
}
