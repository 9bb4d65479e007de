import fc from 'fast-check'
import t from 'tap'
import { classifyError } from '../../../lib/delivery/classify/classify-error.js'
import { isOutage } from '../../../lib/delivery/classify/outage.js'
import { isVerdict } from '../../../lib/delivery/errors/verdict-shape.js'

/** Names that are looked for, and what may stand under them. */
const names = fc.constantFrom(
  ...[
    'status',
    'statusCode',
    'code',
    'error_code',
    'errorCode',
    'error',
    'errors',
    'response',
    'data',
    'body',
  ],
  ...['headers', 'message', 'name', 'cause', 'details', 'retry_after', 'retryDelay', 'parameters', 'output'],
  ...[
    'fbtrace_id',
    'reason',
    'domain',
    'errcode',
    'errmsg',
    'ok',
    'msg',
    'description',
    'is_transient',
    'metadata',
  ],
  ...[
    'retry-after',
    'x-ratelimit-reset',
    'x-ratelimit-remaining',
    'date',
    'syscall',
    'responseCode',
    'command',
  ],
)
const values = fc.oneof(
  fc.integer({ min: -2, max: 600 }),
  fc.constantFrom(190, 130429, 50027, 1e9, 1.7e9, 1.7e12, Number.NaN, Number.POSITIVE_INFINITY, -1),
  fc.constantFrom(
    '429',
    'ECONNREFUSED',
    'connect',
    '{"status":400}',
    '[{}]',
    'SendError',
    'AccessDenied',
    '0',
    'soon',
  ),
  fc.constantFrom('constructor', '__proto__', 'Wed, 21 Oct 2015 07:28:00 GMT', 'x is not configured', '3.5s'),
  fc.constantFrom(null, undefined, true, false, 7n, Symbol('s'), () => 1),
)
const { thrown } = fc.letrec<{ thrown: unknown }>(tie => ({
  thrown: fc.oneof(
    { depthSize: 'large' },
    values,
    fc.dictionary(names, tie('thrown'), { maxKeys: 6 }),
    fc.array(tie('thrown'), { maxLength: 3 }),
    fc
      .tuple(fc.string(), fc.dictionary(names, tie('thrown'), { maxKeys: 4 }))
      .map(([message, properties]) => Object.assign(new Error(message), properties)),
  ),
}))

t.test('anything thrown has a verdict, the same each time, and a valid wait', async t => {
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(thrown, fc.boolean(), (error, mayHaveBeenSent) => {
        const verdict = classifyError(error, { mayHaveBeenSent })
        if (!isVerdict(verdict)) throw new Error(JSON.stringify(verdict))
        if ('afterMs' in verdict && !(verdict.afterMs! > 0 && verdict.afterMs! < Number.POSITIVE_INFINITY))
          throw new Error(JSON.stringify(verdict))
        // Where a wait is until a moment, the clock goes on between the two.
        if (classifyError(error, { mayHaveBeenSent }).kind !== verdict.kind) throw new Error('not the same')
        if (!mayHaveBeenSent && verdict.kind === 'delivered')
          throw new Error('delivered, and was in no doubt')
        const isAnswer = ['permanent', 'rate-limited', 'halt', 'delivered'].includes(verdict.kind)
        if (isOutage(error) && isAnswer) throw new Error('an answer shows that the receiver is up')
      }),
      { numRuns: 1_000 },
    ),
  )
})
