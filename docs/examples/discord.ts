import { REST } from '@discordjs/rest'
import { type Delivery, idempotencyKey } from 'waq'

interface DiscordOptions {
  token: string
  api?: string
  timeoutMs?: number
}

/**
 * Sends to Discord. By default the client retries three times by itself and waits out rate limits, unseen: both are
 * switched off. With `enforce_nonce`, Discord answers a message that it has already with the one that it has.
 */
export function discordSender({ token, api, timeoutMs = 20_000 }: DiscordOptions) {
  const rest = new REST({
    version: '10',
    retries: 0,
    rejectOnRateLimit: () => true,
    timeout: timeoutMs,
    ...(api !== undefined && { api }),
  })
  return async ({ id, channel, payload, signal }: Delivery<{ text: string }>) => {
    const body = { content: payload.text, nonce: idempotencyKey(id, 25), enforce_nonce: true }
    // Each time: after one 401 the client forgets its token, and no probe could find out that it is good again.
    rest.setToken(token)
    return rest.post(`/channels/${channel.split(':').at(-1)}/messages`, { body, signal })
  }
}
