/** One line that overwrites itself, on a terminal; nothing elsewhere. */
export class Progress {
  readonly #stream: NodeJS.WriteStream

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  show(line: string): void {
    if (!this.#stream.isTTY) return
    const { columns = 80 } = this.#stream
    this.#stream.write(`\r\x1b[2K${line.slice(0, columns - 1)}`)
  }

  clear(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\x1b[2K')
  }
}
