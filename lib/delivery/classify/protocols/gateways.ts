import { property } from '../../errors/property.js'
import type { ErrorRule } from './meaning.js'

/**
 * What a gateway answers when it never passed the request on: it had no upstream, or no connection. Any other
 * answer may follow a request that was passed on. If Envoy "retried", the first try may have been passed on.
 */
const ANSWERS: readonly (readonly [status: number, body: RegExp, source: string])[] = [
  [503, /^no healthy upstream/, 'Envoy, response flag UH'],
  [
    503,
    /^upstream connect error or disconnect\/reset before headers\. reset reason: (?:(?:local |remote )?connection (?:failure|timeout)|overflow|remote refused stream reset)/,
    'Envoy, response flags UF and UO',
  ],
  [
    503,
    /^\s*(?:<[^>]{1,20}>\s*){0,5}503 Service Unavailable<\/h1>\s*No server is available to handle this request\./,
    'HAProxy',
  ],
  [503, /^no available server\s*$/, 'Traefik'],
  [
    530,
    /\berror code: (?:1001|1016|1033)\b/i,
    'developers.cloudflare.com, 1xxx errors: no address, no tunnel',
  ],
]

const TEXTS: readonly string[] = ['body', 'data', 'text', 'responseBody', 'message', 'error']
const MAX_LENGTH = 1_000

/** The same for a gRPC call, whose code is then 14. */
export function isNotPassedOn(text: string): boolean {
  const start = text.slice(0, MAX_LENGTH)
  return ANSWERS.some(([of, body]) => of === 503 && body.test(start))
}

export const notPassedOn: ErrorRule = ({ status, places, waitMs }) => {
  const answers = ANSWERS.filter(([of]) => of === status)
  // An answer that says when to come back is obeyed.
  if (answers.length === 0 || waitMs !== undefined) return undefined
  for (const place of places) {
    for (const name of TEXTS) {
      const text = property(place, name)
      if (typeof text !== 'string') continue
      const start = text.slice(0, MAX_LENGTH)
      if (answers.some(([, body]) => body.test(start))) return { means: 'unreachable' }
    }
  }
  return undefined
}
