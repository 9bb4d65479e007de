import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from './units.js'

/** Options and help that several commands share. */

export function jsonOption(shape = 'one JSON object'): Option {
  return new Option('--json', `print ${shape}`)
}

export function channelOption(): Option {
  return new Option('--channel <channel>', 'this channel, or all with this prefix (telegram:*)')
}

export function reasonOption(): Option {
  return new Option('--reason <reason>', 'only dead letters with this reason').choices([
    'attempts',
    'permanent',
    'ambiguous',
    'expired',
    'predecessor',
    'channel',
  ])
}

export function limitOption(): Option {
  return new Option('--limit <number>', 'print at most this many').argParser(
    wholeNumber(1, Number.MAX_SAFE_INTEGER),
  )
}

const DEFAULT_WAIT_MS = 5_000

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
    if (/^-?\d+$/.test(text) && value >= low && value <= high) return value
    const range = high === Number.MAX_SAFE_INTEGER ? `from ${low} up` : `from ${low} to ${high}`
    throw new InvalidArgumentError(`It must be a whole number ${range}.`)
  }
}

export interface Example {
  readonly command: string
  readonly says: string
}

/** The help texts of a command. */
export interface CommandTexts {
  /** One of `GROUPS`, unless it is a subcommand. */
  readonly group?: string
  readonly summary: string
  readonly description: string
  readonly examples: readonly (string | Example)[]
  /** Default: that of a command that only reads. */
  readonly exitStatus?: string
}

const LOOKED = '0 done; 2 wrong use, or not a queue; 4 I/O error; 130 interrupted.'

/** Adds a command with its help; options and action are the caller's. */
export function addCommand(parent: Command, name: string, texts: CommandTexts): Command {
  const { group, summary, description, examples, exitStatus = LOOKED } = texts
  const lines = examples.map(example =>
    typeof example === 'string' ? `  $ ${example}\n` : `  $ ${example.command}\n      ${example.says}\n`,
  )
  const command = parent.command(name).summary(summary).description(description)
  if (group !== undefined) command.helpGroup(group)
  return command.addHelpText('after', `\nExit status: ${exitStatus}\n\nExamples:\n${lines.join('')}`)
}

/** Adds a command whose first argument is the directory of a queue. */
export function addQueueCommand(parent: Command, name: string, texts: CommandTexts): Command {
  return addCommand(parent, name, texts).argument('<directory>', "the queue's directory")
}

/** The groups of `waq --help`. */
export const GROUPS = {
  look: 'Look:',
  mend: 'Check and mend:',
  change: 'Change:',
  more: 'More:',
} as const
