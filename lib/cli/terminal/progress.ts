import type { OutputStream } from './terminal.js'

const REDRAW_EVERY_MS = 100

/** A line that is overwritten again and again on a terminal; elsewhere it writes nothing. */
export class ProgressLine {
  readonly #stream: OutputStream
  #drawnAt = 0
  #width = 0

  constructor(stream: OutputStream) {
    this.#stream = stream
  }

  /** `text` is one line of ASCII; it is cut to the terminal's width, so it never wraps. */
  show(text: string): void {
    const now = Date.now()
    if (this.#stream.isTTY !== true || now - this.#drawnAt < REDRAW_EVERY_MS) return
    this.#drawnAt = now
    const cut = text.slice(0, Math.max(0, (this.#stream.columns ?? 80) - 1))
    this.#stream.write(`\r${cut.padEnd(this.#width)}`)
    this.#width = cut.length
  }

  /** Clears the line for the next output. */
  clear(): void {
    if (this.#width === 0) return
    this.#stream.write(`\r${' '.repeat(this.#width)}\r`)
    this.#width = 0
  }
}

const BAR_COLUMNS = 24

/** 0.5 → '[############            ]  50%'. */
export function progressBar(share: number): string {
  const filled = Math.round(BAR_COLUMNS * share)
  return `[${'#'.repeat(filled).padEnd(BAR_COLUMNS)}] ${String(Math.floor(share * 100)).padStart(3)}%`
}
