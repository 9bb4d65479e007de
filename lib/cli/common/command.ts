import type { Command } from 'commander'
import type { Terminal } from '../terminal/terminal.js'
import type { ExitStatus } from './exit-status.js'

/** What `main` passes to a command. */
export interface CommandContext {
  readonly terminal: Terminal
  /** Aborts on Ctrl-C and on SIGTERM or SIGHUP: clean up and throw `interruptedError()`. */
  readonly signal: AbortSignal
  /** Sets the exit status of a command that ends without an error. Default 0. */
  finish(status: ExitStatus): void
}

/** Adds one command, with options, help and action, to the program. */
export type RegisterCommand = (program: Command, context: CommandContext) => void
