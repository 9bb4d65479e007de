import type { Command } from 'commander'
import { matchesChannel } from '../../delivery/holds/pauses.js'
import type { StoreReader } from '../../store/reader/store-reader.js'
import { escapeControls, formatCount } from '../terminal/terminal.js'
import { checkSelection } from './check-selection.js'
import { channelOption, durationOption } from './command-options.js'
import { CommandError, ExitStatus } from './exit-status.js'
import { unknownId } from './near-ids.js'

/** The waiting messages that a command applies to. */
export interface WaitingSelection {
  readonly all?: true
  readonly channel?: string
  readonly idPrefix?: string
  readonly olderThan?: number
}

export function addWaitingSelection(command: Command): Command {
  return command
    .argument('[ids...]', 'ids of messages')
    .option('--all', 'all waiting messages')
    .addOption(channelOption())
    .option('--id-prefix <text>', 'messages whose ids have this prefix')
    .addOption(durationOption('--older-than <duration>', 'enqueued at least this long ago (30m, 7d)'))
}

export function checkWaitingSelection(ids: readonly string[], selection: WaitingSelection): void {
  const { all, channel, idPrefix, olderThan } = selection
  checkSelection('messages', ids, all, {
    '--channel': channel,
    '--id-prefix': idPrefix,
    '--older-than': olderThan,
  })
}

/** `nothingDone` ends the message for an id that no message has. Rejects with WAQ_NOT_FOUND for one. */
export async function waitingIds(
  reader: StoreReader,
  named: readonly string[],
  { channel, idPrefix = '', olderThan = 0 }: WaitingSelection,
  nothingDone: string,
): Promise<string[]> {
  const wanted = new Set(named)
  const chosen: string[] = []
  const nowMs = Date.now()
  const messages = reader.messages({
    payloads: false,
    select: ({ id, state, channel: own }) =>
      named.length > 0
        ? wanted.has(id)
        : state !== 'dead' && matchesChannel(channel, own) && id.startsWith(idPrefix),
  })
  for await (const { id, enqueuedAt } of messages) {
    wanted.delete(id)
    if (nowMs - enqueuedAt >= olderThan) chosen.push(id)
  }
  const [missing] = wanted
  if (missing !== undefined) throw await notThere(reader, missing, nothingDone)
  return chosen
}

async function notThere(reader: StoreReader, id: string, nothingDone: string): Promise<CommandError> {
  const settled = await reader.settled(id)
  if (settled === undefined) return unknownId(reader, id)
  const message = `The message ${escapeControls(id)} no longer waits: it was ${settled.kind}.`
  return new CommandError('WAQ_NOT_FOUND', ExitStatus.found, `${message} ${nothingDone}`)
}

export function countedMessages(count: number): string {
  return count === 1 ? 'One message' : `${formatCount(count)} messages`
}
