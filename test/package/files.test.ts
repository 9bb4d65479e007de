import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** What a user needs, and nothing else. */
const EXPECTED = [
  /^package\.json$/,
  /^(README|CHANGELOG)\.md$/,
  /^LICENSE$/,
  /^dist\/package\/(index|log|metrics|testing)\.(js|cjs|d\.ts|d\.cts)(\.map)?$/,
  /^dist\/package\/waq\.js$/,
  // The parts of the command line.
  /^dist\/package\/waq\/[\w-]+\.js$/,
  /^dist\/package\/LICENSES\.txt$/,
  // What the source maps lead to.
  /^lib\/.*\.ts$/,
  /^docs\/.*\.(md|ts)$/,
]

t.test('the package holds what a user needs, and nothing else', t => {
  const { stdout, stderr } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: root,
    encoding: 'utf8',
  })
  const start = stdout.indexOf('[')
  if (start < 0) throw new Error(`npm pack printed no list: ${stdout}${stderr}`)
  const paths: string[] = JSON.parse(stdout.slice(start))[0].files.map(({ path }: { path: string }) => path)
  t.strictSame(
    paths.filter(path => !EXPECTED.some(pattern => pattern.test(path))),
    [],
  )
  const built = ['index.js', 'index.cjs', 'index.js.map', 'waq.js', 'LICENSES.txt']
  for (const path of ['README.md', 'LICENSE', 'lib/index.ts', ...built.map(name => `dist/package/${name}`)])
    t.ok(paths.includes(path), path)
  t.end()
})

t.test('the version is written into what users load, which looks for no package.json', async t => {
  const built = join(root, 'dist/package/waq')
  const texts = readdirSync(built).map(name => readFileSync(join(built, name), 'utf8'))
  t.notOk(texts.some(text => text.includes('waq/package.json')))
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  t.ok(texts.some(text => text.includes(JSON.stringify(version))))
})
