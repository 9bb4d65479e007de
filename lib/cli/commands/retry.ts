import type { Command } from 'commander'
import type { CommandContext } from '../common/command.js'
import { addQueueCommand, GROUPS, jsonOption, waitOption } from '../common/command-options.js'
import { interruptedError } from '../common/exit-status.js'
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

interface RetryOptions extends WaitingSelection {
  wait: number
  json?: true
}

/** `waq retry`: retry waiting messages now. */
export function registerRetry(program: Command, context: CommandContext): void {
  const command = addQueueCommand(program, 'retry', {
    group: GROUPS.change,
    summary: 'try messages again now',
    description:
      'Ends the waits of messages: their backoff, a wait that their receiver asked for, and the wait ' +
      'for a receiver that was down. A wait that other messages share ends for those, too. Schedules, ' +
      'pauses, halts and limits stay. For dead letters: waq dead retry.',
    examples: ['waq retry ./outbox order-4711', "waq retry ./outbox --channel 'slack:*'"],
    exitStatus:
      '0 done; 1 an id that no message has; 2 wrong use, or not a queue; 3 its owner does not answer; ' +
      '4 I/O error; 130 interrupted.',
  })
  addWaitingSelection(command)
    .addOption(waitOption())
    .addOption(jsonOption())
    .action((directory: string, ids: string[], options: RetryOptions) =>
      retry(directory, ids, options, context),
    )
}

async function retry(
  directory: string,
  named: readonly string[],
  options: RetryOptions,
  context: CommandContext,
): Promise<void> {
  checkWaitingSelection(named, options)
  const { terminal, signal } = context
  const changed = await withQueueHand(directory, options.wait, context, async hand => {
    const chosen = await waitingIds(hand.reader, named, options, 'Nothing was retried.').catch(error => {
      throw signal.aborted ? interruptedError('nothing was changed') : error
    })
    return inParts(chosen, 'retried', context, part => hand.retryNow(part))
  })
  if (options.json === true) terminal.stdout.write(`${toJson({ changed })}\n`)
  else terminal.stdout.write(`${countedMessages(changed)} waited, and will be tried now.\n`)
}
