import t from 'tap'
import { isOutage } from '../../../lib/delivery/classify/outage.js'
import { SendError } from '../../../lib/delivery/errors/send-error.js'

const error = (properties: object) => Object.assign(new Error('x'), properties)

t.test('a missing connection, a timeout, 502, 503 and 504 are signs of an outage', async t => {
  for (const sign of [
    { status: 502 },
    { status: 503 },
    error({ response: { status: 504 } }),
    new TypeError('fetch failed', { cause: error({ code: 'ECONNREFUSED', syscall: 'connect' }) }),
    new DOMException('send did not settle', 'TimeoutError'),
    error({ code: 'UND_ERR_HEADERS_TIMEOUT' }),
    error({ code: 'ECONNRESET' }),
    error({ code: 'EOPENBREAKER' }),
    error({ code: 'EENVELOPE', responseCode: 421, command: 'MAIL FROM' }),
    error({ code: 14, details: 'No connection established' }),
    new SendError('not sent', { kind: 'retry' }, { cause: error({ code: 'ECONNREFUSED' }) }),
  ])
    t.equal(isOutage(sign), true)
})

t.test('an answer of the receiver and an unknown error are no signs of an outage', async t => {
  for (const other of [
    { status: 400 },
    { status: 401 },
    { status: 429 },
    { status: 503, headers: { 'retry-after': '3' } },
    { status: 500 },
    new SendError('HTTP 502', { kind: 'retry' }),
    new Error('x'),
    new DOMException('The queue is closing.', 'AbortError'),
    undefined,
  ])
    t.equal(isOutage(other), false)
})
