import { Transport } from 'node-telegram-bot-api'
import type { Delivery } from 'waq'

interface BotOptions {
  token: string
  apiRoot?: string
  timeoutMs?: number
}

/**
 * Sends to Telegram with node-telegram-bot-api 2. By default it retries twice by itself and waits out limits of up to a
 * minute, unseen: that is switched off. Its methods take no signal, its transport does. The channel is
 * `telegram:<bot>:<chat>`; Telegram takes no idempotency key.
 */
export function botApiSender({ token, apiRoot, timeoutMs = 20_000 }: BotOptions) {
  const transport = new Transport(token, {
    maxRetries: 0,
    timeoutMs,
    ...(apiRoot !== undefined && { apiRoot }),
  })
  return async ({ channel, payload, signal }: Delivery<{ text: string }>) => {
    const body = { chat_id: channel.split(':').at(-1)!, text: payload.text }
    const { message_id } = await transport.request<{ message_id: number }>('sendMessage', body, signal)
    return message_id
  }
}
