/**
 * What 100,000 channels with a stuck head cost one healthy channel: its deliveries beside them, against its
 * deliveries alone. `node dist/bench/stuck-channels.js [channels] [messages a round] [rounds]`
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OutboundQueue, SendError } from '../lib/index.js'

const [stuckChannels = 100_000, messagesPerRound = 2_000, rounds = 9] = process.argv.slice(2).map(Number)
/** Enqueued at once: a list is one commit. */
const LIST_LENGTH = 10_000
const HOUR_MS = 3_600_000

const directory = mkdtempSync(join(tmpdir(), 'waq-stuck-'))
try {
  const alone = await open('alone')
  const beside = await open('beside')
  const startedAt = performance.now()
  await stick(beside)
  const { pending, retried } = beside.stats()
  console.log(
    `${pending} messages wait in ${retried} channels whose head failed; it took ${seconds(startedAt)} s to get there`,
  )
  const perSecond: { alone: number[]; beside: number[] } = { alone: [], beside: [] }
  // In turns, so that whatever else the machine does falls on both. The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    const figures = { alone: await deliver(alone), beside: await deliver(beside) }
    if (round === 0) continue
    perSecond.alone.push(figures.alone)
    perSecond.beside.push(figures.beside)
  }
  const [without, withStuck] = [median(perSecond.alone), median(perSecond.beside)]
  console.log(`alone:  ${Math.round(without)} messages a second, one after another in one channel`)
  console.log(`beside: ${Math.round(withStuck)} messages a second`)
  console.log(`ratio:  ${(withStuck / without).toFixed(3)} (median of ${rounds} rounds each; 1 is no cost)`)
  await Promise.all([alone.close(), beside.close()])
} finally {
  rmSync(directory, { recursive: true, force: true })
}

function open(name: string): Promise<OutboundQueue<null, unknown>> {
  return OutboundQueue.open(join(directory, name), {
    durability: 'os',
    concurrency: 256,
    send: ({ channel }): unknown => {
      if (channel !== 'healthy') throw new SendError('stuck', { kind: 'retry', afterMs: HOUR_MS })
      return undefined
    },
  })
}

/** Each channel gets a head that fails, and one message behind it. */
async function stick(queue: OutboundQueue<null, unknown>): Promise<void> {
  const names = Array.from({ length: stuckChannels }, (_, at) => `stuck:${at}`)
  const messages = names.flatMap(channel => [
    { channel, payload: null },
    { channel, payload: null },
  ])
  for (let at = 0; at < messages.length; at += LIST_LENGTH)
    await queue.enqueue(messages.slice(at, at + LIST_LENGTH))
  let failed = queue.stats().retried
  if (failed === stuckChannels) return
  await new Promise<void>(resolve => {
    queue.on('retry', () => {
      failed += 1
      if (failed === stuckChannels) resolve()
    })
  })
  queue.removeAllListeners('retry')
}

/** Messages a second, each enqueued when the one before it was delivered. */
async function deliver(queue: OutboundQueue<null, unknown>): Promise<number> {
  const startedAt = performance.now()
  for (let nth = 0; nth < messagesPerRound; nth++) {
    const { id } = await queue.enqueue({ channel: 'healthy', payload: null })
    await queue.settled(id)
  }
  return messagesPerRound / ((performance.now() - startedAt) / 1000)
}

function median(figures: readonly number[]): number {
  return figures.toSorted((one, other) => one - other)[Math.floor(figures.length / 2)]!
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(1)
}
