/**
 * Claims: on a queue with 1,000,000 pending messages the first line of `waq ls` comes in under a second, and the memory
 * of `ls`, `dump`, `verify` and `stats` is flat: as much for a million messages as for a tenth of them, and no more
 * where their payloads are larger.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { OutboundQueue } from '../../lib/index.js'
import { inDirectory, mebibytes, messageOf, messagesOf, printTable, scaled, withRoles } from './scale.js'

const COUNTS = [scaled(20_000, 100_000), scaled(100_000, 500_000), scaled(200_000, 1_000_000)]
const LARGE = scaled(20_000, 100_000)
const LARGE_BYTES = 5_000
const LIST = 1000
const WAQ = fileURLToPath(new URL('../../bin/waq.js', import.meta.url))

const roles = {
  async fill(input: { directory: string; pending: number; settled: number; bytes?: number }): Promise<void> {
    const queue = await OutboundQueue.open<{ text: string }, void>(input.directory, {
      concurrency: 256,
      durability: 'os',
      advanced: { autoCompact: false },
      send: async () => {},
    })
    for (let sent = 0; sent < input.settled; sent += LIST) {
      await queue.enqueue(messagesOf(sent, LIST))
      await queue.drain()
    }
    queue.pause()
    const text = 'x'.repeat(input.bytes ?? 500)
    for (let sent = 0; sent < input.pending; sent += LIST) {
      await queue.enqueue(
        Array.from({ length: LIST }, (_, i) => ({ ...messageOf(sent + i), payload: { text } })),
      )
    }
    await queue.close()
  },
}

interface Looked {
  readonly firstLineMs: number
  readonly ms: number
  /** Undefined where the system does not tell. */
  readonly peakBytes: number | undefined
}

/** `head`: reads one line and goes away, as `| head -1` does. */
function look(args: readonly string[], head = false): Promise<Looked> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [WAQ, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let firstLineMs: number | undefined
  let peakBytes: number | undefined
  const sample = (): void => {
    peakBytes = peakOf(child.pid!) ?? peakBytes
  }
  // The highest mark only rises, so the last look before the end is what counts.
  const timer = setInterval(sample, 5)
  child.stdout.on('data', (chunk: Buffer) => {
    if (firstLineMs !== undefined || !chunk.includes('\n')) return
    firstLineMs = performance.now() - startedAt
    sample()
    if (head) child.stdout.destroy()
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', status => {
      clearInterval(timer)
      const ms = performance.now() - startedAt
      if (status === 0) resolve({ firstLineMs: firstLineMs ?? ms, ms, peakBytes })
      else reject(new Error(`waq ${args.join(' ')} ended with ${status}`))
    })
  })
}

function peakOf(pid: number): number | undefined {
  try {
    const kibibytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
  } catch {
    return undefined // it has ended, or there is no /proc
  }
}

await withRoles(import.meta.filename, roles, run =>
  inDirectory(async parent => {
    const row = async (
      what: string,
      args: readonly string[],
      head = false,
    ): Promise<Record<string, string | number>> => {
      const { firstLineMs, ms, peakBytes } = await look(args, head)
      return {
        what,
        'first line ms': firstLineMs,
        'whole ms': ms,
        'peak MiB': peakBytes === undefined ? '-' : mebibytes(peakBytes),
      }
    }
    const queues = [
      ...COUNTS.map(pending => ({ name: `${pending} pending`, pending, settled: 0 })),
      { name: `1,000 pending, ${COUNTS[0]} settled`, pending: LIST, settled: COUNTS[0]! },
      { name: `1,000 pending, ${COUNTS[1]} settled`, pending: LIST, settled: COUNTS[1]! },
      { name: `${LARGE} pending of ${LARGE_BYTES} bytes`, pending: LARGE, settled: 0, bytes: LARGE_BYTES },
    ]
    for (const [nth, { name, ...facts }] of queues.entries()) {
      const directory = join(parent, String(nth))
      await run('fill', { directory, ...facts })
      printTable(name, [
        await row('ls', ['ls', directory]),
        await row('ls --json', ['ls', '--json', directory]),
        await row('ls | head -1', ['ls', directory], true),
        await row('stats', ['stats', directory]),
        await row('verify', ['verify', directory]),
        await row('dump', ['dump', directory]),
      ])
    }
  }),
)
