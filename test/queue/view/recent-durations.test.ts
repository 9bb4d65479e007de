import t from 'tap'
import { percentilesOf, RecentDurations } from '../../../lib/queue/view/recent-durations.js'

t.test('percentiles of durations are 0 before the first one', async t => {
  t.same(new RecentDurations().percentiles(), { p50: 0, p99: 0, max: 0 })
})

t.test('percentiles of durations are those of the nearest rank', async t => {
  t.same(percentilesOf([7]), { p50: 7, p99: 7, max: 7 })
  const values = Array.from({ length: 100 }, (_, index) => 100 - index)
  t.same(percentilesOf(values), { p50: 50, p99: 99, max: 100 })
})

t.test('percentiles of durations cover the latest ones only', async t => {
  const durations = new RecentDurations()
  durations.add(1_000_000)
  for (let count = 0; count < 1_024; count += 1) durations.add(2)
  t.same(durations.percentiles(), { p50: 2, p99: 2, max: 2 })
})
