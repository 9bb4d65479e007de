import t from 'tap'
import { deliveredIn, mergeOldest } from '../../../lib/delivery/attempt/delivered-counts.js'

t.test('deliveries are told by channel and by prefix', async t => {
  const counts = new Map([
    ['tg:bot:1', 3],
    ['tg:bot:2', 4],
    ['tg:other:1', 5],
    ['mail', 6],
  ])
  for (const [selector, expected] of [
    ['tg:bot:1', 3],
    ['tg:bot:*', 7],
    ['tg:*', 12],
    ['*', 18],
    ['tg:bot', 0],
  ] as const)
    t.equal(deliveredIn(counts, selector), expected, selector)
})

t.test(
  'the channels counted first are put together, and prefixes that end at a colon stay exact',
  async t => {
    const counts = new Map<string, number>()
    for (let n = 0; n < 9; n++) counts.set(`tg:bot:${n}`, 1)
    mergeOldest(counts, 8)
    t.ok(counts.size <= 4, `${counts.size} names`)
    t.equal(deliveredIn(counts, 'tg:bot:*'), 9)
    t.equal(deliveredIn(counts, 'tg:*'), 9)
    t.equal(deliveredIn(counts, 'tg:bot:0'), 0, 'the first one is not told by name')
    t.equal(deliveredIn(counts, 'tg:bot:8'), 1, 'the last one is')
  },
)

t.test('counts stay bounded, whatever the names, and none is lost', async t => {
  const counts = new Map<string, number>()
  const names = ['', ':', '::', '*', ':*', 'a*', 'a:', 'x', 'x:y', 'x:y:z']
  for (let n = 0; n < 500; n++) {
    const name = `${n % 3 === 0 ? n : ''}${names[n % names.length]}${n % 7 === 0 ? `:${n}` : ''}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
    if (counts.size > 16) mergeOldest(counts, 16)
    t.ok(counts.size <= 16, { diagnostic: false })
    if (deliveredIn(counts, '*') !== n + 1) t.fail(`${name} was lost`)
  }
})
