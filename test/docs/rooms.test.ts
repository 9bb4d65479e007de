import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import t from 'tap'
import { readPage, root } from './fixtures/pages.js'

/** Bottom first, as docs/architecture.md draws them. */
const FLOORS = ['log', 'store', 'delivery', 'queue', 'testing', 'cli']
const IMPORT = /^(?:import|export)\s[^'"]*?from\s+'(\.[^']+)'/gms
const LAZY_IMPORT = /\bimport\('(\.[^']+)'\)/g

/** Rooms of each floor in the order of the page: a row of its table is `| [`room/`](../lib/floor/room) | … |`. */
function roomsOf(floor: string): string[] {
  const rows = readPage('docs/architecture.md').matchAll(
    /^\| \[`[\w/-]+`\]\(\.\.\/lib\/(\w+)\/([\w/-]+?)\/?\) \|/gm,
  )
  return [...rows].filter(([, of]) => of === floor).map(([, , room]) => room!)
}

function filesOf(floor: string): string[] {
  const lib = join(root, 'lib', floor)
  return readdirSync(lib, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
}

/** What a file imports of `lib`, as paths from there. */
function importsOf(path: string): string[] {
  const text = readFileSync(join(root, 'lib', path), 'utf8')
  return [...text.matchAll(IMPORT), ...text.matchAll(LAZY_IMPORT)].map(([, specifier]) =>
    relative(join(root, 'lib'), resolve(root, 'lib', dirname(path), specifier!)).replace(/\.js$/, '.ts'),
  )
}

const floorOf = (path: string): string => path.split('/')[0]!
const roomOf = (path: string): string => dirname(path).split('/').slice(1).join('/')

t.test('a floor imports from floors below it alone', async t => {
  for (const floor of FLOORS) {
    for (const file of filesOf(floor)) {
      for (const imported of importsOf(join(floor, file))) {
        // The demo's bot is written as a user's is, and what `waq/testing` opens is the queue that a user opens.
        if ((floor === 'cli' || floor === 'testing') && imported === 'index.ts') continue
        const to = FLOORS.indexOf(floorOf(imported))
        t.ok(to >= 0 && to <= FLOORS.indexOf(floor), `${floor}/${file} imports ${imported}`)
      }
    }
  }
})

t.test('the page lists every room', async t => {
  for (const floor of FLOORS) {
    const rooms = new Set(filesOf(floor).map(file => roomOf(join(floor, file))))
    rooms.delete('')
    t.strictSame(roomsOf(floor).toSorted(), [...rooms].toSorted(), floor)
  }
})

t.test('a room imports only from rooms that the page lists before it', async t => {
  let arrows = 0
  for (const floor of FLOORS) {
    const order = roomsOf(floor)
    for (const file of filesOf(floor)) {
      const from = roomOf(join(floor, file))
      if (from === '') continue
      for (const imported of importsOf(join(floor, file))) {
        // What stands in no room is there for all of them; the next test sees that none goes back.
        if (floorOf(imported) !== floor || roomOf(imported) === '') continue
        arrows += 1
        t.ok(
          order.indexOf(roomOf(imported)) <= order.indexOf(from),
          `${floor}/${file} imports ${imported}, of a room that is listed after it`,
        )
      }
    }
  }
  t.ok(arrows > 500, 'imports are found at all')
})

t.test('no files import each other in a circle', async t => {
  const state = new Map<string, 'open' | 'done'>()
  const walk = (path: string, way: readonly string[]): void => {
    if (state.get(path) === 'done') return
    if (state.get(path) === 'open') {
      t.fail(`a circle: ${[...way.slice(way.indexOf(path)), path].join(' > ')}`)
      return
    }
    state.set(path, 'open')
    for (const imported of importsOf(path)) walk(imported, [...way, path])
    state.set(path, 'done')
  }
  walk('index.ts', [])
  for (const floor of FLOORS) for (const file of filesOf(floor)) walk(join(floor, file), [])
  t.ok(state.size > 300)
})
