import type { Command } from 'commander'
import { StoreReader } from '../../store/reader/store-reader.js'
import { type FoundDamage, type Verification, verifyStore } from '../../store/reader/verify.js'
import type { LostMessages } from '../../store/types.js'
import type { CommandContext } from '../common/command.js'
import { addQueueCommand, GROUPS, jsonOption } from '../common/command-options.js'
import { ExitStatus, interruptedError } from '../common/exit-status.js'
import { formatBytes, formatNumberOf } from '../common/units.js'
import { type Fact, formatFacts } from '../terminal/facts.js'
import { toJson } from '../terminal/json.js'
import { ProgressLine, progressBar } from '../terminal/progress.js'
import { formatRow, layOut, titles } from '../terminal/table.js'
import { escapeControls, formatCount, type Paint, painter, widthOf } from '../terminal/terminal.js'
import { prepareWideText, wrapText } from '../terminal/text-width.js'

await prepareWideText()

/** `waq verify`: reads every byte. */
export function registerVerify(program: Command, context: CommandContext): void {
  addQueueCommand(program, 'verify', {
    group: GROUPS.mend,
    summary: 'read every byte and report damage',
    description:
      'Reads every byte of a queue and reports torn writes, damage, missing records, unused files, and ' +
      'what a start would do with messages in doubt. It changes nothing.',
    examples: ['waq verify ./outbox', 'waq verify /backup/outbox --json'],
    exitStatus:
      '0 sound, or only torn; 1 damaged; 2 wrong use, or not a queue; 4 I/O error; 130 interrupted.',
  })
    .addOption(jsonOption())
    .action((directory: string, { json }: { json?: true }) => verify(directory, json === true, context))
}

async function verify(directory: string, json: boolean, context: CommandContext): Promise<void> {
  const { terminal, signal, finish } = context
  const reader = await StoreReader.open(directory)
  const progress = new ProgressLine(terminal.stderr)
  let found: Verification
  let howFar = 'nothing'
  try {
    found = await verifyStore(reader, {
      signal,
      onProgress: (done, total) => {
        howFar = `${formatBytes(done)} of ${formatBytes(total)}`
        const share = total === 0 ? 1 : done / total
        progress.show(`${progressBar(share)} ${howFar}`)
      },
    })
  } catch (error) {
    if (signal.aborted) throw interruptedError(`${howFar} read, and nothing was changed`)
    throw error
  } finally {
    progress.clear()
  }
  const ok = isSound(found)
  const { stdout } = terminal
  if (json) stdout.write(`${toJson({ ok, ...found })}\n`)
  else {
    const options = { width: widthOf(stdout), paint: painter(terminal, stdout) }
    stdout.write(formatVerification(reader.directory, found, options))
  }
  finish(ok ? ExitStatus.done : ExitStatus.found)
}

function isSound({ corrupt, lost }: Verification): boolean {
  return corrupt.length === 0 && lost.unsettled === 0
}

const LISTED = 20

function resultsText(count: number, orphans: number): string {
  if (orphans === 0) return formatCount(count)
  return `${formatCount(count)}, ${formatCount(orphans)} of them without an outcome: nothing needs to be done`
}

