import got from 'got'
import type { Delivery } from 'waq'

/**
 * Posts to an endpoint with got. By default it retries some methods twice by itself: that is switched off for all. A
 * redirect that it does not follow is no error to got; the queue reads its status where the response is returned.
 */
export function gotSender(url: string, timeoutMs = 20_000) {
  return ({ id, payload, signal }: Delivery<unknown>) =>
    got.post(url, {
      json: payload,
      headers: { 'webhook-id': id, 'idempotency-key': id },
      retry: { limit: 0 },
      followRedirect: false,
      timeout: { request: timeoutMs },
      signal,
    })
}
