import t from 'tap'
import { recordedError } from '../../../lib/delivery/errors/recorded-error.js'
import { ResponseError } from '../../../lib/delivery/returned/response-error.js'
import { revoked } from '../fixtures/revoked.js'

t.test('the recorded fields of an error are bounded', async t => {
  const error = Object.assign(new Error('x'.repeat(100_000)), {
    name: 'n'.repeat(1_000),
    code: 'c'.repeat(1_000),
  })
  const recorded = recordedError(error, 7)
  t.equal(recorded.name.length, 100)
  t.equal(recorded.message.length, 500)
  t.equal(recorded.code?.length, 100)
  t.equal(recorded.at, 7)
})

t.test('a secret across the limit of a recorded error is redacted before the text is cut', async t => {
  const recorded = recordedError(new Error(`${'x'.repeat(480)} https://u:${'p'.repeat(100)}@host/`), 0)
  t.notMatch(recorded.message, /ppp/)
})

t.test(
  'the record of an error that wraps another without a text of its own shows the wrapped one',
  async t => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    t.match(recordedError(new TypeError('fetch failed', { cause }), 0), {
      name: 'TypeError',
      message: 'fetch failed: connect ECONNREFUSED',
      code: 'ECONNREFUSED',
    })
  },
)

t.test('a cause that repeats a redacted message does not bring its credentials back', async t => {
  const description = 'gone: https://api.example.com/hooks/T0AB12cd34EF56'
  const { message } = recordedError(new ResponseError({}, { ok: false, description }), 0)
  t.equal(message, 'Refused: gone: https://api.example.com/hooks/[redacted]')
})

const TEXT = 'text too long'
const sayings: readonly (readonly [where: string, answer: unknown])[] = [
  ['error.message', { error: { message: TEXT, code: 400 } }],
  ['error.error_msg', { error: { error_code: 914, error_msg: TEXT } }],
  ['errors[0].message', { errors: [{ message: TEXT }] }],
  ['errors[0].detail', { errors: [{ title: 'Bad', detail: TEXT }] }],
  ['errors[0]', { errors: [TEXT] }],
  ['detail', { type: 'about:blank', title: 'Bad Request', status: 400, detail: TEXT }],
  ['title', { title: TEXT }],
  ['msg', { code: 11232, msg: TEXT }],
  ['errmsg', { errcode: 40058, errmsg: TEXT }],
  ['description', { ok: false, error_code: 400, description: TEXT }],
  ['error_description', { error: 'invalid_request', error_description: TEXT }],
  ['message', { statusCode: 400, error: 'Bad Request', message: TEXT }],
  ['error', { ok: false, error: TEXT }],
  ['status.description', { status: { groupName: 'REJECTED', description: TEXT } }],
  ['ErrorInfo', { ActionStatus: 'FAIL', ErrorInfo: TEXT, ErrorCode: 7 }],
  ['StatusMessage', { StatusCode: 19001, StatusMessage: TEXT }],
  ['Details', { Status: 'Error', Details: TEXT }],
  ['plain text', TEXT],
]

for (const [where, answer] of sayings) {
  t.test(
    `the record of an error has the platform's words in ${where}, wherever the client put the answer`,
    async t => {
      const failed = (properties: object) =>
        Object.assign(new Error('Request failed with status code 400'), properties)
      for (const error of [
        failed({ response: { status: 400, data: answer } }),
        failed({ response: { statusCode: 400, body: JSON.stringify(answer).replace(/^"|"$/g, '') } }),
        failed({ data: answer }),
        failed({ body: Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer)) }),
        failed({ rawError: answer }),
        new Error('not sent', { cause: failed({ response: { data: answer } }) }),
        new ResponseError({ status: 400, statusText: 'Bad Request' }, answer),
        ...(typeof answer === 'object' ? [answer] : []),
      ]) {
        t.match(recordedError(error, 0).message, /text too long/)
      }
    },
  )
}

t.test('the record of an error contains no HTML page', async t => {
  const error = Object.assign(new Error('HTTP 502'), { body: '<html><title>502 Bad Gateway</title>' })
  t.equal(recordedError(error, 0).message, 'HTTP 502')
})

t.test('anything that can be thrown can be recorded', async t => {
  const hostile = new Proxy(
    {},
    {
      get: () => {
        throw new Error('trap')
      },
    },
  )
  for (const value of [
    undefined,
    null,
    0,
    '',
    'text',
    Symbol('s'),
    10n,
    {},
    [],
    () => 1,
    hostile,
    revoked(),
    Object.create(null),
  ]) {
    const { name, message } = recordedError(value, 0)
    t.type(name, 'string')
    t.type(message, 'string')
  }
  t.match(recordedError('plain text', 0), { name: 'string', message: 'plain text' })
})
