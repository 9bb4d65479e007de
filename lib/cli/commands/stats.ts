import type { Command } from 'commander'
import { readStats } from '../../queue/queue-reader.js'
import { StoreReader } from '../../store/reader/store-reader.js'
import type { CommandContext } from '../common/command.js'
import { addExamples, DIRECTORY, DIRECTORY_HELP, GROUPS, jsonOption } from '../common/command-options.js'
import { tellOfDamage } from '../common/damage.js'
import { formatStats } from '../common/stats-text.js'
import { toJson } from '../terminal/json.js'
import { painter, widthOf } from '../terminal/terminal.js'
import { isWide, prepareWideText } from '../terminal/text-width.js'

/** `waq stats`: how a queue stands. */
export function registerStats(program: Command, context: CommandContext): void {
  const command = program
    .command('stats')
    .helpGroup(GROUPS.look)
    .summary('how the queue stands')
    .description(
      'Tells how many messages wait and died, what is halted or down, how old the oldest is, and who owns ' +
        'the queue.',
    )
    .argument(DIRECTORY, DIRECTORY_HELP)
    .addOption(jsonOption())
    .action((directory: string, { json }: { json?: true }) => tell(directory, json === true, context))
  addExamples(
    command,
    [{ command: 'waq stats ./outbox' }, { command: 'waq stats ./outbox --json' }],
    '0 done; 2 wrong use, or not a queue; 4 I/O error; 130 interrupted.',
  )
}

async function tell(directory: string, json: boolean, { terminal, signal }: CommandContext): Promise<void> {
  const reader = await StoreReader.open(directory, { signal })
  let damaged = 0
  const stats = await readStats(reader, Date.now(), () => {
    damaged += 1
  })
  const { stdout } = terminal
  if (json) {
    stdout.write(`${toJson(stats)}\n`)
  } else {
    // Most queues have no such name, and are shown in half of the time.
    if (isWide(JSON.stringify([reader.directory, stats]))) await prepareWideText()
    const options = { width: widthOf(stdout), nowMs: Date.now(), paint: painter(terminal, stdout) }
    stdout.write(formatStats(reader.directory, stats, options))
  }
  tellOfDamage(damaged, directory, terminal)
}
