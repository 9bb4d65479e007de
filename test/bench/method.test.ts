import t from 'tap'
import { drive } from '../../bench/method/drive.js'
import { Latencies } from '../../bench/method/latencies.js'
import { median, spreadOf } from '../../bench/method/statistics.js'

t.test('the median of an even number of rounds lies between the middle two', async t => {
  t.equal(median([4, 1, 3, 2]), 2.5)
  t.equal(median([3, 1, 2]), 2)
  t.ok(Number.isNaN(median([])))
})

t.test('rounds without a figure do not count', async t => {
  t.same(spreadOf([2, Number.NaN, 8, 5]), { median: 5, least: 2, most: 8 })
})

t.test('percentiles are those of the histogram, in microseconds', async t => {
  const latencies = new Latencies()
  for (let ms = 1; ms <= 100; ms += 1) latencies.add(0, ms)
  const { p50Us, p99Us, maxUs } = latencies.percentiles()
  t.equal(latencies.count, 100)
  // Three significant digits.
  t.ok(Math.abs(p50Us - 50_000) < 100, String(p50Us))
  t.ok(Math.abs(p99Us - 99_000) < 200, String(p99Us))
  t.ok(Math.abs(maxUs - 100_000) < 200, String(maxUs))
})

t.test('so many callers are served at once, each comes back, and every message counts once', async t => {
  let under = 0
  let most = 0
  const seen: number[] = []
  const driven = await drive(
    async nth => {
      seen.push(nth)
      under += 1
      most = Math.max(most, under)
      await new Promise(resolve => setImmediate(resolve))
      under -= 1
    },
    { callers: 7, budgetMs: 60_000, maxMessages: 100 },
  )
  t.equal(most, 7)
  t.equal(driven.messages, 100)
  t.same(
    seen,
    Array.from({ length: 100 }, (_, nth) => nth),
  )
})

t.test('a caller that waits while another holds the event loop counts that as its own wait', async t => {
  const hold = (): void => {
    const until = performance.now() + 5
    while (performance.now() < until);
  }
  const driven = await drive(hold, { callers: 4, budgetMs: 60_000, maxMessages: 40 })
  // Each message takes 5 ms by itself; with four callers in turn, whoever waits has waited for the others too.
  t.ok(driven.p50Us >= 15_000, `${driven.p50Us} µs`)
})

t.test('what fails makes the run fail', async t => {
  const work = (): Promise<never> => Promise.reject(new Error('the disk is gone'))
  await t.rejects(drive(work, { callers: 2, budgetMs: 1_000, maxMessages: 10 }), {
    message: 'the disk is gone',
  })
})

t.test('with no time at all, still one message is measured', async t => {
  const { messages } = await drive(() => {}, { callers: 3, budgetMs: 0, maxMessages: 10 })
  t.equal(messages, 1)
})
