import { Svix } from 'svix'
import { type Delivery, idempotencyKey } from 'waq'

interface SvixSenderOptions {
  token: string
  serverUrl?: string
  timeoutMs?: number
}

/**
 * Hands webhooks to Svix. By default its client retries twice by itself: that is switched off. Without a key of the
 * message's own it would make a new one for each attempt. It takes no signal. The channel is `svix:<application>`.
 */
export function svixSender({ token, serverUrl, timeoutMs = 20_000 }: SvixSenderOptions) {
  const svix = new Svix(token, {
    // Not `numRetries: 0`, which it takes for nothing said.
    retryScheduleInMs: [],
    requestTimeout: timeoutMs,
    ...(serverUrl !== undefined && { serverUrl }),
  })
  return async ({ id, channel, payload }: Delivery<{ eventType: string; payload: object }>) => {
    const application = channel.slice('svix:'.length)
    const key = idempotencyKey(id)
    const event = { ...payload, eventId: key }
    return (await svix.message.create(application, event, { idempotencyKey: key })).id
  }
}
