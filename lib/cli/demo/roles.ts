/**
 * The processes of the demo. Each is the command line started again, with one of these words as its first
 * argument and its settings as JSON in the second. Their modules can therefore be anywhere, even bundled into
 * one file.
 */
const roles = {
  '--demo-chat-server': () => import('./chat-server-process.js'),
  '--demo-sender': () => import('./sender-process.js'),
} as const

export type DemoRole = keyof typeof roles

/** Runs the role that the first argument names; undefined: it is an argument of a user. */
export function demoRole(argument: string | undefined): (() => Promise<unknown>) | undefined {
  return argument !== undefined && Object.hasOwn(roles, argument) ? roles[argument as DemoRole] : undefined
}
