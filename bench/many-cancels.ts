/**
 * What it costs to cancel many messages at once, beside what it cost to enqueue them: processor time and milliseconds,
 * medians of rounds in processes of their own. `npm run build && node dist/bench/many-cancels.js [messages] [rounds]`
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OutboundQueue } from 'waq'
import { median } from './method/statistics.js'

type Cost = { cpuMs: number; ms: number }
type Round = { enqueue: Cost; cancel: Cost }

const messages = Number(process.argv[2] ?? 50_000)
if (process.argv[3] === 'round') console.log(JSON.stringify(await round()))
else compare(Number(process.argv[3] ?? 5))

function compare(rounds: number): void {
  const script = [fileURLToPath(import.meta.url), String(messages), 'round']
  const results = Array.from(
    { length: rounds },
    (): Round => JSON.parse(execFileSync(process.execPath, script, { encoding: 'utf8' })),
  )
  for (const what of ['enqueue', 'cancel'] as const) {
    const [cpuMs, ms] = (['cpuMs', 'ms'] as const).map(key =>
      median(results.map(of => of[what][key])).toFixed(0),
    )
    console.log(`${messages} × ${what}: ${cpuMs} ms of processor time, ${ms} ms`)
  }
}

async function round(): Promise<Round> {
  const directory = mkdtempSync(join(tmpdir(), 'waq-cancels-'))
  const queue = await OutboundQueue.open(directory)
  const ids = Array.from({ length: messages }, (_, nth) => `message-${nth}`)
  const message = (id: string) => ({ id, channel: `chat:${id.length}`, payload: { text: 'hello' } })
  const enqueue = await cost(() => Promise.all(ids.map(id => queue.enqueue(message(id)))))
  const cancel = await cost(() => Promise.all(ids.map(id => queue.cancel(id))))
  await queue.close()
  rmSync(directory, { recursive: true })
  return { enqueue, cancel }
}

async function cost(work: () => Promise<unknown>): Promise<Cost> {
  const before = process.cpuUsage()
  const startedAt = performance.now()
  await work()
  const { user, system } = process.cpuUsage(before)
  return { cpuMs: (user + system) / 1e3, ms: performance.now() - startedAt }
}
