import type { Command } from 'commander'
import { readStats } from '../../queue/queue-reader.js'
import { StoreReader } from '../../store/reader/store-reader.js'
import type { CommandContext } from '../common/command.js'
import { addQueueCommand, GROUPS, jsonOption } from '../common/command-options.js'
import { DamageCount } from '../common/damage.js'
import { formatStats } from '../common/stats-text.js'
import { toJson } from '../terminal/json.js'
import { painter, widthOf } from '../terminal/terminal.js'
import { isWide, prepareWideText } from '../terminal/text-width.js'

/** `waq stats`: the state of a queue. */
export function registerStats(program: Command, context: CommandContext): void {
  addQueueCommand(program, 'stats', {
    group: GROUPS.look,
    summary: 'the state of the queue',
    description:
      'Prints how many messages wait or are dead, what is halted or down, how old the oldest message is, ' +
      'and who owns the queue.',
    examples: ['waq stats ./outbox', 'waq stats ./outbox --json'],
  })
    .addOption(jsonOption())
    .action((directory: string, { json }: { json?: true }) => tell(directory, json === true, context))
}

async function tell(directory: string, json: boolean, { terminal, signal }: CommandContext): Promise<void> {
  const reader = await StoreReader.open(directory, { signal })
  const damage = new DamageCount()
  const stats = await readStats(reader, Date.now(), damage.add)
  const { stdout } = terminal
  if (json) {
    stdout.write(`${toJson(stats)}\n`)
  } else {
    // Most queues have only ASCII names, and need half the time without these tables.
    if (isWide(JSON.stringify([reader.directory, stats]))) await prepareWideText()
    const options = { width: widthOf(stdout), nowMs: Date.now(), paint: painter(terminal, stdout) }
    stdout.write(formatStats(reader.directory, stats, options))
  }
  damage.tell(directory, terminal)
}
