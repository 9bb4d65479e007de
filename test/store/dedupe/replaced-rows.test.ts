/** Which of the remembered ids belong to replaced messages. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { ReplacedRows } from '../../../lib/store/dedupe/replaced-rows.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}

t.test('the oldest rows are taken first, whatever was deleted and added between', async t => {
  const rows = new ReplacedRows()
  for (let row = 0; row < 5_000; row++) rows.add(row)
  t.equal(rows.takeOldest(), 0)
  for (let row = 1; row < 3_000; row++) rows.delete(row)
  rows.add(1)
  t.equal(rows.takeOldest(), 3_000)
  for (let row = 3_001; row < 5_000; row++) rows.delete(row)
  t.equal(rows.takeOldest(), 1)
  t.equal(rows.count, 0)
})

t.test('rows that expire one by one, and none is taken, leave nothing behind', async t => {
  const rows = new ReplacedRows()
  const turnOver = (from: number, to: number): void => {
    for (let row = from; row < to; row++) {
      rows.add(row)
      if (row >= 10_000) rows.delete(row - 10_000)
    }
  }
  turnOver(0, 100_000)
  const before = heapBytes()
  turnOver(100_000, 1_100_000)
  const grown = heapBytes() - before
  t.ok(grown < 8_000_000, `${grown} bytes more after a million rows`)
})
