import { inspect } from 'node:util'
import type { Command } from 'commander'
import { isFaithfulInJson } from '../../queue/control/message-line.js'
import { viewOf } from '../../queue/queue-reader.js'
import type { MessageView } from '../../queue/types.js'
import {
  type ReadMessage,
  type ReadSettlement,
  StoreReader,
  unpackPayload,
} from '../../store/reader/store-reader.js'
import { decodePayload } from '../../store/record/message.js'
import type { CommandContext } from '../common/command.js'
import { addQueueCommand, GROUPS, jsonOption } from '../common/command-options.js'
import { errorText } from '../common/message-rows.js'
import { unknownId } from '../common/near-ids.js'
import { formatRelative } from '../common/units.js'
import { type Fact, formatFacts } from '../terminal/facts.js'
import { payloadForJson, toJson } from '../terminal/json.js'
import { escapeControls, formatCount, painter, widthOf } from '../terminal/terminal.js'
import { prepareWideText } from '../terminal/text-width.js'

await prepareWideText()

/** `waq show`: one message with its history of attempts. */
export function registerShow(program: Command, context: CommandContext): void {
  addQueueCommand(program, 'show', {
    group: GROUPS.look,
    summary: 'one message, with its history of attempts',
    description:
      'Shows one message with its payload, its headers and its last attempts. For a message that ' +
      'settled within the dedupe window it shows the outcome, and what `send` returned if that is ' +
      'kept.',
    examples: ['waq show ./outbox order-4711', 'waq show ./outbox order-4711 --json'],
    exitStatus:
      '0 done; 1 no message has this id; 2 wrong use, or not a queue; 4 I/O error; 130 interrupted.',
  })
    .argument('<id>', 'id of the message')
    .addOption(jsonOption())
    .action((directory: string, id: string, options: { json?: true }) =>
      showMessage(directory, id, { json: options.json === true }, context),
    )
}

export async function showMessage(
  directory: string,
  id: string,
  options: { json: boolean; state?: 'dead' },
  { terminal, signal }: CommandContext,
): Promise<void> {
  const reader = await StoreReader.open(directory, { signal })
  const { stdout } = terminal
  const message = await reader.find(id)
  if (message !== undefined && (options.state === undefined || message.state === options.state)) {
    if (options.json) stdout.write(`${toJson(jsonOf(message))}\n`)
    else stdout.write(formatMessage(message, Date.now(), terminal))
    return
  }
  const settled = options.state === undefined ? await reader.settled(id) : undefined
  if (settled === undefined) throw await unknownId(reader, id, options.state)
  if (options.json) stdout.write(`${toJson(settledJson(settled))}\n`)
  else stdout.write(formatSettled(settled, Date.now(), terminal))
}

function jsonOf(message: ReadMessage): Record<string, unknown> {
  const { payload, ...view } = viewOf(message) as MessageView
  return { ...view, ...payloadForJson(payload, message.packedPayload!) }
}

function settledJson(settled: ReadSettlement): Record<string, unknown> {
  const { id, channel, sequence, kind, attempts, at, replacedBy, packedResult } = settled
  return {
    id,
    channel,
    sequence,
    state: kind,
    attempts,
    at,
    ...(replacedBy && { replacedBy: replacedBy.id }),
    ...(packedResult && payloadForJson(resultIn(settled), packedResult, 'result')),
  }
}

/** What `send` returned. */
function resultIn({ id, packedResult }: ReadSettlement): unknown {
  return decodePayload(packedResult!, `What send returned for message "${id}"`)
}

