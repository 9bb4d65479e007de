import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from './units.js'

/** What several commands take. */

export const DIRECTORY = '<directory>'
export const DIRECTORY_HELP = 'of the queue'

export function jsonOption(shape = 'one JSON object'): Option {
  return new Option('--json', `print ${shape}`)
}

export function channelOption(): Option {
  return new Option('--channel <channel>', 'of this channel, or of all that begin so (telegram:*)')
}

export function reasonOption(): Option {
  return new Option('--reason <reason>', 'dead letters of this reason').choices([
    'attempts',
    'permanent',
    'ambiguous',
    'expired',
    'predecessor',
  ])
}

export function limitOption(): Option {
  return new Option('--limit <number>', 'at most so many').argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER))
}

export const DEFAULT_WAIT_MS = 5_000

export function waitOption(): Option {
  return new Option('--wait <duration>', 'how long the process that has the queue open may take to answer')
    .default(DEFAULT_WAIT_MS, '5s')
    .argParser(text => parseDuration(text, '--wait'))
}

export function durationOption(flags: string, help: string): Option {
  const name = flags.split(' ')[0]!
  return new Option(flags, help).argParser(text => parseDuration(text, name))
}

export function wholeNumber(low: number, high: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= low && value <= high) return value
    const range = high === Number.MAX_SAFE_INTEGER ? `from ${low} up` : `from ${low} to ${high}`
    throw new InvalidArgumentError(`It must be a whole number ${range}.`)
  }
}

export interface Example {
  readonly command: string
  readonly says?: string
}

/** What stands below the options of a command's help. */
export function addExamples(command: Command, examples: readonly Example[], exitStatus: string): Command {
  const lines = examples.map(
    ({ command, says }) => `  $ ${command}${says === undefined ? '' : `\n      ${says}`}\n`,
  )
  return command.addHelpText('after', `\nExit status: ${exitStatus}\n\nExamples:\n${lines.join('')}`)
}

/** The groups of `waq --help`. */
export const GROUPS = {
  look: 'Look:',
  mend: 'Check and mend:',
  change: 'Change:',
  more: 'More:',
} as const
