/** Channel names, each kept once however many messages wait in it, as small numbers for the message table. */
export class ChannelNames {
  readonly #numbers = new Map<string, number>()
  readonly #names: string[] = []
  /** Messages that use the name; 0: the number is free. */
  readonly #uses: number[] = []
  readonly #free: number[] = []

  /** The name's number, counted as used once more. */
  acquire(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) {
      this.#uses[known]! += 1
      return known
    }
    const number = this.#free.pop() ?? this.#names.length
    this.#names[number] = name
    this.#uses[number] = 1
    this.#numbers.set(name, number)
    return number
  }

  release(number: number): void {
    this.#uses[number]! -= 1
    if (this.#uses[number] !== 0) return
    this.#numbers.delete(this.#names[number]!)
    this.#names[number] = ''
    this.#free.push(number)
  }

  name(number: number): string {
    return this.#names[number]!
  }

  get size(): number {
    return this.#numbers.size
  }
}
