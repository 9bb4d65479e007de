import v8 from 'node:v8'
import { WaqError } from './errors.js'

// Which directories are open in this thread, told by all copies of this package that it has loaded: ESM and
// CommonJS, two versions, those of a test runner's sandboxes. `globalThis` is not one place for them: a
// sandbox is a context with a global object of its own. A module that is built into Node is the same object
// in all contexts of a thread. Another thread has another one; it tells by the lock, as another process does.

const PROTOCOL = 1
const KEY = Symbol.for('waq.openDirectories')

export interface OpenDirectory {
  /** Canonical. */
  readonly path: string
  /** Epoch ms. */
  readonly since: number
  /** Asks the disk: false once somebody else has the directory, or it is gone. */
  stands(): boolean
  /** Whether the lock directory with these numbers is the one that it made. */
  made(dev: bigint, ino: bigint): boolean
}

/** Other copies of this package read and write it: another form is another protocol. */
interface Registry {
  readonly protocol: number
  readonly open: Set<OpenDirectory>
}

/** Throws `WAQ_UNSUPPORTED_VERSION` where a copy of another version keeps another registry in this thread. */
function registry(): Registry {
  const holder = v8 as { [KEY]?: Registry }
  if (holder[KEY] === undefined) {
    const value: Registry = { protocol: PROTOCOL, open: new Set() }
    Object.defineProperty(holder, KEY, { value })
    return value
  }
  const { protocol } = holder[KEY]
  if (protocol === PROTOCOL) return holder[KEY]
  throw new WaqError(
    'WAQ_UNSUPPORTED_VERSION',
    'Another version of waq is loaded in this process, and the two cannot tell each other which directories ' +
      `they have open (protocol ${protocol} there, ${PROTOCOL} here). Load one version: "npm ls waq" shows what ` +
      'brings which.',
  )
}

/** What has `path` open in this thread, and still owns it. */
export function openHere(path: string): OpenDirectory | undefined {
  return [...registry().open].find(each => each.path === path && each.stands())
}

/**
 * What made the lock directory with these numbers, in this thread, whether it owns it still or has lost it.
 */
export function makerHere(dev: bigint, ino: bigint): OpenDirectory | undefined {
  return [...registry().open].find(each => each.made(dev, ino))
}

export function addOpen(directory: OpenDirectory): void {
  registry().open.add(directory)
}

export function removeOpen(directory: OpenDirectory): void {
  registry().open.delete(directory)
}
