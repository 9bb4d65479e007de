import { Resend } from 'resend'
import { type Delivery, idempotencyKey } from 'waq'

interface Mail {
  from: string
  to: string
  subject: string
  text: string
}

/**
 * Sends mail through Resend, which retries nothing by itself, and never throws: what went wrong stands in `error` of what
 * it returns. Return all of it, for the wait that it was told stands in its `headers`. It keeps a key for a day.
 */
export function resendSender({ key, baseUrl }: { key: string; baseUrl?: string }) {
  const resend = new Resend(key, { ...(baseUrl !== undefined && { baseUrl }) })
  return ({ id, payload, signal }: Delivery<Mail>) =>
    resend.emails.send(payload, { idempotencyKey: idempotencyKey(id), signal })
}
