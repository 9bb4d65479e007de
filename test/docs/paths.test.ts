import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { pages, readPage, root } from './fixtures/pages.js'

/** A path from the root of the repository, as pages name it: with or without its extension, compiled, or with a `*`. */
const PATH = /(?<![\w./@:-])(?:dist\/)?(?:lib|test|bench|bin)\/[\w./*-]*[\w*]/g

function exists(path: string): boolean {
  if (path.includes('*')) return matches(path)
  const source = path.replace(/^dist\//, '').replace(/\.js$/, '.ts')
  return ['', '.ts', '.test.ts'].some(end => [path, source].some(each => existsSync(join(root, each + end))))
}

/** Of a `*` in the last part. */
function matches(path: string): boolean {
  const pattern = path.slice(dirname(path).length + 1)
  const [start = '', end = ''] = pattern.split('*')
  const directory = join(root, dirname(path))
  return (
    existsSync(directory) && readdirSync(directory).some(name => name.startsWith(start) && name.includes(end))
  )
}

t.test('every path of the repository that a page names exists', async t => {
  let named = 0
  // What was is told by the changelog, under the names of then.
  for (const page of pages().filter(each => each !== 'CHANGELOG.md')) {
    const missing = [...new Set(readPage(page).match(PATH))].filter(path => {
      named += 1
      return !exists(path)
    })
    t.strictSame(missing, [], page)
  }
  t.ok(named > 100, 'paths are found at all')
})

t.test('every test that the table of mutations names exists', async t => {
  const labels = readPage('docs/reliability.md').matchAll(/ \(`([a-z]+(?:\/[\w-]+)+)`\) \|$/gm)
  const named = new Set([...labels].map(([, label]) => label!))
  t.ok(named.size > 50, 'they are found at all')
  for (const label of named) t.ok(existsSync(join(root, 'test', `${label}.test.ts`)), label)
})

t.test('every file that the tour names exists', async t => {
  const tour = readPage('docs/architecture.md').split('## A tour')[1]!.split('\n## ')[0]!
  const named = [...tour.matchAll(/`((?:log|store|delivery|queue|cli)\/[\w/-]+)(?:\.ts)?`/g)].map(
    ([, path]) => path!,
  )
  t.ok(named.length > 20, 'they are found at all')
  for (const path of named) t.ok(exists(`lib/${path}`), path)
})

t.test('a path that does not exist is found out', async t => {
  t.notOk(exists('lib/log/no-such-file'))
  t.notOk(exists('test/no-such-room/*'))
  t.ok(exists('lib/log'))
  t.ok(exists('dist/lib/index.js'))
})
