import t from 'tap'
import { uuidv7 } from '../../../lib/queue/validation/uuidv7.js'

const FORM = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const timestampOf = (id: string) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)

t.test('a generated id has the form of a UUIDv7 and contains its time', async t => {
  const nowMs = Date.now() + 1_000
  const id = uuidv7(nowMs)
  t.match(id, FORM)
  t.equal(timestampOf(id), nowMs)
})

t.test('generated ids rise strictly, also within a millisecond and beyond its counter', async t => {
  const nowMs = Date.now() + 10_000
  const ids = Array.from({ length: 20_000 }, () => uuidv7(nowMs))
  t.same(ids, ids.toSorted())
  t.equal(new Set(ids).size, ids.length)
  t.ok(ids.every(id => FORM.test(id)))
})

t.test('generated ids rise also when the clock goes back', async t => {
  const later = uuidv7(Date.now() + 100_000)
  const earlier = uuidv7(1)
  t.ok(earlier > later)
  t.match(earlier, FORM)
})

t.test('generated ids of one millisecond have different random parts', async t => {
  const nowMs = Date.now() + 200_000
  const tails = Array.from({ length: 5_000 }, () => uuidv7(nowMs).slice(19))
  t.equal(new Set(tails).size, tails.length)
})
