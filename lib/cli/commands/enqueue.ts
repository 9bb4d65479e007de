import { open } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { type Command, Option } from 'commander'
import { systemCode } from '../../log/errors/system-error.js'
import { WaqError } from '../../log/errors/waq-error.js'
import { messageOfLine } from '../../queue/control/message-line.js'
import type { Receipt } from '../../queue/types.js'
import { uuidv7 } from '../../queue/validation/uuidv7.js'
import { Refusal } from '../../queue/validation/validators.js'
import { MAX_PRIORITY, MIN_PRIORITY } from '../../store/record/message.js'
import type { CommandContext } from '../common/command.js'
import {
  addQueueCommand,
  durationOption,
  GROUPS,
  jsonOption,
  waitOption,
  wholeNumber,
} from '../common/command-options.js'
import { CommandError, failureOf, interruptedError, loose, usageError } from '../common/exit-status.js'
import { type QueueHand, withQueueHand } from '../common/queue-hand.js'
import { toJson } from '../terminal/json.js'
import { ProgressLine } from '../terminal/progress.js'
import { escapeControls, formatCount, type Terminal } from '../terminal/terminal.js'

interface EnqueueCommandOptions {
  channel?: string
  text?: string
  payload?: string
  id?: string
  header: Record<string, string>
  delay?: number
  deliverAt?: number
  ttl?: number
  priority?: number
  replaces?: string
  from?: string
  newIds?: true
  onConflict: 'reject' | 'keep-first'
  wait: number
  json?: true
}

/** `waq enqueue`: one message by flags, or many as JSON lines. */
export function registerEnqueue(program: Command, context: CommandContext): void {
  addQueueCommand(program, 'enqueue', {
    group: GROUPS.change,
    summary: 'put messages into the queue',
    description:
      'Puts one message into the queue, or with --from one per line of JSON. It ends once they are on ' +
      'the device. The process that has the queue open sends them, or the next one that opens it.',
    examples: [
      "waq enqueue ./outbox --channel telegram:bot1:4711 --text 'The build is green.'",
      `waq enqueue ./outbox --channel slack:ops --payload '{"text":"disk full"}' --id alert-17 --ttl 2h`,
      'waq enqueue ./outbox --from dead.jsonl --new-ids',
    ],
    exitStatus:
      '0 all are in the queue; 2 a message was refused, wrong use, or not a queue; 3 its owner does not ' +
      'answer; 4 I/O error; 130 interrupted.',
  })
    .option('--channel <channel>', 'where the message goes')
    .addOption(new Option('--text <text>', 'the payload, as text').conflicts('payload'))
    .option('--payload <json>', 'the payload, as JSON')
    .option('--id <id>', 'the idempotency key (default: a new one)')
    .addOption(
      new Option('--header <name=value>', 'a header; may be given more than once')
        .default({}, 'none')
        .argParser((text: string, headers: Record<string, string>) => ({ ...headers, ...header(text) })),
    )
    .addOption(
      durationOption('--delay <duration>', 'send it no earlier than this long from now').conflicts(
        'deliverAt',
      ),
    )
    .addOption(
      new Option('--deliver-at <time>', 'send it no earlier than this time (ISO 8601)').argParser(time),
    )
    .addOption(
      durationOption(
        '--ttl <duration>',
        'it becomes a dead letter if not delivered this long after it is due',
      ),
    )
    .addOption(
      new Option(
        '--priority <number>',
        'from -8 to 7: of the channels that wait, the highest goes first',
      ).argParser(wholeNumber(MIN_PRIORITY, MAX_PRIORITY)),
    )
    .option('--replaces <key>', "take the place of the channel's message with this key, if it waits")
    .addOption(
      new Option(
        '--from <file>',
        'JSON lines {"channel", "payload", …} from this file, or - for standard input',
      ).conflicts(['channel', 'text', 'payload', 'id', 'delay', 'deliverAt', 'ttl', 'priority', 'replaces']),
    )
    .option('--new-ids', 'with --from: give every message a new id')
    .addOption(
      new Option('--on-conflict <what>', 'if the id is known with another payload')
        .choices(['reject', 'keep-first'])
        .default('reject'),
    )
    .addOption(waitOption())
    .addOption(jsonOption())
    .action((directory: string, options: EnqueueCommandOptions) => enqueue(directory, options, context))
}

function header(text: string): Record<string, string> {
  const at = text.indexOf('=')
  if (at < 1) throw usageError(`--header must be name=value, got ${JSON.stringify(text)}`)
  return { [text.slice(0, at)]: text.slice(at + 1) }
}

