import { type Command, Option } from 'commander'
import { lineOfMessage } from '../../queue/control/message-line.js'
import { viewOf } from '../../queue/queue-reader.js'
import type { MessageView } from '../../queue/types.js'
import { StoreReader } from '../../store/reader/store-reader.js'
import type { CommandContext } from '../common/command.js'
import {
  addCommand,
  addQueueCommand,
  channelOption,
  durationOption,
  GROUPS,
  jsonOption,
  limitOption,
  reasonOption,
  waitOption,
} from '../common/command-options.js'
import { confirm } from '../common/confirm.js'
import { DamageCount } from '../common/damage.js'
import {
  addDeadSelection,
  checkDeadSelection,
  chosenIds,
  type DeadSelection,
  deadLettersOf,
} from '../common/dead-selection.js'
import { interruptedError } from '../common/exit-status.js'
import { inParts } from '../common/in-parts.js'
import { printMessages } from '../common/message-rows.js'
import { type QueueHand, withQueueHand } from '../common/queue-hand.js'
import { toJson } from '../terminal/json.js'
import { LineOutput } from '../terminal/output.js'
import { formatCount } from '../terminal/terminal.js'
import { showMessage } from './show.js'

const CHANGED =
  '0 done; 1 an id that no dead letter has; 2 wrong use, or not a queue; 3 its owner does not answer; 4 ' +
  'I/O error; 130 interrupted.'

/** `waq dead`: the dead letters. */
export function registerDead(program: Command, context: CommandContext): void {
  const dead = addCommand(program, 'dead', {
    group: GROUPS.mend,
    summary: 'dead letters: ls, show, retry, purge, export',
    description: 'Dead letters: messages that were given up. They are kept until they are retried or purged.',
    examples: ['waq dead ls ./outbox', 'waq dead retry ./outbox --reason expired'],
    exitStatus: '0 done; see the help of each.',
  }).helpCommand('help [command]', 'print the help of a command')
  registerDeadLs(dead, context)
  registerDeadShow(dead, context)
  registerRetry(dead, context)
  registerPurge(dead, context)
  registerExport(dead, context)
}

type ListOptions = Omit<DeadSelection, 'all'> & { limit?: number; payload?: true; json?: true }

function registerDeadLs(dead: Command, { terminal, signal }: CommandContext): void {
  addQueueCommand(dead, 'ls', {
    summary: 'list them',
    description: 'Lists dead letters, with the reason and the last error of each.',
    examples: ['waq dead ls ./outbox', 'waq dead ls ./outbox --reason permanent --older-than 7d'],
  })
    .addOption(channelOption())
    .addOption(reasonOption())
    .addOption(durationOption('--older-than <duration>', 'dead for at least this long (30m, 7d)'))
    .addOption(limitOption())
    .option('--payload', 'with payloads, which are private')
    .addOption(jsonOption('one JSON object per line'))
    .action(async (directory: string, options: ListOptions) => {
      const reader = await StoreReader.open(directory, { signal })
      const nowMs = Date.now()
      const payloads = options.payload === true
      const damage = new DamageCount()
      const count = await printMessages(
        terminal,
        deadLettersOf(reader, options, { payloads, nowMs, onDamage: damage.add }),
        {
          kind: 'dead',
          json: options.json === true,
          payloads,
          limit: options.limit ?? Number.POSITIVE_INFINITY,
          nowMs,
          signal,
        },
      )
      if (signal.aborted) throw interruptedError()
      if (count === 0 && options.json !== true) {
        const isNarrowed = [options.channel, options.reason, options.olderThan].some(
          choice => choice !== undefined,
        )
        terminal.stderr.write(isNarrowed ? 'No such dead letters.\n' : 'There are no dead letters.\n')
      }
      damage.tell(directory, terminal)
    })
}

function registerDeadShow(dead: Command, context: CommandContext): void {
  addQueueCommand(dead, 'show', {
    summary: 'one of them, with its history',
    description: 'Shows one dead letter with its payload, its headers and its last attempts.',
    examples: ['waq dead show ./outbox order-4711'],
    exitStatus:
      '0 done; 1 no dead letter has this id; 2 wrong use, or not a queue; 4 I/O error; 130 interrupted.',
  })
    .argument('<id>', 'id of the dead letter')
    .addOption(jsonOption())
    .action((directory: string, id: string, { json }: { json?: true }) =>
      showMessage(directory, id, { json: json === true, state: 'dead' }, context),
    )
}

interface ChangeOptions extends DeadSelection {
  wait: number
  yes?: true
  place: 'original' | 'last'
  json?: true
}

