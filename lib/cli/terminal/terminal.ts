import { styleText } from 'node:util'

/** An output: `process.stdout`, or a test's stand-in. */
export interface OutputStream {
  write(text: string): unknown
  once?(event: 'drain', listener: () => void): unknown
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

/** An input of keys and lines: `process.stdin`, or a test's stand-in. */
export type InputStream = NodeJS.ReadableStream & {
  readonly isTTY?: boolean
  setRawMode?(raw: boolean): unknown
}

/** A command's streams and environment. */
export interface Terminal {
  readonly stdin: InputStream
  readonly stdout: OutputStream
  readonly stderr: OutputStream
  readonly environment: Readonly<Record<string, string | undefined>>
}

export const processTerminal: Terminal = {
  // The getter of `process.stdin` opens it: a command that reads nothing must not hold a pipe.
  get stdin() {
    return process.stdin
  },
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
}

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'inverse'

export type Paint = (style: Style, text: string) => string

/**
 * Colours for one stream: none when it is not a terminal, when `NO_COLOR` is set, or when the terminal is
 * dumb.
 */
export function painter(terminal: Pick<Terminal, 'environment'>, stream: OutputStream): Paint {
  const { NO_COLOR, TERM } = terminal.environment
  const colourless = stream.isTTY !== true || (NO_COLOR ?? '') !== '' || TERM === 'dumb'
  return (style, text) => (colourless ? text : styleText(style, text, { validateStream: false }))
}

/**
 * Makes text from a message or a file safe to print: characters that would move the cursor, change the title,
 * or reverse or hide text are shown as escapes. These are all control characters (C0, DEL, C1), line and
 * paragraph separators, half surrogate pairs, and all invisible format characters except the two joiners that
 * scripts and emoji need.
 */
export function escapeControls(text: string): string {
  return PLAIN.test(text)
    ? text
    : text.replace(UNSAFE, character => `\\u{${character.codePointAt(0)!.toString(16)}}`)
}

const PLAIN = /^[\x20-\x7e]*$/
const UNSAFE = /(?!\u200c|\u200d)[\p{Cc}\p{Cs}\p{Cf}\p{Zl}\p{Zp}]/gu

/** Columns of a terminal; Infinity for any other output, which is not cut. */
export function widthOf(stream: OutputStream): number {
  return stream.isTTY === true ? (stream.columns ?? 80) : Number.POSITIVE_INFINITY
}

/** 12345 → '12,345'. */
export function formatCount(count: number): string {
  // The first use of locale tables takes 5 ms.
  return count < 1000 ? String(count) : count.toLocaleString('en-US')
}

export interface Row {
  label: string
  value: string
  note?: string
}

/** Labels on the left, right-aligned values, then notes. */
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
