import type { Command } from 'commander'
import { matchesChannel } from '../../delivery/holds/pauses.js'
import type { StoreReader } from '../../store/reader/store-reader.js'
import type { CommandContext } from '../common/command.js'
import {
  addQueueCommand,
  channelOption,
  durationOption,
  GROUPS,
  jsonOption,
  waitOption,
} from '../common/command-options.js'
import { confirm } from '../common/confirm.js'
import { CommandError, ExitStatus, interruptedError, usageError } from '../common/exit-status.js'
import { inParts } from '../common/in-parts.js'
import { unknownId } from '../common/near-ids.js'
import { withQueueHand } from '../common/queue-hand.js'
import { toJson } from '../terminal/json.js'
import { escapeControls, formatCount } from '../terminal/terminal.js'

interface CancelOptions {
  all?: true
  channel?: string
  olderThan?: number
  evenInDoubt?: true
  yes?: true
  wait: number
  json?: true
}

/** `waq cancel`: withdraw what waits. */
export function registerCancel(program: Command, context: CommandContext): void {
  addQueueCommand(program, 'cancel', {
    group: GROUPS.change,
    summary: 'withdraw messages that wait',
    description:
      'Withdraws messages that wait, so that they are not sent. One that is being sent stays, and so does ' +
      'one that may have been sent, unless --even-in-doubt is given. What is chosen by options is ' +
      'counted, and asked about first.',
    examples: [
      'waq cancel ./outbox reminder-1',
      'waq cancel ./restored --older-than 1h --even-in-doubt --yes',
    ],
    exitStatus:
      '0 done; 1 an id that no message has, or a message that stays; 2 wrong use, or not a queue; ' +
      '3 its owner does not answer; 4 I/O error; 130 interrupted.',
  })
    .argument('[ids...]', 'of the messages')
    .option('--all', 'every message that waits')
    .addOption(channelOption())
    .addOption(durationOption('--older-than <duration>', 'enqueued at least so long ago (30m, 7d)'))
    .option('--even-in-doubt', 'also those that may have been sent')
    .option('--yes', 'do not ask')
    .addOption(waitOption())
    .addOption(jsonOption())
    .action((directory: string, ids: string[], options: CancelOptions) =>
      cancel(directory, ids, options, context),
    )
}

async function cancel(
  directory: string,
  named: readonly string[],
  options: CancelOptions,
  context: CommandContext,
): Promise<void> {
  const { all, channel, olderThan, json } = options
  const isNarrowed = channel !== undefined || olderThan !== undefined
  if (named.length > 0 && (all === true || isNarrowed)) {
    throw usageError('name messages by their ids, or choose them by options: not both')
  }
  if (named.length === 0 && all !== true && !isNarrowed) {
    throw usageError('name messages by their ids, or choose with --all, --channel or --older-than')
  }
  const evenInDoubt = options.evenInDoubt === true
  const { terminal, signal } = context
  const { changed, of } = await withQueueHand(directory, options.wait, context, async hand => {
    const chosen = await chosenIds(hand.reader, named, options).catch(error => {
      throw signal.aborted ? interruptedError('nothing was changed') : error
    })
    if (named.length === 0 && chosen.length > 0 && options.yes !== true) {
      await confirm(`cancel ${counted(chosen.length).toLowerCase()}`, context)
    }
    const changed = await inParts(chosen, 'cancelled', context, part => hand.cancel(part, evenInDoubt))
    return { changed, of: chosen.length }
  })
  if (json === true) terminal.stdout.write(`${toJson({ changed })}\n`)
  else terminal.stdout.write(`${counted(changed)} cancelled.\n`)
  if (changed < of) throw stayed(of - changed, evenInDoubt)
}

/** Rejects with WAQ_NOT_FOUND for an id that no message has. */
async function chosenIds(
  reader: StoreReader,
  named: readonly string[],
  { channel, olderThan = 0 }: CancelOptions,
): Promise<string[]> {
  const wanted = new Set(named)
  const chosen: string[] = []
  const nowMs = Date.now()
  const messages = reader.messages({
    payloads: false,
    select: ({ id, state, channel: own }) =>
      named.length > 0 ? wanted.has(id) : state !== 'dead' && matchesChannel(channel, own),
  })
  for await (const { id, enqueuedAt } of messages) {
    wanted.delete(id)
    if (nowMs - enqueuedAt >= olderThan) chosen.push(id)
  }
  const [missing] = wanted
  if (missing !== undefined) throw await notThere(reader, missing)
  return chosen
}

async function notThere(reader: StoreReader, id: string): Promise<CommandError> {
  const settled = await reader.settled(id)
  if (settled === undefined) return unknownId(reader, id)
  const message = `The message ${escapeControls(id)} no longer waits: it was ${settled.kind}.`
  return new CommandError('WAQ_NOT_FOUND', ExitStatus.found, `${message} Nothing was cancelled.`)
}

function stayed(count: number, evenInDoubt: boolean): CommandError {
  const why = evenInDoubt
    ? 'being sent, dead, or gone meanwhile'
    : 'being sent, dead, gone meanwhile, or in doubt (--even-in-doubt cancels those, too)'
  const what =
    count === 1 ? 'One message was not cancelled: it is' : `${formatCount(count)} were not: they are`
  return new CommandError('NOT_CANCELLED', ExitStatus.found, `${what} ${why}.`)
}

function counted(count: number): string {
  return count === 1 ? 'One message' : `${formatCount(count)} messages`
}
