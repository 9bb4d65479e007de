import type { Delivery } from 'waq'

/**
 * Posts to an endpoint with `fetch`. A response whose `ok` is false may be returned as it is: the queue reads it. The
 * receiver tells a duplicate by `webhook-id` (https://www.standardwebhooks.com) or `Idempotency-Key`.
 */
export function webhookSender(url: string) {
  return async ({ id, payload, signal }: Delivery<unknown>) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'webhook-id': id, 'idempotency-key': id },
      body: JSON.stringify(payload),
      redirect: 'manual',
      signal,
    })
    // Unread, it would hold its connection; and whatever becomes of it, the message was taken.
    if (response.ok) response.body?.cancel().catch(() => {})
    return response
  }
}
