/**
 * Records what errors of clients look like that are too large to be dependencies here: installs them in a directory of
 * its own, runs them against servers on loopback in each case, and writes what they threw or returned to
 * `test/clients/fixtures/recorded`, with their versions.
 *
 *     npm run build && node dist/test/clients/record/main.js            all of them
 *     npm run build && node dist/test/clients/record/main.js octokit    these alone
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Delivery } from '../../../lib/index.js'
import type { Client, Sender } from '../fixtures/client.js'
import { textOf } from '../fixtures/platform-server.js'
import { type Shape, shapeOf } from '../fixtures/shape.js'
import { recipes } from './recipes.js'

/** Of what was returned more is no answer, but a client's own object. */
const MAX_LENGTH = 2_000
const directory = fileURLToPath(new URL('../../../../test/clients/fixtures/recorded', import.meta.url))
const named = process.argv.slice(2)
for (const [name, { packages, client }] of Object.entries(recipes)) {
  if (named.length > 0 && !named.includes(name)) continue
  const installed = install(packages)
  const require = createRequire(join(installed, 'package.json'))
  const load = async <T>(wanted: string) => (await import(pathToFileURL(require.resolve(wanted)).href)) as T
  const { version } = JSON.parse(readFileSync(join(installed, 'node_modules', name, 'package.json'), 'utf8'))
  const cases = await record(await client(load))
  const recording = { client: name, version, node: process.version, cases }
  const file = `${name.replace(/^@/, '').replaceAll('/', '-')}.json`
  writeFileSync(join(directory, file), `${JSON.stringify(recording, null, 2)}\n`)
  console.log(`${file}: ${Object.keys(cases).length} cases of ${name} ${version}`)
  rmSync(installed, { recursive: true })
}
// Some of them hold timers.
process.exit()

function install(packages: readonly string[]): string {
  const installed = mkdtempSync(join(tmpdir(), 'waq-record-'))
  writeFileSync(join(installed, 'package.json'), '{"private":true,"type":"module"}')
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent']
  execFileSync('npm', ['install', ...options, ...packages], { cwd: installed, stdio: 'inherit' })
  return installed
}

async function record(client: Client): Promise<Record<string, Shape>> {
  const ends: (() => unknown)[] = []
  const { senders } = await client.stage({ teardown: end => ends.push(end) })
  const cases: Record<string, Shape> = {}
  for (const [name, sender] of senders) {
    const shape = await outcomeOf(name, sender, client.takesSignal)
    if (shape !== undefined) cases[name] = shape
  }
  for (const end of ends.reverse()) await end()
  return cases
}

/** What was thrown or returned; undefined: neither, and the queue would cut it off. */
async function outcomeOf(name: string, sender: Sender, takesSignal: boolean): Promise<Shape> {
  if (name === 'aborted by the queue' && !takesSignal) return undefined
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new DOMException('too long', 'TimeoutError')), 1_000)
  const delivery: Delivery<{ text: string }> = {
    id: 'a',
    channel: name,
    payload: { text: textOf(name) },
    headers: {},
    sequence: 1,
    enqueuedAt: 0,
    attempt: 1,
    mayHaveBeenSent: false,
    signal: controller.signal,
    settlementOf: async () => undefined,
  }
  try {
    const returned = shapeOf(await sender(delivery))
    return { returned: JSON.stringify(returned).length > MAX_LENGTH ? null : returned }
  } catch (error) {
    return { thrown: shapeOf(error) }
  } finally {
    clearTimeout(timer)
  }
}
