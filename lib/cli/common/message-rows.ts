import type { Pauses } from '../../delivery/holds/pauses.js'
import type { ReadMessage } from '../../store/reader/store-reader.js'
import { unpackPayload } from '../../store/reader/store-reader.js'
import { payloadForJson, toJson } from '../terminal/json.js'
import { LineOutput } from '../terminal/output.js'
import { type Column, columnsFor, formatRow, layOut, type TableLayout, titles } from '../terminal/table.js'
import { escapeControls, painter, type Style, type Terminal, widthOf } from '../terminal/terminal.js'
import { formatRelative } from './units.js'

/** Lists of messages: a table whose first lines are printed at once, or JSON lines. */

const SAMPLE_ROWS = 200
/** How long a table waits for rows to measure. */
const SAMPLE_MS = 150

type Kind = 'all' | 'dead'

const COLUMNS: Readonly<Record<Kind, readonly Column[]>> = {
  all: [
    { title: 'SEQUENCE', align: 'right' },
    { title: 'STATE' },
    { title: 'CHANNEL', leastWidth: 12 },
    { title: 'ID', leastWidth: 8 },
    { title: 'ENQUEUED', from: 90 },
    { title: 'TRIES', align: 'right' },
    { title: 'NEXT' },
    { title: 'LAST ERROR', leastWidth: 10, from: 110 },
  ],
  dead: [
    { title: 'SEQUENCE', align: 'right' },
    { title: 'REASON' },
    { title: 'CHANNEL', leastWidth: 12 },
    { title: 'ID', leastWidth: 8 },
    { title: 'DIED' },
    { title: 'TRIES', align: 'right', from: 90 },
    { title: 'LAST ERROR', leastWidth: 10 },
  ],
}

const STATE_STYLES: Readonly<Record<string, Style>> = { dead: 'red', sending: 'green', 'in doubt': 'yellow' }

/** `pauses`: what is paused, if messages that wait for that are to be marked. */
export function cellsOf(kind: Kind, message: ReadMessage, nowMs: number, pauses?: Pauses): string[] {
  const { sequence, channel, id, attempts, history } = message
  const error = history.at(-1)
  const lastError = error === undefined ? '' : escapeControls(errorText(error))
  const place = [escapeControls(channel), escapeControls(id)]
  if (kind === 'dead') {
    const died = message.diedAt === undefined ? '' : formatRelative(message.diedAt, nowMs)
    return [String(sequence), message.deadReason ?? '', ...place, died, String(attempts), lastError]
  }
  const state = message.inDoubt ? 'in doubt' : message.state
  const due = message.state === 'pending' && message.dueAt > nowMs ? formatRelative(message.dueAt, nowMs) : ''
  const next = waitsForPause(message, pauses) ? 'paused' : due
  const enqueued = formatRelative(message.enqueuedAt, nowMs)
  return [String(sequence), state, ...place, enqueued, String(attempts), next, lastError]
}

export function errorText({ name, code, message }: { name: string; code?: string; message: string }): string {
  // The numbers of DOMException ('23') mean nothing to people; those of HTTP do.
  const telling = code !== undefined && !/^\d{1,2}$/.test(code) ? code : undefined
  const label = telling ?? (name === 'Error' || name === 'SendError' ? '' : name)
  return label === '' || message.includes(label) ? message : `${label}: ${message}`
}

function waitsForPause({ state, channel }: ReadMessage, pauses: Pauses | undefined): boolean {
  return state === 'pending' && pauses?.holds(channel) === true
}

/** One line of `--json`. */
function lineOf(message: ReadMessage, pauses: Pauses | undefined): Record<string, unknown> {
  const { id, channel, sequence, state, attempts, mayHaveBeenSent, enqueuedAt, dueAt, expiresAt } = message
  const { priority, replaces, diedAt, deadReason } = message
  const lastError = message.history.at(-1)
  return {
    id,
    channel,
    sequence,
    state,
    attempts,
    mayHaveBeenSent,
    enqueuedAt,
    ...(state === 'pending' && dueAt > 0 && { nextAttemptAt: dueAt }),
    ...(waitsForPause(message, pauses) && { paused: true }),
    ...(priority !== undefined && { priority }),
    ...(replaces !== undefined && { replaces }),
    ...(expiresAt !== Number.POSITIVE_INFINITY && { expiresAt }),
    ...(diedAt !== undefined && { diedAt }),
    ...(deadReason !== undefined && { deadReason }),
    ...(lastError !== undefined && { lastError }),
    ...(message.packedPayload !== undefined && payloadForJson(unpackPayload(message), message.packedPayload)),
  }
}

