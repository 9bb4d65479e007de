import type { Command } from 'commander'
import { matchesChannel } from '../../delivery/holds/pauses.js'
import type { ReadMessage, StoreReader } from '../../store/reader/store-reader.js'
import { checkSelection } from './check-selection.js'
import { channelOption, durationOption, reasonOption } from './command-options.js'
import { unknownId } from './near-ids.js'

/** The dead letters that a command applies to. */
export interface DeadSelection {
  readonly all?: true
  readonly channel?: string
  readonly reason?: string
  readonly olderThan?: number
}

export function addDeadSelection(command: Command): Command {
  return command
    .option('--all', 'all dead letters')
    .addOption(channelOption())
    .addOption(reasonOption())
    .addOption(durationOption('--older-than <duration>', 'dead for at least this long (30m, 7d)'))
}

export function checkDeadSelection(ids: readonly string[], selection: DeadSelection): void {
  const { all, channel, reason, olderThan } = selection
  checkSelection('dead letters', ids, all, {
    '--channel': channel,
    '--reason': reason,
    '--older-than': olderThan,
  })
}

/** The selected dead letters, by sequence. */
export async function* deadLettersOf(
  reader: StoreReader,
  selection: DeadSelection,
  options: { readonly payloads: boolean; readonly nowMs: number; readonly onDamage?: () => void },
): AsyncGenerator<ReadMessage> {
  const { channel, reason, olderThan = 0 } = selection
  const messages = reader.messages({
    payloads: options.payloads,
    select: message => message.state === 'dead' && matchesChannel(channel, message.channel),
    ...(options.onDamage !== undefined && { onDamage: options.onDamage }),
  })
  for await (const message of messages) {
    if (reason !== undefined && message.deadReason !== reason) continue
    if (options.nowMs - (message.diedAt ?? options.nowMs) >= olderThan) yield message
  }
}

/** Their ids and their number of channels. Rejects with WAQ_NOT_FOUND for an id that no dead letter has. */
export async function chosenIds(
  reader: StoreReader,
  ids: readonly string[],
  selection: DeadSelection,
): Promise<{ ids: string[]; channels: number }> {
  const wanted = new Set(ids)
  const chosen: string[] = []
  const channels = new Set<string>()
  for await (const { id, channel } of deadLettersOf(reader, selection, {
    payloads: false,
    nowMs: Date.now(),
  })) {
    if (ids.length > 0 && !wanted.delete(id)) continue
    chosen.push(id)
    channels.add(channel)
    if (ids.length > 0 && wanted.size === 0) break
  }
  const [missing] = wanted
  if (missing !== undefined) throw await unknownId(reader, missing, 'dead')
  return { ids: chosen, channels: channels.size }
}
