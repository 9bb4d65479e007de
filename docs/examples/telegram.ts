import { Api } from 'grammy'
import type { Delivery } from 'waq'

interface TelegramOptions {
  token: string
  apiRoot?: string
  timeoutSeconds?: number
}

/** grammY names a class of its own; Node's signal works as one. */
type Signal = Parameters<Api['sendMessage']>[3]

/**
 * Sends to Telegram with grammY, which retries nothing by itself: leave out its plugin `auto-retry`.
 * The channel is `telegram:<bot>:<chat>`; Telegram takes no idempotency key.
 */
export function telegramSender({ token, apiRoot, timeoutSeconds = 20 }: TelegramOptions) {
  const api = new Api(token, { timeoutSeconds, ...(apiRoot !== undefined && { apiRoot }) })
  return async ({ channel, payload, signal }: Delivery<{ text: string }>) => {
    const chat = channel.split(':').at(-1)!
    const { message_id } = await api.sendMessage(chat, payload.text, {}, signal as Signal)
    return message_id
  }
}
