/**
 * E-mail through an SMTP server, with nodemailer.
 *
 *     SMTP_URL=smtps://user:password@mail.example.com node email.js ada@example.com 'Subject' 'Text'
 */
import { createTransport } from 'nodemailer'
import { type Delivery, idempotencyKey, OutboundQueue } from 'waq'

interface Mail {
  from: string
  to: string
  subject: string
  text: string
}

const transport = createTransport(process.env.SMTP_URL ?? 'smtp://localhost:25')

async function send({ id, payload }: Delivery<Mail>) {
  const domain = payload.from.split('@').at(-1)
  // SMTP has no idempotency key. Many mailboxes show two mails of the same Message-ID as one.
  const { messageId } = await transport.sendMail({
    ...payload,
    messageId: `<${idempotencyKey(id)}@${domain}>`,
  })
  return messageId
}

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

const queue = await OutboundQueue.open(process.env.OUTBOX ?? './outbox', {
  send,
  // A reply 4yz says "later" (RFC 5321, 4.2.1): servers that greylist want to be asked again after some minutes.
  retry: [SECOND, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, 24 * HOUR],
  concurrency: 4,
})
queue.on('dead', ({ channel, reason, error }) =>
  console.error(`${channel}: given up (${reason}), ${error instanceof Error ? error.message : 'no error'}`),
)

const [to = '', subject = '', text = ''] = process.argv.slice(2)
// Mails need no order among themselves, so each receiver is a channel.
await queue.enqueue({
  channel: `email:${to}`,
  payload: { from: process.env.MAIL_FROM ?? 'bot@example.com', to, subject, text },
})
// Waits for retries too. When it is stopped earlier, the next run goes on.
await queue.drain()
await queue.close()
transport.close()
