/**
 * The processes of the demo. Each is the command line started again, with one of these words as its first
 * argument and its settings as JSON in the second: then it does not matter where a module of theirs stands,
 * and all fit into one file.
 */
const roles = {
  '--demo-chat-server': () => import('./chat-server-process.js'),
  '--demo-sender': () => import('./sender-process.js'),
} as const

export type DemoRole = keyof typeof roles

/** What runs the role that the first argument names; undefined: it names none, and is a user's own. */
export function demoRole(argument: string | undefined): (() => Promise<unknown>) | undefined {
  return argument !== undefined && Object.hasOwn(roles, argument) ? roles[argument as DemoRole] : undefined
}
