import type { Command } from 'commander'
import type { CommandContext } from '../common/command.js'
import { addQueueCommand, GROUPS, jsonOption, waitOption } from '../common/command-options.js'
import { confirm } from '../common/confirm.js'
import { CommandError, ExitStatus, interruptedError } from '../common/exit-status.js'
import { inParts } from '../common/in-parts.js'
import { withQueueHand } from '../common/queue-hand.js'
import {
  addWaitingSelection,
  checkWaitingSelection,
  countedMessages,
  type WaitingSelection,
  waitingIds,
} from '../common/waiting-selection.js'
import { toJson } from '../terminal/json.js'
import { formatCount } from '../terminal/terminal.js'

interface CancelOptions extends WaitingSelection {
  evenInDoubt?: true
  yes?: true
  wait: number
  json?: true
}

/** `waq cancel`: withdraw waiting messages. */
export function registerCancel(program: Command, context: CommandContext): void {
  const command = addQueueCommand(program, 'cancel', {
    group: GROUPS.change,
    summary: 'withdraw waiting messages',
    description:
      'Withdraws waiting messages, so that they are not sent. A message that is being sent stays, and ' +
      'so does one that may have been sent, unless --even-in-doubt is given. If messages are chosen by ' +
      'options, the command counts them and asks first.',
    examples: [
      'waq cancel ./outbox reminder-1',
      'waq cancel ./restored --older-than 1h --even-in-doubt --yes',
    ],
    exitStatus:
      '0 done; 1 an id that no message has, or a message that stays; 2 wrong use, or not a queue; ' +
      '3 its owner does not answer; 4 I/O error; 130 interrupted.',
  })
  addWaitingSelection(command)
    .option('--even-in-doubt', 'also those that may have been sent')
    .option('--yes', 'do not ask')
    .addOption(waitOption())
    .addOption(jsonOption())
    .action((directory: string, ids: string[], options: CancelOptions) =>
      cancel(directory, ids, options, context),
    )
}

async function cancel(
  directory: string,
  named: readonly string[],
  options: CancelOptions,
  context: CommandContext,
): Promise<void> {
  checkWaitingSelection(named, options)
  const evenInDoubt = options.evenInDoubt === true
  const { terminal, signal } = context
  const { changed, of } = await withQueueHand(directory, options.wait, context, async hand => {
    const chosen = await waitingIds(hand.reader, named, options, 'Nothing was cancelled.').catch(error => {
      throw signal.aborted ? interruptedError('nothing was changed') : error
    })
    if (named.length === 0 && chosen.length > 0 && options.yes !== true) {
      await confirm(`cancel ${countedMessages(chosen.length).toLowerCase()}`, context)
    }
    const changed = await inParts(chosen, 'cancelled', context, part => hand.cancel(part, evenInDoubt))
    return { changed, of: chosen.length }
  })
  if (options.json === true) terminal.stdout.write(`${toJson({ changed })}\n`)
  else terminal.stdout.write(`${countedMessages(changed)} cancelled.\n`)
  if (changed < of) throw stayed(of - changed, evenInDoubt)
}

function stayed(count: number, evenInDoubt: boolean): CommandError {
  const why = evenInDoubt
    ? 'being sent, dead, or gone meanwhile'
    : 'being sent, dead, gone meanwhile, or in doubt (--even-in-doubt cancels those, too)'
  const what =
    count === 1 ? 'One message was not cancelled: it is' : `${formatCount(count)} were not: they are`
  return new CommandError('NOT_CANCELLED', ExitStatus.found, `${what} ${why}.`)
}