function time(text: string): number {
  const at = Date.parse(text)
  if (Number.isNaN(at))
    throw usageError(`--deliver-at must be a time such as 2026-01-31T08:00:00Z, got ${JSON.stringify(text)}`)
  return at
}

/** One message, and where it came from. */
interface Line {
  readonly number: number
  readonly value: Record<string, unknown>
  readonly bytes: number
}

/** The counts so far. */
interface Count {
  enqueued: number
  duplicates: number
  /** The last line that is done. */
  lastLine: number
}

async function enqueue(
  directory: string,
  options: EnqueueCommandOptions,
  context: CommandContext,
): Promise<void> {
  const { terminal } = context
  if (options.from === undefined) {
    const message = oneMessage(options)
    await withQueueHand(directory, options.wait, context, hand =>
      enqueueFlags(hand, message, options, context),
    )
    return
  }
  const input = await openInput(options.from, terminal)
  try {
    await withQueueHand(directory, options.wait, context, hand =>
      enqueueInput(hand, input.stream, options, context),
    )
  } finally {
    await input.close()
  }
}

async function enqueueFlags(
  hand: QueueHand,
  message: Record<string, unknown>,
  options: EnqueueCommandOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const [receipt] = await enqueueOne(hand, message, options.onConflict, signal)
  const changed = receipt!.duplicate ? 0 : 1
  if (options.json === true) terminal.stdout.write(`${toJson({ changed, ...receipt })}\n`)
  else {
    const what = receipt!.duplicate ? `is known already: it is ${receipt!.state}` : 'is in the queue'
    terminal.stdout.write(`${escapeControls(receipt!.id)} ${what}.\n`)
  }
}

async function enqueueInput(
  hand: QueueHand,
  input: Readable,
  options: EnqueueCommandOptions,
  context: CommandContext,
): Promise<void> {
  const { stdout } = context.terminal
  const count = await enqueueLines(hand, input, options, context)
  const { enqueued, duplicates } = count
  if (options.json === true) stdout.write(`${toJson({ changed: enqueued, duplicates })}\n`)
  else stdout.write(`${summary(count)}\n`)
}

async function enqueueOne(
  hand: QueueHand,
  message: Record<string, unknown>,
  onConflict: 'reject' | 'keep-first',
  signal: AbortSignal,
): Promise<Receipt[]> {
  try {
    return await hand.enqueue([message], onConflict)
  } catch (error) {
    if (!signal.aborted) throw error
    throw interruptedError(`nothing was enqueued${loose(error)}`)
  }
}

/** Called first: the hand may become another user, who may not be allowed to read this file. */
async function openInput(
  from: string,
  terminal: Terminal,
): Promise<{ stream: Readable; close: () => Promise<void> }> {
  if (from === '-') return { stream: terminal.stdin as Readable, close: async () => {} }
  try {
    const file = await open(from)
    if (!(await file.stat()).isDirectory()) {
      return { stream: file.createReadStream({ autoClose: false }), close: () => file.close() }
    }
    await file.close()
    throw Object.assign(new Error('EISDIR'), { code: 'EISDIR' })
  } catch (error) {
    throw usageError(`cannot read ${escapeControls(from)}: ${systemCode(error) ?? String(error)}`)
  }
}

function summary({ enqueued, duplicates }: Count): string {
  const known = duplicates === 0 ? '' : ` ${formatCount(duplicates)} known already, and not enqueued again.`
  return `${enqueued === 1 ? 'One message' : `${formatCount(enqueued)} messages`} enqueued.${known}`
}

function oneMessage(options: EnqueueCommandOptions): Record<string, unknown> {
  const { channel, text, payload, id, header, delay, deliverAt, ttl, priority, replaces } = options
  if (channel === undefined) throw usageError('name the channel with --channel, or read messages with --from')
  if (text === undefined && payload === undefined)
    throw usageError('give the message a --text or a --payload')
  return {
    id: id ?? uuidv7(),
    channel,
    payload: text ?? parsePayload(payload!),
    ...(Object.keys(header).length > 0 && { headers: header }),
    ...(delay !== undefined && { delayMs: delay }),
    ...(deliverAt !== undefined && { deliverAt }),
    ...(ttl !== undefined && { ttlMs: ttl }),
    ...(priority !== undefined && { priority }),
    ...(replaces !== undefined && { replaces }),
  }
}

function parsePayload(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch (error) {
    throw usageError(`--payload is not JSON (${(error as Error).message}). For a plain text use --text`)
  }
}

const PART_LINES = 256
const PART_BYTES = 4 * 1024 * 1024
const MAX_LINE_CHARACTERS = 48 * 1024 * 1024

