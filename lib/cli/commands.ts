import type { RegisterCommand } from './command.js'

/** Every command, in the order of `waq --help`. One file a command; each is loaded where it is needed. */
const loaders: Readonly<Record<string, () => Promise<RegisterCommand>>> = {
  stats: async () => (await import('./stats.js')).registerStats,
  ls: async () => (await import('./ls.js')).registerLs,
  show: async () => (await import('./show.js')).registerShow,
  top: async () => (await import('./top.js')).registerTop,
  verify: async () => (await import('./verify.js')).registerVerify,
  compact: async () => (await import('./compact.js')).registerCompact,
  dead: async () => (await import('./dead.js')).registerDead,
  dump: async () => (await import('./dump.js')).registerDump,
  enqueue: async () => (await import('./enqueue.js')).registerEnqueue,
  cancel: async () => (await import('./cancel.js')).registerCancel,
  demo: async () => (await import('./demo.js')).registerDemo,
  completion: async () => (await import('./completion.js')).registerCompletion,
  help: async () => (await import('./help.js')).registerHelp,
}

/** Those that take part in other commands: they tell of all of them. */
const TELL_OF_ALL = ['completion', 'help']

/** The command that these arguments name; all of them where they name none, or one that tells of all. */
export function loadCommands(args: readonly string[]): Promise<readonly RegisterCommand[]> {
  const [name = ''] = args
  const named = Object.hasOwn(loaders, name) && !TELL_OF_ALL.includes(name)
  const needed = named ? [loaders[name]!] : Object.values(loaders)
  return Promise.all(needed.map(load => load()))
}
