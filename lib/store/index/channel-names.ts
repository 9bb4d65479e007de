import { NAMES } from '../record/message-pack-cursor.js'

/** The least number of unused names that are kept. */
const SPARE = 1_024

/**
 * Names of channels as messages were enqueued with them, each kept once however many of its messages wait, as
 * small numbers for the message table.
 * Unused names are forgotten together, and seldom: until a `Map` is rebuilt it walks over the deleted entries
 * of a bucket, so a channel that comes and goes beside 100,000 others would pay for every time it went.
 * A channel may have another name by now (`move`); then several names lead to one channel.
 */
export class ChannelNames {
  readonly #numbers = new Map<string, number>()
  /** By number, the present name of the channel. */
  readonly #names: string[] = []
  /** By former name, the present one. */
  readonly #moved = new Map<string, string>()
  /** Whether any channel has another name. A field, to be read without a call. */
  anyMoved = false
  /** Messages that use the name. */
  readonly #uses: number[] = []
  readonly #free: number[] = []
  #unused = 0
  /** During an opening's scan: by place of the name, its number plus 1. */
  #scanned: Uint32Array | undefined

  /** Returns the number of the name and counts one more use. */
  acquire(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) {
      if (this.#uses[known] === 0) this.#unused -= 1
      this.#uses[known]! += 1
      return known
    }
    const number = this.#free.pop() ?? this.#names.length
    this.#names[number] = this.anyMoved ? this.present(name) : name
    this.#uses[number] = 1
    this.#numbers.set(name, number)
    return number
  }

  /**
   * As `acquire`, without a look into the map if the scan met the same name in the same place before.
   * `place`: as `MessagePackCursor.namePlace`. `scanned` follows the last call.
   */
  acquireScanned(name: string, place: number): number {
    this.#scanned ??= new Uint32Array(NAMES)
    const known = place < 0 ? 0 : this.#scanned[place]!
    if (known !== 0 && !this.anyMoved && this.#uses[known - 1]! > 0 && this.#names[known - 1] === name) {
      this.#uses[known - 1]! += 1
      return known - 1
    }
    const number = this.acquire(name)
    if (place >= 0) this.#scanned[place] = number + 1
    return number
  }

  /** The opening has met all names. */
  scanned(): void {
    this.#scanned = undefined
  }

  release(number: number): void {
    this.#uses[number]! -= 1
    if (this.#uses[number] !== 0) return
    this.#unused += 1
    if (this.#unused > SPARE + this.size) this.#forgetUnused()
  }

  name(number: number): string {
    return this.#names[number]!
  }

  /** The present name of a channel. */
  present(name: string): string {
    return this.#moved.get(name) ?? name
  }

  /** The former names of a channel. */
  former(present: string): string[] {
    return [...this.#moved].filter(([, to]) => to === present).map(([from]) => from)
  }

  /** From now on this name leads to the channel `to`; to itself: it has no other name. */
  move(name: string, to: string): void {
    if (name === to) this.#moved.delete(name)
    else this.#moved.set(name, to)
    this.anyMoved = this.#moved.size > 0
    const number = this.#numbers.get(name)
    if (number !== undefined) this.#names[number] = to
  }

  /** Whether a message bears the name. */
  isUsed(name: string): boolean {
    const number = this.#numbers.get(name)
    return number !== undefined && this.#uses[number]! > 0
  }

  /** Counts names that some message uses. */
  get size(): number {
    return this.#numbers.size - this.#unused
  }

  #forgetUnused(): void {
    for (const [name, number] of this.#numbers) {
      if (this.#uses[number] !== 0) continue
      this.#numbers.delete(name)
      this.#names[number] = ''
      this.#free.push(number)
    }
    this.#unused = 0
  }
}
