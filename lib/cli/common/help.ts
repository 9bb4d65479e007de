import type { Command } from 'commander'
import { nearest } from '../../queue/validation/validators.js'
import { escapeControls } from '../terminal/terminal.js'
import { GROUPS } from './command-options.js'
import { usageError } from './exit-status.js'

/** `waq help dead retry`: also finds subcommands, which commander's own help does not. */
export function registerHelp(program: Command): void {
  program
    .command('help')
    .helpGroup(GROUPS.more)
    .summary('print the help of a command')
    .description('Prints the help of a command, as --help does.')
    .argument('[command...]', 'such as ls, or dead retry')
    .action((path: string[]) => find(program, path).outputHelp())
}

function find(program: Command, path: readonly string[]): Command {
  let command = program
  for (const name of path) {
    const next = command.commands.find(each => each.name() === name)
    if (next === undefined) {
      const near = nearest(
        name,
        command.commands.map(each => each.name()),
      )
      const hint = near === undefined ? '' : `. Did you mean ${near}?`
      throw usageError(`unknown command '${escapeControls(name)}'${hint}`)
    }
    command = next
  }
  return command
}