function formatMessage(message: ReadMessage, nowMs: number, terminal: CommandContext['terminal']): string {
  const { stdout } = terminal
  const paint = painter(terminal, stdout)
  const view = viewOf(message) as MessageView
  const { priority, replaces, deadReason, diedAt, nextAttemptAt, expiresAt, headers, history } = view
  const facts: Fact[] = [
    ['channel', escapeControls(view.channel)],
    ['sequence', String(view.sequence)],
    ['state', stateText(message)],
    ['enqueued', moment(view.enqueuedAt, nowMs)],
    ...(diedAt === undefined ? [] : [['died', moment(diedAt, nowMs)] as const]),
    ...(deadReason === undefined ? [] : [['reason', REASONS[deadReason]] as const]),
    ...(priority === undefined ? [] : [['priority', String(priority)] as const]),
    ...(replaces === undefined ? [] : [['replaces', escapeControls(replaces)] as const]),
    ['attempts', attemptsText(view)],
    ...(nextAttemptAt === undefined
      ? []
      : [[nextAttemptAt > nowMs ? 'next attempt' : 'due', moment(nextAttemptAt, nowMs)] as const]),
    ...(expiresAt === undefined ? [] : [['expires', moment(expiresAt, nowMs)] as const]),
    ...Object.entries(headers).map(
      ([name, value]) => [`header ${escapeControls(name)}`, escapeControls(value)] as const,
    ),
    ['on disk', `${message.file}, ${formatCount(message.bytes)} bytes`],
  ]
  let text = `${paint('bold', escapeControls(view.id))}\n${formatFacts(facts, widthOf(stdout))}`
  if (history.length > 0) {
    text += `\n${paint('bold', 'Last attempts')}\n`
    const attempts = history.map(
      error => [moment(error.at, nowMs), escapeControls(errorText(error))] as const,
    )
    text += formatFacts(attempts, widthOf(stdout))
  }
  text += `\n${paint('bold', 'Payload')}\n`
  return `${text}${payloadText(unpackPayload(message)).replace(/^/gm, '  ')}\n`
}

/** JSON if it loses nothing; otherwise Node's format, which tells bytes, dates and bigints from strings. */
function payloadText(payload: unknown): string {
  if (isFaithfulInJson(payload)) return toJson(payload, 2)
  const shown = inspect(payload, {
    depth: 20,
    maxArrayLength: 1_000,
    maxStringLength: 100_000,
    breakLength: 100,
  })
  return shown.split('\n').map(escapeControls).join('\n')
}

function attemptsText({ attempts, mayHaveBeenSent, state }: MessageView): string {
  const doubt = mayHaveBeenSent && state !== 'sending' ? '; it may have been sent' : ''
  return `${formatCount(attempts)}${doubt}`
}

function stateText({ state, inDoubt }: ReadMessage): string {
  return inDoubt ? 'pending, in doubt: an attempt began, and its outcome is unknown' : state
}

const REASONS = {
  attempts: 'attempts: it failed as often as the options allow',
  permanent: 'permanent: the receiver refused it',
  ambiguous: 'ambiguous: it may have been sent, and must not be sent twice',
  expired: 'expired: its time to live was over',
  predecessor: 'predecessor: an earlier part of its list died',
  channel: 'channel: its receiver refuses everything now, and it died with its channel',
} as const

function formatSettled(settled: ReadSettlement, nowMs: number, terminal: CommandContext['terminal']): string {
  const { stdout } = terminal
  const facts: Fact[] = [
    ['channel', escapeControls(settled.channel)],
    ['sequence', String(settled.sequence)],
    ['state', settled.kind],
    ...(settled.replacedBy ? [['by', escapeControls(settled.replacedBy.id)] as const] : []),
    ['when', moment(settled.at, nowMs)],
    ['attempts', formatCount(settled.attempts)],
  ]
  const text = `${escapeControls(settled.id)}\n${formatFacts(facts, widthOf(stdout))}`
  if (settled.packedResult === undefined) return text
  const title = painter(terminal, stdout)('bold', 'What send returned')
  return `${text}\n${title}\n${payloadText(resultIn(settled)).replace(/^/gm, '  ')}\n`
}

function moment(at: number, nowMs: number): string {
  return `${new Date(at).toISOString()} (${formatRelative(at, nowMs)})`
}
