import t from 'tap'
import { killMoments, planKills } from '../../../lib/cli/demo/kill-plan.js'
import { Random } from '../../../lib/cli/demo/random.js'

t.test('a plan of ten kills hits every moment, in an order set by the seed', async t => {
  const plan = planKills(10, new Random(1))
  t.equal(plan.length, 10)
  for (const moment of killMoments) t.ok(plan.includes(moment), moment)
  t.same(planKills(10, new Random(1)), plan)
  t.notSame(planKills(10, new Random(2)), plan)
})

t.test('a plan may have any number of kills', async t => {
  t.same(planKills(0, new Random(1)), [])
  t.equal(planKills(3, new Random(1)).length, 3)
  t.equal(planKills(47, new Random(1)).length, 47)
})
