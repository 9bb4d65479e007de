import { type Command, Option } from 'commander'
import { lineOfMessage } from '../../queue/control/message-line.js'
import { viewOf } from '../../queue/queue-reader.js'
import type { MessageView } from '../../queue/types.js'
import { StoreReader } from '../../store/reader/store-reader.js'
import type { CommandContext } from '../common/command.js'
import {
  addExamples,
  channelOption,
  DIRECTORY,
  DIRECTORY_HELP,
  durationOption,
  GROUPS,
  jsonOption,
  limitOption,
  reasonOption,
  waitOption,
} from '../common/command-options.js'
import { confirm } from '../common/confirm.js'
import { tellOfDamage } from '../common/damage.js'
import {
  addSelection,
  checkSelection,
  chosenIds,
  type DeadSelection,
  deadLettersOf,
} from '../common/dead-selection.js'
import { interruptedError } from '../common/exit-status.js'
import { inParts } from '../common/in-parts.js'
import { printMessages } from '../common/message-rows.js'
import { QueueHand } from '../common/queue-hand.js'
import { toJson } from '../terminal/json.js'
import { LineOutput } from '../terminal/output.js'
import { escapeControls, formatCount } from '../terminal/terminal.js'
import { showMessage } from './show.js'

const DONE = '0 done; 2 wrong use, or not a queue; 4 I/O error; 130 interrupted.'
const CHANGED =
  '0 done; 1 an id that no dead letter has; 2 wrong use, or not a queue; 3 its owner does not answer; 4 ' +
  'I/O error; 130 interrupted.'

/** `waq dead`: what was given up. */
export function registerDead(program: Command, context: CommandContext): void {
  const dead = program
    .command('dead')
    .helpGroup(GROUPS.mend)
    .summary('dead letters: ls, show, retry, purge, export')
    .helpCommand('help [command]', 'print the help of a command')
    .description('Dead letters: messages that were given up. They are kept until they are retried or purged.')
  addExamples(
    dead,
    [{ command: 'waq dead ls ./outbox' }, { command: 'waq dead retry ./outbox --reason expired' }],
    '0 done; see the help of each.',
  )
  registerDeadLs(dead, context)
  registerDeadShow(dead, context)
  registerRetry(dead, context)
  registerPurge(dead, context)
  registerExport(dead, context)
}

type ListOptions = Omit<DeadSelection, 'all'> & { limit?: number; payload?: true; json?: true }