async function enqueueLines(
  hand: QueueHand,
  input: Readable,
  options: EnqueueCommandOptions,
  context: CommandContext,
): Promise<Count> {
  const { terminal, signal } = context
  const name = options.from === '-' ? 'standard input' : options.from!
  const progress = new ProgressLine(terminal.stderr)
  const count: Count = { enqueued: 0, duplicates: 0, lastLine: 0 }
  let part: Line[] = []
  let bytes = 0
  const flush = async (): Promise<void> => {
    if (part.length === 0) return
    signal.throwIfAborted()
    await enqueuePart(hand, part, options.onConflict, name, count)
    part = []
    bytes = 0
    progress.show(`${formatCount(count.enqueued)} enqueued, ${formatCount(count.duplicates)} known already`)
  }
  try {
    for await (const line of linesOf(input, name, options.newIds === true, signal)) {
      part.push(line)
      bytes += line.bytes
      if (part.length >= PART_LINES || bytes >= PART_BYTES) await flush()
    }
    await flush()
  } catch (error) {
    if (signal.aborted) throw stopped(count, loose(error))
    throw withCount(error, count)
  } finally {
    progress.clear()
  }
  if (signal.aborted) throw stopped(count, '')
  return count
}

/** Enqueues a part at once. If that is refused, one message after another, to find the refused one. */
async function enqueuePart(
  hand: QueueHand,
  part: readonly Line[],
  onConflict: 'reject' | 'keep-first',
  name: string,
  count: Count,
): Promise<void> {
  const take = async (lines: readonly Line[]): Promise<void> => {
    const receipts = await hand.enqueue(
      lines.map(({ value }) => value),
      onConflict,
    )
    for (const { duplicate } of receipts) {
      if (duplicate) count.duplicates += 1
      else count.enqueued += 1
    }
    count.lastLine = lines.at(-1)!.number
  }
  try {
    await take(part)
    return
  } catch (error) {
    const refused = error instanceof WaqError && !error.indeterminate && ONE_IS_BAD.includes(error.code)
    if (!refused) throw error
  }
  for (const line of part) {
    try {
      await take([line])
    } catch (error) {
      const { code, message, status } = failureOf(error)
      throw new CommandError(code, status, `${escapeControls(name)}:${line.number}: ${message}`, {
        cause: error,
      })
    }
  }
}

const ONE_IS_BAD: readonly string[] = ['WAQ_INVALID_MESSAGE', 'WAQ_TOO_LARGE', 'WAQ_ID_CONFLICT']

async function* linesOf(
  input: Readable,
  name: string,
  newIds: boolean,
  signal: AbortSignal,
): AsyncGenerator<Line> {
  const failure = new Promise<never>((_, reject) => input.on('error', reject))
  failure.catch(() => {})
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })
  const onAbort = (): void => lines.close()
  signal.addEventListener('abort', onAbort, { once: true })
  let number = 0
  try {
    for await (const text of lines) {
      number += 1
      if (text.trim() === '') continue
      yield {
        number,
        value: parseLine(text, `${escapeControls(name)}:${number}`, newIds),
        bytes: text.length,
      }
    }
    await Promise.race([failure, new Promise(resolve => setImmediate(resolve))])
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'EISDIR')
      throw usageError(`cannot read ${escapeControls(name)}: ${code}`)
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    lines.close()
  }
}

function parseLine(text: string, where: string, newIds: boolean): Record<string, unknown> {
  if (text.length > MAX_LINE_CHARACTERS) throw usageError(`${where} is longer than any message may be`)
  let value: unknown
  try {
    value = JSON.parse(text)
    messageOfLine(value)
  } catch (error) {
    const problem = error instanceof Refusal ? error.message : `it is not JSON: ${(error as Error).message}`
    throw usageError(`${where}: ${escapeControls(problem)}`)
  }
  const line = value as Record<string, unknown>
  // With its own id, a message that is handed over twice is enqueued once.
  return newIds || line.id === undefined ? { ...line, id: uuidv7() } : line
}

function stopped({ enqueued, lastLine }: Count, unknown: string): CommandError {
  return interruptedError(
    `${formatCount(enqueued)} enqueued, all lines up to ${formatCount(lastLine)}; go on with line ` +
      `${formatCount(lastLine + 1)}${unknown}`,
  )
}

/** Adds to an error how much was enqueued before it. */
function withCount(error: unknown, { enqueued, lastLine }: Count): unknown {
  if (lastLine === 0) return error
  const { code, message, status } = failureOf(error)
  const before = `${formatCount(enqueued)} were enqueued before it, all lines up to ${formatCount(lastLine)}.`
  return new CommandError(code, status, `${message}\n     ${before}`, { cause: error })
}
