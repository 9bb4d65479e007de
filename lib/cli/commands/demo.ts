import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { systemCode } from '../../log/errors/system-error.js'
import type { CommandContext } from '../common/command.js'
import { addCommand, jsonOption, wholeNumber } from '../common/command-options.js'
import { ExitStatus, usageError } from '../common/exit-status.js'
import { readMessageFile } from '../demo/message-file.js'
import { makeMessages } from '../demo/messages.js'
import { makeReport, reportAsJson, reportAsTable, verdict } from '../demo/report.js'
import { type Run, superviseRun } from '../demo/supervisor.js'
import { ProgressLine } from '../terminal/progress.js'
import { escapeControls, formatCount, formatTable, painter } from '../terminal/terminal.js'

interface DemoOptions {
  messages?: string
  count: number
  rate?: number
  kills: number
  seed?: number
  keep?: string
  json?: true
}

const DEFAULT_COUNT = 4000
const DEFAULT_KILLS = 10
const USUAL_RATE = 200
const MAKING_SECONDS = 60
const MAX_COUNT = 1_000_000
const MAX_RATE = 100_000
const MAX_KILLS = 10_000
const MAX_SEED = 2 ** 32 - 1

/** `waq demo`: a chat server with faults, a sender that is killed repeatedly, and a report at the end. */
export function registerDemo(program: Command, context: CommandContext): void {
  addCommand(program, 'demo', {
    summary: 'kill a sender again and again, and count what arrives',
    description:
      'Starts a chat server with faults (429, 500, lost and slow answers) and a sender that queues ' +
      'messages, delivers them with fetch and is killed (SIGKILL) again and again. ' +
      "At the end the server's own record says what was lost or came out of order.",
    examples: [
      'waq demo',
      'waq demo --count 500 --kills 3 --seed 7',
      'waq demo --messages chat-messages.jsonl --kills 40 --json',
    ],
    exitStatus: '0 all arrived in order; 1 something was lost or out of order; 130 interrupted.',
  })
    .option(
      '--messages <file>',
      'send these: a JSON object {"channel", "text"} per line (default: makes its own)',
    )
    .addOption(
      new Option('--count <number>', 'how many messages to make')
        .default(DEFAULT_COUNT)
        .argParser(wholeNumber(1, MAX_COUNT))
        .conflicts('messages'),
    )
    .option(
      '--rate <number>',
      'messages per second (default: 200, or more if all would take over 60 s)',
      wholeNumber(1, MAX_RATE),
    )
    .option('--kills <number>', 'how often the sender is killed', wholeNumber(0, MAX_KILLS), DEFAULT_KILLS)
    .option('--seed <number>', 'repeat the messages, faults and kill plan of a run', wholeNumber(0, MAX_SEED))
    .option('--keep <directory>', 'keep the queue, in this new or empty directory')
    .addOption(jsonOption('the report as one JSON object'))
    .action((options: DemoOptions) => runDemo(options, context))
}

async function runDemo(options: DemoOptions, { terminal, signal, finish }: CommandContext): Promise<void> {
  const { kills, keep } = options
  const json = options.json === true
  const seed = options.seed ?? Math.floor(Math.random() * (MAX_SEED + 1))
  const messages =
    options.messages === undefined
      ? makeMessages(options.count, seed)
      : await readMessageFile(options.messages)
  const rate = options.rate ?? Math.max(USUAL_RATE, Math.ceil(messages.length / MAKING_SECONDS))
  const channels = new Set(messages.map(message => message.channel)).size
  const directory = keep === undefined ? await mkdtemp(join(tmpdir(), 'waq-demo-')) : await emptyOrNew(keep)
  const say = (text: string): void => {
    if (!json) terminal.stdout.write(text)
  }

  say(
    `${formatCount(messages.length)} messages to ${formatCount(channels)} chats, ${formatCount(rate)} a ` +
      `second, ${formatCount(kills)} ${kills === 1 ? 'kill' : 'kills'}, seed ${seed}\nqueue in ` +
      `${escapeControls(directory)}${keep === undefined ? ' (removed at the end)' : ''}\n\n`,
  )
  const progress = new ProgressLine(terminal.stderr)
  const startedAt = Date.now()
  let run: Run
  try {
    run = await superviseRun({
      messages,
      rate,
      kills,
      seed,
      directory,
      signal,
      onProgress: ({ enqueued, delivered, duplicates, kills: done }) =>
        progress.show(
          `enqueued ${formatCount(enqueued)}, delivered ${formatCount(delivered)} of ` +
            `${formatCount(messages.length)}, duplicates ${formatCount(duplicates)}, kills ${done} of ` +
            `${kills}`,
        ),
    })
  } finally {
    progress.clear()
    if (keep === undefined) await rm(directory, { recursive: true, force: true })
  }

  const report = makeReport(messages, run, Date.now() - startedAt)
  for (const remark of run.observations.remarks) terminal.stderr.write(`waq: ${escapeControls(remark)}\n`)
  if (json) {
    terminal.stdout.write(`${JSON.stringify({ ...reportAsJson(report), rate, seed })}\n`)
  } else {
    const paint = painter(terminal, terminal.stdout)
    say(formatTable(reportAsTable(report)))
    say(`\n${paint(report.sound ? 'green' : 'red', verdict(report))}\n`)
    if (!report.sound) say(`Repeat it with --seed ${seed}.\n`)
  }
  finish(report.sound ? ExitStatus.done : ExitStatus.found)
}

/** An old queue would know the demo's ids, and treat its messages as duplicates. */
async function emptyOrNew(directory: string): Promise<string> {
  const path = resolve(directory)
  let entries: string[] = []
  try {
    entries = await readdir(path)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOTDIR') throw usageError(`--keep: ${path} is a file; name a new or empty directory`)
    // The queue creates a missing directory, with its own modes.
    if (code !== 'ENOENT') throw error
  }
  if (entries.length === 0) return path
  throw usageError(`--keep: ${path} is not empty (it holds ${entries[0]}); name a new or empty directory`)
}
