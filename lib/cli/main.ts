import { Command, CommanderError } from 'commander'
import { systemCode } from '../log/errors/system-error.js'
import { loadCommands } from './commands.js'
import type { CommandContext, RegisterCommand } from './common/command.js'
import { GROUPS } from './common/command-options.js'
import { ExitStatus, failureOf } from './common/exit-status.js'
import { version } from './common/version.js'
import { painter, processTerminal, type Terminal } from './terminal/terminal.js'

const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Runs one command line (without `node` and the script) and returns the exit status. Never throws. */
export async function main(args: readonly string[], terminal: Terminal = processTerminal): Promise<number> {
  const stop = new AbortController()
  let status: number = ExitStatus.done
  const context: CommandContext = {
    terminal,
    signal: stop.signal,
    finish(found) {
      status = found
    },
  }
  const json = args.includes('--json')
  const program = buildProgram(context, json, await loadCommands(args))

  // The first signal aborts and removes the handlers, so a second one ends the process at once.
  const onSignal = (): void => {
    for (const name of STOP_SIGNALS) process.removeListener(name, onSignal)
    stop.abort()
  }
  for (const name of STOP_SIGNALS) process.on(name, onSignal)
  // Without a listener a failed write would end the process at once.
  let outputError: NodeJS.ErrnoException | undefined
  const onOutputError = (error: NodeJS.ErrnoException): void => {
    outputError ??= error
    stop.abort()
  }
  process.stdout.on('error', onOutputError)
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    status = report(outputError ?? error, terminal, json)
  } finally {
    // A failed write is reported a moment later.
    await new Promise(resolve => setImmediate(resolve))
    for (const name of STOP_SIGNALS) process.removeListener(name, onSignal)
    if (outputError === undefined) process.stdout.removeListener('error', onOutputError)
  }
  return outputError !== undefined && status === ExitStatus.done
    ? report(outputError, terminal, json)
    : status
}

/** The command line, with these commands. */
export function buildProgram(
  context: CommandContext,
  json: boolean,
  commands: readonly RegisterCommand[],
): Command {
  const { terminal } = context
  const program = new Command('waq')
    .description('A write-ahead queue for outbound messages: a directory of append-only files.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .commandsGroup(GROUPS.more)
    .addHelpText(
      'after',
      '\nExamples:\n  $ waq stats ./outbox\n  $ waq dead ls ./outbox\n  $ waq demo --kills 5\n',
    )
    .showHelpAfterError('(For usage, add --help.)')
    .exitOverride()
    .configureOutput({
      writeOut: text => terminal.stdout.write(text),
      // With --json only `report` writes to stderr.
      writeErr: text => {
        if (!json) terminal.stderr.write(text)
      },
    })
  for (const register of commands) register(program, context)
  return program
}

/** Reports an error on stderr and returns the exit status. */
function report(error: unknown, terminal: Terminal, json: boolean): number {
  // `waq … | head` closes our output early, which is no error.
  if (systemCode(error) === 'EPIPE') return ExitStatus.done
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return ExitStatus.done
    // Commander has written its text already, except with --json.
    const problem =
      error.code === 'commander.help' ? 'no command given' : error.message.replace(/^error: /, '')
    if (json) writeJson(terminal, 'USAGE', problem.replaceAll('\n', ' '))
    return ExitStatus.usage
  }
  const { code, message, status } = failureOf(error)
  if (json) writeJson(terminal, code, message)
  else terminal.stderr.write(`${painter(terminal, terminal.stderr)('red', 'waq:')} ${message}\n`)
  return status
}

function writeJson(terminal: Terminal, code: string, message: string): void {
  terminal.stderr.write(`${JSON.stringify({ error: { code, message } })}\n`)
}
