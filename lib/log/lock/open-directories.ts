import { WaqError } from '../errors/waq-error.js'
import { sharedInThread } from '../runtime/shared-in-thread.js'

// Which directories are open in this thread, told by all copies of this package that it has loaded. Another
// thread tells by the lock, as another process does.

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
  const shared = sharedInThread<Registry>(KEY, () => ({ protocol: PROTOCOL, open: new Set() }))
  const { protocol } = shared
  if (protocol === PROTOCOL) return shared
  throw new WaqError(
    'WAQ_UNSUPPORTED_VERSION',
    'Another version of waq is loaded in this process, and the two cannot tell each other which ' +
      `directories they have open (protocol ${protocol} there, ${PROTOCOL} here). Load one version: "npm ` +
      'ls waq" shows what brings which.',
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
