import type { RegisterCommand } from './common/command.js'

/** Every command, in the order of `waq --help`. One file per command, loaded when needed. */
const loaders: Readonly<Record<string, () => Promise<RegisterCommand>>> = {
  stats: async () => (await import('./commands/stats.js')).registerStats,
  ls: async () => (await import('./commands/ls.js')).registerLs,
  show: async () => (await import('./commands/show.js')).registerShow,
  top: async () => (await import('./commands/top.js')).registerTop,
  verify: async () => (await import('./commands/verify.js')).registerVerify,
  compact: async () => (await import('./commands/compact.js')).registerCompact,
  dead: async () => (await import('./commands/dead.js')).registerDead,
  dump: async () => (await import('./commands/dump.js')).registerDump,
  enqueue: async () => (await import('./commands/enqueue.js')).registerEnqueue,
  cancel: async () => (await import('./commands/cancel.js')).registerCancel,
  retry: async () => (await import('./commands/retry.js')).registerRetry,
  pause: async () => (await import('./commands/pause.js')).registerPause,
  resume: async () => (await import('./commands/pause.js')).registerResume,
  move: async () => (await import('./commands/move.js')).registerMove,
  demo: async () => (await import('./commands/demo.js')).registerDemo,
  completion: async () => (await import('./commands/completion.js')).registerCompletion,
  help: async () => (await import('./common/help.js')).registerHelp,
}

/** The commands whose output covers all commands. */
const TELL_OF_ALL = ['completion', 'help']

/** The command that the arguments name; all commands if they name none, or one that covers all. */
export function loadCommands(args: readonly string[]): Promise<readonly RegisterCommand[]> {
  const [name = ''] = args
  const named = Object.hasOwn(loaders, name) && !TELL_OF_ALL.includes(name)
  const needed = named ? [loaders[name]!] : Object.values(loaders)
  return Promise.all(needed.map(load => load()))
}
