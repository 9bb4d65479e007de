import t from 'tap'
import { pull } from '../../../lib/log/reader/pull.js'

t.test(
  'each turn of a pull hands over the items pushed since the last one, and waits until they are taken',
  async t => {
    const order: string[] = []
    const batches = pull<number>(async (push, turn) => {
      push(1)
      push(2)
      await turn()
      order.push('second part')
      await turn()
      push(3)
    })
    for await (const batch of batches) {
      order.push(batch.join())
      await new Promise(resolve => setImmediate(resolve))
    }
    t.same(order, ['1,2', 'second part', '3'])
  },
)

t.test('a consumer that ends a pull early stops the work at its next turn', async t => {
  let last = 0
  let ended = false
  const batches = pull<number>(async (push, turn) => {
    try {
      for (last = 1; last < 1000; last += 1) {
        push(last)
        await turn()
      }
    } finally {
      ended = true
    }
  })
  for await (const batch of batches) if (batch[0] === 3) break
  t.equal(last, 3)
  t.ok(ended)
})

t.test('a failure of a pull comes after the batches handed over before it', async t => {
  const failure = new Error('the disk is gone')
  const seen: number[] = []
  await t.rejects(async () => {
    const batches = pull<number>(async (push, turn) => {
      push(1)
      await turn()
      push(2)
      throw failure
    })
    for await (const batch of batches) seen.push(...batch)
  }, failure)
  t.same(seen, [1])
})
