import t from 'tap'
import { idempotencyKey } from '../../lib/index.js'

t.test('the idempotency key of an id is the same in every process and version', async t => {
  t.equal(idempotencyKey('order-1'), 'C6_iIVbSaYwUO4YEBEbTZurYY7pgDVySTz0Vx4bvQFc')
  t.equal(idempotencyKey('order-1', 25), idempotencyKey('order-1').slice(0, 25))
})

t.test('an idempotency key has the asked length and consists of safe characters', async t => {
  for (const id of ['a', 'ä€😀', 'x'.repeat(256), '01890a5d-ac96-774b-bcce-b302099a8057']) {
    t.match(idempotencyKey(id, 25), /^[\w-]{25}$/)
    t.match(idempotencyKey(id, 1000), /^[\w-]{43}$/)
  }
})

t.test('ids that begin or end alike have different idempotency keys', async t => {
  const ids = Array.from({ length: 20_000 }, (_, index) => `telegram:bot:${index}:part`)
  t.equal(new Set(ids.map(id => idempotencyKey(id, 12))).size, ids.length)
})

t.test('idempotencyKey refuses an empty id, and a length too short to tell messages apart', async t => {
  t.throws(() => idempotencyKey(''), TypeError)
  t.throws(() => idempotencyKey(undefined as unknown as string), TypeError)
  for (const length of [0, 11, 25.5, Number.NaN, -1]) t.throws(() => idempotencyKey('a', length), RangeError)
})
