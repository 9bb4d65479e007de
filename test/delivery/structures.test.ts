import fc from 'fast-check'
import t from 'tap'
import { Backlog, keyBehind, type Line } from '../../lib/delivery/backlog.js'
import { MessageColumns } from '../../lib/delivery/columns.js'
import { Heap } from '../../lib/delivery/heap.js'
import { TokenBuckets } from '../../lib/delivery/token-bucket.js'
import type { MessageRef, MessageStore } from '../../lib/store/message-store.js'

t.test('a heap gives back what is in it in order, whatever was removed or moved meanwhile', async () => {
  const operation = fc.record({
    kind: fc.constantFrom('push', 'pop', 'remove', 'move'),
    key: fc.nat(50),
    which: fc.nat(),
  })
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200, size: 'max' }), operations => {
      const positions = new Map<{ key: number }, number>()
      const heap = new Heap<{ key: number }>((a, b) => a.key < b.key, {
        get: item => positions.get(item)!,
        set: (item, position) => positions.set(item, position),
      })
      const model: { key: number }[] = []
      for (const { kind, key, which } of operations) {
        const item = model[which % Math.max(model.length, 1)]
        if (kind === 'push') {
          const fresh = { key }
          model.push(fresh)
          heap.push(fresh)
        } else if (item !== undefined && kind === 'move') {
          item.key = key
          heap.moved(item)
        } else if (item !== undefined) {
          const gone = kind === 'remove' ? item : heap.peek()!
          model.splice(model.indexOf(gone), 1)
          heap.remove(gone)
        }
        if (heap.peek()?.key !== (model.length === 0 ? undefined : Math.min(...model.map(m => m.key))))
          return false
      }
      return heap.size === model.length
    }),
  )
})

t.test('a backlog keeps messages in the order of their keys, whatever comes and goes', async () => {
  const operation = fc.record({
    kind: fc.constantFrom('insert', 'first', 'any'),
    key: fc.nat(1000),
    which: fc.nat(),
  })
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200, size: 'max' }), operations => {
      const keys: number[] = []
      const store = {
        orderKey: (ref: MessageRef) => keys[ref]!,
        sequence: (ref: MessageRef) => ref,
      } as unknown as MessageStore
      const backlog = new Backlog(store, new MessageColumns())
      const line: Line = { head: 0, tail: 0 }
      const model: MessageRef[] = []
      for (const { kind, key, which } of operations) {
        if (kind === 'insert') {
          const ref = (keys.push(key) - 1) as MessageRef
          model.push(ref)
          model.sort((a, b) => keys[a]! - keys[b]! || a - b)
          backlog.insert(line, ref)
        } else if (model.length > 0) {
          const ref = model[kind === 'first' ? 0 : which % model.length]!
          model.splice(model.indexOf(ref), 1)
          backlog.remove(line, ref)
        }
        if (backlog.first(line) !== model[0]) return false
        if (backlog.lastKey(line) !== (model.length === 0 ? undefined : keys[model.at(-1)!])) return false
      }
      return backlog.isEmpty(line) === (model.length === 0)
    }),
  )
})

t.test('columns hold what was set, across pages, and 0 elsewhere', async t => {
  const { next, place } = new MessageColumns()
  const refs = [0, 1, 16_383, 16_384, 1_000_000] as MessageRef[]
  for (const ref of refs) next.set(ref, ref + 7)
  for (const ref of refs) t.equal(next.get(ref), ref + 7)
  t.equal(next.get(2 as MessageRef), 0)
  t.equal(next.get(5_000_000 as MessageRef), 0)
  t.equal(place.get(1_000_000 as MessageRef), 0)
})

t.test(
  'a key behind another lies above it and below the next sequence, as long as there is room',
  async t => {
    for (const sequence of [1, 4_000_000_000, 2 ** 40]) {
      let key = sequence
      let steps = 0
      for (let next = keyBehind(key); next > key && steps < 5_000; next = keyBehind(key)) {
        key = next
        steps++
      }
      t.ok(key < sequence + 1)
      t.ok(steps >= 1_000)
    }
    const last = 2 ** 40 + 1 - 2 ** -10
    t.equal(keyBehind(last), last)
  },
)

t.test('no window of a token bucket holds more than a full bucket and what flowed in', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 60_000 }),
      fc.array(fc.nat(5_000), { maxLength: 100 }),
      (count, perMs, steps) => {
        const buckets = TokenBuckets.of({ count, perMs })!
        const taken: number[] = []
        let now = 0
        for (const step of steps) {
          now += step
          if (buckets.opensAt > now) continue
          buckets.take(now)
          taken.push(now)
        }
        return taken.every((from, i) =>
          taken.slice(i).every((to, n) => n + 1 <= count + ((to - from) * count) / perMs + 1e-6),
        )
      },
    ),
  )
})

t.test('a bucket starts full, and a token given back is there again', async t => {
  const buckets = TokenBuckets.of([{ count: 2, perMs: 1_000 }])!
  buckets.take(0)
  buckets.take(0)
  t.equal(buckets.opensAt, 500)
  t.equal(buckets.fullAt, 1_000)
  buckets.giveBack()
  t.ok(buckets.opensAt <= 0)
  t.equal(TokenBuckets.of([]), undefined)
  t.equal(TokenBuckets.of(undefined), undefined)
})
