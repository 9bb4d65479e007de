import type { Command } from 'commander'
import type { CommandContext } from '../common/command.js'
import { addQueueCommand, GROUPS, jsonOption, waitOption } from '../common/command-options.js'
import { usageError } from '../common/exit-status.js'
import { withQueueHand } from '../common/queue-hand.js'
import { toJson } from '../terminal/json.js'
import { escapeControls } from '../terminal/terminal.js'

interface PauseOptions {
  all?: true
  wait: number
  json?: true
}

const EXIT_STATUS =
  '0 done; 2 wrong use, or not a queue; 3 its owner does not answer; 4 I/O error; 130 interrupted.'

/** `waq pause`: send nothing until it is resumed. */
export function registerPause(program: Command, context: CommandContext): void {
  register(program, context, 'pause', {
    summary: 'send nothing for now',
    description:
      'Pauses a channel, every channel of a prefix, or all, until waq resume; a restart does not end ' +
      'the pause. A message that is being sent is not interrupted. New messages are still accepted, and ' +
      'times to live run on.',
    examples: ["waq pause ./outbox 'telegram:*'", 'waq pause ./outbox --all'],
  })
}

/** `waq resume`: end pauses and halts. */
export function registerResume(program: Command, context: CommandContext): void {
  register(program, context, 'resume', {
    summary: 'end pauses and halts',
    description:
      'Ends the pauses and halts of a channel, of every channel of a prefix, or all of them. A pause of a ' +
      'wider prefix stays.',
    examples: ["waq resume ./outbox 'telegram:*'", 'waq resume ./outbox --all'],
  })
}

function register(
  program: Command,
  context: CommandContext,
  verb: 'pause' | 'resume',
  texts: { readonly summary: string; readonly description: string; readonly examples: readonly string[] },
): void {
  addQueueCommand(program, verb, { group: GROUPS.change, exitStatus: EXIT_STATUS, ...texts })
    .argument('[channel]', 'a channel, or a prefix (telegram:*)')
    .option('--all', 'everything')
    .addOption(waitOption())
    .addOption(jsonOption())
    .action(async (directory: string, channel: string | undefined, options: PauseOptions) => {
      if ((channel === undefined) === (options.all === undefined))
        throw usageError('name a channel or a prefix, or say --all')
      await withQueueHand(directory, options.wait, context, hand => hand[verb](channel))
      const { stdout } = context.terminal
      const what = channel === undefined ? 'Everything' : escapeControls(channel)
      if (options.json === true) stdout.write(`${toJson({ [`${verb}d`]: channel ?? '*' })}\n`)
      else stdout.write(`${what} ${verb === 'pause' ? 'is paused, until waq resume' : 'is resumed'}.\n`)
    })
}
