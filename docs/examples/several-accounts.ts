/**
 * Several bots on several platforms in one queue. Each account is a group: a revoked token, a platform that hangs and
 * a rate limit stop this account's chats, and no others.
 *
 *     ACCOUNTS='{"telegram:support":{"token":"…"},"discord:news":{"token":"…"}}' node several-accounts.js < messages.jsonl
 *
 * Each line: {"account":"telegram:support","chat":"42","text":"Hello"}
 */
import { createInterface } from 'node:readline'
import { type Delivery, OutboundQueue, SendError } from 'waq'
import { discordSender } from './discord.js'
import { telegramSender } from './telegram.js'

interface Text {
  text: string
}
interface Account {
  token: string
  api?: string
}

const accounts: Record<string, Account> = JSON.parse(process.env.ACCOUNTS ?? '{}')
const senders = new Map(Object.entries(accounts).map(([name, account]) => [name, senderFor(name, account)]))

function senderFor(name: string, { token, api }: Account): (delivery: Delivery<Text>) => Promise<unknown> {
  const [platform] = name.split(':')
  if (platform === 'telegram') return telegramSender({ token, ...(api !== undefined && { apiRoot: api }) })
  if (platform === 'discord') return discordSender({ token, ...(api !== undefined && { api }) })
  throw new Error(`${name}: there is no sender for ${platform}`)
}

/** `telegram:support:42` belongs to the account `telegram:support`. */
const accountOf = (channel: string) => channel.split(':', 2).join(':')

const queue = await OutboundQueue.open(process.env.OUTBOX ?? './outbox', {
  send: (delivery: Delivery<Text>) => {
    const sender = senders.get(accountOf(delivery.channel))
    // The configuration lacks it, which is not the message's fault: it waits, and nothing is charged.
    if (sender === undefined)
      throw new SendError('the account is not configured', { kind: 'halt', scope: 'channel' })
    return sender(delivery)
  },
  groups: Object.fromEntries(
    Object.keys(accounts).map(name => [
      `${name}:*`,
      { concurrency: 8, rateLimit: { count: name.startsWith('telegram:') ? 30 : 50, perMs: 1_000 } },
    ]),
  ),
})
queue.on('halted', ({ target, reason }) =>
  console.error(`${target} is halted: ${reason ?? 'no reason given'}`),
)
queue.on('resumed', ({ target }) => console.error(`${target} goes on`))

for await (const line of createInterface({ input: process.stdin })) {
  const { account, chat, text } = JSON.parse(line)
  await queue.enqueue({ channel: `${account}:${chat}`, payload: { text } })
}
const { remaining } = await queue.drain()
console.log(`${remaining} messages wait`)
await queue.close()
