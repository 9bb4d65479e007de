import { LogLevel, WebClient } from '@slack/web-api'
import type { Delivery } from 'waq'

interface SlackOptions {
  token: string
  slackApiUrl?: string
  timeoutMs?: number
}

/**
 * Sends to Slack. By default the client retries for half an hour by itself and waits out rate limits, unseen: both
 * are switched off. The channel is `slack:<team>:<channel>`; Slack takes no idempotency key.
 */
export function slackSender({ token, slackApiUrl, timeoutMs = 20_000 }: SlackOptions) {
  const client = new WebClient(token, {
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    // What goes wrong is in the queue's events.
    logLevel: LogLevel.ERROR,
    timeout: timeoutMs,
    ...(slackApiUrl !== undefined && { slackApiUrl }),
  })
  return async ({ channel, payload }: Delivery<{ text: string }>) => {
    const { ts } = await client.chat.postMessage({ channel: channel.split(':').at(-1)!, text: payload.text })
    return ts
  }
}
