import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Test files that one process runs, one after the other. */
export interface Part {
  readonly name: string
  /** Names of sources, from the root of the repository: `test/log/segment/scan.test.ts`. */
  readonly files: readonly string[]
}

/** Rooms of the four floors, which `--fast` runs. */
const FLOORS = ['store', 'delivery', 'queue', 'log']

/**
 * Rooms whose files share a process, for most of what a small file costs is the start of a process. None of them may
 * leave a global of the process other than it found it.
 */
const SHARING = [...FLOORS, 'cli', 'clients', 'docs', 'examples', 'safety']

/**
 * Files of those rooms that have a process of their own, and that `--fast` leaves out: each takes seconds, most of them
 * for they wait for processes that they start, or for real time, while others could run. None is the only test of its
 * subject.
 */
const ALONE: ReadonlySet<string> = new Set([
  'test/cli/commands/change.test.ts',
  'test/cli/cli-page.test.ts',
  'test/cli/command-line.test.ts',
  'test/cli/demo/demo.test.ts',
  'test/cli/interrupt.test.ts',
  'test/cli/commands/look.test.ts',
  'test/cli/terminal/terminals.test.ts',
  'test/delivery/holds/brake-model.test.ts',
  'test/delivery/holds/outages.test.ts',
  'test/docs/code-blocks.test.ts',
  'test/log/lock/lock-clocks.test.ts',
  'test/log/lock/lock-copies.test.ts',
  'test/log/lock/lock-processes.test.ts',
  'test/queue/control/control.test.ts',
  'test/queue/fake-timers.test.ts',
  'test/queue/keep-alive.test.ts',
  'test/queue/many-at-once.test.ts',
  'test/queue/promises/crash.test.ts',
  'test/queue/promises/dead-letters.test.ts',
  'test/store/windows/attempt-window.test.ts',
  'test/store/compaction/compaction-blocks.test.ts',
  'test/store/compaction/compaction-crash.test.ts',
  'test/store/log-store.test.ts',
  'test/store/dedupe/dedupe-index.test.ts',
])

/**
 * Files that share a process, and that `--fast` leaves out: a second or two of processor time each. What they are about has
 * tests beside them.
 */
const LONG: ReadonlySet<string> = new Set([
  'test/delivery/limits/limits.test.ts',
  'test/queue/cancel-in-doubt.test.ts',
  'test/queue/queue-reader.test.ts',
  'test/queue/promises/flow.test.ts',
  'test/queue/promises/order.test.ts',
  'test/queue/promises/time.test.ts',
  'test/queue/promises/verdicts.test.ts',
  'test/queue/secrets.test.ts',
])

/** So many files at most share a process, so that there is always another one that can run while some wait. */
const MAX_FILES = 14

/** What takes longest, or waits most, begins first, so that no core waits for it at the end. */
const FIRST = [
  'crash',
  'queue',
  'log',
  'store',
  'cli',
  'properties',
  'mutations',
  'bench',
  'processes',
  'delivery',
]

/** All test files below `root`, or those that are named: a file's name (`.ts`, or of its output), or a directory. */
export function filesOf(root: string, named: readonly string[]): string[] {
  const all = readdirSync(join(root, 'dist/test'), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.test.js') && !path.includes('fixtures'))
    .map(path => `test/${path.replace(/\.js$/, '.ts')}`)
    .toSorted()
  if (named.length === 0) return all
  const wanted = named.map(path =>
    path
      .replace(/^(\.\/)?(dist\/)?/, '')
      .replace(/\.js$/, '.ts')
      .replace(/\/+$/, ''),
  )
  for (const path of wanted)
    if (!all.some(file => isIn(file, path))) throw new Error(`There is no test at ${path}`)
  return all.filter(file => wanted.some(path => isIn(file, path)))
}

function isIn(file: string, path: string): boolean {
  return file === path || file.startsWith(`${path}/`)
}

/** The files that `--fast` runs: the rooms of the floors, but for what takes long. */
export function fast(files: readonly string[]): string[] {
  return files.filter(file => FLOORS.includes(roomOf(file)) && !ALONE.has(file) && !LONG.has(file))
}

/** The processes that run these files, in the order in which they should begin. */
export function partsOf(files: readonly string[]): Part[] {
  const parts: Part[] = []
  const rooms = new Map<string, string[]>()
  for (const file of files) {
    const room = roomOf(file)
    if (!SHARING.includes(room) || ALONE.has(file)) parts.push({ name: file, files: [file] })
    else if (rooms.has(room)) rooms.get(room)!.push(file)
    else rooms.set(room, [file])
  }
  for (const [room, shared] of rooms) {
    const processes = Math.ceil(shared.length / MAX_FILES)
    for (let nth = 0; nth < processes; nth += 1) {
      const some = shared.filter((_, index) => index % processes === nth)
      const name = some.length === 1 ? some[0]! : `test/${room}, ${some.length} files from ${some[0]}`
      parts.push({ name, files: some })
    }
  }
  return parts.toSorted((one, other) => rank(one) - rank(other))
}

function rank({ files }: Part): number {
  const found = FIRST.indexOf(roomOf(files[0]!))
  return found < 0 ? FIRST.length : found
}

function roomOf(file: string): string {
  return file.split('/')[1]!
}
