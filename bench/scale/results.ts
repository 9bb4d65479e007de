/**
 * Measures: what an opening with 100,000 results of 200 bytes takes, beside one with the same ids without results, and the
 * memory that a result takes. In turns, each opening in a process of its own.
 */
import { join } from 'node:path'
import { OutboundQueue } from '../../lib/index.js'
import {
  inDirectory,
  mebibytes,
  median,
  memoryAfterGc,
  messagesOf,
  printTable,
  scaled,
  withRoles,
} from './scale.js'

const DELIVERED = scaled(20_000, 100_000)
const RESULT_BYTES = 200
const ROUNDS = scaled(3, 5)
const LIST = 1000
const KEEP = { maxTotalBytes: 64 * 1024 * 1024 }

interface Opened {
  ms: number
  cpuMs: number
  bufferBytes: number
}

const roles = {
  async fill(input: { directory: string; keeps: boolean }): Promise<{ diskBytes: number }> {
    const result = 'x'.repeat(RESULT_BYTES - 2)
    const queue = await OutboundQueue.open(input.directory, {
      keepResults: input.keeps ? KEEP : undefined,
      send: () => (input.keeps ? result : undefined),
    })
    for (let sent = 0; sent < DELIVERED; sent += LIST) await queue.enqueue(messagesOf(sent, LIST))
    await queue.drain()
    const { after } = await queue.compact()
    await queue.close()
    return after
  },

  async open(input: { directory: string; keeps: boolean }): Promise<Opened> {
    const { externalBytes } = await memoryAfterGc()
    const startedAt = performance.now()
    const before = process.cpuUsage()
    const queue = await OutboundQueue.open(input.directory, { keepResults: input.keeps ? KEEP : undefined })
    const ms = performance.now() - startedAt
    const { user, system } = process.cpuUsage(before)
    const bufferBytes = (await memoryAfterGc()).externalBytes - externalBytes
    await queue.close()
    return { ms, cpuMs: (user + system) / 1000, bufferBytes }
  },
}

await withRoles(import.meta.filename, roles, run =>
  inDirectory(async parent => {
    const queues = [false, true].map(keeps => ({ keeps, directory: join(parent, String(keeps)) }))
    const diskBytes: number[] = []
    for (const queue of queues) diskBytes.push((await run('fill', queue)).diskBytes)
    const opened = queues.map(() => [] as Opened[])
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, queue] of queues.entries()) opened[i]!.push(await run('open', queue))
    }
    const rows = queues.map(({ keeps }, i) => ({
      queue: keeps ? `with a result of ${RESULT_BYTES} bytes each` : 'ids alone',
      ms: median(opened[i]!.map(({ ms }) => ms)),
      'CPU ms': median(opened[i]!.map(({ cpuMs }) => cpuMs)),
      'buffer bytes a message': median(opened[i]!.map(({ bufferBytes }) => bufferBytes)) / DELIVERED,
      'MiB on disk': mebibytes(diskBytes[i]!),
    }))
    printTable(`Opening with ${DELIVERED} settled messages, medians of ${ROUNDS}`, rows)
  }),
)
