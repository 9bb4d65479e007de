import axios from 'axios'
import type { Delivery } from 'waq'

/**
 * Posts to an endpoint with axios, which retries nothing by itself: leave out `axios-retry`. It takes an answer of 200
 * that is no JSON for a text, and does not complain.
 */
export function axiosSender(url: string, timeoutMs = 20_000) {
  return ({ id, payload, signal }: Delivery<unknown>) =>
    axios.post(url, payload, {
      headers: { 'webhook-id': id, 'idempotency-key': id },
      maxRedirects: 0,
      timeout: timeoutMs,
      signal,
    })
}
