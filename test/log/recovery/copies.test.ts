import { randomUUID } from 'node:crypto'
import t from 'tap'
import { SendError } from '../../../lib/delivery/errors/send-error.js'
import { asWaqError, WaqError } from '../../../lib/log/errors/waq-error.js'

/** A module loaded once more, as by a bundle that holds a copy of it. */
const copyOf = <T>(path: string): Promise<T> =>
  import(new URL(`${path}?${randomUUID()}`, import.meta.url).href) as Promise<T>

t.test('an error of one copy of the package is recognised by instanceof in another', async t => {
  const errors = await copyOf<typeof import('../../../lib/log/errors/waq-error.js')>(
    '../../../lib/log/errors/waq-error.js',
  )
  const { SendError: OtherSendError } = await copyOf<
    typeof import('../../../lib/delivery/errors/send-error.js')
  >('../../../lib/delivery/errors/send-error.js')
  t.not(errors.WaqError, WaqError, 'they are two classes')
  const theirs = new errors.WaqError('WAQ_CLOSED', 'closed')
  t.ok(theirs instanceof WaqError)
  t.ok(new WaqError('WAQ_CLOSED', 'closed') instanceof errors.WaqError)
  t.equal(asWaqError(theirs, 'it failed'), theirs, 'and passes through what makes errors of this kind')
  t.ok(new OtherSendError('later', { kind: 'retry' }) instanceof SendError)
  t.notOk(theirs instanceof SendError)
})

t.test('instanceof accepts only errors of the package and its copies', async t => {
  class Refused extends WaqError {}
  const refused = new Refused('WAQ_FULL', 'full')
  t.ok(refused instanceof Refused)
  t.ok(refused instanceof WaqError)
  t.notOk(new WaqError('WAQ_FULL', 'full') instanceof Refused, 'a class that extends it is its own')
  for (const value of [new Error('other'), { code: 'WAQ_FULL' }, 'WAQ_FULL', null, undefined, WaqError])
    t.notOk((value as unknown) instanceof WaqError)
})
