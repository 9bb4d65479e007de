import fc from 'fast-check'
import t from 'tap'
import { Window } from '../../../lib/delivery/limits/window.js'
import { Backlog, type ChannelLine, keyBehind } from '../../../lib/delivery/schedule/backlog.js'
import { highestPriority } from '../../../lib/delivery/schedule/priorities.js'
import { Heap } from '../../../lib/delivery/tables/heap.js'
import { MessageColumns } from '../../../lib/delivery/tables/message-columns.js'
import type { MessageRef, MessageStore } from '../../../lib/store/message-store.js'

/** Some have one of their own, negative ones too; 1 is that of the channel. */
const priorityOf = (key: number): number | undefined => (key % 3 === 0 ? undefined : (key % 16) - 8)

t.test('a heap yields its items in order after any removing and moving', async () => {
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

t.test(
  'a backlog keeps its messages in the order of their keys, and knows their highest priority, after any inserting and removing',
  async () => {
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
          prioritized: { count: 1 },
          priority: (ref: MessageRef) => priorityOf(keys[ref]!),
          sequence: (ref: MessageRef) => ref,
        } as unknown as MessageStore
        const backlog = new Backlog(store, new MessageColumns())
        const line: ChannelLine = { head: 0, tail: 0, waiting: 0, prioritized: 0 }
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
          const priorities = model.map(ref => priorityOf(keys[ref]!) ?? 1)
          if (model.length > 0 && highestPriority(line, 1) !== Math.max(...priorities)) return false
          if (backlog.lastKey(line) !== (model.length === 0 ? undefined : keys[model.at(-1)!])) return false
        }
        return true
      }),
    )
  },
)

t.test('message columns hold the values that were set, across pages, and 0 elsewhere', async t => {
  const { next, place } = new MessageColumns()
  const refs = [0, 1, 16_383, 16_384, 1_000_000] as MessageRef[]
  for (const ref of refs) next.set(ref, ref + 7)
  for (const ref of refs) t.equal(next.get(ref), ref + 7)
  t.equal(next.get(2 as MessageRef), 0)
  t.equal(next.get(5_000_000 as MessageRef), 0)
  t.equal(place.get(1_000_000 as MessageRef), 0)
})

t.test(
  'an order key behind another lies above it and below the next sequence while there is room',
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

/** One attempt: after so long the next begins, if it may, and it ends so long after it began. */
const attempts = fc.array(fc.record({ afterMs: fc.nat(2_000), tookMs: fc.nat(3_000) }), { maxLength: 150 })

interface Made {
  begun: number
  ended: number
}

/** Makes as many of these attempts as the window allows, each as early as it does. */
function make(window: Window, all: readonly { afterMs: number; tookMs: number }[], from = 0): Made[] {
  const made: Made[] = []
  let now = from
  const endUntil = (until: number) => {
    for (const { ended } of made.toSorted((one, other) => one.ended - other.ended)) {
      if (ended > now && ended <= until) window.end(ended)
    }
    now = until
  }
  for (const { afterMs, tookMs } of all) {
    endUntil(now + afterMs)
    for (let opensAt = window.opensAt(now); opensAt > now; opensAt = window.opensAt(now)) {
      const next = Math.min(opensAt, ...made.map(({ ended }) => ended).filter(ended => ended > now))
      endUntil(next)
    }
    window.take(now)
    made.push({ begun: now, ended: now + Math.max(tookMs, 1) })
  }
  return made
}

/** Of what a platform may see, whenever between begin and end it sees each: the shortest span of one more than `count`. */
function shortest(made: readonly Made[], count: number): number {
  const begun = made.map(({ begun }) => begun).sort((one, other) => one - other)
  const ended = made.map(({ ended }) => ended).sort((one, other) => one - other)
  return Math.min(Infinity, ...begun.slice(count).map((at, i) => at - ended[i]!))
}

t.test(
  'a rate window lets a platform count at most count attempts in any perMs, whenever it sees them',
  async () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.constantFrom(1, 50, 1_000, 60_000, 61_000, 3_600_000),
        attempts,
        (count, perMs, all) => shortest(make(new Window({ count, perMs }), all), count) >= perMs,
      ),
    )
  },
)

t.test(
  'a rate window that another life goes on with lets a platform count at most count attempts in any perMs',
  async () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 }),
        fc.constantFrom(50, 1_000, 60_000, 61_000, 3_600_000),
        attempts,
        attempts,
        (count, perMs, before, after) => {
          const rate = { count, perMs }
          const one = new Window(rate)
          const made = make(one, before)
          const openedAt = Math.max(0, ...made.map(({ begun }) => begun))
          const under = made.filter(({ ended }) => ended > openedAt)
          const other = new Window(rate)
          other.restore([...one.ends(openedAt), openedAt, under.length], openedAt)
          const known = made.map(({ begun, ended }) => ({ begun, ended: Math.min(ended, openedAt) }))
          return shortest([...known, ...make(other, after, openedAt)], count) >= perMs
        },
      ),
    )
  },
)

t.test('a rate window is as full as it may be, to a sixtieth if it is long', async t => {
  for (const perMs of [1_000, 86_400_000]) {
    const window = new Window({ count: 100_000, perMs })
    let now = 0
    let made = 0
    for (; now < 3 * perMs; now += perMs / 200) {
      for (; window.opensAt(now) <= now; made += 1) {
        window.take(now)
        window.end(now)
      }
    }
    t.ok(made >= 290_000 && made <= 300_000, `${made}`)
    t.ok(window.ends(now).length <= 2 * 62)
  }
})

t.test('a rate window with a burst begins that many in a row and the rest at intervals', async t => {
  const window = new Window({ count: 10, perMs: 1_000, burst: 3 })
  const begun = make(
    window,
    Array.from({ length: 20 }, () => ({ afterMs: 0, tookMs: 1 })),
  ).map(({ begun }) => begun)
  t.same(begun.slice(0, 6), [0, 0, 0, 100, 200, 300])
  for (const [i, from] of begun.entries()) {
    const inside = begun.filter(at => at >= from && at < from + 500).length
    t.ok(inside <= 3 + 5, `${inside} from ${i}`)
  }
  window.take(5_000)
  window.giveBack()
  t.ok(window.opensAt(5_000) <= 5_000)
})
