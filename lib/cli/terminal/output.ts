import type { OutputStream } from './terminal.js'

const CHUNK_CHARACTERS = 64 * 1024
/** The first lines are written at once, later ones in chunks. */
const EAGER_LINES = 50

/**
 * Writes lines in chunks, at the pace of the reader: at most one chunk is in memory. When the reader is gone
 * (`| head`), `signal` aborts and nothing more is written: check `stopped`.
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
   * The number of whole lines handed to the stream, without those of a chunk still unwritten at the abort.
   */
  get written(): number {
    return this.#written
  }

  get stopped(): boolean {
    return this.#signal.aborted
  }

  /** Undefined: no need to wait. */
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
      // A failed write is reported a moment later; it must be noticed before the next chunk.
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
