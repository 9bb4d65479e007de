import type { RegisterCommand } from './command.js'
import { registerDemo } from './demo.js'
import { registerLs } from './ls.js'
import { registerShow } from './show.js'
import { registerStats } from './stats.js'
import { registerVerify } from './verify.js'

/** Every command, in the order of `waq --help`. One file a command. */
export const commands: readonly RegisterCommand[] = [
  registerStats,
  registerLs,
  registerShow,
  registerVerify,
  registerDemo,
]
