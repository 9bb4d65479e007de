import { publicText } from '../../delivery/redact/redact.js'
import { systemCode } from '../../log/errors/system-error.js'
import { WaqError, type WaqErrorCode } from '../../log/errors/waq-error.js'

/** The exit statuses of all commands. */
export const ExitStatus = {
  done: 0,
  /** The command worked, and its check found a problem. */
  found: 1,
  /** A wrong option or argument, a missing directory, a directory that is not a queue. */
  usage: 2,
  locked: 3,
  io: 4,
  /** A bug in waq. */
  bug: 70,
  interrupted: 130,
} as const

export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus]

/** An error of the command line itself: its text is for the person at the terminal, without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly code: string
  readonly status: ExitStatus

  constructor(code: string, status: ExitStatus, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.status = status
  }
}

/** A wrong option, argument or input file. */
export function usageError(message: string, options?: ErrorOptions): CommandError {
  return new CommandError('USAGE', ExitStatus.usage, message, options)
}

/** Ctrl-C or an equivalent signal. `howFar`: the work done until then. */
export function interruptedError(howFar?: string): CommandError {
  const message = howFar === undefined ? 'interrupted' : `interrupted: ${howFar}`
  return new CommandError('INTERRUPTED', ExitStatus.interrupted, message)
}

/** The end of `howFar` if the work under way may still have been done, or may yet be. */
export function loose(error: unknown): string {
  const unknown = error instanceof WaqError && error.indeterminate
  return unknown ? '; it is not known whether what was under way was done' : ''
}

const statusOfWaqError: Partial<Record<WaqErrorCode, ExitStatus>> = {
  WAQ_INVALID_OPTION: ExitStatus.usage,
  WAQ_INVALID_MESSAGE: ExitStatus.usage,
  WAQ_TOO_LARGE: ExitStatus.usage,
  WAQ_NOT_A_QUEUE: ExitStatus.usage,
  WAQ_UNSUPPORTED_VERSION: ExitStatus.usage,
  WAQ_ID_CONFLICT: ExitStatus.usage,
  WAQ_FAKE_TIMERS: ExitStatus.usage,
  WAQ_NOT_FOUND: ExitStatus.found,
  WAQ_CORRUPT: ExitStatus.found,
  WAQ_LOCKED: ExitStatus.locked,
  WAQ_LOCK_LOST: ExitStatus.locked,
  WAQ_CLOSED: ExitStatus.locked,
  WAQ_DISK_FULL: ExitStatus.io,
  WAQ_FULL: ExitStatus.io,
  WAQ_IO: ExitStatus.io,
}

/** The end of a failed command: a short code for programs, a text for people, the exit status. */
export interface Failure {
  code: string
  message: string
  status: ExitStatus
}

/** Classifies any thrown value. An unexpected one is a bug, and keeps its stack. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CommandError) return { code: error.code, message: error.message, status: error.status }
  if (error instanceof WaqError) {
    const status = statusOfWaqError[error.code] ?? ExitStatus.bug
    return { code: error.code, message: error.message, status }
  }
  if (error instanceof Error && error.name === 'AbortError') {
    return { code: 'INTERRUPTED', message: 'interrupted', status: ExitStatus.interrupted }
  }
  if (error instanceof Error && 'syscall' in error) {
    return { code: systemCode(error) ?? 'IO', message: error.message, status: ExitStatus.io }
  }
  const message = publicText(error instanceof Error ? (error.stack ?? error.message) : String(error), 10_000)
  return { code: 'BUG', message: `a bug in waq: ${message}`, status: ExitStatus.bug }
}
