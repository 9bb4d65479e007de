import sendgrid from '@sendgrid/mail'
import type { Delivery } from 'waq'

interface Mail {
  from: string
  to: string
  subject: string
  text: string
}

interface SendGridOptions {
  key: string
  timeoutMs?: number
  /** Default: the one that the package has made, which knows one account. */
  mail?: typeof sendgrid
}

/** Sends mail through SendGrid, whose client retries nothing by itself. It takes no idempotency key, and no signal. */
export function sendgridSender({ key, timeoutMs = 20_000, mail = sendgrid }: SendGridOptions) {
  mail.setApiKey(key)
  mail.setTimeout(timeoutMs)
  return async ({ payload }: Delivery<Mail>) => {
    const [{ headers }] = await mail.send(payload)
    return (headers as Record<string, string>)['x-message-id']
  }
}
