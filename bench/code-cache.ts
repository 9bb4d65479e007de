/**
 * What V8's code cache would spare a process: loading the package, opening a queue, its first message; with and without,
 * in turns, each in a process of its own. `npm run build && node dist/bench/code-cache.js [rounds]`
 *
 * From Node 22 on, `NODE_COMPILE_CACHE=<directory>` gives an application that for all of its modules.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import Module, { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Script } from 'node:vm'
import { median } from './method/statistics.js'
import { repository } from './repository.js'

type Mode = 'without' | 'with' | 'make'

interface Figures {
  load: number
  open: number
  enqueue: number
  delivered: number
}

const [, , argument, mode] = process.argv
if (mode === undefined) compare(Number(argument ?? 9))
else console.log(JSON.stringify(await measure(argument!, mode as Mode)))

function compare(rounds: number): void {
  const directory = mkdtempSync(join(tmpdir(), 'waq-code-cache-'))
  const cache = join(directory, 'cache')
  const run = (mode: Mode): Figures =>
    JSON.parse(
      execFileSync(process.execPath, [fileURLToPath(import.meta.url), cache, mode], { encoding: 'utf8' }),
    )
  run('make')
  const figures: Record<'without' | 'with', Figures[]> = { without: [], with: [] }
  for (let round = 0; round < rounds; round += 1)
    for (const mode of ['without', 'with'] as const) figures[mode].push(run(mode))
  for (const key of ['load', 'open', 'enqueue', 'delivered'] as const) {
    const [without, cached] = [figures.without, figures.with].map(each => median(each.map(of => of[key])))
    console.log(`${key.padEnd(10)} ${without!.toFixed(1)} ms, with a code cache ${cached!.toFixed(1)} ms`)
  }
  rmSync(directory, { recursive: true })
}

async function measure(cache: string, mode: Mode): Promise<Figures> {
  const file = join(repository, 'dist/package/index.cjs')
  const startedAt = performance.now()
  const cachedData = mode === 'with' ? readFileSync(cache) : undefined
  const script = new Script(Module.wrap(readFileSync(file, 'utf8')), {
    filename: file,
    ...(cachedData && { cachedData }),
  })
  if (script.cachedDataRejected) throw new Error('V8 has refused the cache.')
  const module = { exports: {} as typeof import('waq') }
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file))
  const load = performance.now() - startedAt

  const directory = mkdtempSync(join(tmpdir(), 'waq-code-cache-'))
  const openedAt = performance.now()
  const queue = await module.exports.OutboundQueue.open(directory, { send: async () => {} })
  const open = performance.now() - openedAt
  await sleep(100)
  const arrived = new Promise(resolve => queue.once('delivered', resolve))
  const enqueuedAt = performance.now()
  await queue.enqueue({ channel: 'telegram:4711', payload: { text: 'hello' } })
  const enqueue = performance.now() - enqueuedAt
  await arrived
  const delivered = performance.now() - enqueuedAt
  await queue.close()
  rmSync(directory, { recursive: true })
  if (mode === 'make') writeFileSync(cache, script.createCachedData())
  return { load, open, enqueue, delivered }
}
