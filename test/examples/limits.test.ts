import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { OutboundQueue } from 'waq'
import { limitsOf } from '../../docs/examples/limits.js'
import { CountingPlatform } from '../fixtures/counting-platform.js'

const many = (count: number, channel: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => channel(i))

/** Each platform by what it counts: of an account or of one chat, so many in so long. */
const platforms = [
  {
    name: 'Telegram',
    channels: [...many(70, i => `telegram:bot:${i % 40}`), ...many(6, i => `telegram:bot:-100:${i % 3}`)],
    counts: [
      { of: 'telegram:bot:', count: 30, perMs: 1_000 },
      { of: 'telegram:bot:-100:', count: 1, perMs: 1_000 },
      { of: 'telegram:bot:-100:', count: 20, perMs: 60_000 },
      { of: 'telegram:bot:7', count: 1, perMs: 1_000, exactly: true },
    ],
  },
  {
    name: 'Discord',
    channels: [...many(120, i => `discord:bot:${i % 60}`), ...many(8, () => 'discord:bot:busy')],
    counts: [
      { of: 'discord:bot:', count: 50, perMs: 1_000 },
      { of: 'discord:bot:busy', count: 5, perMs: 5_000 },
    ],
  },
  {
    name: 'Slack',
    channels: [...many(25, i => `slack:team:${i}`), ...many(4, () => 'slack:team:busy')],
    counts: [
      { of: 'slack:team:', count: 200, perMs: 60_000 },
      { of: 'slack:team:busy', count: 1, perMs: 1_000 },
    ],
  },
  {
    name: 'WhatsApp',
    channels: [...many(170, i => `whatsapp:number:${i % 85}`), ...many(10, () => 'whatsapp:number:busy')],
    counts: [
      { of: 'whatsapp:number:', count: 80, perMs: 1_000 },
      { of: 'whatsapp:number:busy', count: 10, perMs: 60_000 },
    ],
  },
  {
    name: 'e-mail',
    channels: many(45, i => `email:ses:${i}`),
    counts: [{ of: 'email:ses:', count: 14, perMs: 1_000 }],
  },
]

for (const { name, channels, counts } of platforms) {
  t.test(`${name} never counts more arrivals than its limits allow`, async t => {
    const directory = mkdtempSync(join(tmpdir(), 'waq-limits-'))
    // The network holds some up, and brings others at once.
    const platform = await CountingPlatform.start(() => Math.random() ** 3 * 150)
    const account = channels[0]!.split(':').slice(0, 2).join(':')
    const queue = await OutboundQueue.open<null, void>(join(directory, 'outbox'), {
      ...limitsOf([account]),
      async send({ id, channel, signal }) {
        const response = await fetch(platform.url, {
          method: 'POST',
          body: JSON.stringify({ id, channel }),
          signal,
        })
        await response.arrayBuffer()
      },
    })
    t.teardown(async () => {
      await queue.close()
      platform.stop()
      rmSync(directory, { recursive: true })
    })
    for (const channel of channels) await queue.enqueue({ channel, payload: null })
    await queue.drain()
    t.equal(platform.arrivals.length, channels.length)
    for (const { of, count, perMs, exactly } of counts as {
      of: string
      count: number
      perMs: number
      exactly?: true
    }[]) {
      const shortestMs = platform.shortestMs(count, channel =>
        exactly ? channel === of : channel.startsWith(of),
      )
      t.ok(shortestMs >= perMs, `${of}: ${count} in ${perMs} ms; one more took ${shortestMs}`)
    }
  })
}
