import type { Command } from 'commander'
import type { CompactionReport, Progress } from '../../queue/types.js'
import { StoreReader } from '../../store/reader/store-reader.js'
import type { CommandContext } from '../common/command.js'
import { addQueueCommand, GROUPS, jsonOption, waitOption } from '../common/command-options.js'
import { interruptedError, loose } from '../common/exit-status.js'
import { type QueueHand, withQueueHand } from '../common/queue-hand.js'
import { estimateCompaction } from '../common/space.js'
import { formatBytes, formatNumberOf } from '../common/units.js'
import { toJson } from '../terminal/json.js'
import { ProgressLine, progressBar } from '../terminal/progress.js'

interface CompactCommandOptions {
  dryRun?: true
  wait: number
  json?: true
}

/** `waq compact`: reclaims space. */
export function registerCompact(program: Command, context: CommandContext): void {
  addQueueCommand(program, 'compact', {
    group: GROUPS.mend,
    summary: 'reclaim space',
    description:
      'Reclaims the space of settled messages. If a process has the queue open, that process does it ' +
      'and goes on sending; otherwise this command does.',
    examples: ['waq compact ./outbox --dry-run', 'waq compact ./outbox'],
    exitStatus:
      '0 done; 2 wrong use, or not a queue; 3 its owner does not answer; 4 I/O error; 130 interrupted.',
  })
    .option('--dry-run', 'only print what it would do')
    .addOption(waitOption())
    .addOption(jsonOption())
    .action((directory: string, options: CompactCommandOptions) => compact(directory, options, context))
}

async function compact(
  directory: string,
  options: CompactCommandOptions,
  context: CommandContext,
): Promise<void> {
  const { terminal, signal } = context
  const json = options.json === true
  if (options.dryRun === true) {
    const estimate = await estimateCompaction(await StoreReader.open(directory, { signal }))
    terminal.stdout.write(
      json ? `${toJson({ ...estimate, dryRun: true })}\n` : `${reportText(estimate, true)}\n`,
    )
    return
  }
  const report = await withQueueHand(directory, options.wait, context, hand => withProgress(hand, context))
  terminal.stdout.write(json ? `${toJson(report)}\n` : `${reportText(report, false)}\n`)
}

async function withProgress(
  hand: QueueHand,
  { terminal, signal }: CommandContext,
): Promise<CompactionReport> {
  const progress = new ProgressLine(terminal.stderr)
  let last: Progress | undefined
  try {
    return await hand.compact(made => {
      last = made
      const [done, of] = [formatBytes(made.doneBytes), formatBytes(made.totalBytes)]
      progress.show(`${progressBar(shareOf(made))} ${done} of about ${of}`)
    })
  } catch (error) {
    if (!signal.aborted) throw error
    throw interruptedError(
      `${howFar(last)}; the queue is sound, and the same command continues${loose(error)}`,
    )
  } finally {
    progress.clear()
  }
}

function shareOf({ doneBytes, totalBytes }: Progress): number {
  return totalBytes === 0 ? 1 : Math.min(1, doneBytes / totalBytes)
}

function howFar(last: Progress | undefined): string {
  return last === undefined
    ? 'it had just begun'
    : `it came to ${formatBytes(last.doneBytes)} of about ${formatBytes(last.totalBytes)}`
}

/** Gives the freed size separately: the reserve of a small queue makes it look as large as before. */
function reportText({ before, after }: CompactionReport, dryRun: boolean): string {
  const was = `${formatBytes(before.diskBytes)} in ${formatNumberOf(before.segments, 'segment')}`
  const left = `${formatBytes(after.diskBytes)} in ${formatNumberOf(after.segments, 'segment')}`
  const freed = before.diskBytes - after.diskBytes
  if (freed <= 0) return `Nothing to reclaim: ${left}.`
  return dryRun
    ? `About ${formatBytes(freed)} would be reclaimed: ${was} would become ${left}.`
    : `${formatBytes(freed)} reclaimed: ${was} became ${left}.`
}
