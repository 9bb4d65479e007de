import t from 'tap'
import { nextTurn } from '../../../lib/log/runtime/real-time.js'
import { DeferredUpdates } from '../../../lib/store/index/deferred-updates.js'

t.test('deferred updates are applied in order, after all waiting callers, within the turn', async t => {
  const deferred = new DeferredUpdates()
  const events: string[] = []
  setImmediate(() => events.push('turn'))
  const waits = async (depth: number): Promise<void> => {
    if (depth > 0) await waits(depth - 1)
    await null
  }
  process.nextTick(() => {
    deferred.add({ apply: () => events.push('first') })
    deferred.add({ apply: () => events.push('second') })
    void waits(10).then(() => events.push('heard'))
  })
  await nextTurn()
  t.same(events, ['heard', 'first', 'second', 'turn'])
})

t.test('a look-up applies the deferred updates, once', async t => {
  const deferred = new DeferredUpdates()
  const events: number[] = []
  deferred.add({
    apply: () => {
      events.push(1)
      // As a look-up within an update does.
      deferred.apply()
    },
  })
  deferred.add({ apply: () => events.push(2) })
  deferred.apply()
  t.same(events, [1, 2])
  await nextTurn()
  t.same(events, [1, 2])
})

t.test('a deferred update that fails is reported and stops no other', async t => {
  const deferred = new DeferredUpdates()
  const failure = new Error('a defect')
  const seen: unknown[] = []
  deferred.onError = error => seen.push(error)
  deferred.add({
    apply() {
      throw failure
    },
  })
  deferred.add({ apply: () => seen.push('applied') })
  deferred.apply()
  t.same(seen, [failure, 'applied'])
})

t.test('a lagging update waits for a look-up and comes behind due ones', async t => {
  const deferred = new DeferredUpdates()
  const events: string[] = []
  deferred.lag({ apply: () => events.push('lagged') })
  deferred.add({ apply: () => events.push('due') })
  await nextTurn()
  t.same(events, ['due'])
  deferred.lag({ apply: () => events.push('lagged, too') })
  deferred.add({ apply: () => events.push('due, too') })
  deferred.apply()
  t.same(events, ['due', 'due, too', 'lagged', 'lagged, too'])
  deferred.apply()
  t.equal(events.length, 4, 'once')
})

t.test('at most 64 updates lag, and they are applied after all waiting callers', async t => {
  const deferred = new DeferredUpdates()
  let applied = 0
  for (let n = 1; n <= 63; n += 1) deferred.lag({ apply: () => applied++ })
  await nextTurn()
  t.equal(applied, 0)
  deferred.lag({ apply: () => applied++ })
  t.equal(applied, 0)
  await nextTurn()
  t.equal(applied, 64)
})
