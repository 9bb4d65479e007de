import type { RegisterCommand } from './command.js'
import { registerDemo } from './demo.js'

/** Every command, in the order of `waq --help`. One file a command. */
export const commands: readonly RegisterCommand[] = [registerDemo]
