/**
 * A bot whose chats move and whose users block it. A group that becomes a supergroup goes on under its new id, with all
 * that waits for it; of a user who blocked the bot nothing more is tried, until he writes again.
 *
 *     node moved-and-blocked.js ./outbox https://api.telegram.org/bot<token> < chats-and-texts.txt
 */
import { createInterface } from 'node:readline'
import { OutboundQueue } from 'waq'

interface TelegramError extends Error {
  migrateTo?: number
}

const [directory = './outbox', api = ''] = process.argv.slice(2)
const channelOf = (chat: number | string): string => `telegram:bot:${chat}`

const queue = await OutboundQueue.open<string>(directory, {
  // The address comes from the channel: its name is the one that the chat has now.
  async send({ channel, payload, signal }) {
    const response = await fetch(`${api}/sendMessage`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ chat_id: Number(channel.split(':').at(-1)), text: payload }),
      signal,
    })
    const answer = (await response.json()) as {
      ok: boolean
      description?: string
      parameters?: { migrate_to_chat_id?: number }
    }
    if (answer.ok) return
    const { description, parameters } = answer
    const error: TelegramError = Object.assign(new Error(description), { status: response.status })
    throw Object.assign(error, { migrateTo: parameters?.migrate_to_chat_id })
  },
  classify(error) {
    const { migrateTo, message } = error as TelegramError
    if (migrateTo !== undefined) return { kind: 'moved', channel: channelOf(migrateTo) }
    // One refusal means that all later ones follow.
    return /blocked by the user|user is deactivated/.test(message)
      ? { kind: 'permanent', scope: 'channel' }
      : undefined
  },
})

// Where the program keeps the addresses of chats, it learns the new one here.
queue.on('moved', ({ from, to }) => console.log(`${from} is ${to} now`))
queue.on('closed', ({ channel, count, reason }) => console.log(`${channel}: ${count} dropped (${reason})`))

// Each line is a chat and a text: all are on disk before the first is sent.
await queue.pause()
for await (const line of createInterface({ input: process.stdin })) {
  const [chat = '', ...text] = line.split(' ')
  await queue.enqueue({ channel: channelOf(chat), payload: text.join(' ') })
}
await queue.resume()
await queue.drain()
console.log(`${queue.stats().delivered} sent, ${queue.stats().dead} kept as dead letters`)
await queue.close()
