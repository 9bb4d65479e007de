import fc from 'fast-check'
import t from 'tap'
import { DeadOrder } from '../../../lib/delivery/schedule/dead-order.js'

t.test('dead letters are kept in the order of their deaths, whichever leave or die again', async () => {
  const step = fc.record({
    sequence: fc.nat({ max: 30 }),
    dies: fc.boolean(),
    times: fc.constantFrom(1, 1, 1_200),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: 'max' }), steps => {
      const order = new DeadOrder()
      const model = new Set<number>()
      for (const { sequence, dies, times } of steps) {
        // Many times, so that what is empty is closed up.
        for (let time = 0; time < times; time += 1) {
          for (const each of times > 1 ? [dies, !dies] : [dies]) {
            if (each) order.add(sequence)
            else order.delete(sequence)
            if (each) model.add(sequence)
            else model.delete(sequence)
          }
        }
        if (order.size !== model.size || order.first !== [...model][0]) return false
        if (JSON.stringify([...order]) !== JSON.stringify([...model])) return false
      }
      return true
    }),
  )
})

t.test('a look at the first dead letter costs the same however many left before', async t => {
  let looks = 0
  const { get } = Map.prototype
  Map.prototype.get = function (key) {
    looks += 1
    return get.call(this, key)
  }
  try {
    const order = new DeadOrder()
    for (let sequence = 0; sequence < 20_000; sequence += 1) order.add(sequence)
    let isFirst = true
    for (let sequence = 0; sequence < 20_000; sequence += 1) {
      isFirst &&= order.first === sequence
      order.delete(sequence)
    }
    t.ok(isFirst)
    t.equal(order.first, undefined)
  } finally {
    Map.prototype.get = get
  }
  t.ok(looks < 100_000, `${looks} looks`)
})
