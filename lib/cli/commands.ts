import { registerCancel } from './cancel.js'
import type { RegisterCommand } from './command.js'
import { registerCompact } from './compact.js'
import { registerCompletion } from './completion.js'
import { registerDead } from './dead.js'
import { registerDemo } from './demo.js'
import { registerDump } from './dump.js'
import { registerEnqueue } from './enqueue.js'
import { registerHelp } from './help.js'
import { registerLs } from './ls.js'
import { registerShow } from './show.js'
import { registerStats } from './stats.js'
import { registerTop } from './top.js'
import { registerVerify } from './verify.js'

/** Every command, in the order of `waq --help`. One file a command. */
export const commands: readonly RegisterCommand[] = [
  registerStats,
  registerLs,
  registerShow,
  registerTop,
  registerVerify,
  registerCompact,
  registerDead,
  registerDump,
  registerEnqueue,
  registerCancel,
  registerDemo,
  registerCompletion,
  registerHelp,
]
