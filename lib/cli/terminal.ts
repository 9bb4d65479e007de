import { styleText } from 'node:util'

/** A place to write to: `process.stdout`, or what a test puts there. */
export interface OutputStream {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

/** What a command sees of the world it was called in. */
export interface Terminal {
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly environment: Readonly<Record<string, string | undefined>>
}

export const processTerminal: Terminal = {
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
}

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow'

/** Colours for one stream: none when it is not a terminal, when `NO_COLOR` is set, or when the terminal is dumb. */
export function painter(terminal: Terminal, stream: OutputStream): (style: Style, text: string) => string {
  const { NO_COLOR, TERM } = terminal.environment
  const colourless = stream.isTTY !== true || (NO_COLOR ?? '') !== '' || TERM === 'dumb'
  return (style, text) => (colourless ? text : styleText(style, text, { validateStream: false }))
}

/** Makes text that came from a message or a file safe to print: control characters are shown, not obeyed. */
export function escapeControls(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    character => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  )
}

/** 12345 → '12,345'. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US')
}

export interface Row {
  label: string
  value: string
  note?: string
}

/** Labels to the left, values right-aligned, notes behind. */
export function formatTable(rows: readonly Row[]): string {
  const labelWidth = Math.max(...rows.map(row => row.label.length))
  const valueWidth = Math.max(...rows.map(row => row.value.length))
  return rows
    .map(row => {
      const note = (row.note ?? '') === '' ? '' : `  ${row.note}`
      return `  ${row.label.padEnd(labelWidth)}  ${row.value.padStart(valueWidth)}${note}\n`
    })
    .join('')
}

const REDRAW_EVERY_MS = 100

/** One line on a terminal that is written over again and again; writes nothing anywhere else. */
export class ProgressLine {
  readonly #stream: OutputStream
  #drawnAt = 0
  #width = 0

  constructor(stream: OutputStream) {
    this.#stream = stream
  }

  /** `text` is plain ASCII on one line; it is cut to the terminal's width, so that it never wraps. */
  show(text: string): void {
    const now = Date.now()
    if (this.#stream.isTTY !== true || now - this.#drawnAt < REDRAW_EVERY_MS) return
    this.#drawnAt = now
    const cut = text.slice(0, Math.max(0, (this.#stream.columns ?? 80) - 1))
    this.#stream.write(`\r${cut.padEnd(this.#width)}`)
    this.#width = cut.length
  }

  /** Leaves an empty line for what is printed next. */
  clear(): void {
    if (this.#width === 0) return
    this.#stream.write(`\r${' '.repeat(this.#width)}\r`)
    this.#width = 0
  }
}