function registerDeadLs(dead: Command, { terminal, signal }: CommandContext): void {
  const command = dead
    .command('ls')
    .summary('list them')
    .description('Lists dead letters, with the reason and the last error of each.')
    .argument(DIRECTORY, DIRECTORY_HELP)
    .addOption(channelOption())
    .addOption(reasonOption())
    .addOption(durationOption('--older-than <duration>', 'dead for at least so long (30m, 7d)'))
    .addOption(limitOption())
    .option('--payload', 'with their payloads, which are private')
    .addOption(jsonOption('one JSON object a line'))
    .action(async (directory: string, options: ListOptions) => {
      const reader = await StoreReader.open(directory, { signal })
      const nowMs = Date.now()
      const payloads = options.payload === true
      let damaged = 0
      const onDamage = (): void => {
        damaged += 1
      }
      const count = await printMessages(
        terminal,
        deadLettersOf(reader, options, { payloads, nowMs, onDamage }),
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
      tellOfDamage(damaged, directory, terminal)
    })
  addExamples(
    command,
    [
      { command: 'waq dead ls ./outbox' },
      { command: 'waq dead ls ./outbox --reason permanent --older-than 7d' },
    ],
    DONE,
  )
}

function registerDeadShow(dead: Command, context: CommandContext): void {
  const command = dead
    .command('show')
    .summary('one of them, with its history')
    .description('Shows one dead letter with its payload, its headers and its last attempts.')
    .argument(DIRECTORY, DIRECTORY_HELP)
    .argument('<id>', 'of the dead letter')
    .addOption(jsonOption())
    .action((directory: string, id: string, { json }: { json?: true }) =>
      showMessage(directory, id, { json: json === true, state: 'dead' }, context),
    )
  addExamples(
    command,
    [{ command: 'waq dead show ./outbox order-4711' }],
    '0 done; 1 no dead letter has this id; 2 wrong use, or not a queue; 4 I/O error; 130 interrupted.',
  )
}

interface ChangeOptions extends DeadSelection {
  wait: number
  yes?: true
  place: 'original' | 'last'
  json?: true
}

function registerRetry(dead: Command, context: CommandContext): void {
  const command = addSelection(
    dead
      .command('retry')
      .summary('let them live again')
      .description(
        'Lets dead letters live again, each in its channel before what waits there, with attempts and ' +
          'time to live anew. A process that has the queue open sends them; else the next one does.',
      )
      .argument(DIRECTORY, DIRECTORY_HELP)
      .argument('[ids...]', 'of the dead letters'),
  )
    .addOption(
      new Option('--place <place>', 'before or behind what waits in their channels')
        .choices(['original', 'last'])
        .default('original'),
    )
    .addOption(waitOption())
    .addOption(jsonOption())
    .action(async (directory: string, ids: string[], options: ChangeOptions) => {
      checkSelection(ids, options)
      await change(directory, ids, options, context, 'retried', (hand, part) =>
        hand.retryDead(part, options.place),
      )
    })
  addExamples(
    command,
    [
      { command: 'waq dead retry ./outbox order-4711' },
      { command: "waq dead retry ./outbox --channel 'telegram:*' --reason attempts" },
    ],
    CHANGED,
  )
}

function registerPurge(dead: Command, context: CommandContext): void {
  const command = addSelection(
    dead
      .command('purge')
      .summary('throw them away')
      .description(
        'Throws dead letters away. It counts them and asks first; export them before, if in doubt.',
      )
      .argument(DIRECTORY, DIRECTORY_HELP)
      .argument('[ids...]', 'of the dead letters'),
  )
    .option('--yes', 'do not ask')
    .addOption(waitOption())
    .addOption(jsonOption())
    .action(async (directory: string, ids: string[], options: ChangeOptions) => {
      checkSelection(ids, options)
      await change(directory, ids, options, context, 'purged', (hand, part) => hand.purgeDead(part))
    })
  addExamples(
    command,
    [
      { command: 'waq dead purge ./outbox --older-than 30d' },
      { command: 'waq dead purge ./outbox --all --yes' },
    ],
    CHANGED,
  )
}

async function change(
  directory: string,
  ids: readonly string[],
  options: ChangeOptions,
  context: CommandContext,
  verb: 'retried' | 'purged',
  work: (hand: QueueHand, part: readonly string[]) => Promise<number>,
): Promise<void> {
  const { terminal, signal } = context
  const hand = await QueueHand.take(directory, {
    signal,
    patienceMs: options.wait,
    onError: error => terminal.stderr.write(`waq: ${escapeControls(error.message)}\n`),
  })
  let changed = 0
  try {
    const chosen = await chosenIds(hand.reader, ids, options).catch(error => {
      throw signal.aborted ? interruptedError('nothing was changed') : error
    })
    if (verb === 'purged' && options.yes !== true && chosen.ids.length > 0) {
      const { length } = chosen.ids
      const ofWhat = chosen.channels === 1 ? 'one channel' : `${formatCount(chosen.channels)} channels`
      const what = length === 1 ? 'one dead letter' : `${formatCount(length)} dead letters`
      await confirm(`purge ${what} of ${ofWhat}`, context)
    }
    changed = await inParts(chosen.ids, verb, context, part => work(hand, part))
  } finally {
    await hand.close()
  }
  if (options.json === true) terminal.stdout.write(`${toJson({ changed })}\n`)
  else terminal.stdout.write(`${counted(changed)} ${verb}.\n`)
}

function counted(count: number): string {
  return count === 1 ? 'One dead letter' : `${formatCount(count)} dead letters`
}

function registerExport(dead: Command, { terminal, signal }: CommandContext): void {
  const command = dead
    .command('export')
    .summary('write them as JSON lines')
    .description(
      'Writes dead letters with their payloads as JSON lines, which waq enqueue --from takes back.',
    )
    .argument(DIRECTORY, DIRECTORY_HELP)
    .addOption(channelOption())
    .addOption(reasonOption())
    .addOption(durationOption('--older-than <duration>', 'dead for at least so long (30m, 7d)'))
    .addOption(jsonOption('the same: it is JSON already'))
    .action(async (directory: string, options: Omit<DeadSelection, 'all'>) => {
      const reader = await StoreReader.open(directory, { signal })
      const output = new LineOutput(terminal.stdout, signal)
      let damaged = 0
      const onDamage = (): void => {
        damaged += 1
      }
      const letters = deadLettersOf(reader, options, { payloads: true, nowMs: Date.now(), onDamage })
      try {
        for await (const message of letters) {
          await output.line(toJson(lineOfMessage(viewOf(message) as MessageView, message.packedPayload!)))
          signal.throwIfAborted()
        }
        await output.flush()
        signal.throwIfAborted()
      } catch (error) {
        if (!signal.aborted) throw error
        throw interruptedError(`${counted(output.written)} written, and no half line`)
      }
      tellOfDamage(damaged, directory, terminal)
    })
  addExamples(
    command,
    [
      { command: 'waq dead export ./outbox > dead.jsonl' },
      { command: 'waq dead export ./outbox --reason expired | waq enqueue ./other --from -' },
    ],
    '0 done; 2 wrong use, or not a queue; 4 I/O error; 130 interrupted.',
  )
}
