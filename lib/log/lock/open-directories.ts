import { WaqError } from '../errors/waq-error.js'
import { sharedInThread } from '../runtime/shared-in-thread.js'

// The directories open in this thread, shared by all copies of this package that it has loaded. Other
// threads, like other processes, learn of them by the lock.

const PROTOCOL = 1
const KEY = Symbol.for('waq.openDirectories')

export interface OpenDirectory {
  /** Canonical. */
  readonly path: string
  /** Epoch ms. */
  readonly since: number
  /** Checks the disk: false once another owner has the directory, or it is gone. */
  stands(): boolean
  /** Whether it made the lock directory with these numbers. */
  made(dev: bigint, ino: bigint): boolean
}

/** Read and written by other copies of this package: a change of its form needs a new protocol number. */
interface Registry {
  readonly protocol: number
  readonly open: Set<OpenDirectory>
}

/**
 * Throws `WAQ_UNSUPPORTED_VERSION` if another version's copy keeps a registry of another protocol in this
 * thread.
 */
function registry(): Registry {
  const shared = sharedInThread<Registry>(KEY, () => ({ protocol: PROTOCOL, open: new Set() }))
  const { protocol } = shared
  if (protocol === PROTOCOL) return shared
  throw new WaqError(
    'WAQ_UNSUPPORTED_VERSION',
    'Another version of waq is loaded in this process, and the two cannot tell each other which ' +
      `directories they have open (protocol ${protocol} there, ${PROTOCOL} here). Load one version: "npm ` +
      'ls waq" shows which package brings which version.',
  )
}

/** The entry that has `path` open in this thread and still owns it. */
export function openHere(path: string): OpenDirectory | undefined {
  return [...registry().open].find(each => each.path === path && each.stands())
}

/** The entry in this thread that made the lock directory with these numbers, even if it has lost it since. */
export function makerHere(dev: bigint, ino: bigint): OpenDirectory | undefined {
  return [...registry().open].find(each => each.made(dev, ino))
}

export function addOpen(directory: OpenDirectory): void {
  registry().open.add(directory)
}

export function removeOpen(directory: OpenDirectory): void {
  registry().open.delete(directory)
}
