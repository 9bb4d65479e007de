import { readFile } from 'node:fs/promises'
import t from 'tap'
import {
  CommandError,
  failureOf,
  interruptedError,
  loose,
  usageError,
} from '../../../lib/cli/common/exit-status.js'
import { WaqError, type WaqErrorCode } from '../../../lib/log/errors/waq-error.js'

t.test('every error of a queue has its exit status', async t => {
  const expected: Record<WaqErrorCode, number> = {
    WAQ_LOCKED: 3,
    WAQ_LOCK_LOST: 3,
    WAQ_CLOSED: 3,
    WAQ_FULL: 4,
    WAQ_DISK_FULL: 4,
    WAQ_IO: 4,
    WAQ_CORRUPT: 1,
    WAQ_TOO_LARGE: 2,
    WAQ_INVALID_MESSAGE: 2,
    WAQ_INVALID_OPTION: 2,
    WAQ_ID_CONFLICT: 2,
    WAQ_UNSUPPORTED_VERSION: 2,
    WAQ_NOT_A_QUEUE: 2,
    WAQ_FAKE_TIMERS: 2,
    WAQ_NOT_FOUND: 1,
  }
  for (const [code, status] of Object.entries(expected)) {
    const failure = failureOf(new WaqError(code as WaqErrorCode, 'what happened'))
    t.same(failure, { code, message: 'what happened', status })
  }
})

t.test('errors of the command line have their own exit status', async t => {
  t.match(failureOf(usageError('wrong')), { code: 'USAGE', status: 2, message: 'wrong' })
  t.match(failureOf(interruptedError()), { code: 'INTERRUPTED', status: 130 })
  t.match(failureOf(new CommandError('DEMO_FAILED', 70, 'broken')), { code: 'DEMO_FAILED', status: 70 })
})

t.test('a system error is reported as an I/O error with its code', async t => {
  const error = await readFile('/').catch((thrown: unknown) => thrown)
  t.match(failureOf(error), { code: 'EISDIR', status: 4 })
})

t.test('an unexpected error is reported as a bug with its stack', async t => {
  const failure = failureOf(new TypeError('x is not a function'))
  t.match(failure, {
    code: 'BUG',
    status: 70,
    message: /a bug in waq: TypeError: x is not a function\n {4}at /,
  })
  t.match(failureOf('thrown text'), { code: 'BUG', status: 70, message: /thrown text/ })
})

t.test('an interruption with an uncertain outcome says so', async t => {
  t.match(loose(new WaqError('WAQ_IO', 'gone', { indeterminate: true })), /is not known/)
  t.equal(loose(new WaqError('WAQ_IO', 'gone')), '')
  t.equal(loose(new Error('gone')), '')
})