/** A table of a complete list of messages. */
export function formatList(
  kind: Kind,
  messages: readonly ReadMessage[],
  { width, nowMs, pauses }: { width: number; nowMs: number; pauses?: Pauses },
): string {
  const shown = columnsFor(COLUMNS[kind], width)
  const rows = messages.map(message => {
    const cells = cellsOf(kind, message, nowMs, pauses)
    return shown.map(index => cells[index]!)
  })
  const layout = layOut(
    shown.map(index => COLUMNS[kind][index]!),
    rows,
    width,
  )
  const cut = Number.isFinite(width)
  return [titles(layout), ...rows].map(row => `${formatRow(layout, row, { cut })}\n`).join('')
}

export interface RowsOptions {
  readonly kind: Kind
  readonly json: boolean
  /** Print the payload below each row. */
  readonly payloads: boolean
  readonly limit: number
  readonly nowMs: number
  readonly pauses?: Pauses
  readonly signal: AbortSignal
}

/** Prints messages as they come. Returns their number. */
export async function printMessages(
  terminal: Terminal,
  messages: AsyncIterable<ReadMessage>,
  options: RowsOptions,
): Promise<number> {
  const { json, limit, signal } = options
  const output = new LineOutput(terminal.stdout, signal)
  const table = json ? undefined : new StreamedTable(terminal, output, options)
  let count = 0
  try {
    for await (const message of messages) {
      if (output.stopped) break
      await (table === undefined ? output.line(toJson(lineOf(message, options.pauses))) : table.add(message))
      count += 1
      if (count === limit) break
    }
    await table?.finish()
  } finally {
    table?.stop()
  }
  await output.flush()
  return count
}

/** Sets the column widths by its first rows, or those that came within a moment. */
class StreamedTable {
  readonly #terminal: Terminal
  readonly #output: LineOutput
  readonly #options: RowsOptions
  readonly #width: number
  readonly #columns: readonly Column[]
  /** The indexes of the cells that are shown. */
  readonly #shown: readonly number[]
  #layout: TableLayout | undefined
  #waiting: { cells: string[]; payload: string | undefined }[] = []
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> | undefined

  constructor(terminal: Terminal, output: LineOutput, options: RowsOptions) {
    this.#terminal = terminal
    this.#output = output
    this.#options = options
    const all = COLUMNS[options.kind]
    this.#width = widthOf(terminal.stdout)
    this.#shown = columnsFor(all, this.#width)
    this.#columns = this.#shown.map(index => all[index]!)
  }

  async add(message: ReadMessage): Promise<void> {
    const { kind, nowMs, payloads, pauses } = this.#options
    const cells = cellsOf(kind, message, nowMs, pauses)
    const row = {
      cells: this.#shown.map(index => cells[index]!),
      payload: payloads ? toJson(payloadForJson(unpackPayload(message), message.packedPayload!)) : undefined,
    }
    await this.#flushing
    if (this.#layout !== undefined) return this.#print(row)
    this.#waiting.push(row)
    if (this.#waiting.length >= SAMPLE_ROWS) return this.finish()
    this.#timer ??= setTimeout(() => {
      this.#flushing = this.finish()
    }, SAMPLE_MS)
  }

  /** Prints the rows that wait to be measured. */
  async finish(): Promise<void> {
    this.stop()
    const rows = this.#waiting
    this.#waiting = []
    if (rows.length === 0 || this.#layout !== undefined) return
    const { stdout } = this.#terminal
    this.#layout = layOut(
      this.#columns,
      rows.map(({ cells }) => cells),
      this.#width,
    )
    const paint = painter(this.#terminal, stdout)
    const cut = stdout.isTTY === true
    await this.#output.line(paint('bold', formatRow(this.#layout, titles(this.#layout), { cut })))
    for (const row of rows) await this.#print(row)
    await this.#output.flush()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  async #print({ cells, payload }: { cells: string[]; payload: string | undefined }): Promise<void> {
    const { stdout } = this.#terminal
    const paint = painter(this.#terminal, stdout)
    const styled = (text: string): string => {
      const style = STATE_STYLES[text.trim()]
      return style === undefined ? text : paint(style, text)
    }
    await this.#output.line(
      formatRow(this.#layout!, cells, {
        cut: stdout.isTTY === true,
        paint: (text, column) => (column === 1 ? styled(text) : text),
      }),
    )
    if (payload !== undefined) await this.#output.line(`    ${paint('dim', payload)}`)
  }
}