function registerRetry(dead: Command, context: CommandContext): void {
  addDeadSelection(
    addQueueCommand(dead, 'retry', {
      summary: 'make them pending again',
      description:
        'Makes dead letters pending again, each ahead of the waiting messages of its channel, with a ' +
        'new count of attempts and a new time to live. The process that has the queue open sends them, ' +
        'or the next one that opens it.',
      examples: [
        'waq dead retry ./outbox order-4711',
        "waq dead retry ./outbox --channel 'telegram:*' --reason attempts",
      ],
      exitStatus: CHANGED,
    }).argument('[ids...]', 'ids of dead letters'),
  )
    .addOption(
      new Option('--place <place>', 'ahead of the waiting messages of their channels, or behind')
        .choices(['original', 'last'])
        .default('original'),
    )
    .addOption(waitOption())
    .addOption(jsonOption())
    .action(async (directory: string, ids: string[], options: ChangeOptions) => {
      await change(directory, ids, options, context, 'retried', (hand, part) =>
        hand.retryDead(part, options.place),
      )
    })
}

function registerPurge(dead: Command, context: CommandContext): void {
  addDeadSelection(
    addQueueCommand(dead, 'purge', {
      summary: 'delete them',
      description:
        'Deletes dead letters, after it has counted them and asked. If in doubt, export them first.',
      examples: ['waq dead purge ./outbox --older-than 30d', 'waq dead purge ./outbox --all --yes'],
      exitStatus: CHANGED,
    }).argument('[ids...]', 'ids of dead letters'),
  )
    .option('--yes', 'do not ask')
    .addOption(waitOption())
    .addOption(jsonOption())
    .action(async (directory: string, ids: string[], options: ChangeOptions) => {
      await change(directory, ids, options, context, 'purged', (hand, part) => hand.purgeDead(part))
    })
}

async function change(
  directory: string,
  ids: readonly string[],
  options: ChangeOptions,
  context: CommandContext,
  verb: 'retried' | 'purged',
  work: (hand: QueueHand, part: readonly string[]) => Promise<number>,
): Promise<void> {
  checkDeadSelection(ids, options)
  const { terminal, signal } = context
  const changed = await withQueueHand(directory, options.wait, context, async hand => {
    const chosen = await chosenIds(hand.reader, ids, options).catch(error => {
      throw signal.aborted ? interruptedError('nothing was changed') : error
    })
    if (verb === 'purged' && options.yes !== true && chosen.ids.length > 0) {
      const ofWhat = chosen.channels === 1 ? 'one channel' : `${formatCount(chosen.channels)} channels`
      await confirm(`purge ${counted(chosen.ids.length).toLowerCase()} of ${ofWhat}`, context)
    }
    return inParts(chosen.ids, verb, context, part => work(hand, part))
  })
  if (options.json === true) terminal.stdout.write(`${toJson({ changed })}\n`)
  else terminal.stdout.write(`${counted(changed)} ${verb}.\n`)
}

function counted(count: number): string {
  return count === 1 ? 'One dead letter' : `${formatCount(count)} dead letters`
}

function registerExport(dead: Command, { terminal, signal }: CommandContext): void {
  addQueueCommand(dead, 'export', {
    summary: 'write them as JSON lines',
    description: 'Writes dead letters with their payloads as JSON lines, which waq enqueue --from accepts.',
    examples: [
      'waq dead export ./outbox > dead.jsonl',
      'waq dead export ./outbox --reason expired | waq enqueue ./other --from -',
    ],
  })
    .addOption(channelOption())
    .addOption(reasonOption())
    .addOption(durationOption('--older-than <duration>', 'dead for at least this long (30m, 7d)'))
    .addOption(jsonOption('the same: the output is always JSON'))
    .action(async (directory: string, options: Omit<DeadSelection, 'all'>) => {
      const reader = await StoreReader.open(directory, { signal })
      const output = new LineOutput(terminal.stdout, signal)
      const damage = new DamageCount()
      const letters = deadLettersOf(reader, options, {
        payloads: true,
        nowMs: Date.now(),
        onDamage: damage.add,
      })
      try {
        for await (const message of letters) {
          await output.line(toJson(lineOfMessage(viewOf(message) as MessageView, message.packedPayload!)))
          signal.throwIfAborted()
        }
        await output.flush()
        signal.throwIfAborted()
      } catch (error) {
        if (!signal.aborted) throw error
        throw interruptedError(`${counted(output.written)} written; the last line is complete`)
      }
      damage.tell(directory, terminal)
    })
}
