import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { AgedMap } from '../../lib/store/aged-map.js'

function filled(...keys: string[]): AgedMap<string, number> {
  const map = new AgedMap<string, number>()
  for (const [at, key] of keys.entries()) map.set(key, at)
  return map
}

t.test('the oldest key is the one that was set longest ago', async t => {
  const map = filled('a', 'b', 'c')
  t.equal(map.oldest(), 'a')
  t.equal(map.oldest(), 'a', 'looking does not move it')
})

t.test('an empty map has no oldest key, and gets one again', async t => {
  const map = filled('a')
  t.equal(map.oldest(), 'a')
  map.delete('a')
  t.equal(map.oldest(), undefined)
  map.set('b', 1)
  t.equal(map.oldest(), 'b')
})

t.test('a map that ran empty while somebody looked still knows its next oldest', async t => {
  const map = new AgedMap<string, number>()
  t.equal(map.oldest(), undefined)
  map.set('a', 1)
  t.equal(map.oldest(), 'a')
  map.delete('a')
  map.set('b', 2)
  map.set('c', 3)
  map.delete('b')
  t.equal(map.oldest(), 'c')
})

t.test('a key that is deleted is not the oldest any more, wherever it stood', async t => {
  const map = filled('a', 'b', 'c', 'd')
  map.delete('b')
  t.equal(map.oldest(), 'a')
  map.delete('a')
  t.equal(map.oldest(), 'c')
})

t.test('a key that is set again is the newest', async t => {
  const map = filled('a', 'b')
  t.equal(map.oldest(), 'a')
  map.set('a', 7)
  t.equal(map.oldest(), 'b')
  t.equal(map.get('a'), 7)
  t.equal(map.size, 2)
  map.delete('b')
  t.equal(map.oldest(), 'a')
})

t.test('keys leave in the order in which they came, however many there were before', async t => {
  const map = new AgedMap<number, number>()
  const left: number[] = []
  for (let key = 0; key < 10_000; key += 1) {
    map.set(key, key)
    if (map.size <= 100) continue
    left.push(map.oldest()!)
    map.delete(left.at(-1)!)
  }
  t.same(
    left,
    Array.from({ length: 9_900 }, (_, key) => key),
  )
  t.equal(map.size, 100)
})

t.test('what was deleted is let go, whether or not anybody ever asks for the oldest', async t => {
  setFlagsFromString('--expose-gc')
  const collectGarbage: () => void = runInNewContext('gc')
  for (const asked of ['never', 'at first', 'while one entry stays for good'] as const) {
    const map = new AgedMap<number, object>()
    if (asked === 'while one entry stays for good') map.set(1e9, {})
    if (asked !== 'never') map.oldest()
    const values: WeakRef<object>[] = []
    for (let key = 0; key < 20_000; key += 1) {
      const value = { key }
      values.push(new WeakRef(value))
      map.set(key, value)
      // Some stay for a while: those are what a table that is replaced holds.
      map.delete(key - 200)
    }
    // What a WeakRef was made for stays until the end of the turn.
    await nextTurn()
    collectGarbage()
    const kept = values.filter(value => value.deref() !== undefined).length
    t.ok(kept < 4_000, `${asked}: ${kept} are kept`)
    if (asked === 'while one entry stays for good') t.equal(map.oldest(), 1e9)
  }
})
