import { NAMES } from '../record/message-pack-cursor.js'

/** How many unused names are kept at least. */
const SPARE = 1_024

/**
 * Channel names, each kept once however many messages wait in it, as small numbers for the message table.
 * Names that went out of use are forgotten together, and seldom: a `Map` walks over what was deleted from a
 * bucket until it is rebuilt, so that a channel that comes and goes beside 100,000 that stay would pay for
 * each time it went.
 */
export class ChannelNames {
  readonly #numbers = new Map<string, number>()
  readonly #names: string[] = []
  /** Messages that use the name. */
  readonly #uses: number[] = []
  readonly #free: number[] = []
  #unused = 0
  /** While an opening scans: by place of the name, its number plus 1. */
  #scanned: Uint32Array | undefined

  /** The name's number, counted as used once more. */
  acquire(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) {
      if (this.#uses[known] === 0) this.#unused -= 1
      this.#uses[known]! += 1
      return known
    }
    const number = this.#free.pop() ?? this.#names.length
    this.#names[number] = name
    this.#uses[number] = 1
    this.#numbers.set(name, number)
    return number
  }

  /**
   * As `acquire`, without a look into the map where a scan met the same name in the same place before.
   * `place`: as `MessagePackCursor.namePlace`. `scanned` follows the last one.
   */
  acquireScanned(name: string, place: number): number {
    this.#scanned ??= new Uint32Array(NAMES)
    const known = place < 0 ? 0 : this.#scanned[place]!
    if (known !== 0 && this.#uses[known - 1]! > 0 && this.#names[known - 1] === name) {
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

  /** Of names that some message uses. */
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
