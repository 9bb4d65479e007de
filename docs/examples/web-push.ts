import type { Agent } from 'node:https'
import type { Delivery } from 'waq'
import webPush, { type PushSubscription } from 'web-push'

interface PushOptions {
  vapidDetails: { subject: string; publicKey: string; privateKey: string }
  /** Where subscriptions are kept: by channel, and never in a payload, for they are secrets. */
  subscriptionOf: (channel: string) => PushSubscription
  timeoutMs?: number
  agent?: Agent
}

/**
 * Sends notifications to browsers with web-push, which retries nothing by itself. A push service takes no idempotency
 * key, but of two messages of one `topic` that wait for the device it keeps the later. It takes no signal.
 */
export function webPushSender({ vapidDetails, subscriptionOf, timeoutMs = 20_000, agent }: PushOptions) {
  return ({ channel, payload }: Delivery<{ title: string; topic?: string }>) =>
    webPush.sendNotification(subscriptionOf(channel), JSON.stringify(payload), {
      vapidDetails,
      timeout: timeoutMs,
      ...(payload.topic !== undefined && { topic: payload.topic }),
      ...(agent !== undefined && { agent }),
    })
}
