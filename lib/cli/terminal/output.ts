import type { OutputStream } from './terminal.js'

const CHUNK_CHARACTERS = 64 * 1024
/** The first lines come at once, later ones in chunks. */
const EAGER_LINES = 50

/**
 * Lines in chunks, at the pace of whoever reads them: however much is printed, no more than a chunk is in
 * memory. When no one reads on (`| head`), `signal` aborts, and what is left is for whoever asks `stopped`.
 */
export class LineOutput {
  readonly #stream: OutputStream
  readonly #signal: AbortSignal
  #chunk = ''
  #lines = 0
  #written = 0

  constructor(stream: OutputStream, signal: AbortSignal) {
    this.#stream = stream
    this.#signal = signal
  }

  /**
   * Lines that were handed over, each whole: those of a chunk that was not written when the signal aborted
   * are not.
   */
  get written(): number {
    return this.#written
  }

  get stopped(): boolean {
    return this.#signal.aborted
  }

  /** Undefined: go on at once. */
  line(text: string): Promise<void> | undefined {
    this.#chunk += text
    this.#chunk += '\n'
    this.#lines += 1
    return this.#lines <= EAGER_LINES || this.#chunk.length >= CHUNK_CHARACTERS ? this.flush() : undefined
  }

  async flush(): Promise<void> {
    if (this.#chunk === '' || this.#signal.aborted) return
    const chunk = this.#chunk
    this.#chunk = ''
    this.#written = this.#lines
    if (this.#stream.write(chunk) !== false || this.#stream.once === undefined) {
      // A write that fails is told a moment later; a reader that went away must be noticed before the next
      // chunk.
      await new Promise(resolve => setImmediate(resolve))
      return
    }
    const { once } = this.#stream
    await new Promise<void>(resolve => {
      const go = (): void => {
        this.#signal.removeEventListener('abort', go)
        resolve()
      }
      once.call(this.#stream, 'drain', go)
      this.#signal.addEventListener('abort', go, { once: true })
    })
  }
}
