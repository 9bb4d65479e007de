import { Telegram } from 'telegraf'
import type { Delivery } from 'waq'

interface TelegrafOptions {
  token: string
  apiRoot?: string
}

/** Telegraf names a class of its own; Node's signal works as one. */
type CallOptions = Parameters<Telegram['callApi']>[2]

/**
 * Sends to Telegram with Telegraf, which retries nothing by itself. `sendMessage` takes no signal, `callApi` does; its own
 * time-out is fixed at 500 s. The channel is `telegram:<bot>:<chat>`; Telegram takes no idempotency key.
 */
export function telegrafSender({ token, apiRoot }: TelegrafOptions) {
  const telegram = new Telegram(token, { ...(apiRoot !== undefined && { apiRoot }) })
  return async ({ channel, payload, signal }: Delivery<{ text: string }>) => {
    const body = { chat_id: channel.split(':').at(-1)!, text: payload.text }
    const { message_id } = await telegram.callApi('sendMessage', body, { signal } as CallOptions)
    return message_id
  }
}
