/**
 * Sends each line of standard input to a Discord channel, in order.
 *
 *     tail -f build.log | DISCORD_TOKEN=… node discord-notify.js 1234567890
 */
import { createInterface } from 'node:readline'
import { OutboundQueue } from 'waq'
import { discordSender } from './discord.js'

const [channelId = ''] = process.argv.slice(2)
const api = process.env.DISCORD_API

const queue = await OutboundQueue.open(process.env.OUTBOX ?? './outbox', {
  send: discordSender({ token: process.env.DISCORD_TOKEN ?? '', ...(api !== undefined && { api }) }),
  // 5 messages in 5 s to a channel, and 50 requests a second for a bot.
  rateLimit: { perChannel: { count: 5, perMs: 5_000 }, global: { count: 50, perMs: 1_000 } },
})
queue.on('dead', ({ id, reason, error }) => console.error(`${id} was given up (${reason})`, error))

for await (const line of createInterface({ input: process.stdin })) {
  if (line.trim() === '') continue
  // Discord takes 2,000 characters.
  await queue.enqueue({ channel: `discord:main:${channelId}`, payload: { text: line.slice(0, 2_000) } })
}

// Waits for retries too, not for a halt.
const { remaining } = await queue.drain()
if (remaining > 0) console.error(`${remaining} messages wait; the next run goes on with them`)
await queue.close()
