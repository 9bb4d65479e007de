/**
 * A Telegram bot whose replies survive its death: it answers each message, and an answer that was enqueued is sent
 * after the next start, in order, once per update.
 *
 *     TELEGRAM_TOKEN=123456:… node telegram-bot.js
 */
import { Bot } from 'grammy'
import { OutboundQueue } from 'waq'
import { telegramSender } from './telegram.js'

const token = process.env.TELEGRAM_TOKEN ?? ''
const apiRoot = process.env.TELEGRAM_API_ROOT ?? 'https://api.telegram.org'

// What Telegram allows in a group.
const GROUP_CHAT = [
  { count: 1, perMs: 1_000 },
  { count: 20, perMs: 60_000 },
]

const queue = await OutboundQueue.open(process.env.OUTBOX ?? './outbox', {
  send: telegramSender({ token, apiRoot }),
  // What it allows a bot.
  groups: { 'telegram:echo:*': { rateLimit: { count: 30, perMs: 1_000 } } },
  // The id of a group is negative.
  channelOptions: channel => (channel.split(':').at(-1)!.startsWith('-') ? { rateLimit: GROUP_CHAT } : {}),
})

queue.on('dead', ({ id, channel, reason }) => console.error(`${channel}: ${id} was given up (${reason})`))
queue.on('halted', ({ target, reason }) =>
  console.error(`${target} is halted: ${reason ?? 'no reason given'}`),
)
queue.on('error', error => console.error(error.message))

const bot = new Bot(token, { client: { apiRoot } })

bot.on('message:text', async ({ chat, message, update }) => {
  await queue.enqueue(
    {
      // An update that arrives again after a crash is not answered again.
      id: `update-${update.update_id}`,
      channel: `telegram:echo:${chat.id}`,
      payload: { text: `You said: ${message.text}` },
    },
    { onConflict: 'keep-first' },
  )
})

bot.catch(({ error }) => console.error(error))

// `on`, not `once`: the lock's own exit handler would otherwise end the process before `close` is done.
let stopping = false
async function stop() {
  if (stopping) return
  stopping = true
  await bot.stop()
  await queue.close()
}
process.on('SIGTERM', stop)
process.on('SIGINT', stop)

await bot.start({ onStart: () => console.log('ready') })
