import t from 'tap'
import { nearest } from '../../../lib/queue/validation/validators.js'

t.test('the known name nearest to a mistyped one is found', async t => {
  const known = ['ttlMs', 'concurrency', 'sendTimeoutMs', 'retry']
  t.equal(nearest('ttl', known), 'ttlMs')
  t.equal(nearest('ttlms', known), 'ttlMs')
  t.equal(nearest('concurency', known), 'concurrency')
  t.equal(nearest('sendTimeout', known), 'sendTimeoutMs')
  t.equal(nearest('retries', known), undefined)
  t.equal(nearest('x', known), undefined)
  t.equal(nearest('', known), undefined)
})

t.test('the search for the nearest name ignores a name of a million characters', async t => {
  t.equal(nearest('x'.repeat(1_000_000), ['ttlMs']), undefined)
})
