/**
 * Sends one message to Slack and waits until it is delivered or given up. When it is interrupted, the message stays,
 * and is sent by the next run.
 *
 *     SLACK_TOKEN=xoxb-… node slack-notify.js C0123456789 'The backup is done'
 */
import { OutboundQueue } from 'waq'
import { slackSender } from './slack.js'

const [channelId = '', text = ''] = process.argv.slice(2)
const slackApiUrl = process.env.SLACK_API_URL

const queue = await OutboundQueue.open(process.env.OUTBOX ?? './outbox', {
  send: slackSender({
    token: process.env.SLACK_TOKEN ?? '',
    ...(slackApiUrl !== undefined && { slackApiUrl }),
  }),
  // About one message a second to a channel.
  rateLimit: { perChannel: { count: 1, perMs: 1_000 } },
  // No one wants to read tomorrow that yesterday's backup is done.
  ttlMs: 12 * 3_600_000,
})

const { id } = await queue.enqueue({ channel: `slack:main:${channelId}`, payload: { text } })
const { state, deadReason, lastError, result } = await queue.settled(id)
if (state === 'delivered') {
  console.log(`delivered as ${result}`)
} else {
  console.error(`not delivered (${deadReason}): ${lastError?.message}`)
  process.exitCode = 1
}
await queue.close()
