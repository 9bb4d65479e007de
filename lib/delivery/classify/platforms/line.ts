import type { ErrorRule } from '../protocols/meaning.js'

/**
 * LINE answers 409 to a request with an `X-Line-Retry-Key` that it accepted before, with the id of the one
 * that it took: https://developers.line.biz/en/docs/messaging-api/retrying-api-request/
 */
export const lineAccepted: ErrorRule = ({ status, headers }) =>
  status === 409 && headers.has('x-line-accepted-request-id')
    ? { means: 'delivered', reason: 'LINE accepted this request before' }
    : undefined
