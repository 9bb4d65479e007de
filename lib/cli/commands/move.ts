import type { Command } from 'commander'
import type { CommandContext } from '../common/command.js'
import { addQueueCommand, GROUPS, jsonOption, waitOption } from '../common/command-options.js'
import { withQueueHand } from '../common/queue-hand.js'
import { toJson } from '../terminal/json.js'
import { escapeControls } from '../terminal/terminal.js'

/** `waq move`: give a channel another name. */
export function registerMove(program: Command, context: CommandContext): void {
  addQueueCommand(program, 'move', {
    group: GROUPS.change,
    summary: 'give a channel another name',
    description:
      'What waits in the channel, and what is enqueued to it later, goes on under the other name, in the ' +
      'order of the enqueues. What is being sent ends first. To move it back, name the two the other way ' +
      'round.',
    examples: ["waq move ./outbox 'telegram:bot:-4711' 'telegram:bot:-1001234'"],
    exitStatus:
      '0 done; 2 wrong use, or not a queue; 3 its owner does not answer; 4 I/O error; 130 interrupted.',
  })
    .argument('<from>', 'the channel')
    .argument('<to>', 'its other name')
    .addOption(waitOption())
    .addOption(jsonOption())
    .action(async (directory: string, from: string, to: string, options: { wait: number; json?: true }) => {
      await withQueueHand(directory, options.wait, context, hand => hand.move(from, to))
      const { stdout } = context.terminal
      if (options.json === true) stdout.write(`${toJson({ from, to })}\n`)
      else stdout.write(`${escapeControls(from)} is ${escapeControls(to)} from now on.\n`)
    })
}
