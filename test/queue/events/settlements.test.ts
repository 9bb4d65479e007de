import t from 'tap'
import { Settlements, settledSettlement } from '../../../lib/queue/events/settlements.js'
import type { Settlement } from '../../../lib/queue/types.js'

const delivered = (id: string, result?: number): Settlement<number> => ({
  id,
  state: 'delivered',
  attempts: 1,
  at: 5,
  ...(result !== undefined && { result }),
})

t.test('every waiter of a message gets its settlement', async t => {
  const settlements = new Settlements<number>()
  const first = settlements.wait('a')
  const second = settlements.wait('a')
  const other = settlements.wait('b')
  settlements.settle(delivered('a', 7))
  t.same(await first.settled, delivered('a', 7))
  t.same(await second.settled, delivered('a', 7))
  settlements.settle(delivered('b'))
  t.same(await other.settled, delivered('b'))
})

t.test('a waiter that left gets no settlement', async t => {
  const settlements = new Settlements<number>()
  const left = settlements.wait('a')
  const stays = settlements.wait('a')
  left.leave()
  left.leave()
  let told = false
  left.settled.then(() => {
    told = true
  })
  settlements.settle(delivered('a'))
  await stays.settled
  await new Promise(resolve => setImmediate(resolve))
  t.equal(told, false)
})

t.test('the latest settlements are kept, and the oldest are dropped first', async t => {
  const settlements = new Settlements<number>()
  settlements.settle(delivered('first', 1))
  settlements.settle(delivered('second', 2))
  settlements.settle(delivered('first', 3))
  for (let index = 0; index < 999; index += 1) settlements.settle(delivered(`m${index}`))
  t.equal(settlements.recent('second'), undefined)
  t.same(settlements.recent('first'), delivered('first', 3))
})

t.test('a recent settlement is found again after earlier look-ups and a pause', async t => {
  const settlements = new Settlements<number>()
  for (const pause of [1, 400, 999, 1_000, 1_001, 2_500]) {
    settlements.recent('nobody')
    settlements.settle(delivered('again', pause))
    for (let index = 1; index < pause; index += 1) settlements.settle(delivered(`m${index}`, pause))
    t.same(settlements.recent('again'), pause > 1_000 ? undefined : delivered('again', pause), `${pause}`)
    const last = Math.max(pause - 1, 0)
    if (last > 0) t.same(settlements.recent(`m${last}`), delivered(`m${last}`, pause))
  }
})

t.test('a look-up of a settlement searches all of them only once in a thousand', async t => {
  const settlements = new Settlements<number>()
  let looks = 0
  let isRight = true
  for (let index = 0; index < 5_000; index += 1) {
    settlements.settle({
      ...delivered(''),
      get id() {
        looks += 1
        return `m${index}`
      },
    })
    isRight &&= settlements.recent(`m${index - 1_000}`) === undefined
    isRight &&= index < 999 || settlements.recent(`m${index - 999}`) !== undefined
  }
  t.ok(isRight, 'the last thousand are known')
  t.ok(looks < 50_000, `${looks} looks`)
})

t.test('a close rejects every waiter, present and later', async t => {
  const settlements = new Settlements<number>()
  const waiting = settlements.wait('a')
  settlements.close(new Error('closed'))
  settlements.close(new Error('closed again'))
  await t.rejects(waiting.settled, { message: 'closed' })
  await t.rejects(settlements.wait('b').settled, { message: 'closed' })
})

t.test('the settlement of a purged message is that of a dead one', async t => {
  const base = { id: 'a', channel: 'c', sequence: 1, attempts: 2, at: 9 }
  t.same(settledSettlement({ ...base, state: 'purged' }), { id: 'a', state: 'dead', attempts: 2, at: 9 })
  t.same(settledSettlement({ ...base, state: 'cancelled' }), {
    id: 'a',
    state: 'cancelled',
    attempts: 2,
    at: 9,
  })
})