export function formatVerification(
  directory: string,
  found: Verification,
  { width, paint }: { width: number; paint: Paint },
): string {
  const { corrupt, lost, inDoubt, inDoubtCount, tornBytes, unfinishedBytes } = found
  const { results, orphanResults, orphanOutcomes, voidFiles } = found
  const facts: Fact[] = [
    ['read', `${formatBytes(found.bytes)} in ${formatNumberOf(found.segments, 'segment')}`],
    ['messages', formatCount(found.messages)],
    ['outcomes', formatCount(found.outcomes)],
    ...(results === 0 ? [] : [['results', resultsText(results, orphanResults)] as const]),
    [
      'torn',
      tornBytes === 0
        ? 'nothing'
        : `${formatBytes(tornBytes)} of an unfinished last write, which was never acknowledged`,
    ],
    ...(unfinishedBytes === 0 ? [] : [['being written', formatBytes(unfinishedBytes)] as const]),
    ['damaged', corrupt.length === 0 ? 'nothing' : formatNumberOf(corrupt.length, 'place')],
    ['lost', lostText(lost)],
    ['in doubt', inDoubtCount === 0 ? 'no message' : formatNumberOf(inDoubtCount, 'message')],
    [
      'orphan outcomes',
      orphanOutcomes === 0 ? 'none' : `${formatCount(orphanOutcomes)}, of messages that are gone: harmless`,
    ],
    [
      'void files',
      voidFiles.length === 0
        ? 'none'
        : `${formatCount(voidFiles.length)}, unused: the next start removes them`,
    ],
  ]
  let text = `${paint('bold', escapeControls(directory))}\n${formatFacts(facts, width)}`
  if (corrupt.length > 0) text += `\n${damageList(corrupt, width, paint)}`
  if (lost.unsettled > 0) text += `\n${lostList(lost, width, paint)}`
  if (inDoubtCount > 0) {
    const then = wrapText(
      'In doubt: the next start asks onAmbiguous about each; by default they are sent again, with ' +
        'mayHaveBeenSent.',
      width,
    )
    text += `\n${paint('bold', then.join('\n'))}\n`
    const rows = inDoubt
      .slice(0, LISTED)
      .map(({ sequence, channel, id }) => [String(sequence), escapeControls(channel), escapeControls(id)])
    text += table(
      [
        { title: 'SEQUENCE', align: 'right' },
        { title: 'CHANNEL', leastWidth: 12 },
        { title: 'ID', leastWidth: 8 },
      ],
      rows,
      width,
      paint,
    )
    text += more(inDoubtCount - rows.length)
  }
  const verdict = !isSound(found)
    ? corrupt.length === 0
      ? 'Accepted messages are lost: power failed before they were synced, which the durability allows.'
      : 'Damaged: the listed places cannot be read. Everything else loads; the next start keeps a copy ' +
        'of these bytes in quarantine/.'
    : tornBytes > 0
      ? 'Sound, with a torn last write, as after a crash: the next start skips it.'
      : 'Sound.'
  const lines = wrapText(verdict, width).join('\n')
  return `${text}\n${paint(isSound(found) ? 'green' : 'red', lines)}\n`
}

/** Places as in `waq dump`, never cut, however narrow the terminal: someone will look there. */
function damageList(corrupt: readonly FoundDamage[], width: number, paint: Paint): string {
  const places = corrupt.slice(0, LISTED).map(({ file, offset, length, problem, known }): Fact => {
    const bytes = length === 0 ? '' : `${formatCount(length)} bytes: `
    return [
      `${escapeControls(file)}:${offset}`,
      `${bytes}${escapeControls(problem)}${known ? ' (known since an earlier start)' : ''}`,
    ]
  })
  const listed = `${formatFacts(places, width)}${more(corrupt.length - places.length)}`
  return `${paint('bold', 'Damaged places')}\n${listed}`
}

function lostText({ unsettled, settled }: LostMessages): string {
  if (unsettled + settled === 0) return 'no message with a recorded outcome'
  const others = settled === 0 ? '' : `, and ${formatCount(settled)} that had been settled`
  return `${unsettled === 0 ? 'no message to be sent' : formatNumberOf(unsettled, 'message')}${others}`
}

function lostList({ unsettled, messages }: LostMessages, width: number, paint: Paint): string {
  const then = wrapText(
    'Lost: these messages have outcomes, but their records are missing. Messages without an outcome may be ' +
      'lost, too.',
    width,
  )
  const rows = messages
    .slice(0, Math.min(LISTED, unsettled))
    .map(({ sequence, lastOutcome, attempts, at }) => [
      String(sequence),
      lastOutcome,
      formatCount(attempts),
      new Date(at).toISOString(),
    ])
  const columns = [
    { title: 'SEQUENCE', align: 'right' as const },
    { title: 'LAST OUTCOME', leastWidth: 12 },
    { title: 'ATTEMPTS', align: 'right' as const },
    { title: 'AT', leastWidth: 20 },
  ]
  const listed = table(columns, rows, width, paint)
  const left = unsettled - rows.length
  return `${paint('bold', then.join('\n'))}\n${listed}${left > 0 ? `… and ${formatCount(left)} more\n` : ''}`
}

function table(
  columns: Parameters<typeof layOut>[0],
  rows: readonly string[][],
  width: number,
  paint: Paint,
): string {
  const layout = layOut(columns, rows, width)
  const cut = Number.isFinite(width)
  const lines = [
    paint('bold', formatRow(layout, titles(layout), { cut })),
    ...rows.map(row => formatRow(layout, row, { cut })),
  ]
  return lines.map(line => `${line}\n`).join('')
}

function more(count: number): string {
  return count <= 0 ? '' : `… and ${formatCount(count)} more (--json has up to a thousand)\n`
}
