import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../../../', import.meta.url))

/** What a user needs, and nothing else. */
const EXPECTED = [
  /^package\.json$/,
  /^(README|CHANGELOG)\.md$/,
  /^LICENSE$/,
  /^dist\/(lib|bin)\/.*\.(js|d\.ts)$/,
  /^docs\/.*\.(md|ts|svg)$/,
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
  for (const path of ['README.md', 'LICENSE', 'dist/lib/index.js', 'dist/lib/index.d.ts', 'dist/bin/waq.js'])
    t.ok(paths.includes(path), path)
  t.end()
})
