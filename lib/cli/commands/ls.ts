import { type Command, Option } from 'commander'
import { matchesChannel } from '../../delivery/holds/pauses.js'
import { readPauses } from '../../queue/queue-reader.js'
import { StoreReader } from '../../store/reader/store-reader.js'
import type { CommandContext } from '../common/command.js'
import {
  addQueueCommand,
  channelOption,
  GROUPS,
  jsonOption,
  limitOption,
  reasonOption,
} from '../common/command-options.js'
import { DamageCount } from '../common/damage.js'
import { interruptedError } from '../common/exit-status.js'
import { printMessages } from '../common/message-rows.js'

interface ListOptions {
  state?: string
  channel?: string
  reason?: string
  limit?: number
  payload?: true
  json?: true
}

/** `waq ls`: the messages that wait, are being sent, or are dead. */
export function registerLs(program: Command, context: CommandContext): void {
  addQueueCommand(program, 'ls', {
    group: GROUPS.look,
    summary: 'list messages',
    description:
      'Lists the messages that wait, are being sent, or are dead. Delivered ones are gone. The ' +
      'column NEXT says when a waiting message is due, or that its channel is paused.',
    examples: [
      'waq ls ./outbox',
      "waq ls ./outbox --state pending --channel 'telegram:*' --limit 20",
      'waq ls ./outbox --json | head -n 1',
    ],
  })
    .addOption(
      new Option('--state <state>', 'only messages in this state').choices(['pending', 'sending', 'dead']),
    )
    .addOption(channelOption())
    .addOption(reasonOption())
    .addOption(limitOption())
    .option('--payload', 'with payloads, which are private')
    .addOption(jsonOption('one JSON object per line'))
    .action((directory: string, options: ListOptions) => list(directory, options, context))
}

async function list(
  directory: string,
  options: ListOptions,
  { terminal, signal }: CommandContext,
): Promise<void> {
  const { state, channel, reason } = options
  const reader = await StoreReader.open(directory, { signal })
  const damage = new DamageCount()
  const messages = reader.messages({
    payloads: options.payload === true,
    select: message =>
      (state === undefined || message.state === state) &&
      (reason === undefined || message.state === 'dead') &&
      matchesChannel(channel, message.channel),
    onDamage: damage.add,
  })
  const matching = async function* () {
    for await (const message of messages) {
      if (reason === undefined || message.deadReason === reason) yield message
    }
  }
  const isDead = state === 'dead' || reason !== undefined
  const count = await printMessages(terminal, matching(), {
    kind: isDead ? 'dead' : 'all',
    json: options.json === true,
    payloads: options.payload === true,
    limit: options.limit ?? Number.POSITIVE_INFINITY,
    nowMs: Date.now(),
    ...(!isDead && { pauses: await readPauses(reader) }),
    signal,
  })
  if (signal.aborted) throw interruptedError()
  if (count === 0 && options.json !== true) {
    const isNarrowed = [state, channel, reason].some(choice => choice !== undefined)
    terminal.stderr.write(
      isNarrowed ? 'No such messages.\n' : 'No message waits, is being sent, or is dead.\n',
    )
  }
  damage.tell(directory, terminal)
}
